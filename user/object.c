// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf_objects ──> [object] ──> attach: see object.h. */
#include "object.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "operations.h"

/* bpf_objects.S */
extern const char object_loop[], object_loop_end[], object_5_10[], object_5_10_end[];

const char *const object_text[OBJECT_KIND_COUNT] = {
	[OBJECT_LOOP] = "for Linux 5.17 and later (bpf_loop)",
	[OBJECT_5_10] = "for Linux 5.10 to 5.16 (no bpf_loop)",
};

static const struct {
	const char *bytes, *end;
} objects[OBJECT_KIND_COUNT] = {
	[OBJECT_LOOP] = {object_loop, object_loop_end},
	[OBJECT_5_10] = {object_5_10, object_5_10_end},
};

int object_open(struct bpf_object **out, enum object_kind kind)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "tapstat");
	struct bpf_object *object = bpf_object__open_mem(objects[kind].bytes,
							 (size_t)(objects[kind].end - objects[kind].bytes), &options);

	if (!object)
		return -errno;
	*out = object;
	return 0;
}

/* No queue is configured: their maps take next to nothing. */
static int queues_leave_out(const struct bpf_object *object)
{
	static const char *const names[] = {"queue_rules", "queue_rows", "queue_misses", "queue_depths"};
	int err = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !err; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, names[i]);

		err = map ? bpf_map__set_max_entries(map, 1) : -ENOENT;
	}
	return err;
}

int object_configure(struct bpf_object *object, const struct settings *settings)
{
	struct bpf_map *rodata = bpf_object__find_map_by_name(object, ".rodata.settings");
	struct bpf_map *states = bpf_object__find_map_by_name(object, "conns_by_sock");
	struct bpf_map *calls = bpf_object__find_map_by_name(object, "entered_calls");
	struct bpf_map *files = bpf_object__find_map_by_name(object, "file_calls");
	struct bpf_map *threads = bpf_object__find_map_by_name(object, "file_threads");
	struct bpf_map *rules = bpf_object__find_map_by_name(object, "service_rules");
	struct bpf_map *names = bpf_object__find_map_by_name(object, ".rodata.operations");
	struct operation_table *table;
	int err;

	if (!rodata || !names || !states || !calls || !files || !threads || !rules)
		return -ENOENT;
	table = malloc(sizeof(*table));
	if (!table)
		return -ENOMEM;
	err = operations_fill(table);
	if (!err)
		err = bpf_map__set_initial_value(names, table, sizeof(*table));
	free(table);
	if (!err)
		err = bpf_map__set_initial_value(rodata, settings, sizeof(*settings));
	if (!err)
		err = bpf_map__set_max_entries(states, settings->hashed ? settings->max_connections : 1);
	if (!err && !settings->entry_and_return)
		err = bpf_map__set_max_entries(calls, 1);
	if (!err && !settings->files)
		err = bpf_map__set_max_entries(files, 1);
	if (!err && !settings->files)
		err = bpf_map__set_max_entries(threads, 1);
	if (!err && !settings->service_rules)
		err = bpf_map__set_max_entries(rules, 1);
	if (!err && !settings->queues)
		err = queues_leave_out(object);
	return err;
}
