/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name of a program from its executable and, for an interpreter, its arguments (docs/metrics.md, label
 * `service`).
 *
 * Pure. The caller shows one argument after the other in `program.arg`, zeroed behind its end.
 */
#ifndef TAPSTAT_PROGRAM_NAME_H
#define TAPSTAT_PROGRAM_NAME_H

#include "portable.h"
#ifdef __bpf__
#include "compat.h"
#endif
#include "tapstat/abi.h"

enum {
	ARG_BYTES = 256,   /* of one argument, with its NUL; a longer path loses its end */
	MAX_ARGS = 64,     /* arguments looked at before the executable gives the name */
	OPTION_BYTES = 24, /* of an option in the table below */
	CLUSTER_MAX = 8,   /* letters of a cluster of short options looked at */
};

enum interpreter { NO_INTERPRETER, NODE, PYTHON, RUBY, PERL, PHP, JAVA, SHELL };

enum arg_kind {
	ARG_PLAIN,       /* an option without a value, or with it attached */
	ARG_TAKES_VALUE, /* the next argument is its value */
	ARG_TAKES_NAME,  /* the next argument is the name as it stands: a module */
	ARG_ENDS,        /* the next argument is the script, whatever it looks like */
	ARG_NO_SCRIPT,   /* the code is in an argument or on standard input */
	ARG_SCRIPT,      /* the script itself */
	ARG_MODULE,      /* the module itself, the name as it stands */
};

/* Per-CPU working memory. */
struct program {
	char exe[SERVICE_NAME_BYTES];  /* base name of the executable, zeroed behind its end */
	char name[SERVICE_NAME_BYTES]; /* the answer, zeroed behind its end */
	char arg[ARG_BYTES];
	__u32 interpreter;   /* enum interpreter */
	__u32 expect;        /* enum arg_kind of the argument before */
	__u32 start, end, n; /* program_name_from_arg() */
	__u32 keep_extension;
	__u32 skip; /* letters of an option before the module attached to it */
	__u32 pad;
};

struct option_row {
	char text[OPTION_BYTES];
	__u8 interpreter;
	__u8 kind;
	__u8 pad[6];
};

static const struct option_row option_rows[] __attribute__((aligned(8))) = {
	{"-r", NODE, ARG_TAKES_VALUE, {}},
	{"--require", NODE, ARG_TAKES_VALUE, {}},
	{"--import", NODE, ARG_TAKES_VALUE, {}},
	{"--loader", NODE, ARG_TAKES_VALUE, {}},
	{"--experimental-loader", NODE, ARG_TAKES_VALUE, {}},
	{"-C", NODE, ARG_TAKES_VALUE, {}},
	{"--conditions", NODE, ARG_TAKES_VALUE, {}},
	{"-e", NODE, ARG_NO_SCRIPT, {}},
	{"--eval", NODE, ARG_NO_SCRIPT, {}},
	{"-p", NODE, ARG_NO_SCRIPT, {}},
	{"-pe", NODE, ARG_NO_SCRIPT, {}},
	{"--print", NODE, ARG_NO_SCRIPT, {}},
	{"--check-hash-based-pycs", PYTHON, ARG_TAKES_VALUE, {}},
	{"-I", RUBY, ARG_TAKES_VALUE, {}},
	{"-r", RUBY, ARG_TAKES_VALUE, {}},
	{"-C", RUBY, ARG_TAKES_VALUE, {}},
	{"-E", RUBY, ARG_TAKES_VALUE, {}},
	{"-e", RUBY, ARG_NO_SCRIPT, {}},
	{"-I", PERL, ARG_TAKES_VALUE, {}},
	{"-e", PERL, ARG_NO_SCRIPT, {}},
	{"-E", PERL, ARG_NO_SCRIPT, {}},
	{"-f", PHP, ARG_ENDS, {}},
	{"--file", PHP, ARG_ENDS, {}},
	{"-c", PHP, ARG_TAKES_VALUE, {}},
	{"-d", PHP, ARG_TAKES_VALUE, {}},
	{"-t", PHP, ARG_TAKES_VALUE, {}},
	{"-z", PHP, ARG_TAKES_VALUE, {}},
	{"-S", PHP, ARG_TAKES_VALUE, {}},
	{"-r", PHP, ARG_NO_SCRIPT, {}},
	{"--run", PHP, ARG_NO_SCRIPT, {}},
	{"-jar", JAVA, ARG_ENDS, {}},
	{"-cp", JAVA, ARG_TAKES_VALUE, {}},
	{"-classpath", JAVA, ARG_TAKES_VALUE, {}},
	{"--class-path", JAVA, ARG_TAKES_VALUE, {}},
	{"-p", JAVA, ARG_TAKES_VALUE, {}},
	{"--module-path", JAVA, ARG_TAKES_VALUE, {}},
	{"--upgrade-module-path", JAVA, ARG_TAKES_VALUE, {}},
	{"--add-modules", JAVA, ARG_TAKES_VALUE, {}},
	{"--limit-modules", JAVA, ARG_TAKES_VALUE, {}},
	{"--add-opens", JAVA, ARG_TAKES_VALUE, {}},
	{"--add-exports", JAVA, ARG_TAKES_VALUE, {}},
	{"--add-reads", JAVA, ARG_TAKES_VALUE, {}},
	{"--patch-module", JAVA, ARG_TAKES_VALUE, {}},
	{"--source", JAVA, ARG_TAKES_VALUE, {}},
	{"-o", SHELL, ARG_TAKES_VALUE, {}},
	{"+o", SHELL, ARG_TAKES_VALUE, {}},
	{"-O", SHELL, ARG_TAKES_VALUE, {}},
	{"+O", SHELL, ARG_TAKES_VALUE, {}},
	{"--rcfile", SHELL, ARG_TAKES_VALUE, {}},
	{"--init-file", SHELL, ARG_TAKES_VALUE, {}},
	{"-s", SHELL, ARG_NO_SCRIPT, {}},
};

enum { OPTION_ROWS = sizeof(option_rows) / sizeof(option_rows[0]) };

/* Whether what follows a known prefix is a version: nothing, a digit or a dot. */
static __always_inline bool version_follows(char c)
{
	return !c || c == '.' || (c >= '0' && c <= '9');
}

static __always_inline __u64 text_word(const char *text, __u32 bytes)
{
	return bytes < 8 ? load64(text) & ((1ULL << (8 * bytes)) - 1) : load64(text);
}

/* Which interpreter an executable is, by its base name. */
static __always_inline enum interpreter interpreter_of(const char *exe)
{
	__u64 word = load64(exe);

	if (word == text_word("node\0\0\0", 8) || word == text_word("nodejs\0", 8))
		return NODE;
	if ((word & 0xffffffffffffULL) == text_word("python\0", 6))
		return PYTHON;
	if ((__u32)word == (__u32)text_word("ruby\0\0\0", 4) && version_follows(exe[4]))
		return RUBY;
	if ((__u32)word == (__u32)text_word("perl\0\0\0", 4) && version_follows(exe[4]))
		return PERL;
	if ((word & 0xffffff) == text_word("php\0\0\0\0", 3) && version_follows(exe[3]))
		return PHP;
	if (word == text_word("java\0\0\0", 8))
		return JAVA;
	if (word == text_word("sh\0\0\0\0\0", 8) || word == text_word("bash\0\0\0", 8) ||
	    word == text_word("dash\0\0\0", 8) || word == text_word("zsh\0\0\0\0", 8) ||
	    word == text_word("ksh\0\0\0\0", 8) || word == text_word("mksh\0\0\0", 8) ||
	    word == text_word("ash\0\0\0\0", 8) || word == text_word("fish\0\0\0", 8))
		return SHELL;
	return NO_INTERPRETER;
}

/* A cluster of short options: Python's -c, -m, -W and -X, Perl's and Ruby's -e, a shell's -c, alone or behind others.
 */
static __always_inline enum arg_kind cluster_kind(struct program *p)
{
	__u32 interpreter = p->interpreter;
	const char *arg = p->arg;
	enum arg_kind takes_value = ARG_PLAIN;

#pragma clang loop unroll(full)
	for (int i = 1; i < CLUSTER_MAX; i++) {
		char c = arg[i];

		if (!c)
			break;
		if (interpreter == PYTHON) {
			if (c == 'c')
				return ARG_NO_SCRIPT;
			if (c == 'm') {
				p->skip = i + 1;
				return arg[i + 1] ? ARG_MODULE : ARG_TAKES_NAME;
			}
			if (c == 'W' || c == 'X')
				return arg[i + 1] ? ARG_PLAIN : ARG_TAKES_VALUE;
		} else if (interpreter == SHELL) {
			if (c == 'c')
				return ARG_NO_SCRIPT;
			if (c == 'o')
				takes_value = ARG_TAKES_VALUE;
		} else {
			if (c == 'e' || (c == 'E' && interpreter == PERL))
				return ARG_NO_SCRIPT;
			if (c < 'a' || c == 'm' || c == 'r' || c == 'x') /* takes the rest of the cluster */
				break;
		}
	}
	return takes_value;
}

STEP(option_step, program)
{
	struct program *p = it;
	const struct option_row *row;

	if (i >= OPTION_ROWS)
		return 1;
	row = &option_rows[i];
	if (row->interpreter != p->interpreter || load64(p->arg) != load64(row->text) ||
	    load64(p->arg + 8) != load64(row->text + 8) || load64(p->arg + 16) != load64(row->text + 16))
		return 0;
	p->n = row->kind;
	return 1;
}

/* What p->arg is to p->interpreter, given what the argument before it was. */
static __always_inline enum arg_kind arg_kind(struct program *p)
{
	__u32 kind;
	char first = p->arg[0], second = p->arg[1];

	if (p->expect == ARG_TAKES_VALUE)
		return ARG_PLAIN;
	if (p->expect == ARG_TAKES_NAME)
		return ARG_MODULE;
	if (p->expect == ARG_ENDS)
		return ARG_SCRIPT;
	if (first != '-' && !(first == '+' && p->interpreter == SHELL))
		return ARG_SCRIPT;
	if (!second)
		return ARG_NO_SCRIPT; /* "-": standard input */
	if (second == '-' && !p->arg[2])
		return ARG_ENDS;
	p->n = ARG_PLAIN;
	repeat(OPTION_ROWS, option_step, p);
	kind = p->n;
	if (kind == ARG_PLAIN && second != '-' && first == '-' &&
	    (p->interpreter == PYTHON || p->interpreter == SHELL || p->interpreter == PERL || p->interpreter == RUBY))
		return cluster_kind(p);
	return kind;
}

/* One step of program_name_from_arg(): looks at byte i of the argument. */
STEP(name_bounds_step, program)
{
	struct program *p = it;
	char c;

	if (i >= ARG_BYTES)
		return 1;
	if (i < p->skip)
		return 0;
	c = p->arg[i];
	if (!c)
		return 1;
	p->n = i + 1;
	if (c == '/') {
		p->start = i + 1;
		p->end = 0;
	} else if (c == '.' && i > p->start) {
		p->end = i;
	}
	return 0;
}

STEP(name_copy_step, program)
{
	struct program *p = it;
	__u32 from = p->start + i;

	if (i >= SERVICE_NAME_BYTES - 1 || from >= p->end || from >= ARG_BYTES)
		return 1;
	p->name[i] = p->arg[from];
	return 0;
}

/* p->name = the argument without directory and, unless p->keep_extension, last extension. */
static __always_inline void program_name_from_arg(struct program *p)
{
	p->start = p->skip;
	p->end = 0;
	p->n = 0;
	repeat(ARG_BYTES, name_bounds_step, p);
	if (!p->end || p->keep_extension)
		p->end = p->n;
	if (p->start >= p->end) /* a directory: the executable gives the name */
		return;
	__builtin_memset(p->name, 0, sizeof(p->name));
	repeat(SERVICE_NAME_BYTES, name_copy_step, p);
}

/*
 * Shows the next argument behind the interpreter's own name. 0: show another; 1: p->name is final. An empty argument
 * is the end: rewritten arguments leave such.
 */
static __always_inline int program_next_arg(struct program *p)
{
	enum arg_kind kind;

	if (!p->arg[0])
		return 1;
	kind = arg_kind(p);
	if (kind == ARG_NO_SCRIPT)
		return 1;
	if (kind == ARG_SCRIPT || kind == ARG_MODULE) {
		p->keep_extension = kind == ARG_MODULE;
		program_name_from_arg(p);
		return 1;
	}
	p->expect = kind;
	p->skip = 0;
	return 0;
}

/* Starts: the name is the executable's unless an argument gives a better one. 1: it is final already. */
static __always_inline int program_start(struct program *p)
{
	__builtin_memcpy(p->name, p->exe, sizeof(p->name));
	p->interpreter = interpreter_of(p->exe);
	p->expect = ARG_PLAIN;
	p->skip = 0;
	return p->interpreter == NO_INTERPRETER;
}

#endif
