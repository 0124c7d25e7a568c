/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* [utf8], beside exposition and log: what is valid UTF-8 (RFC 3629 section 4). A pure function. */
#ifndef TAPSTAT_UTF8_H
#define TAPSTAT_UTF8_H

#include <stddef.h>

/* Bytes of the valid sequence that `text` (n bytes, n > 0) starts with; 0: it starts with none. */
size_t utf8_sequence(const char *text, size_t n);

#endif
