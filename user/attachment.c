// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * attach ──> [attachment] ──> snapshot: the loaded object's maps and variables, and hooks that go on and off. See
 * attachment.h.
 */
#include "attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attach.h"
#include "complaint.h"
#include "kretprobe.h"
#include "probe_families.h"
#include "probes.h"
#include "processes.h"

/*
 * State in socket storage: a 256-byte slab object (conn.h); the kernel's list of a socket's storage takes 192 more.
 * Hashed state is in the hash map's own account.
 */
enum { CONNECTION_BYTES = 256 + 192, HASH_ELEMENT_BYTES = 48 };

/* Gets hold of the loaded object's variables and maps. */
int attachment_maps_open(struct attachment *att)
{
	const struct {
		const char *name;
		int *fd;
	} rows[] = {
		{"services", &att->fd.services},
		{"series", &att->fd.series},
		{"self", &att->fd.self},
		{"refused_by_code", &att->fd.refused_by_code},
		{"scan_by_series", &att->fd.scan_by_series},
		{"scan_totals", &att->fd.scan_totals},
		{"rows", &att->fd.rows},
		{"row_infos", &att->fd.row_infos},
		{"count_by_code", &att->fd.count_by_code},
		{"queue_rules", &att->fd.queue_rules},
		{"queue_depths", &att->fd.queue_depths},
		{"literals_by_prefix", &att->fd.literals_by_prefix},
		{"combinations_by_service", &att->fd.combinations},
		{"processes", &att->fd.processes},
	};
	struct bpf_map *variables = bpf_object__find_map_by_name(att->object, ".bss");

	/* Not in the object of old kernels. */
	att->fd.function_cells = bpf_object__find_map_fd_by_name(att->object, "function_cells");
	att->fd.function_row_infos = bpf_object__find_map_fd_by_name(att->object, "function_row_infos");
	att->fd.unmatched_by_probe = bpf_object__find_map_fd_by_name(att->object, "unmatched_by_probe");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		*rows[i].fd = bpf_object__find_map_fd_by_name(att->object, rows[i].name);
		if (*rows[i].fd < 0)
			return *rows[i].fd;
	}
	if (!variables || bpf_map__value_size(variables) != sizeof(*att->shared))
		return -EINVAL;
	att->shared = mmap(NULL, sizeof(*att->shared), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(variables), 0);
	if (att->shared == MAP_FAILED) {
		att->shared = NULL;
		return -errno;
	}
	return 0;
}

/* ---- Hooks --------------------------------------------------------------------------------------------------- */

static struct bpf_link *iterator_attach(struct attachment *att, struct bpf_program *program, const char *map)
{
	union bpf_iter_link_info target = {.map.map_fd = bpf_object__find_map_fd_by_name(att->object, map)};
	LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &target, .link_info_len = sizeof(target));
	struct bpf_link *link = bpf_program__attach_iter(program, &options);

	if (link)
		att->iterator_fd[att->n_iterators++] = bpf_link__fd(link);
	return link;
}

static void say_limit(struct attachment *att, const char *why)
{
	snprintf(
		att->limit, sizeof(att->limit),
		"at most %d calls that wait at once are followed, the rest is lost: no return probes by tracefs (%s)",
		kretprobe_perf_max_active(libbpf_num_possible_cpus()), why);
}

void attachment_tracefs_open(struct attachment *att)
{
	char why[128];

	if (kretprobes_open(&att->kretprobes, why, sizeof(why)))
		say_limit(att, why);
}

/* By a probe of our own, or, where that can't be, by one that follows fewer calls. */
static struct bpf_link *return_attach(struct attachment *att, struct bpf_program *program, const char *function)
{
	struct bpf_link *link;
	char why[128];
	int event;

	if (!att->kretprobes)
		return bpf_program__attach_kprobe(program, true, function);
	event = kretprobes_add(att->kretprobes, function);
	if (event < 0) {
		snprintf(why, sizeof(why), "%s", complaint_error(event));
		link = bpf_program__attach_kprobe(program, true, function);
		if (link) /* else the kernel has no such function */
			say_limit(att, why);
		return link;
	}
	link = bpf_program__attach_perf_event(program, event);
	if (!link)
		close(event);
	return link;
}

static struct bpf_link *program_attach(struct attachment *att, struct bpf_program *program,
				       const struct hook_program *row)
{
	switch (row->mechanism) {
	case MECHANISM_ITERATOR:
		return iterator_attach(att, program, row->on);
	case MECHANISM_KPROBE:
		return bpf_program__attach_kprobe(program, false, row->on);
	case MECHANISM_KRETPROBE:
		return return_attach(att, program, row->on);
	default:
		return bpf_program__attach(program);
	}
}

static void hook_detach(struct attached_hook *hook)
{
	for (int i = 0; i < HOOK_MAX_PROGRAMS; i++) {
		bpf_link__destroy(hook->link[i]);
		hook->link[i] = NULL;
	}
	hook->attached = false;
}

int attachment_hook_attach(struct attachment *att, struct attached_hook *hook)
{
	complaint_clear();
	for (int i = 0; i < HOOK_MAX_PROGRAMS && hook->row->program[i].name; i++) {
		const struct hook_program *row = &hook->row->program[i];
		struct bpf_program *program = bpf_object__find_program_by_name(att->object, row->name);

		if (hook->absent >> i & 1)
			continue;
		hook->program_fd[i] = bpf_program__fd(program);
		if (row->mechanism == MECHANISM_UPROBE)
			continue;
		hook->link[i] = program_attach(att, program, row);
		if (!hook->link[i]) {
			int err = -errno;

			if (row->optional && hook_program_is_kprobe(row)) /* the kernel has no such function */
				continue;

			hook_detach(hook);
			return err;
		}
	}
	hook->attached = true;
	return 0;
}

static int iterate(int link_fd)
{
	int fd = bpf_iter_create(link_fd);
	char nothing[64];
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = read(fd, nothing, sizeof(nothing));
	while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	close(fd);
	return n < 0 ? -errno : 0;
}

int attachment_iterate(const struct attachment *att)
{
	int err = 0;

	for (int i = 0; i < att->n_iterators && !err; i++)
		err = iterate(att->iterator_fd[i]);
	return err;
}

bool attachment_wants_probes(const struct attachment *att)
{
	for (int i = 0; i < att->n_hooks; i++)
		if (att->hook[i].attached && hook_uses(att->hook[i].row, MECHANISM_UPROBE))
			return true;
	return false;
}

bool attachment_has(const struct attachment *att, enum hook_wish wish)
{
	for (int i = 0; i < att->n_hooks; i++)
		if (att->hook[i].attached && att->hook[i].row->wish == wish)
			return true;
	return false;
}

void attachment_probes_off(struct attachment *att)
{
	for (int i = 0; i < att->n_hooks; i++)
		if (hook_uses(att->hook[i].row, MECHANISM_UPROBE))
			hook_detach(&att->hook[i]);
}

int attachment_way_attach(struct attachment *att)
{
	return attachment_hook_attach(att, &att->hook[0]);
}

void attachment_way_detach(struct attachment *att)
{
	hook_detach(&att->hook[0]);
}

void attachment_reset(struct attachment *att)
{
	for (int i = 0; i < att->n_hooks; i++)
		hook_detach(&att->hook[i]);
	att->n_hooks = att->n_iterators = 0;
	kretprobes_close(att->kretprobes);
	att->kretprobes = NULL;
	att->limit[0] = '\0';
	if (att->shared)
		munmap(att->shared, sizeof(*att->shared));
	att->shared = NULL;
}

/* ---- The whole ----------------------------------------------------------------------------------------------- */

/* What a map takes by the kernel's own account, or can take: one that grows is asked when it is empty. */
static __u64 map_bytes(int fd)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}

__u64 attachment_memory_ceiling(const struct attachment *att)
{
	__u64 bytes = att->hashed ? 0 : (__u64)att->max_connections * CONNECTION_BYTES;
	struct bpf_map *map;

	bpf_object__for_each_map (map, att->object) {
		bytes += map_bytes(bpf_map__fd(map));
		/* What is sized by connections is in their account: tls_configure() in object.c. */
		if (bpf_map__type(map) == BPF_MAP_TYPE_HASH && (bpf_map__map_flags(map) & BPF_F_NO_PREALLOC) &&
		    bpf_map__max_entries(map) != (att->max_connections + 1) / 2)
			bytes += (__u64)bpf_map__max_entries(map) *
				 (HASH_ELEMENT_BYTES + bpf_map__key_size(map) + bpf_map__value_size(map));
	}
	return bytes;
}

void attachment_close(struct attachment *att)
{
	if (!att)
		return;
	attachment_reset(att);
	bpf_object__close(att->object);
	probes_free(att->probes);
	probe_families_free(att->probe_families);
	processes_free(att->processes);
	free(att->series_unix);
	free(att->percpu);
	free(att);
}
