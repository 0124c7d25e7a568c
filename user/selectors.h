/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options ──> [selectors] ──> attach: one function for each selector of interface.md, adding one value to the
 * alternatives in struct selectors (abi.h).
 *
 * All: 0, or -EINVAL with `why` saying what is wrong with `value` and what is valid, *sel untouched.
 */
#ifndef TAPSTAT_SELECTORS_H
#define TAPSTAT_SELECTORS_H

#include <linux/types.h>
#include <stddef.h>

#include "tapstat/abi.h"

int selectors_add_pid(struct selectors *sel, const char *value, char *why, size_t size);
int selectors_add_port(struct selectors *sel, const char *value, char *why, size_t size);
int selectors_add_comm(struct selectors *sel, const char *value, char *why, size_t size);
int selectors_add_service(struct selectors *sel, const char *value, char *why, size_t size);

/* A pattern without a slash is one for the last element of the path. */
int selectors_add_exe(struct selectors *sel, const char *value, char *why, size_t size);

/* Hexadecimal digits, at most the 64 of an id; kept in lower case. */
int selectors_add_container(struct selectors *sel, const char *value, char *why, size_t size);

/* Adds the id of each hierarchy that has the cgroup. */
int selectors_add_cgroup(struct selectors *sel, const char *value, char *why, size_t size);

/* Reads a decimal number between `low` and `high`. */
int parse_number(const char *text, unsigned long low, unsigned long high, unsigned long *out, char *why, size_t size);

#endif
