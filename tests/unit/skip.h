/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A test that this machine can't make, and why: tests/run prints and counts such lines. Include it behind cmocka.h.
 */
#ifndef TAPSTAT_TESTS_SKIP_H
#define TAPSTAT_TESTS_SKIP_H

#include <stdio.h>

#define skip_because(reason)                               \
	do {                                               \
		printf("skip %s: %s\n", __func__, reason); \
		skip();                                    \
	} while (0)

#endif
