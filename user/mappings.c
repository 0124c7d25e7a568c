/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* perf events, /proc ──> [mappings] ──> attacher: see mappings.h. */
#include "mappings.h"

#include "mappings_records.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum {
	RING_PAGES = 16, /* of a CPU, a power of two: some thousand records; what perf may lock for a user without
			    asking */
	RECORD_BYTES = 1 << 16, /* a record's size has 16 bits */
	WATERMARK_BYTES = 1,    /* a record wakes the reader */
};

#define NEVER (~0ULL)

struct ring {
	int fd;
	struct perf_event_mmap_page *page; /* followed by the data; NULL: none */
	__u64 head;                        /* up to where it is read this time */
	__u64 next_ns;                     /* of its next record */
};

struct mappings {
	struct mappings_events events;
	int epoll;
	int n_rings;
	struct ring *ring;
	size_t page_bytes;
	_Alignas(struct perf_event_header) char record[RECORD_BYTES]; /* the one that is told */
};

/* ---- Records of perf (perf_event_open(2), MMAP layout) ----------------------------------------------------------
 */

struct record_mmap2 {
	struct perf_event_header header;
	__u32 pid, tid;
	__u64 address, bytes, page_offset;
	__u32 major, minor;
	__u64 inode, generation;
	__u32 protection, flags;
	char path[];
};

struct record_task {
	struct perf_event_header header;
	__u32 pid, parent, tid, parent_tid;
	__u64 time;
};

struct record_comm {
	struct perf_event_header header;
	__u32 pid, tid;
};

static void tell_mapped(const struct mappings_events *events, const struct record_mmap2 *r)
{
	struct mapping mapping;

	if (r->header.size <= sizeof(*r) || !r->inode || ((char *)r)[r->header.size - 1])
		return;
	mapping = (struct mapping){.pid = (pid_t)r->pid,
				   .start = r->address,
				   .end = r->address + r->bytes,
				   .major = r->major,
				   .minor = r->minor,
				   .inode = r->inode,
				   .generation = r->generation,
				   .path = r->path};
	events->mapped(events->arg, &mapping);
}

void mappings_tell(const struct mappings_events *events, const struct perf_event_header *header, bool *lost)
{
	const struct record_task *task = (const void *)header;
	const struct record_comm *comm = (const void *)header;

	switch (header->type) {
	case PERF_RECORD_MMAP2:
		tell_mapped(events, (const void *)header);
		break;
	case PERF_RECORD_FORK:
		if (header->size >= sizeof(*task) && task->pid != task->parent)
			events->forked(events->arg, (pid_t)task->parent, (pid_t)task->pid);
		break;
	case PERF_RECORD_EXIT:
		if (header->size >= sizeof(*task) && task->pid == task->tid)
			events->exited(events->arg, (pid_t)task->pid);
		break;
	case PERF_RECORD_COMM:
		if (header->size >= sizeof(*comm) && (header->misc & PERF_RECORD_MISC_COMM_EXEC))
			events->executed(events->arg, (pid_t)comm->pid);
		break;
	case PERF_RECORD_LOST:
		*lost = true;
		break;
	default:
		break;
	}
}

/* Bytes of a ring from this position on. */
static void ring_copy(const struct mappings *m, const struct ring *ring, __u64 position, void *to, size_t n)
{
	const char *data = (const char *)ring->page + m->page_bytes;
	const size_t size = RING_PAGES * m->page_bytes, at = position % size, first = n < size - at ? n : size - at;

	memcpy(to, data + at, first);
	memcpy((char *)to + first, data, n - first);
}

/* Finds the time of the next record up to the ring's head. */
static void ring_look(const struct mappings *m, struct ring *ring)
{
	const __u64 tail = ring->page->data_tail;
	struct perf_event_header header;

	ring->next_ns = NEVER;
	if (tail >= ring->head)
		return;
	ring_copy(m, ring, tail, &header, sizeof(header));
	if (header.size >= sizeof(header) + sizeof(ring->next_ns))
		ring_copy(m, ring, tail + header.size - sizeof(ring->next_ns), &ring->next_ns, sizeof(ring->next_ns));
}

/* Takes its next record out of a ring and tells it, without its time. */
static void ring_next(struct mappings *m, struct ring *ring, bool *lost)
{
	struct perf_event_header *header = (void *)m->record;
	const __u64 tail = ring->page->data_tail;

	ring_copy(m, ring, tail, header, sizeof(*header));
	ring_copy(m, ring, tail, header, header->size);
	__atomic_store_n(&ring->page->data_tail, tail + header->size, __ATOMIC_RELEASE);
	header->size -= sizeof(ring->next_ns);
	mappings_tell(&m->events, header, lost);
	ring_look(m, ring);
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

/*
 * A process changes the CPU between its fork, its exec and its mappings, so that the rings have to be read as one.
 * What comes later than the beginning of that waits: something before it may still be on its way. It wakes the
 * reader.
 */
void mappings_drain(struct mappings *m, bool *lost)
{
	const __u64 until = now_ns();

	*lost = false;
	for (int i = 0; i < m->n_rings; i++) {
		m->ring[i].head = __atomic_load_n(&m->ring[i].page->data_head, __ATOMIC_ACQUIRE);
		ring_look(m, &m->ring[i]);
	}
	for (;;) {
		struct ring *first = NULL;

		for (int i = 0; i < m->n_rings; i++)
			if (m->ring[i].next_ns <= until && (!first || m->ring[i].next_ns < first->next_ns))
				first = &m->ring[i];
		if (!first)
			return;
		ring_next(m, first, lost);
	}
}

/* ---- Rings ------------------------------------------------------------------------------------------------------
 */

static int ring_open(struct mappings *m, int cpu)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_SW_DUMMY,
				       .mmap = 1,
				       .mmap2 = 1,
				       .comm = 1,
				       .comm_exec = 1,
				       .task = 1,
				       .sample_type = PERF_SAMPLE_TIME,
				       .sample_id_all = 1, /* the time at the end of each record */
				       .use_clockid = 1,
				       .clockid = CLOCK_MONOTONIC,
				       .watermark = 1,
				       .wakeup_watermark = WATERMARK_BYTES};
	struct epoll_event event = {.events = EPOLLIN};
	struct ring *ring = &m->ring[m->n_rings];
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	void *page;

	if (fd < 0)
		return -errno;
	page = mmap(NULL, (1 + RING_PAGES) * m->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED || epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &event)) {
		int err = -errno;

		if (page != MAP_FAILED)
			munmap(page, (1 + RING_PAGES) * m->page_bytes);
		close(fd);
		return err;
	}
	*ring = (struct ring){.fd = fd, .page = page};
	m->n_rings++;
	return 0;
}

int mappings_open(struct mappings **out, const struct mappings_events *events)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct mappings *m = calloc(1, sizeof(*m));
	int err = 0;

	if (!m)
		return -ENOMEM;
	m->events = *events;
	m->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	m->ring = calloc((size_t)cpus, sizeof(*m->ring));
	if (m->epoll < 0)
		err = -errno;
	else if (!m->ring)
		err = -ENOMEM;
	for (int cpu = 0; cpu < cpus && !err; cpu++) {
		err = ring_open(m, cpu);
		if (err == -ENODEV) /* offline */
			err = 0;
	}
	if (err) {
		mappings_close(m);
		return err;
	}
	*out = m;
	return 0;
}

void mappings_close(struct mappings *m)
{
	if (!m)
		return;
	for (int i = 0; m->ring && i < m->n_rings; i++) {
		munmap(m->ring[i].page, (1 + RING_PAGES) * m->page_bytes);
		close(m->ring[i].fd);
	}
	if (m->epoll >= 0)
		close(m->epoll);
	free(m->ring);
	free(m);
}

int mappings_fd(const struct mappings *m)
{
	return m->epoll;
}

/* ---- /proc ------------------------------------------------------------------------------------------------------
 */

bool mapping_of_line(char *line, pid_t pid, struct mapping *out)
{
	unsigned long long start, end, inode;
	unsigned int major, minor;
	char mode[8];
	int path = 0;

	if (sscanf(line, "%llx-%llx %7s %*x %x:%x %llu %n", &start, &end, mode, &major, &minor, &inode, &path) != 6 ||
	    !path || mode[2] != 'x' || !inode || line[path] != '/')
		return false;
	line[strcspn(line, "\n")] = '\0';
	*out = (struct mapping){.pid = pid,
				.start = start,
				.end = end,
				.major = major,
				.minor = minor,
				.inode = inode,
				.path = line + path};
	return true;
}

/* Bytes of a process's root directory, as this one sees it, that lead all of its paths: after chroot(). */
static size_t root_of(pid_t pid, char root[PATH_MAX])
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/root", pid);
	n = readlink(link, root, PATH_MAX - 1);
	if (n <= 1)
		return 0;
	root[n] = '\0';
	return (size_t)n;
}

/* False: it does not show what it maps. */
static bool scan_process(struct mappings *m, pid_t pid)
{
	char path[32], root[PATH_MAX], *line = NULL;
	struct mapping mapping;
	size_t size = 0, rooted;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	file = fopen(path, "re");
	if (!file)
		return errno != EACCES && errno != EPERM; /* else it has ended */
	rooted = root_of(pid, root);
	while (getline(&line, &size, file) > 0) {
		if (!mapping_of_line(line, pid, &mapping))
			continue;
		if (rooted && !strncmp(mapping.path, root, rooted) && mapping.path[rooted] == '/')
			mapping.path += rooted;
		m->events.mapped(m->events.arg, &mapping);
	}
	free(line);
	fclose(file);
	return true;
}

int mappings_scan(struct mappings *m, size_t *closed)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return -errno;
	*closed = 0;
	while ((entry = readdir(proc))) {
		char *end;
		long pid = strtol(entry->d_name, &end, 10);

		if (!*end && pid > 0 && pid != getpid() && pid != getppid())
			*closed += !scan_process(m, (pid_t)pid);
	}
	closedir(proc);
	return 0;
}

/* By the mapping itself, which needs CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE, else by its path, if that still is it.
 */
int mapping_open(const struct mapping *mapping)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", mapping->pid, (unsigned long long)mapping->start,
		 (unsigned long long)mapping->end);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	if (snprintf(path, sizeof(path), "/proc/%d/root%s", mapping->pid, mapping->path) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_ino != mapping->inode) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}
