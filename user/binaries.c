/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* mappings ──> [binaries] ──> attacher: see binaries.h. */
#include "binaries.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What the kernel tells of a file with a mapping. */
struct mapped_key {
	__u64 inode, generation;
	__u32 major, minor;
};

/*
 * What tells a file from all others. The kernel puts probes on the inode below an overlay, which many containers
 * share under different devices; its number and times show through.
 */
struct identity {
	__u64 device; /* 0 on an overlay */
	__u64 inode, bytes;
	struct timespec modified, changed;
};

struct known {
	struct binary binary;
	struct identity identity;
	int watch; /* of inotify; -1: none */
	struct known *next;
};

/* A node of the tree of what is known by its mapping. */
struct alias {
	struct mapped_key key; /* first: it stands for the whole in look-ups */
	struct known *known;   /* NULL: of no interest */
};

struct binaries {
	binary_examine_fn *examine;
	binary_release_fn *release;
	void *arg;
	struct known *first;
	void *aliases; /* of tsearch(3) */
	int inotify;   /* -1: none */
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct mapped_key));
}

struct binaries *binaries_new(binary_examine_fn *examine, binary_release_fn *release, void *arg)
{
	struct binaries *binaries = calloc(1, sizeof(*binaries));

	if (binaries)
		*binaries = (struct binaries){.examine = examine,
					      .release = release,
					      .arg = arg,
					      .inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
	return binaries;
}

/* ---- Processes of a binary, in order -----------------------------------------------------------------------------
 */

/* Where the process is, or belongs. */
static size_t pid_place(const struct binary *binary, pid_t pid)
{
	size_t low = 0, high = binary->n_pids;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (binary->pid[middle] < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has_pid(const struct binary *binary, pid_t pid)
{
	size_t at = pid_place(binary, pid);

	return at < binary->n_pids && binary->pid[at] == pid;
}

/* Without memory the process is not noted: the binary then goes too early, and comes back with the next one. */
static void add_pid(struct binary *binary, pid_t pid)
{
	size_t at = pid_place(binary, pid);

	if (at < binary->n_pids && binary->pid[at] == pid)
		return;
	if (binary->n_pids == binary->max_pids) {
		size_t more = binary->max_pids ? 2 * binary->max_pids : 8;
		pid_t *grown = realloc(binary->pid, more * sizeof(*grown));

		if (!grown)
			return;
		binary->pid = grown;
		binary->max_pids = more;
	}
	memmove(binary->pid + at + 1, binary->pid + at, (binary->n_pids - at) * sizeof(*binary->pid));
	binary->pid[at] = pid;
	binary->n_pids++;
	binary->idle_since_ns = 0;
}

static void remove_pid(struct binary *binary, pid_t pid, __u64 now_ns)
{
	size_t at = pid_place(binary, pid);

	if (at == binary->n_pids || binary->pid[at] != pid)
		return;
	binary->n_pids--;
	memmove(binary->pid + at, binary->pid + at + 1, (binary->n_pids - at) * sizeof(*binary->pid));
	if (!binary->n_pids)
		binary->idle_since_ns = now_ns;
}

/* ---- Files ------------------------------------------------------------------------------------------------------
 */

static int identify(int fd, struct identity *out)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	memset(out, 0, sizeof(*out)); /* compared as bytes */
	out->device = fs.f_type == OVERLAYFS_SUPER_MAGIC ? 0 : st.st_dev;
	out->inode = st.st_ino;
	out->bytes = (__u64)st.st_size;
	out->modified = st.st_mtim;
	out->changed = st.st_ctim;
	return 0;
}

/*
 * Probes hold on to their inode, whose number so can't be another file's, and writes are noticed: times that chmod or
 * touch changes don't make another file of it then. (Which they might be of on an overlay, nobody knows.)
 */
static bool is_of(const struct known *known, const struct identity *identity)
{
	if (identity->device && known->binary.n_probes && known->watch >= 0)
		return known->identity.device == identity->device && known->identity.inode == identity->inode;
	return !memcmp(&known->identity, identity, sizeof(*identity));
}

static void unwatch(const struct binaries *binaries, const struct known *known)
{
	if (known->watch >= 0)
		inotify_rm_watch(binaries->inotify, known->watch);
}

static int watch(const struct binaries *binaries, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return binaries->inotify < 0 ? -1 : inotify_add_watch(binaries->inotify, path, IN_MODIFY);
}

/* Looks for more function probes in a file. */
static struct known *examine_again(struct binaries *binaries, int fd, const char *path, struct known *known,
				   __u64 probes)
{
	probes &= ~known->binary.wanted;
	if (!probes)
		return known;
	known->binary.wanted |= probes;
	binaries->examine(binaries->arg, fd, path, &known->binary, false, probes);
	return known;
}

/* The file behind a descriptor, examined if it is new. NULL: of no interest, or unreadable. */
static struct known *known_of(struct binaries *binaries, int fd, const char *path, __u64 probes)
{
	struct identity identity = {0};
	struct known *known;

	if (identify(fd, &identity))
		return NULL;
	for (known = binaries->first; known; known = known->next)
		if (is_of(known, &identity))
			return examine_again(binaries, fd, path, known, probes);
	known = calloc(1, sizeof(*known));
	if (!known)
		return NULL;
	known->watch = watch(binaries, fd); /* before it is read */
	if (binaries->examine(binaries->arg, fd, path, &known->binary, true, probes)) {
		unwatch(binaries, known);
		free(known);
		return NULL;
	}
	known->binary.wanted = probes;
	known->identity = identity;
	known->next = binaries->first;
	binaries->first = known;
	return known;
}

static struct known *known_of_mapping(struct binaries *binaries, const struct mapping *mapping, __u64 probes)
{
	int fd = mapping_open(mapping);
	struct known *known;

	if (fd < 0)
		return NULL;
	known = known_of(binaries, fd, mapping->path, probes);
	close(fd);
	return known;
}

struct binary *binaries_mapped(struct binaries *binaries, const struct mapping *mapping, __u64 probes)
{
	struct alias wanted = {.key = {.inode = mapping->inode,
				       .generation = mapping->generation,
				       .major = mapping->major,
				       .minor = mapping->minor}};
	struct alias **found = tfind(&wanted, &binaries->aliases, compare), *alias;

	if (!found) {
		alias = malloc(sizeof(*alias));
		if (!alias)
			return NULL;
		*alias = wanted;
		alias->known = NULL;
		found = tsearch(alias, &binaries->aliases, compare);
		if (!found) {
			free(alias);
			return NULL;
		}
		(*found)->known = known_of_mapping(binaries, mapping, probes);
	} else if (probes & ~((*found)->known ? (*found)->known->binary.wanted : 0)) {
		struct known *known = known_of_mapping(binaries, mapping, probes);

		if (known)
			(*found)->known = known;
	}
	if (!(*found)->known)
		return NULL;
	add_pid(&(*found)->known->binary, mapping->pid);
	return &(*found)->known->binary;
}

struct binary *binaries_keep(struct binaries *binaries, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct known *known;

	if (fd < 0)
		return NULL;
	known = known_of(binaries, fd, path, 0);
	close(fd);
	if (known)
		known->binary.kept = true;
	return known ? &known->binary : NULL;
}

/* ---- What processes do ------------------------------------------------------------------------------------------
 */

void binaries_forked(struct binaries *binaries, pid_t parent, pid_t child)
{
	for (struct known *known = binaries->first; known; known = known->next)
		if (has_pid(&known->binary, parent))
			add_pid(&known->binary, child);
}

void binaries_left(struct binaries *binaries, pid_t pid, __u64 now_ns)
{
	for (struct known *known = binaries->first; known; known = known->next)
		remove_pid(&known->binary, pid, now_ns);
}

/* ---- The end of files -------------------------------------------------------------------------------------------
 */

void binaries_forget_names(struct binaries *binaries)
{
	tdestroy(binaries->aliases, free);
	binaries->aliases = NULL;
}

static void release(struct binaries *binaries, struct known *known)
{
	binaries->release(binaries->arg, &known->binary);
	unwatch(binaries, known);
	binaries_forget_names(binaries);
	free(known->binary.pid);
	free(known);
}

bool binaries_expire(struct binaries *binaries, __u64 now_ns, __u64 after_ns)
{
	struct known **at = &binaries->first;
	bool waiting = false;

	while (*at) {
		struct known *known = *at;
		struct binary *binary = &known->binary;

		if (binary->idle_since_ns && !binary->kept && now_ns - binary->idle_since_ns >= after_ns) {
			*at = known->next;
			release(binaries, known);
			continue;
		}
		waiting |= binary->idle_since_ns && !binary->kept;
		at = &known->next;
	}
	return waiting;
}

int binaries_fd(const struct binaries *binaries)
{
	return binaries->inotify;
}

/* Whether there is one of that watch. */
static bool release_watched(struct binaries *binaries, int wd)
{
	for (struct known **at = &binaries->first; *at; at = &(*at)->next) {
		struct known *known = *at;

		if (known->watch != wd)
			continue;
		*at = known->next;
		release(binaries, known);
		return true;
	}
	return false;
}

size_t binaries_changed(struct binaries *binaries)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	size_t released = 0;
	ssize_t n;

	while ((n = read(binaries->inotify, events, sizeof(events))) > 0) {
		for (char *at = events; at < events + n;) {
			const struct inotify_event *event = (const void *)at;

			released += (event->mask & IN_MODIFY) && release_watched(binaries, event->wd);
			at += sizeof(*event) + event->len;
		}
	}
	return released;
}

size_t binaries_count(const struct binaries *binaries)
{
	size_t n = 0;

	for (const struct known *known = binaries->first; known; known = known->next)
		n++;
	return n;
}

void binaries_free(struct binaries *binaries)
{
	if (!binaries)
		return;
	while (binaries->first) {
		struct known *known = binaries->first;

		binaries->first = known->next;
		release(binaries, known);
	}
	binaries_forget_names(binaries);
	if (binaries->inotify >= 0)
		close(binaries->inotify);
	free(binaries);
}
