/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* attach ──> [report] ──> doctor: what attaching found out, as lines for people. */
#ifndef TAPSTAT_REPORT_H
#define TAPSTAT_REPORT_H

#include "attach.h"
#include "buffer.h"

/* Each way: chosen, works but not needed, or the reason why not. `hooks` is the option's value. */
void report_ways(struct buffer *out, const struct attach_report *report, const char *hooks);

/* The hooks beside the way. */
void report_hooks(struct buffer *out, const struct attach_report *report);

/* What the verifier took for each program. */
void report_verifier(struct buffer *out, const struct attach_report *report);

#endif
