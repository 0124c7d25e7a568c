// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* bpf_objects ──> [object] ──> attach: see object.h. */
#include "object.h"

#include <bpf/libbpf.h>
#include <errno.h>

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

int object_configure(struct bpf_object *object, const struct settings *settings)
{
	struct bpf_map *rodata = bpf_object__find_map_by_name(object, ".rodata.settings");
	struct bpf_map *states = bpf_object__find_map_by_name(object, "conns_by_sock");
	struct bpf_map *calls = bpf_object__find_map_by_name(object, "entered_calls");
	int err;

	if (!rodata || !states || !calls)
		return -ENOENT;
	err = bpf_map__set_initial_value(rodata, settings, sizeof(*settings));
	if (!err)
		err = bpf_map__set_max_entries(states, settings->hashed ? settings->max_connections : 1);
	if (!err && !settings->entry_and_return)
		err = bpf_map__set_max_entries(calls, 1);
	return err;
}
