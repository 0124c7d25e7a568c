/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * labels ──> [operations] ──> opening: the table by which the kernel side finds the names of tapstat/operations.h.
 */
#ifndef TAPSTAT_USER_OPERATIONS_H
#define TAPSTAT_USER_OPERATIONS_H

#include "tapstat/operations.h"

/* The values of labels `operation` and `backend`. */
extern const char *const operation_text[OPERATION_COUNT];
extern const char *const backend_text[BACKEND_COUNT];
extern const enum label_backend operation_backend[OPERATION_COUNT];

/* Fills the whole table. 0, or -ENOSPC: some names hash alike too often, OPERATION_SLOTS wants to be larger. */
int operations_fill(struct operation_table *table);

#endif
