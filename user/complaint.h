/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libbpf ──> [complaint] ──> attach: what libbpf and the kernel's verifier said about the last thing that went wrong.
 */
#ifndef TAPSTAT_COMPLAINT_H
#define TAPSTAT_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>

/* libbpf's warnings come here from now on and are printed nowhere. */
void complaint_listen(void);
void complaint_clear(void);

/* The program that could not be loaded, or an empty text. Valid until the next call of libbpf. */
const char *complaint_program(void);

/* Whether it was the verifier that refused a program. */
bool complaint_is_verifier(void);

/* "ERROR", "ERROR (WARNING)" or "ERROR (PROGRAM: the verifier's last words)"; `err` is a negative errno. */
void complaint_reason(int err, char *out, size_t size);

/* Text of a negative errno; knows the kernel's own ENOTSUPP, which libc doesn't. Static or libc's. */
const char *complaint_error(int err);

/* Takes one warning in. For tests; libbpf calls it. */
void complaint_take(const char *text);

#endif
