/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One call for the program in parser.bpf.c, as the arguments of a raw tracepoint: its bytes lie in the memory of the
 * process that runs it.
 */
#ifndef TAPSTAT_TESTS_REPLAY_H
#define TAPSTAT_TESTS_REPLAY_H

#include <linux/types.h>

enum { REPLAYED_SOCK = 1 }; /* "address" of the one socket: the key of its state */

struct replay_call {
	__u64 at;       /* of the bytes, or of struct user_iovec[segments] */
	__u64 segments; /* 0: `at` is the bytes' */
	__u64 now;      /* ns */
	__u64 len;
	__u64 direction; /* enum label_direction */
};

#endif
