/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* exposition ──> [gzip] ──> HTTP: RFC 1952 compression straight into an output buffer of libevent. */
#ifndef TAPSTAT_GZIP_H
#define TAPSTAT_GZIP_H

#include <stddef.h>

struct evbuffer;

/* Appends `data` compressed. 0 or -ENOMEM; on failure `out` may hold a part. */
int gzip_append(struct evbuffer *out, const void *data, size_t n);

#endif
