/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* tracefs ──> [kretprobe] ──> attach, snapshot: see kretprobe.h. */
#include "kretprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "buffer.h"

enum { MAX_PROBES = 16, PATH_BYTES = 256, REMOVE_TRIES = 100 };

static const char *const tracefs_paths[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

struct kretprobes {
	const char *tracefs; /* static */
	int events, profile; /* kprobe_events to append to, kprobe_profile */
	pid_t pid;
	const char *function[MAX_PROBES]; /* static */
	int n;
	struct buffer text; /* of a file */
};

/* ---- Texts --------------------------------------------------------------------------------------------------- */

bool kretprobe_event_parse(const char *line, pid_t *pid, char event[KRETPROBE_NAME_BYTES])
{
	const char *colon = strchr(line, ':');
	int number, used = 0;
	char name[KRETPROBE_NAME_BYTES];

	/* r4096:tapstat_123/sock_recvmsg_123 sock_recvmsg */
	if (!colon || sscanf(colon, ":tapstat_%d/%63[A-Za-z0-9_]%n", &number, name, &used) != 2 || number <= 0)
		return false;
	if (colon[used] && !strchr(" \n", colon[used]))
		return false;
	*pid = number;
	memcpy(event, name, sizeof(name));
	return true;
}

__u64 kretprobe_profile_misses(const char *profile, pid_t pid)
{
	__u64 total = 0;

	while (*profile) {
		unsigned long long hits, misses;
		char name[KRETPROBE_NAME_BYTES], suffix[24];
		size_t length, end = strcspn(profile, "\n");

		snprintf(suffix, sizeof(suffix), "_%d", pid);
		if (sscanf(profile, " %63[^ \n] %llu %llu", name, &hits, &misses) == 3) {
			length = strlen(name);
			if (length > strlen(suffix) && !strcmp(name + length - strlen(suffix), suffix))
				total += misses;
		}
		profile += end + (profile[end] == '\n');
	}
	return total;
}

int kretprobe_perf_max_active(int cpus)
{
	return cpus > 5 ? 2 * cpus : 10; /* register_kretprobe() */
}

/* ---- Files --------------------------------------------------------------------------------------------------- */

static int open_file(const struct kretprobes *probes, const char *name, int flags)
{
	char path[2 * PATH_BYTES];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", probes->tracefs, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The whole file from its beginning, NUL-terminated, in probes->text. */
static int read_file(struct kretprobes *probes, int fd)
{
	struct buffer *text = &probes->text;
	char chunk[4096];
	ssize_t n;

	buffer_clear(text);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buffer_append(text, chunk, (size_t)n);
	buffer_char(text, '\0');
	if (n < 0)
		return -errno;
	return text->failed ? -ENOMEM : 0;
}

static int write_event(const struct kretprobes *probes, const char *line)
{
	ssize_t n = write(probes->events, line, strlen(line));

	return n < 0 ? -errno : 0;
}

static int remove_event(const struct kretprobes *probes, pid_t pid, const char *event)
{
	char line[3 * KRETPROBE_NAME_BYTES];

	snprintf(line, sizeof(line), "-:tapstat_%d/%s\n", pid, event);
	return write_event(probes, line);
}

/* Events of processes that are gone. What a process in another pid namespace uses, the kernel refuses to remove. */
static void remove_leftovers(struct kretprobes *probes)
{
	int fd = open_file(probes, "kprobe_events", O_RDONLY);
	char *line, *save = NULL;

	if (fd < 0)
		return;
	if (!read_file(probes, fd)) {
		for (line = strtok_r(probes->text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			char event[KRETPROBE_NAME_BYTES];
			pid_t pid;

			if (kretprobe_event_parse(line, &pid, event) &&
			    (pid == probes->pid || (kill(pid, 0) && errno == ESRCH)))
				remove_event(probes, pid, event);
		}
	}
	close(fd);
}

static int open_tracefs(struct kretprobes *probes)
{
	for (size_t i = 0; i < sizeof(tracefs_paths) / sizeof(tracefs_paths[0]); i++) {
		probes->tracefs = tracefs_paths[i];
		probes->events = open_file(probes, "kprobe_events", O_WRONLY | O_APPEND);
		if (probes->events != -ENOENT)
			break;
	}
	return probes->events < 0 ? probes->events : 0;
}

int kretprobes_open(struct kretprobes **out, char *why, size_t size)
{
	struct kretprobes *probes = calloc(1, sizeof(*probes));
	int err;

	if (!probes)
		return -ENOMEM;
	probes->profile = -1;
	probes->pid = getpid();
	err = open_tracefs(probes);
	if (err) {
		if (err == -ENOENT)
			snprintf(why, size, "tracefs is not mounted at %s", tracefs_paths[0]);
		else
			snprintf(why, size, "%s/kprobe_events: %s", probes->tracefs, strerror(-err));
		kretprobes_close(probes);
		return err;
	}
	probes->profile = open_file(probes, "kprobe_profile", O_RDONLY);
	remove_leftovers(probes);
	*out = probes;
	return 0;
}

static int event_id(struct kretprobes *probes, const char *function, unsigned long long *id)
{
	char path[PATH_BYTES];
	int fd, err;

	snprintf(path, sizeof(path), "events/tapstat_%d/%s_%d/id", probes->pid, function, probes->pid);
	fd = open_file(probes, path, O_RDONLY);
	if (fd < 0)
		return fd;
	err = read_file(probes, fd);
	close(fd);
	if (!err && sscanf(probes->text.data, "%llu", id) != 1)
		err = -EINVAL;
	return err;
}

/* Once for each function: the event stays when its perf event goes. */
static int define_event(struct kretprobes *probes, const char *function)
{
	char line[4 * KRETPROBE_NAME_BYTES];
	int err;

	for (int i = 0; i < probes->n; i++)
		if (!strcmp(probes->function[i], function))
			return 0;
	if (probes->n == MAX_PROBES)
		return -E2BIG;
	snprintf(line, sizeof(line), "r%d:tapstat_%d/%s_%d %s\n", KRETPROBE_MAX_ACTIVE, probes->pid, function,
		 probes->pid, function);
	err = write_event(probes, line);
	if (!err)
		probes->function[probes->n++] = function;
	return err;
}

int kretprobes_add(struct kretprobes *probes, const char *function)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr)};
	unsigned long long id;
	int fd, err = define_event(probes, function);

	if (!err)
		err = event_id(probes, function, &id);
	if (err)
		return err;
	attr.config = id;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

__u64 kretprobes_misses(struct kretprobes *probes)
{
	if (probes->profile < 0 || read_file(probes, probes->profile))
		return 0;
	return kretprobe_profile_misses(probes->text.data, probes->pid);
}

/* The kernel lets go of a perf event a moment after its descriptor was closed. */
static void remove_patiently(const struct kretprobes *probes, const char *function)
{
	const struct timespec moment = {.tv_nsec = 2000000};
	char event[2 * KRETPROBE_NAME_BYTES];

	snprintf(event, sizeof(event), "%.40s_%d", function, probes->pid);
	for (int i = 0; i < REMOVE_TRIES && remove_event(probes, probes->pid, event) == -EBUSY; i++)
		nanosleep(&moment, NULL);
}

void kretprobes_close(struct kretprobes *probes)
{
	if (!probes)
		return;
	for (int i = 0; i < probes->n; i++)
		remove_patiently(probes, probes->function[i]);
	if (probes->events >= 0)
		close(probes->events);
	if (probes->profile >= 0)
		close(probes->profile);
	buffer_free(&probes->text);
	free(probes);
}
