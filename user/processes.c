/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* /proc, map `processes` ──> [processes] ──> snapshot: see processes.h. Source: proc(5), /proc/PID/stat. */
#include "processes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const __u64 NS_PER_SECOND = 1000000000;
static const __u64 SHORTEST_NS = 1000000000; /* between two readings of CPU usage: ticks are a hundredth of it */

enum {
	BATCH = 256,
	PATH_BYTES = 256,
	STAT_BYTES = 1024,
	MAX_KNOWN = 2 * MAX_PROCESSES, /* the kernel forgets the longest unused, which may still run */
	PID_NAMESPACE = 0xEFFFFFFC,    /* the initial one: include/linux/proc_ns.h */
};

/* Fields of /proc/PID/stat as proc(5) numbers them, less those up to the name, which may hold anything. */
enum { STAT_UTIME = 14 - 3, STAT_STIME = 15 - 3, STAT_START = 22 - 3, STAT_RSS = 24 - 3, STAT_FIELDS = 25 - 3 };

struct known_process {
	__u32 tgid;
	__u32 service;
	__u64 start_ns;
	bool was_read, has_ended;
	__u64 pages;
	__u64 cpu_ticks, since_ns; /* the reading that the next usage is reckoned from */
	__u64 nanocores;           /* usage up to that reading */
};

struct stat_reading {
	__u64 cpu_ticks, start_ticks, resident_pages;
};

struct processes {
	char proc[PATH_BYTES];
	__u64 tick_ns, page_bytes, budget_ns;
	__u64 read_ns;                                          /* the last reading, 0: none */
	struct known_process noted[MAX_PROCESSES];              /* since the last reading */
	struct known_process known[MAX_KNOWN], next[MAX_KNOWN]; /* in the order of their pids */
	size_t n_noted, n_known;
	__u32 last_tgid; /* up to which the last reading came */
};

int processes_visible(const char *proc)
{
	char path[PATH_BYTES + 32];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/1/stat", proc);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	close(fd);
	snprintf(path, sizeof(path), "%s/self/ns/pid", proc);
	return !stat(path, &st) && st.st_ino != (unsigned int)PID_NAMESPACE ? -EXDEV : 0;
}

struct processes *processes_new(const char *proc, __u64 budget_ns)
{
	struct processes *processes = calloc(1, sizeof(*processes));

	if (!processes)
		return NULL;
	snprintf(processes->proc, sizeof(processes->proc), "%s", proc);
	processes->tick_ns = NS_PER_SECOND / (__u64)sysconf(_SC_CLK_TCK);
	processes->budget_ns = budget_ns;
	processes->page_bytes = (__u64)sysconf(_SC_PAGESIZE);
	return processes;
}

void processes_free(struct processes *processes)
{
	free(processes);
}

/* ---- Which processes ------------------------------------------------------------------------------------------ */

void processes_note(struct processes *processes, __u32 tgid, const struct process *process)
{
	if (process->service > SERVICE_OTHER || processes->n_noted == MAX_PROCESSES)
		return;
	processes->noted[processes->n_noted++] =
		(struct known_process){.tgid = tgid, .service = process->service, .start_ns = process->start_ns};
}

int processes_note_map(struct processes *processes, int fd)
{
	static struct process values[BATCH];
	static __u32 keys[BATCH];
	__u32 in = 0, out = 0;
	int err = 0;

	for (bool first = true; !err; first = false, in = out) {
		__u32 n = BATCH;

		err = bpf_map_lookup_batch(fd, first ? NULL : &in, &out, keys, values, &n, NULL);
		if (err && err != -ENOENT) /* -ENOENT: these were the last */
			return err;
		for (__u32 i = 0; i < n; i++)
			processes_note(processes, keys[i], &values[i]);
	}
	return 0;
}

/* By pid; of one pid the process that began last comes first. */
static int by_tgid(const void *a, const void *b)
{
	const struct known_process *left = a, *right = b;

	if (left->tgid != right->tgid)
		return left->tgid < right->tgid ? -1 : 1;
	return (left->start_ns < right->start_ns) - (left->start_ns > right->start_ns);
}

/* Joins what was noted with what was known: the readings stay, the rest of a note is newer. */
static void join_noted(struct processes *processes)
{
	const struct known_process *noted = processes->noted, *known = processes->known;
	size_t i = 0, j = 0, n = 0;

	qsort(processes->noted, processes->n_noted, sizeof(*noted), by_tgid);
	while (n < MAX_KNOWN && (i < processes->n_noted || j < processes->n_known)) {
		struct known_process *next = &processes->next[n++];
		bool is_noted = i < processes->n_noted && (j == processes->n_known || noted[i].tgid <= known[j].tgid);
		__u32 tgid = is_noted ? noted[i].tgid : known[j].tgid;

		*next = is_noted ? noted[i] : known[j];
		if (j < processes->n_known && known[j].tgid == tgid) {
			if (known[j].start_ns == next->start_ns) {
				*next = known[j];
				next->service = is_noted ? noted[i].service : known[j].service;
			}
			j++;
		}
		while (i < processes->n_noted && noted[i].tgid == tgid)
			i++;
	}
	memcpy(processes->known, processes->next, n * sizeof(*known));
	processes->n_known = n;
	processes->n_noted = 0;
}

/* ---- What they use -------------------------------------------------------------------------------------------- */

/* 0, or -1: it is no such line. */
static int stat_parse(const char *line, struct stat_reading *reading)
{
	const char *at = strrchr(line, ')');
	__u64 field[STAT_FIELDS] = {0};

	if (!at || at[1] != ' ')
		return -1;
	at += 2;
	for (int i = 0; i < STAT_FIELDS; i++) {
		if (!*at)
			return -1;
		field[i] = strtoull(at, NULL, 10); /* 0 of the state, a letter */
		at += strcspn(at, " \n");
		at += *at != '\0';
	}
	reading->cpu_ticks = field[STAT_UTIME] + field[STAT_STIME];
	reading->start_ticks = field[STAT_START];
	reading->resident_pages = field[STAT_RSS];
	return 0;
}

/* 0, or -1: it has ended. */
static int stat_read(int proc_fd, __u32 tgid, struct stat_reading *reading)
{
	char path[32], line[STAT_BYTES];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%u/stat", tgid);
	fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	line[n] = '\0';
	return stat_parse(line, reading);
}

static void usage_reckon(const struct processes *processes, struct known_process *process,
			 const struct stat_reading *reading, __u64 now_ns)
{
	if (!process->was_read) {
		bool is_new = processes->read_ns && process->start_ns > processes->read_ns;

		process->was_read = true;
		process->cpu_ticks = is_new ? 0 : reading->cpu_ticks;
		process->since_ns = is_new ? processes->read_ns : now_ns;
	}
	if (now_ns < process->since_ns + SHORTEST_NS)
		return;
	/* The kernel scales user and system time against each other: their sum may seem to go back by a tick. */
	process->nanocores = 0;
	if (reading->cpu_ticks > process->cpu_ticks)
		process->nanocores =
			(__u64)((double)((reading->cpu_ticks - process->cpu_ticks) * processes->tick_ns) *
				(double)NS_PER_SECOND / (double)(now_ns - process->since_ns));
	process->cpu_ticks = reading->cpu_ticks;
	process->since_ns = now_ns;
}

static __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * NS_PER_SECOND + (__u64)now.tv_nsec;
}

/* Reads in the order of the pids, round and round, until each was read or the time is over. */
static void read_known(struct processes *processes, int proc_fd, __u64 now_ns)
{
	__u64 begun = monotonic_ns();
	size_t first = 0;

	while (first < processes->n_known && processes->known[first].tgid <= processes->last_tgid)
		first++;
	for (size_t i = 0; i < processes->n_known && (!i || monotonic_ns() - begun < processes->budget_ns); i++) {
		struct known_process *process = &processes->known[(first + i) % processes->n_known];
		struct stat_reading reading;

		processes->last_tgid = process->tgid;
		process->has_ended = stat_read(proc_fd, process->tgid, &reading) ||
				     reading.start_ticks != process->start_ns / processes->tick_ns;
		if (process->has_ended)
			continue;
		usage_reckon(processes, process, &reading, now_ns);
		process->pages = reading.resident_pages;
	}
}

int processes_read(struct processes *processes, __u64 now_ns, struct service_usage usage[MAX_SERVICES + 1])
{
	int proc_fd = open(processes->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t running = 0;

	if (proc_fd < 0)
		return -errno;
	join_noted(processes);
	read_known(processes, proc_fd, now_ns);
	close(proc_fd);
	processes->read_ns = now_ns;
	memset(usage, 0, (MAX_SERVICES + 1) * sizeof(*usage));
	for (size_t i = 0; i < processes->n_known; i++) {
		const struct known_process *process = &processes->known[i];

		if (process->has_ended)
			continue;
		usage[process->service].cpu_nanocores += process->nanocores;
		usage[process->service].memory_bytes += process->pages * processes->page_bytes;
		processes->known[running++] = *process;
	}
	processes->n_known = running;
	return 0;
}
