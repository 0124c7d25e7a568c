/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * perf events, /proc ──> [mappings] ──> attacher: which processes map which executable files, as it happens.
 *
 * The kernel writes a record for each executable mapping, exec, fork and exit into a ring for each CPU
 * (perf_event_open(2), PERF_RECORD_MMAP2 and others): nothing is polled. What ran before is read from /proc once, and
 * again only if a ring overflowed.
 */
#ifndef TAPSTAT_MAPPINGS_H
#define TAPSTAT_MAPPINGS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* An executable mapping of a file. */
struct mapping {
	pid_t pid;
	__u64 start, end;   /* user addresses */
	__u32 major, minor; /* device and inode as the kernel tells them of mappings: not always those of stat() */
	__u64 inode, generation; /* generation 0: not known */
	const char *path;        /* as the process sees it; of a deleted file with " (deleted)" */
};

struct mappings_events {
	void (*mapped)(void *arg, const struct mapping *mapping);
	void (*forked)(void *arg, pid_t parent, pid_t child);
	void (*executed)(void *arg, pid_t pid); /* what it mapped before is gone */
	void (*exited)(void *arg, pid_t pid);   /* its first thread has ended; others may go on */
	void *arg;
};

struct mappings;

/* Opens the rings. 0, or a negative errno: -EACCES, -EPERM without CAP_PERFMON. */
int mappings_open(struct mappings **out, const struct mappings_events *events);
void mappings_close(struct mappings *mappings);

/* A descriptor to wait for records on, the mappings'. */
int mappings_fd(const struct mappings *mappings);

/* Tells the records that are there, in the order of their times. *lost: some were not, and a scan is due. */
void mappings_drain(struct mappings *mappings, bool *lost);

/*
 * Tells `mapped` for what every process maps now, but for that of tapstat itself. *closed: how many processes may not
 * be looked into. 0 or a negative errno.
 */
int mappings_scan(struct mappings *mappings, size_t *closed);

/*
 * Opens the file of a mapping for reading, also where its path is gone or lies in another mount namespace. A
 * descriptor, or a negative errno: the process has ended or mapped something else there.
 */
int mapping_open(const struct mapping *mapping);

#endif
