/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* libbpf ──> [complaint] ──> attach: see complaint.h. */
#include "complaint.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENOTSUPP = 524 /* include/linux/errno.h */ };

static struct {
	char warning[384]; /* the first one */
	char verifier[384];
	char program[64];
} said;

/* The verifier's last line is the reason; statistics may follow it. */
static void take_verifier(const char *log)
{
	const char *end = strstr(log, "-- END PROG LOAD LOG --"), *line, *last = NULL;
	size_t length = 0;

	for (line = strchr(log, '\n'); line && (!end || line + 1 < end); line = strchr(line, '\n')) {
		size_t n = strcspn(++line, "\n");

		if (n && strncmp(line, "processed ", 10) != 0 && strncmp(line, "verification time ", 18) != 0 &&
		    strncmp(line, "stack depth ", 12) != 0) {
			last = line;
			length = n;
		}
	}
	if (last)
		snprintf(said.verifier, sizeof(said.verifier), "%.*s", (int)length, last);
}

void complaint_take(const char *text)
{
	static const char prefix[] = "libbpf: prog '";

	if (strstr(text, "-- BEGIN PROG LOAD LOG --")) {
		if (!said.verifier[0])
			take_verifier(text);
		return;
	}
	if (!said.program[0] && !strncmp(text, prefix, sizeof(prefix) - 1) &&
	    strstr(text, "BPF program load failed")) {
		text += sizeof(prefix) - 1;
		snprintf(said.program, sizeof(said.program), "%.*s", (int)strcspn(text, "'"), text);
		text -= sizeof(prefix) - 1;
	}
	if (!said.warning[0] && !strstr(text, "Retrying without BTF"))
		snprintf(said.warning, sizeof(said.warning), "%.*s", (int)strcspn(text, "\n"), text);
}

static int on_print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char *text;

	if (level != LIBBPF_WARN || vasprintf(&text, format, arguments) < 0)
		return 0;
	complaint_take(text);
	free(text);
	return 0;
}

void complaint_listen(void)
{
	libbpf_set_print(on_print);
}

void complaint_clear(void)
{
	memset(&said, 0, sizeof(said));
}

const char *complaint_program(void)
{
	return said.program;
}

bool complaint_is_verifier(void)
{
	return said.verifier[0];
}

const char *complaint_error(int err)
{
	return err == -ENOTSUPP ? "Not supported by this kernel" : strerror(-err);
}

void complaint_reason(int err, char *out, size_t size)
{
	const char *error = complaint_error(err);

	if (complaint_is_verifier())
		snprintf(out, size, "%s (%s: %s)", error, said.program[0] ? said.program : "program", said.verifier);
	else if (said.warning[0])
		snprintf(out, size, "%s (%s)", error, said.warning);
	else
		snprintf(out, size, "%s", error);
}
