/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Memory whose end is the end of what can be read: one byte further is a fault.
 */
#ifndef TAPSTAT_TESTS_GUARD_H
#define TAPSTAT_TESTS_GUARD_H

#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What no input may bring about; in a fuzzer, a finding. */
#define require(condition)                                                                      \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                \
		}                                                                               \
	} while (0)

/* Divides rounds: sanitizers take their time. */
#if defined(__SANITIZE_ADDRESS__)
#define SLOWER 10
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWER 10
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

struct guarded {
	__u8 *end; /* of what can be read */
	size_t room;
};

static inline struct guarded guarded_new(size_t room)
{
	size_t page = sysconf(_SC_PAGESIZE), pages = (room + page - 1) / page * page;
	__u8 *base = mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	require(base != MAP_FAILED);
	require(!mprotect(base + pages, page, PROT_NONE));
	return (struct guarded){.end = base + pages, .room = pages};
}

/* A copy of the bytes that ends where readable memory ends. */
static inline __u8 *guarded_copy(struct guarded *g, const void *bytes, size_t n)
{
	require(n <= g->room);
	if (n)
		memcpy(g->end - n, bytes, n);
	return g->end - n;
}

#endif
