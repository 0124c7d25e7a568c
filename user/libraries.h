/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_symbols, elf_vtable, rustls_binary, prologue ──> [libraries] ──> attacher: which functions of a library of TLS
 * or storage are probed by which BPF program. One row a library; what a file holds decides, not what it is called, so
 * that one linked into a program is found, too; a file may hold several.
 */
#ifndef TAPSTAT_LIBRARIES_H
#define TAPSTAT_LIBRARIES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "tapstat/catalog.h"
#include "tapstat/operations.h"

struct elf_file;

/* Where one probe goes. */
struct probe_place {
	const char *program; /* of BPF; static */
	__u64 offset;        /* in the file */
	__u64 cookie;
	bool at_return;
	__u64 semaphore_offset; /* of a counter in the file that the kernel raises meanwhile; 0: none */
};

enum { LIBRARY_MAX_PLACES = 192 };

/* What is looked for. */
struct library_wish {
	bool tls, storage;
};

/* What a file holds. */
struct library_finding {
	enum label_library library; /* of TLS */
	bool is_tls;                /* it holds a TLS library; without places its plaintext can't be seen */
	bool rustls_too;            /* and rustls besides, whose plaintext can't be seen */
	unsigned int backends;      /* 1 << enum label_backend of the storage libraries in it */
	size_t n;
	struct probe_place place[LIBRARY_MAX_PLACES];
};

/* Looks at an open file. 0 with *out filled, or a negative errno: it can't be read. */
int libraries_examine(struct elf_file *file, struct library_wish wish, struct library_finding *out);

/* The names of shared libraries whose probes are worth having before anybody maps them. */
extern const char *const libraries_usual[];
extern const size_t libraries_n_usual;

#endif
