/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP ──> [negotiate] ──> exposition: what a request's headers ask for (RFC 9110 section 12.5). Pure functions.
 */
#ifndef TAPSTAT_NEGOTIATE_H
#define TAPSTAT_NEGOTIATE_H

#include <stdbool.h>

#include "exposition.h"

/*
 * The format to answer in; `accept` is the header's value or NULL. OpenMetrics only if it is asked for by name and no
 * less than text; text for everything else, also for what tapstat does not have.
 */
enum exposition_format negotiate_format(const char *accept);

/* True if gzip may be used and the client does not want plain bytes more; `accept_encoding` may be NULL. */
bool negotiate_gzip(const char *accept_encoding);

#endif
