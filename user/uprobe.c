/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* probe, attacher ──> [uprobe] ──> kernel: see uprobe.h. bpf(2), perf_event_open(2), include/uapi/linux/bpf.h. */
#include "uprobe.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- By link: BPF_LINK_CREATE, 6.6, commit 89ae89f53d20 ("bpf: Add multi uprobe link") ---------------------------
 */

enum { MULTI_RETURN = 1 }; /* BPF_F_UPROBE_MULTI_RETURN */

/* That part of union bpf_attr, where <linux/bpf.h> of Debian 12 does not have it. */
struct link_create_uprobe_multi {
	__u32 program, target, attach_type, flags;
	__u64 path, offsets, semaphores, cookies; /* user addresses */
	__u32 count, multi_flags, pid, pad;
};

static int attach_by_link(int program, const struct uprobe_places *places, int fds[])
{
	const struct link_create_uprobe_multi attr = {.program = (__u32)program,
						      .attach_type = UPROBE_LINK_TYPE,
						      .path = (__u64)(unsigned long)places->path,
						      .offsets = (__u64)(unsigned long)places->offset,
						      .semaphores = (__u64)(unsigned long)places->semaphore,
						      .cookies = (__u64)(unsigned long)places->cookie,
						      .count = (__u32)places->n,
						      .multi_flags = places->at_return ? MULTI_RETURN : 0};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	if (fd < 0)
		return -errno;
	fds[0] = (int)fd;
	return 1;
}

/* ---- By perf event ----------------------------------------------------------------------------------------------
 */

static const char event_type[] = "/sys/bus/event_source/devices/uprobe/type";
enum { SEMAPHORE_SHIFT = 32 }; /* format/ref_ctr_offset: "config:32-63" */
static const char event_return[] = "/sys/bus/event_source/devices/uprobe/format/retprobe"; /* "config:0" */

static int read_number(const char *path, const char *format, unsigned int *number)
{
	FILE *file = fopen(path, "re");
	int n = file ? fscanf(file, format, number) : 0;

	if (file)
		fclose(file);
	return n == 1 ? 0 : -ENODEV;
}

/* Puts the program on the event. 0, a link, or a negative errno. */
static int set_program(int event, int program, __u64 cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .perf_event.bpf_cookie = cookie);

	if (cookie)
		return bpf_link_create(program, event, BPF_PERF_EVENT, &options);
	return ioctl(event, PERF_EVENT_IOC_SET_BPF, program) ? -errno : 0;
}

static int event_attach(int program, const struct uprobe_places *places, size_t i)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .config1 = (__u64)(unsigned long)places->path, .config2 = places->offset[i]};
	__u64 semaphore = places->semaphore ? places->semaphore[i] : 0;
	unsigned int return_bit = 0;
	int event, link, err = read_number(event_type, "%u", &attr.type);

	if (!err && places->at_return)
		err = read_number(event_return, "config:%u", &return_bit);
	if (err)
		return err;
	if (semaphore >> (64 - SEMAPHORE_SHIFT))
		return -ERANGE;
	attr.config = (__u64)places->at_return << return_bit | semaphore << SEMAPHORE_SHIFT;
	event = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0)
		return -errno;
	link = set_program(event, program, places->cookie ? places->cookie[i] : 0);
	if (link > 0) { /* it holds the event */
		close(event);
		return link;
	}
	if (!link && ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		link = -errno;
	if (!link)
		return event;
	close(event);
	return link;
}

static int attach_by_event(int program, const struct uprobe_places *places, int fds[])
{
	for (size_t i = 0; i < places->n; i++) {
		fds[i] = event_attach(program, places, i);
		if (fds[i] < 0) {
			uprobe_detach(fds, i);
			return fds[i];
		}
	}
	return (int)places->n;
}

/* ---- Off ------------------------------------------------------------------------------------------------------ */

enum { CLOSE_THREADS = 32, CLOSE_STACK_BYTES = 32768 };

static void *close_one(void *fd)
{
	close(*(const int *)fd);
	return NULL;
}

static void close_beside(const int fds[], size_t n)
{
	pthread_t thread[CLOSE_THREADS];
	pthread_attr_t attr;
	size_t started = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, CLOSE_STACK_BYTES);
	for (size_t i = 0; i < n; i++)
		if (i + 1 < n && !pthread_create(&thread[started], &attr, close_one, (void *)&fds[i]))
			started++;
		else
			close(fds[i]);
	while (started)
		pthread_join(thread[--started], NULL);
	pthread_attr_destroy(&attr);
}

void uprobe_detach(const int fds[], size_t n)
{
	for (size_t done = 0; done < n; done += CLOSE_THREADS)
		close_beside(fds + done, n - done < CLOSE_THREADS ? n - done : CLOSE_THREADS);
}

int uprobe_attach(enum uprobe_way way, int program, const struct uprobe_places *places, int fds[])
{
	return way == UPROBE_BY_LINK ? attach_by_link(program, places, fds) : attach_by_event(program, places, fds);
}
