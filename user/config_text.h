/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* configuration file ──> [config_text] ──> config_yaml: a file in memory, and whether it is text. */
#ifndef TAPSTAT_CONFIG_TEXT_H
#define TAPSTAT_CONFIG_TEXT_H

#include <stddef.h>

#include "config_error.h"

enum { CONFIG_FILE_BYTES = 1024 * 1024 };

/*
 * Reads a file of at most CONFIG_FILE_BYTES. 0 with *text (freed by the caller, never NULL) and *n set; or a negative
 * errno with one mistake in `why` and the others untouched.
 */
int config_text_read(const char *path, char **text, size_t *n, struct config_error *why);

/* 0; or -EINVAL and a mistake: the text is not UTF-8, or holds a character that YAML (1.1 section 4.1.1) rules out.
 */
int config_text_check(const char *text, size_t n, struct config_error *why);

/* Bytes of the byte order mark at its start. */
size_t config_text_mark(const char *text, size_t n);

#endif
