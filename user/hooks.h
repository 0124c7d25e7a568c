/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * [hooks] ──> attach: every hook, its programs and where they go, as one table. Data; it does nothing.
 *
 * A way is one of four manners of hooking the calls on sockets, of which exactly one is used. Other hooks stand
 * beside it.
 */
#ifndef TAPSTAT_HOOKS_H
#define TAPSTAT_HOOKS_H

#include <stdbool.h>
#include <string.h>

#include "kernel_types.h"

/* Cheapest first: the order in which they are tried. */
enum way { WAY_SOCK_LENGTH, WAY_FEXIT, WAY_KPROBE, WAY_SYS_EXIT, WAY_COUNT };

struct way_row {
	const char *name; /* of --hooks= and of the label `hook` */
	bool hashed;      /* its programs can't use socket storage: the state of connections lies in a hash map */
	const char *advice;
};

extern const struct way_row way_rows[WAY_COUNT];

/* How a program gets attached. */
enum mechanism {
	MECHANISM_TRACEPOINT, /* with BTF */
	MECHANISM_TRAMPOLINE, /* fentry, fexit */
	MECHANISM_KPROBE,
	MECHANISM_KRETPROBE,
	MECHANISM_ITERATOR,
	MECHANISM_UPROBE, /* loaded only: attacher.c puts it where it belongs */
};

struct hook_program {
	const char *name;
	enum mechanism mechanism;
	enum kernel_type needs; /* what shows that the kernel has it; kprobes find out by trying */
	const char *on;         /* a function of the kernel, or the iterator's map */
	bool optional;          /* left out where the kernel does not have it */
};

enum { HOOK_MAX_PROGRAMS = 24, HOOK_COUNT = 16 };

/* Who asks for a hook. */
enum hook_wish {
	HOOK_USUAL, /* nobody has to */
	HOOK_OF_FILES,
	HOOK_OF_TLS,
	HOOK_OF_STORAGE_LIBRARIES,
	HOOK_OF_PROBES,
};

/* Whether the kernel's types do not tell if it has what the program goes on. */
static inline bool hook_program_finds_out(const struct hook_program *program)
{
	return program->mechanism == MECHANISM_KPROBE || program->mechanism == MECHANISM_KRETPROBE ||
	       program->mechanism == MECHANISM_UPROBE;
}

static inline bool hook_program_is_kprobe(const struct hook_program *program)
{
	return program->mechanism == MECHANISM_KPROBE || program->mechanism == MECHANISM_KRETPROBE;
}

/* With which of the two stores of connection state a hook is used. */
enum hook_state { HOOK_STATE_ANY, HOOK_STATE_HASHED, HOOK_STATE_STORAGE };

struct hook_row {
	const char *name;  /* the label `hook`; two rows of one name never serve one way */
	unsigned int ways; /* with which it is used, as bits */
	enum hook_state state;
	bool is_way;   /* it hooks the I/O itself */
	bool required; /* the way fails without it */
	enum hook_wish wish;
	struct hook_program program[HOOK_MAX_PROGRAMS]; /* those with a name; one may go to several places */
	const char *without;                            /* what is lost without it, for people */
	const char *off; /* used only where it is asked for: who asks, for people; else NULL */
};

extern const struct hook_row hook_rows[HOOK_COUNT];

static inline bool hook_is_used(const struct hook_row *row, enum way way, bool hashed)
{
	if (!(row->ways >> way & 1))
		return false;
	return row->state == HOOK_STATE_ANY || hashed == (row->state == HOOK_STATE_HASHED);
}

static inline bool hook_uses(const struct hook_row *row, enum mechanism mechanism)
{
	for (int i = 0; i < HOOK_MAX_PROGRAMS && row->program[i].name; i++)
		if (row->program[i].mechanism == mechanism)
			return true;
	return false;
}

/* Whether the row of the hook is the first one of its program. */
static inline bool hook_program_is_first(const struct hook_row *row, int program)
{
	for (int i = 0; i < program; i++)
		if (!strcmp(row->program[i].name, row->program[program].name))
			return false;
	return true;
}

#endif
