// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * maps ──> [snapshot] ──> labels: scans the live sockets and reads the kernel's maps, summed over the CPUs.
 */
#include "snapshot.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attachment.h"
#include "kretprobe.h"
#include "map_entries.h"
#include "snapshot_read.h"

int percpu_sum(struct attachment *att, int fd, __u32 key, __u64 *sum, size_t cells)
{
	const __u64 *values = att->percpu;
	int err, cpus = libbpf_num_possible_cpus();

	err = bpf_map_lookup_elem(fd, &key, att->percpu);
	if (err)
		return -errno;
	memset(sum, 0, cells * sizeof(*sum));
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < cells; i++)
			sum[i] += values[(size_t)cpu * cells + i];
	return 0;
}

static __u64 monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec;
}

static int prepare(struct attachment *att)
{
	if (!att->percpu)
		att->percpu = calloc(libbpf_num_possible_cpus(), sizeof(struct series));
	if (!att->series_unix)
		att->series_unix = calloc(MAX_SERIES, sizeof(*att->series_unix));
	return att->percpu && att->series_unix ? 0 : -ENOMEM;
}

int reserve(void **array, size_t *capacity, size_t n, size_t size)
{
	size_t more = *capacity ? *capacity * 2 : 16;
	void *grown;

	if (n < *capacity)
		return 0;
	grown = realloc(*array, more * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*capacity = more;
	return 0;
}

/* Runs the iterator over all sockets with state; the results are in the scan maps. */
static int scan(struct attachment *att)
{
	static const struct scan_series nothing;
	static const struct scan_total no_total;
	__u32 services = att->shared->service_count, zero = 0;

	if (services > MAX_SERVICES)
		services = MAX_SERVICES;
	for (__u32 i = 0; i < MAX_SERIES; i++) {
		if (i / ROLE_COUNT >= services && i / ROLE_COUNT != SERVICE_OTHER)
			continue;
		if (bpf_map_update_elem(att->fd.scan_by_series, &i, &nothing, BPF_ANY))
			return -errno;
	}
	if (bpf_map_update_elem(att->fd.scan_totals, &zero, &no_total, BPF_ANY))
		return -errno;
	att->shared->scan_number++;
	return attachment_iterate(att);
}

/*
 * The ends of AF_UNIX connections. `before` and `after` are the gauges around the scan; connections may begin, end
 * and change between the three. Each figure is a lower bound that is exact once nothing moves, and never goes back.
 */
static void unix_ends(struct series_unix *ended, const __u64 *before, const __u64 *after,
		      const struct scan_series *alive)
{
	__s64 all = 0, closed, closed_most, lost, unanswered;

	for (int i = 0; i < UNIX_STATE_COUNT; i++)
		all += (__s64)before[i] - alive->unix_alive[i];
	closed = (__s64)before[UNIX_STATE_CLOSING] - alive->unix_alive[UNIX_STATE_CLOSING];
	closed_most = (__s64)after[UNIX_STATE_CLOSING] - alive->unix_alive[UNIX_STATE_CLOSING];
	lost = all - closed_most;
	unanswered = (__s64)before[UNIX_STATE_UNANSWERED] - alive->unix_alive[UNIX_STATE_UNANSWERED];
	if (closed > (__s64)ended->closed)
		ended->closed = closed;
	if (lost > (__s64)(ended->lost + ended->timeout)) {
		__s64 more = lost - (ended->lost + ended->timeout);
		__s64 timeouts = unanswered - (__s64)ended->timeout;

		timeouts = timeouts < 0 ? 0 : timeouts > more ? more : timeouts;
		ended->timeout += timeouts;
		ended->lost += more - timeouts;
	}
}

/*
 * The durations of AF_UNIX connections that vanished between two scans without a trace: they began, on average, at
 * the sum of the begins that is missing over their number, and ended between the scans. `cell` points to
 * CELL_UNIX_UNSAMPLED before and after the scan.
 */
static void unix_lifetimes(struct series_unix *ended, const __u64 *before, const __u64 *after,
			   const struct scan_series *alive, __u64 last_scan_us, __u64 now_us)
{
#define LIFETIME_BOUND(bound) (bound),
	static const __u64 bounds[] = {BOUNDS_LIFETIME(LIFETIME_BOUND)};
	__u64 n, began_us, duration_ns;
	size_t bucket = 0;

	if (before[0] != after[0] || before[1] != after[1])
		return; /* something moves; the next scan will tell */
	n = before[0] - alive->unix_unsampled - ended->sampled;
	if (!n || (__s64)n < 0)
		return;
	began_us = (before[1] - alive->unix_opened_us - ended->sampled_opened_us) / n;
	duration_ns = ((began_us > last_scan_us ? began_us : last_scan_us) + now_us) / 2;
	duration_ns = duration_ns > began_us ? (duration_ns - began_us) * 1000 : 0;
	while (bucket < BOUNDS_LIFETIME_COUNT && duration_ns > bounds[bucket])
		bucket++;
	ended->lifetime[bucket] += n;
	ended->lifetime[SHAPE_LIFETIME_CELLS - 1] += n * duration_ns;
	ended->sampled += n;
	ended->sampled_opened_us += n * began_us;
}

/* Whether the kernel side counts the end of every AF_UNIX connection: by a hook, or by the scan of hashed states. */
static bool unix_ends_are_told(const struct attachment *att)
{
	if (att->hashed)
		return true;
	for (int i = 0; i < att->n_hooks; i++)
		if (att->hook[i].attached && !strcmp(att->hook[i].row->name, "unix_release"))
			return true;
	return false;
}

static void unix_ends_add(struct series_snapshot *s, const struct series_unix *ended)
{
	s->cell[CELL_WS_CONNECTIONS + CONNECTION_STATUS_CLOSED] += ended->closed;
	s->cell[CELL_WS_CONNECTIONS + CONNECTION_STATUS_ERROR] += ended->lost + ended->timeout;
	s->cell[CELL_WS_ERRORS + WS_ERROR_CONNECTION_LOST] += ended->lost;
	s->cell[CELL_WS_ERRORS + WS_ERROR_TIMEOUT] += ended->timeout;
	for (int i = 0; i < SHAPE_LIFETIME_CELLS; i++)
		s->cell[CELL_WS_CONNECTION_DURATION + i] += ended->lifetime[i];
}

static int series_read(struct attachment *att, struct snapshot *snap)
{
	__u32 services = att->shared->service_count;

	snap->n_series = 0;
	for (__u32 i = 0; i <= MAX_SERVICES; i++) {
		struct service service;

		if (i >= services && i != SERVICE_OTHER)
			continue;
		if (bpf_map_lookup_elem(att->fd.services, &i, &service))
			return -errno;
		for (int role = 0; role < ROLE_COUNT; role++) {
			struct series_snapshot *s;
			int err;

			if (!service.seen[role])
				continue;
			err = reserve((void **)&snap->series, &snap->cap_series, snap->n_series,
				      sizeof(*snap->series));
			if (err)
				return err;
			s = &snap->series[snap->n_series];
			memset(s, 0, sizeof(*s));
			memcpy(s->service, i == SERVICE_OTHER ? "other" : service.name,
			       i == SERVICE_OTHER ? sizeof("other") : sizeof(service.name));
			s->service[SERVICE_NAME_BYTES - 1] = 0;
			s->role = role;
			s->seen = service.seen[role];
			s->index = SERIES_INDEX(i, role);
			err = percpu_sum(att, att->fd.series, s->index, s->cell, SERIES_CELL_COUNT);
			if (err)
				return err;
			snap->n_series++;
		}
	}
	return 0;
}

static int scan_read(struct attachment *att, struct snapshot *snap)
{
	__u64 now_ns = monotonic_ns();
	__u32 zero = 0;

	snap->unix_open = false;
	for (size_t i = 0; i < snap->n_series; i++) {
		struct series_snapshot *s = &snap->series[i];
		const __u64 *before = &s->cell[CELL_UNIX_STATE];
		__u64 after[SERIES_CELL_COUNT];
		struct series_unix *ended = &att->series_unix[s->index];
		bool has_unix = false;
		int err;

		if (bpf_map_lookup_elem(att->fd.scan_by_series, &s->index, &s->scan))
			return -errno;
		for (int j = 0; j < UNIX_STATE_COUNT; j++)
			has_unix |= before[j] != 0;
		if (has_unix) {
			err = percpu_sum(att, att->fd.series, s->index, after, SERIES_CELL_COUNT);
			if (err)
				return err;
			if (!unix_ends_are_told(att)) {
				unix_ends(ended, before, &after[CELL_UNIX_STATE], &s->scan);
				unix_lifetimes(ended, &s->cell[CELL_UNIX_UNSAMPLED], &after[CELL_UNIX_UNSAMPLED],
					       &s->scan, att->scanned_ns / 1000, now_ns / 1000);
			}
			for (int j = 0; j < UNIX_STATE_COUNT; j++)
				snap->unix_open |= s->scan.unix_alive[j] != 0;
		}
		unix_ends_add(s, ended);
	}
	att->scanned_ns = now_ns;
	if (bpf_map_lookup_elem(att->fd.scan_totals, &zero, &snap->total))
		return -errno;
	return 0;
}

/*
 * Corrects the count of sockets with state, of which AF_UNIX ones go unnoticed. What comes and goes during the scan
 * leaves an error that the next one takes away.
 */
static void states_correct(struct attachment *att, const struct snapshot *snap, __u64 before)
{
	__atomic_fetch_add(&att->shared->states_live, snap->total.listed - before, __ATOMIC_RELAXED);
}

static int refused_read(struct attachment *att, struct snapshot *snap)
{
	int fd = att->fd.refused_by_code, err;
	struct refused_key key, next, *previous = NULL;

	snap->n_refused = 0;
	while (!bpf_map_get_next_key(fd, previous, &next)) {
		__u64 count;

		key = next;
		previous = &key;
		if (bpf_map_lookup_elem(fd, &key, &count))
			continue;
		for (size_t i = 0; i < snap->n_series; i++) {
			if (snap->series[i].index != key.series)
				continue;
			err = reserve((void **)&snap->refused, &snap->cap_refused, snap->n_refused,
				      sizeof(*snap->refused));
			if (err)
				return err;
			snap->refused[snap->n_refused++] =
				(struct refused_snapshot){.series = i, .code = key.code, .count = count};
		}
	}
	return 0;
}

static bool is_uprobe(const struct hook_program *program)
{
	return program->name && program->mechanism == MECHANISM_UPROBE;
}

static void hooks_read(struct attachment *att, struct snapshot *snap)
{
	snap->n_hooks = 0;
	snap->recursion_misses = 0;
	for (int i = 0; i < att->n_hooks; i++) {
		struct hook_snapshot *hook = &snap->hook[snap->n_hooks++];

		*hook = (struct hook_snapshot){.name = att->hook[i].row->name, .attached = att->hook[i].attached};
		for (int j = 0; j < HOOK_MAX_PROGRAMS; j++) {
			struct bpf_prog_info info = {};
			__u32 size = sizeof(info);

			if (!(att->hook[i].link[j] ||
			      (att->hook[i].attached && is_uprobe(&att->hook[i].row->program[j]))) ||
			    !hook_program_is_first(att->hook[i].row, j))
				continue;
			if (bpf_obj_get_info_by_fd(att->hook[i].program_fd[j], &info, &size))
				continue;
			hook->runs += info.run_cnt;
			hook->run_ns += info.run_time_ns;
			hook->has_stats |= info.run_cnt > 0;
			snap->recursion_misses += info.recursion_misses;
		}
	}
	snap->kretprobe_misses = att->kretprobes ? kretprobes_misses(att->kretprobes) : 0;
}

/* Whether the entries of a map are to be counted one by one: not those that a variable or another map counts. */
static bool is_counted(const struct bpf_map *map)
{
	static const char *const known[] = {"conns_by_key", "service_by_name", "refused_by_code", "count_by_code"};
	enum bpf_map_type type = bpf_map__type(map);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(bpf_map__name(map), known[i]))
			return false;
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH;
}

static __u64 entries_of(const struct attachment *att, const struct bpf_map *map)
{
	const struct map_shape shape = {bpf_map__fd(map), bpf_map__key_size(map), bpf_map__value_size(map)};

	return map_entries(&shape, strcmp(bpf_map__name(map), "scan_by_peer") ? NULL : &att->shared->scan_number);
}

static void map_add(struct snapshot *snap, const char *name, __u64 entries, __u64 max_entries)
{
	if (snap->n_maps < SNAPSHOT_MAX_MAPS)
		snap->map[snap->n_maps++] = (struct map_snapshot){name, entries, max_entries};
}

static void maps_read(struct attachment *att, struct snapshot *snap)
{
	__u32 services = att->shared->service_count;
	const struct bpf_map *refused = bpf_object__find_map_by_name(att->object, "refused_by_code");
	const struct bpf_map *codes = bpf_object__find_map_by_name(att->object, "count_by_code");
	struct bpf_map *map;

	snap->n_maps = 0;
	map_add(snap, "conns", att->shared->states_live, att->max_connections);
	map_add(snap, "services", services < att->max_services ? services : att->max_services, att->max_services);
	map_add(snap, "series", snap->n_series, MAX_SERIES);
	map_add(snap, "refused_by_code", snap->n_refused, bpf_map__max_entries(refused));
	map_add(snap, "count_by_code", snap->n_codes, bpf_map__max_entries(codes));
	map_add(snap, "rows", att->shared->row_count < MAX_ROWS ? att->shared->row_count : MAX_ROWS, MAX_ROWS);
	bpf_object__for_each_map (map, att->object)
		if (is_counted(map))
			map_add(snap, bpf_map__name(map), entries_of(att, map), bpf_map__max_entries(map));
}

int snapshot_take(struct attachment *att, struct snapshot *snap)
{
	__u64 states;
	int err;

	err = prepare(att);
	if (err)
		return err;
	err = series_read(att, snap);
	if (err)
		return err;
	states = att->shared->states_live;
	err = scan(att);
	if (err)
		return err;
	err = scan_read(att, snap);
	if (err)
		return err;
	err = rows_read(att, snap);
	if (err)
		return err;
	if (!att->hashed) /* else every end is told, or found by the scan */
		states_correct(att, snap, states);
	err = percpu_sum(att, att->fd.self, 0, snap->self, SELF_CELL_COUNT);
	if (err)
		return err;
	err = refused_read(att, snap);
	if (err)
		return err;
	err = queues_read(att, snap);
	if (err)
		return err;
	err = functions_read(att, snap);
	if (err)
		return err;
	hooks_read(att, snap);
	maps_read(att, snap);
	snap->memory_ceiling_bytes = att->memory_ceiling_bytes;
	return 0;
}

int snapshot_take_usage(struct attachment *att, struct snapshot *snap)
{
	struct timespec now;
	int err = processes_visible(PROCESSES_PROC);

	snap->has_usage = false;
	if (err)
		return err;
	if (!att->processes)
		att->processes = processes_new(PROCESSES_PROC, PROCESSES_BUDGET_NS);
	if (!att->processes)
		return -ENOMEM;
	err = processes_note_map(att->processes, att->fd.processes);
	if (err)
		return err;
	clock_gettime(CLOCK_BOOTTIME, &now);
	err = processes_read(att->processes, (__u64)now.tv_sec * 1000000000 + (__u64)now.tv_nsec, snap->usage);
	snap->has_usage = !err;
	return err;
}

void snapshot_free(struct snapshot *snap)
{
	free(snap->series);
	free(snap->rows);
	free(snap->codes);
	free(snap->refused);
	free(snap->queues);
	free(snap->functions);
	memset(snap, 0, sizeof(*snap));
}
