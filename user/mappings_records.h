/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * perf events, /proc ──> [mappings]: one record, one line; no other step looks at them.
 */
#ifndef TAPSTAT_MAPPINGS_RECORDS_H
#define TAPSTAT_MAPPINGS_RECORDS_H

#include <linux/perf_event.h>
#include <stdbool.h>

#include "mappings.h"

/*
 * Tells what one record of a ring says (perf_event_open(2), MMAP layout); what is none that counts, or too short,
 * tells nothing. *lost is set if the kernel says that records were lost, else left alone.
 */
void mappings_tell(const struct mappings_events *events, const struct perf_event_header *header, bool *lost);

/*
 * One line of /proc/PID/maps (proc(5)), whose end it writes over. False, *out untouched: it is no executable mapping
 * of a file. out->path lies in the line.
 */
bool mapping_of_line(char *line, pid_t pid, struct mapping *out);

#endif
