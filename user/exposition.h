/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * snapshot, catalog ──> [exposition] ──> HTTP: one snapshot as Prometheus text 0.0.4 or OpenMetrics 1.0. A pure
 * function of its arguments.
 */
#ifndef TAPSTAT_EXPOSITION_H
#define TAPSTAT_EXPOSITION_H

#include "buffer.h"
#include "self_metrics.h"
#include "snapshot.h"

enum exposition_format { EXPOSITION_TEXT, EXPOSITION_OPENMETRICS, EXPOSITION_FORMAT_COUNT };

/* The value of Content-Type, by format. */
extern const char *const exposition_content_type[EXPOSITION_FORMAT_COUNT];

/*
 * Appends every family of the catalog and of function probes in alphabetical order, HELP and TYPE also of those
 * without a sample. Nanoseconds become seconds here and nowhere else. 0, or -ENOMEM with part of the text written.
 */
int exposition_write(struct buffer *out, const struct snapshot *snap, const struct self_metrics *self,
		     enum exposition_format format);

#endif
