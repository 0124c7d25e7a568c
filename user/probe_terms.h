/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config ──> [probe_terms] ──> probes: the small languages of `probes:` in the configuration: what a number is taken
 * from, when a result is an error, how a function is named. Text into plain data.
 */
#ifndef TAPSTAT_PROBE_TERMS_H
#define TAPSTAT_PROBE_TERMS_H

#include <linux/types.h>
#include <stdbool.h>

#include "tapstat/abi.h"

enum { PROBE_ARGUMENTS = 6, PROBE_RESULTS = 6 }; /* that are in registers, by every calling convention or some */

/* A number in the hands of a probed function: `arg3`, `result`, `arg2:uint32`. */
struct probe_term {
	bool is_result;
	unsigned int number; /* from 1; of results, those that Go returns several of */
	unsigned int bytes;  /* 1, 2, 4, 8; 0: the text doesn't say */
	bool is_signed;
};

/* 0, or -EINVAL with *out untouched. */
int probe_term_parse(const char *text, struct probe_term *out);

/* A result that is an error: `result < 0`, `result2:int64 != 0`, `result == null`. */
struct probe_condition {
	struct probe_term term; /* its width is known: 4 bytes where the text doesn't say, 8 before null */
	enum comparison comparison;
	__s64 limit;
};

/* 0, or -EINVAL with *out untouched. */
int probe_condition_parse(const char *text, struct probe_condition *out);

/* A whole number, decimal or hexadecimal (0x…), perhaps negative. 0, or -EINVAL with *out untouched. */
int probe_number_parse(const char *text, __s64 *out);

enum probe_function_kind {
	PROBE_FUNCTION_NAME,    /* a symbol, as the file has it or demangled */
	PROBE_FUNCTION_PATTERN, /* with * or ?, over the demangled name (bpf/glob.h) */
	PROBE_FUNCTION_ADDRESS, /* 0x…: as the file's symbols count */
};

/* Which of them `text` is; *address is set of an address alone. -EINVAL: it is a malformed address. */
int probe_function_parse(const char *text, enum probe_function_kind *kind, __u64 *address);

#endif
