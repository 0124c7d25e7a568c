/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * [library rows] ──> libraries: every library that is looked for, what shows it, and which of its functions get which
 * BPF program, as one table. Data; it does nothing.
 */
#ifndef TAPSTAT_LIBRARY_ROWS_H
#define TAPSTAT_LIBRARY_ROWS_H

#include <stdbool.h>

#include "tapstat/abi.h"

/* Which programs go to a function: one to its entry and, if `returns`, that of the kind to its return. */
struct library_function {
	const char *name; /* of the symbol */
	const char *program;
	int arguments; /* that the program reads, room for the result included */
	bool returns;
	bool or_else;                    /* only where none of those before, up to one without this, is there */
	struct storage_function storage; /* of a storage library */
	const char *class;               /* where there is no such symbol: the class, as elf_vtable.h names it, ... */
	unsigned int slot;               /* ... and the place in its table of virtual functions. NULL: nowhere */
};

enum library_kind { LIBRARY_OF_TLS, LIBRARY_OF_STORAGE };

struct library_row {
	enum library_kind kind;
	unsigned int which;   /* enum label_library, enum label_backend */
	const char *shows[3]; /* functions that all must be there for the file to hold this library */
	const struct library_function *function; /* up to one without a name; NULL: its plaintext can't be seen */
};

enum { LIBRARY_ROWS = 12, LIBRARY_GO_FUNCTIONS = 5 };

extern const struct library_row library_rows[LIBRARY_ROWS];

/* The methods of Go's tls.Conn (crypto/tls/conn.go), which Go's own tables tell. */
extern const struct library_function library_go[LIBRARY_GO_FUNCTIONS];

#endif
