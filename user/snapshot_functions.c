// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* maps ──> [snapshot] ──> labels: what function probes counted. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "probe_families.h"
#include "snapshot_read.h"

static int row_read(struct attachment *att, struct snapshot *snap, __u32 number)
{
	struct function_snapshot *row;
	struct function_row_info info;
	struct service service;
	int err;

	if (bpf_map_lookup_elem(att->fd.function_row_infos, &number, &info))
		return -errno;
	if (!info.used || info.service > SERVICE_OTHER)
		return 0;
	if (bpf_map_lookup_elem(att->fd.services, &info.service, &service))
		return -errno;
	err = reserve((void **)&snap->functions, &snap->cap_functions, snap->n_functions, sizeof(*snap->functions));
	if (err)
		return err;
	row = &snap->functions[snap->n_functions];
	*row = (struct function_snapshot){.probe = info.probe, .value = info.value};
	memcpy(row->service, service.name, sizeof(row->service));
	if (info.service == SERVICE_OTHER)
		memcpy(row->service, "other", sizeof("other"));
	row->service[SERVICE_NAME_BYTES - 1] = '\0';
	err = percpu_sum(att, att->fd.function_cells, number, row->cell, FUNCTION_CELL_COUNT);
	if (!err)
		snap->n_functions++;
	return err;
}

int functions_read(struct attachment *att, struct snapshot *snap)
{
	__u32 given = att->shared->function_rows, most = MAX_FUNCTION_ROWS - MAX_PROBES - 1;
	int err = 0;

	snap->n_functions = 0;
	snap->probes = att->probe_families;
	if (!att->probe_families || att->fd.function_cells < 0)
		return 0;
	for (__u32 number = 1; !err && number <= MAX_PROBES; number++)
		err = row_read(att, snap, number);
	for (__u32 i = 0; !err && i < given && i < most; i++)
		err = row_read(att, snap, MAX_PROBES + 1 + i);
	for (__u32 i = 0; !err && i < att->probe_families->n_probes; i++) {
		_Static_assert(sizeof(struct function_unmatched) == PROBE_SIDE_COUNT * sizeof(__u64),
			       "entry, return");
		err = percpu_sum(att, att->fd.unmatched_by_probe, i, snap->unmatched[i], PROBE_SIDE_COUNT);
	}
	return err;
}
