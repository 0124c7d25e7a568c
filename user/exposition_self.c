/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* snapshot, self_metrics ──> [exposition] ──> HTTP: samples of tapstat's own families, a few lines of each. */
#include "exposition_row.h"

#include <string.h>

#include "config_probes.h"

struct label {
	const char *name, *value;
};

static void write_name(struct buffer *out, const struct family *family, const struct label *labels, size_t n)
{
	buffer_text(out, family->name);
	for (size_t i = 0; i < n; i++) {
		buffer_char(out, i ? ',' : '{');
		buffer_text(out, labels[i].name);
		buffer_text(out, "=\"");
		exposition_label_value(out, labels[i].value);
		buffer_char(out, '"');
	}
	buffer_text(out, n ? "} " : " ");
}

static void write_number(struct buffer *out, const struct family *family, const char *label, const char *value,
			 __u64 number)
{
	struct label labels[] = {{label, value}};

	write_name(out, family, labels, label ? 1 : 0);
	buffer_u64(out, number);
	buffer_char(out, '\n');
}

static void write_ns(struct buffer *out, const struct family *family, const char *label, const char *value, __u64 ns)
{
	struct label labels[] = {{label, value}};

	write_name(out, family, labels, label ? 1 : 0);
	buffer_seconds(out, ns);
	buffer_char(out, '\n');
}

/* One sample for each value of the set. */
static void write_cells(struct buffer *out, const struct family *family, const struct label_set *set,
			const __u64 *cell)
{
	for (size_t i = 0; i < set->n; i++)
		write_number(out, family, set->label, set->text[i], cell[i]);
}

static void write_hooks(struct buffer *out, const struct family *family, const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->n_hooks; i++) {
		const struct hook_snapshot *hook = &snap->hook[i];

		if (family->id == FAMILY_HOOK_ATTACHED)
			write_number(out, family, "hook", hook->name, hook->attached);
		else if (hook->has_stats && family->id == FAMILY_HOOK_RUNS)
			write_number(out, family, "hook", hook->name, hook->runs);
		else if (hook->has_stats)
			write_ns(out, family, "hook", hook->name, hook->run_ns);
	}
}

static void write_maps(struct buffer *out, const struct family *family, const struct snapshot *snap)
{
	for (size_t i = 0; i < snap->n_maps; i++) {
		const struct map_snapshot *map = &snap->map[i];

		write_number(out, family, "map", map->name,
			     family->id == FAMILY_MAP_ENTRIES ? map->entries : map->max_entries);
	}
}

static void write_protocols(struct buffer *out, const struct family *family, const struct snapshot *snap)
{
	for (size_t i = 0; i < catalog_protocol.n; i++)
		write_number(out, family, catalog_protocol.label, catalog_protocol.text[i], snap->total.protocol[i]);
}

static void write_dropped(struct buffer *out, const struct family *family, const struct snapshot *snap)
{
	__u64 cell[DROPPED_COUNT + 2];

	memcpy(cell, snap->self + SELF_DROPPED, DROPPED_COUNT * sizeof(*cell));
	cell[DROPPED_COUNT] = snap->recursion_misses;
	cell[DROPPED_COUNT + 1] = snap->kretprobe_misses;
	write_cells(out, family, &catalog_dropped, cell);
}

/* Of each family that services have: the combinations held. */
static void write_series(struct buffer *out, const struct family *family, const struct snapshot *snap)
{
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *of = catalog_family(i);

		if (of->kind != FAMILY_SELF)
			write_number(out, family, "family", of->name, exposition_combinations(of, snap));
	}
	for (size_t i = 0; snap->probes && i < snap->probes->n; i++) {
		const struct probe_family *of = &snap->probes->family[i];

		write_number(out, family, "family", of->family.name, exposition_probe_combinations(of, snap));
	}
}

static void write_unmatched(struct buffer *out, const struct family *family, const struct snapshot *snap)
{
	for (size_t i = 0; snap->probes && i < snap->probes->n_probes; i++) {
		for (size_t side = 0; side < catalog_probe_side.n; side++) {
			const struct label labels[] = {{"probe", snap->probes->probe[i].name},
						       {catalog_probe_side.label, catalog_probe_side.text[side]}};

			write_name(out, family, labels, 2);
			buffer_u64(out, snap->unmatched[i][side]);
			buffer_char(out, '\n');
		}
	}
}

static void write_probe_files(struct buffer *out, const struct family *family, const struct snapshot *snap,
			      const struct attacher_state *attacher)
{
	for (size_t i = 0; snap->probes && i < snap->probes->n_probes; i++)
		write_number(out, family, "probe", snap->probes->probe[i].name,
			     attacher ? attacher->probe_files[i] : 0);
}

/* Whole services fold, so that all families of a series fold alike; endpoints and operations fold by themselves. */
static __u64 folded(const struct family *of, const struct snapshot *snap)
{
	if (of->kind == FAMILY_OF_SERIES)
		return snap->self[SELF_FOLDED_CONNECTIONS];
	return snap->self[of->id == FAMILY_HTTP_REQUESTS || of->id == FAMILY_HTTP_REQUEST_DURATION
				  ? SELF_FOLDED_HTTP
				  : SELF_FOLDED_STORAGE];
}

static void write_folded(struct buffer *out, const struct family *family, const struct snapshot *snap)
{
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *of = catalog_family(i);

		if (of->kind == FAMILY_OF_SERIES || of->kind == FAMILY_OF_ROW)
			write_number(out, family, "family", of->name, folded(of, snap));
	}
}

static void write_build_info(struct buffer *out, const struct family *family, const struct self_metrics *self)
{
	struct label labels[] = {{"version", self->version}, {"commit", self->commit}, {"libbpf", self->libbpf}};

	write_name(out, family, labels, 3);
	buffer_text(out, "1\n");
}

static void write_tls(struct buffer *out, const struct family *family, const struct snapshot *snap)
{
	for (size_t i = 0; i < LIBRARY_COUNT * VISIBLE_COUNT; i++) {
		struct label labels[] = {{"library", catalog_library.text[i / VISIBLE_COUNT]},
					 {"visible", catalog_visible.text[i % VISIBLE_COUNT]}};

		write_name(out, family, labels, 2);
		buffer_u64(out, snap->self[SELF_TLS + i]);
		buffer_char(out, '\n');
	}
}

void exposition_self_family(struct buffer *out, const struct family *family, const struct snapshot *snap,
			    const struct self_metrics *self)
{
	switch (family->id) {
	case FAMILY_BUILD_INFO:
		return write_build_info(out, family, self);
	case FAMILY_HOOK_ATTACHED:
	case FAMILY_HOOK_RUNS:
	case FAMILY_HOOK_SECONDS:
		return write_hooks(out, family, snap);
	case FAMILY_CONNECTIONS:
		return write_protocols(out, family, snap);
	case FAMILY_CONNECTIONS_JOINED:
		return write_cells(out, family, &catalog_protocol, snap->self + SELF_JOINED);
	case FAMILY_UNPARSED_BYTES:
		return write_cells(out, family, &catalog_unparsed, snap->self + SELF_UNPARSED);
	case FAMILY_DROPPED:
		return write_dropped(out, family, snap);
	case FAMILY_SERIES:
		return write_series(out, family, snap);
	case FAMILY_SERIES_FOLDED:
		return write_folded(out, family, snap);
	case FAMILY_MAP_ENTRIES:
	case FAMILY_MAP_MAX_ENTRIES:
		return write_maps(out, family, snap);
	case FAMILY_MEMORY_CEILING:
		return write_number(out, family, NULL, NULL, snap->memory_ceiling_bytes);
	case FAMILY_TLS_CONNECTIONS:
		return write_tls(out, family, snap);
	case FAMILY_PROBED_FILES:
		return write_number(out, family, NULL, NULL, self->attacher ? self->attacher->files : 0);
	case FAMILY_PROBE_FAILURES:
		return write_number(out, family, NULL, NULL, self->attacher ? self->attacher->failed : 0);
	case FAMILY_PROBE_FILES:
		return write_probe_files(out, family, snap, self->attacher);
	case FAMILY_PROBE_UNMATCHED:
		return write_unmatched(out, family, snap);
	case FAMILY_SCRAPE_DURATION:
		return write_ns(out, family, NULL, NULL, self->scrape_ns);
	case FAMILY_PROCESS_CPU:
		return write_ns(out, family, NULL, NULL, self->cpu_ns);
	case FAMILY_PROCESS_OPEN_FDS:
		return write_number(out, family, NULL, NULL, self->open_fds);
	case FAMILY_PROCESS_MAX_FDS:
		return write_number(out, family, NULL, NULL, self->max_fds);
	case FAMILY_PROCESS_VIRTUAL_MEMORY:
		return write_number(out, family, NULL, NULL, self->virtual_bytes);
	case FAMILY_PROCESS_RESIDENT_MEMORY:
		return write_number(out, family, NULL, NULL, self->resident_bytes);
	case FAMILY_PROCESS_START_TIME:
		return write_ns(out, family, NULL, NULL, self->start_ns);
	default: /* families of services: exposition.c */
		return;
	}
}
