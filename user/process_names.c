// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* /proc ──> [process_names] ──> probe_targets: see process_names.h. */
#include "process_names.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunknown-pragmas" /* for the compiler of the kernel side */
#include "program_name.h"
#pragma GCC diagnostic pop

enum {
	MAX_AUXILIARY = 64, /* entries of the auxiliary vector; the kernel has some twenty */
	ARGUMENTS_BYTES = MAX_ARGS * ARG_BYTES,
	CGROUP_BYTES = 4096,
};

static const char deleted[] = " (deleted)";

struct source {
	const char *proc;
	pid_t pid;
};

/* The file of the process, at most `size` bytes from `offset` on. How many, or a negative errno. */
static ssize_t file_read(const struct source *from, const char *name, off_t offset, void *out, size_t size)
{
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%d/%s", from->proc, from->pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pread(fd, out, size, offset);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

static const char *last_element(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add(struct process_names *names, const char *name, size_t bytes)
{
	char *to = names->name[names->n];

	if (!bytes)
		return;
	if (bytes >= sizeof(names->name[0]))
		bytes = sizeof(names->name[0]) - 1;
	memset(to, 0, sizeof(names->name[0]));
	memcpy(to, name, bytes);
	names->n++;
}

/* ---- The names ------------------------------------------------------------------------------------------------ */

static int executable_read(const struct source *from, char exe[SERVICE_NAME_BYTES], struct process_names *out)
{
	char link[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t n;

	snprintf(link, sizeof(link), "%s/%d/exe", from->proc, from->pid);
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	if ((size_t)n > strlen(deleted) && !strcmp(target + n - strlen(deleted), deleted))
		target[(size_t)n - strlen(deleted)] = '\0';
	name = last_element(target);
	add(out, name, strlen(name));
	memset(exe, 0, SERVICE_NAME_BYTES);
	memcpy(exe, name, strnlen(name, SERVICE_NAME_BYTES - 1));
	return 0;
}

/* By which path it was started (AT_EXECFN): the kernel sets that last in an exec. */
static int invoked_read(const struct source *from, struct process_names *out)
{
	Elf64_auxv_t vector[MAX_AUXILIARY] = {0};
	ssize_t n = file_read(from, "auxv", 0, vector, sizeof(vector));
	char path[PATH_MAX] = "";

	if (n < 0)
		return (int)n;
	for (size_t i = 0; i < (size_t)n / sizeof(vector[0]); i++) {
		if (vector[i].a_type != AT_EXECFN)
			continue;
		n = file_read(from, "mem", (off_t)vector[i].a_un.a_val, path, sizeof(path) - 1);
		if (n < 0)
			return (int)n;
		path[n] = '\0';
		add(out, last_element(path), strlen(last_element(path)));
		return 0;
	}
	return -EAGAIN;
}

/* The script of an interpreter. */
static void script_read(const struct source *from, const char exe[SERVICE_NAME_BYTES], struct process_names *out)
{
	static char arguments[ARGUMENTS_BYTES + 1]; /* 16 KiB; one thread */
	struct program program = {0};
	ssize_t n;

	memcpy(program.exe, exe, sizeof(program.exe));
	if (program_start(&program))
		return;
	n = file_read(from, "cmdline", 0, arguments, ARGUMENTS_BYTES);
	if (n <= 0)
		return;
	arguments[n] = '\0';
	for (const char *at = arguments + strlen(arguments) + 1; at < arguments + n; at += strlen(at) + 1) {
		memset(program.arg, 0, sizeof(program.arg));
		memcpy(program.arg, at, strnlen(at, sizeof(program.arg) - 1));
		if (program_next_arg(&program))
			break;
	}
	add(out, program.name, strnlen(program.name, sizeof(program.name)));
}

/* NAME of the first line that ends with NAME.service. */
static void unit_read(const struct source *from, struct process_names *out)
{
	static const char suffix[] = ".service";
	char text[CGROUP_BYTES];
	ssize_t n = file_read(from, "cgroup", 0, text, sizeof(text) - 1);
	char *line, *rest = NULL;

	if (n <= 0)
		return;
	text[n] = '\0';
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *unit = last_element(line);
		size_t bytes = strlen(unit);

		if (bytes <= strlen(suffix) || strcmp(unit + bytes - strlen(suffix), suffix) != 0)
			continue;
		add(out, unit, bytes - strlen(suffix));
		return;
	}
}

int process_names_read(const char *proc, pid_t pid, struct process_names *out)
{
	const struct source from = {proc, pid};
	struct process_names names = {0};
	char exe[SERVICE_NAME_BYTES];
	int err = executable_read(&from, exe, &names);

	if (!err)
		err = invoked_read(&from, &names);
	if (err)
		return err;
	script_read(&from, exe, &names);
	unit_read(&from, &names);
	*out = names;
	return 0;
}
