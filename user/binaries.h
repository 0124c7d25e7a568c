/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mappings ──> [binaries] ──> attacher: the files that processes execute, each once whatever it is called and
 * whichever container it is seen from, and which processes map it.
 */
#ifndef TAPSTAT_BINARIES_H
#define TAPSTAT_BINARIES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "libraries.h"
#include "mappings.h"

struct binary {
	struct library_finding *finding; /* owned; NULL: it holds no library */
	__u64 wanted;                    /* function probes that were looked for in it, by their numbers as bits */
	__u64 attached;                  /* those that were found */
	int *probe;                      /* descriptors of what is attached, owned */
	size_t n_probes;
	pid_t *pid; /* of the processes that map it, in order; owned */
	size_t n_pids, max_pids;
	__u64 idle_since_ns; /* when the last of them ended; 0: there are some */
	bool kept;           /* also without a process */
};

struct binaries;

/*
 * What is done with a file seen for the first time (`binary` is new), and with one in which more function probes are
 * to be looked for. `path`: as somebody sees it. 0: there is something to be kept for, else a new one is forgotten.
 */
typedef int binary_examine_fn(void *arg, int fd, const char *path, struct binary *binary, bool is_new, __u64 probes);
/* ... and with one that nobody maps any more. */
typedef void binary_release_fn(void *arg, struct binary *binary);

/* NULL: out of memory. */
struct binaries *binaries_new(binary_examine_fn *examine, binary_release_fn *release, void *arg);
void binaries_free(struct binaries *binaries); /* releases every one */

/*
 * A process maps a file, in which these function probes are wanted. The binary, or NULL: there is nothing of interest
 * in it, or it can't be read.
 */
struct binary *binaries_mapped(struct binaries *binaries, const struct mapping *mapping, __u64 probes);

/* A file that is examined although no process may map it. */
struct binary *binaries_keep(struct binaries *binaries, const char *path);

/* A child has what its parent maps. */
void binaries_forked(struct binaries *binaries, pid_t parent, pid_t child);

/* A process maps nothing any more. */
void binaries_left(struct binaries *binaries, pid_t pid, __u64 now_ns);

/* Releases those that no process has mapped for a while. Whether there are any left that wait for it. */
bool binaries_expire(struct binaries *binaries, __u64 now_ns, __u64 after_ns);

/* A descriptor that becomes readable when a known file is written to, the binaries'; -1: the kernel has none left. */
int binaries_fd(const struct binaries *binaries);

/*
 * Releases the files that were written to, whose probes are at offsets of what they were; the next mapping brings
 * them back. How many.
 */
size_t binaries_changed(struct binaries *binaries);

/* Forgets which mapping is of which file: inodes of files of no interest may be others' by now. */
void binaries_forget_names(struct binaries *binaries);

size_t binaries_count(const struct binaries *binaries);

#endif
