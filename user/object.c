// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf_objects ──> [object] ──> attach: see object.h. */
#include "object.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "operations.h"

enum { TLS_CONNECTIONS_FIXED = 16384 }; /* where maps can't grow */

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

void object_give_back(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < OBJECT_KIND_COUNT; i++) {
		char *begin = (char *)objects[i].bytes + (-(size_t)objects[i].bytes & (page - 1));

		if (begin < objects[i].end)
			madvise(begin, (size_t)(objects[i].end - begin), MADV_DONTNEED);
	}
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

/*
 * The maps of TLS. A connection inside TLS takes two places of max_connections: its socket's state and its own. Where
 * maps can't grow, they are as large as a busy server needs.
 */
static int tls_configure(const struct bpf_object *object, const struct settings *settings, bool growing)
{
	static const struct {
		const char *name;
		bool grows, by_connection;
	} maps[] = {{"conns_by_key", true, true},       {"tls_objects", true, true},
		    {"tls_callers", true, false},       {"tls_object_by_sock", false, false},
		    {"tls_nested_calls", false, false}, {"library_by_process", false, false}};
	int err = 0;

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]) && !err; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, maps[i].name);
		__u32 entries = map ? bpf_map__max_entries(map) : 0;

		if (!map)
			return -ENOENT;
		if (!strcmp(maps[i].name, "conns_by_key") && settings->hashed) {
			err = bpf_map__set_max_entries(map, settings->max_connections);
			continue;
		}
		if (maps[i].by_connection && growing)
			entries = (settings->max_connections + 1) / 2;
		else if (maps[i].by_connection)
			entries = TLS_CONNECTIONS_FIXED;
		err = bpf_map__set_max_entries(map, settings->tls ? entries : 1);
		if (!err && growing && maps[i].grows)
			err = bpf_map__set_map_flags(map, BPF_F_NO_PREALLOC);
	}
	return err;
}

/* Calls of storage libraries are not counted, or not in this build: its maps, where there are any, take nothing. */
static int storage_leave_out(const struct bpf_object *object)
{
	static const char *const names[] = {"storage_calls", "sqlite_statements"};
	int err = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !err; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, names[i]);

		err = map ? bpf_map__set_max_entries(map, 1) : 0;
	}
	return err;
}

/* The maps of function probes, in the object that has them. */
static int probes_configure(const struct bpf_object *object, const struct settings *settings)
{
	static const char *const names[] = {"function_probes",    "function_places",    "function_cells",
					    "function_row_infos", "unmatched_by_probe", "frames_by_caller"};
	struct bpf_map *rows = bpf_object__find_map_by_name(object, "function_rows");
	int err;

	if (!rows)
		return 0;
	err = bpf_map__set_max_entries(rows, settings->probes ? settings->probes * (MAX_SERVICES + 1) : 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !err && !settings->probes; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, names[i]);

		err = map ? bpf_map__set_max_entries(map, 1) : -ENOENT;
	}
	return err;
}

int object_configure(struct bpf_object *object, const struct settings *settings, bool growing)
{
	struct bpf_map *rodata = bpf_object__find_map_by_name(object, ".rodata.settings");
	struct bpf_map *calls = bpf_object__find_map_by_name(object, "entered_calls");
	struct bpf_map *files = bpf_object__find_map_by_name(object, "file_calls");
	struct bpf_map *threads = bpf_object__find_map_by_name(object, "file_threads");
	struct bpf_map *rules = bpf_object__find_map_by_name(object, "service_rules");
	struct bpf_map *names = bpf_object__find_map_by_name(object, ".rodata.operations");
	struct operation_table *table;
	int err;

	if (!rodata || !names || !calls || !files || !threads || !rules)
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
		err = tls_configure(object, settings, growing);
	if (!err)
		err = probes_configure(object, settings);
	if (!err && !settings->entry_and_return)
		err = bpf_map__set_max_entries(calls, 1);
	if (!err && !settings->files)
		err = bpf_map__set_max_entries(files, 1);
	if (!err && !settings->files)
		err = bpf_map__set_max_entries(threads, 1);
	if (!err && !settings->service_rules)
		err = bpf_map__set_max_entries(rules, 1);
	if (!err && !settings->storage_libraries)
		err = storage_leave_out(object);
	if (!err && !settings->queues)
		err = queues_leave_out(object);
	return err;
}
