// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * maps ──> [snapshot] ──> labels: the rows of operations and endpoints. Rows of equal labels become one.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog.h"
#include "endpoints.h"
#include "snapshot_read.h"
#include "templates.h"

#define ABSENT 0xffffffffU /* no place, in a table of places */

static int compare_u32(__u32 a, __u32 b)
{
	return a < b ? -1 : a > b;
}

/* Labels in the order of the exposition. */
static int compare_labels(const struct row_snapshot *a, const struct row_snapshot *b)
{
	int order = compare_u32(a->series, b->series);

	order = order ? order : compare_u32(a->info.protocol, b->info.protocol);
	order = order ? order : compare_u32(a->info.method, b->info.method);
	order = order ? order : compare_u32(a->info.operation, b->info.operation);
	return order ? order : strcmp(a->info.endpoint, b->info.endpoint);
}

static int by_labels(const void *a, const void *b)
{
	const struct row_snapshot *x = a, *y = b;
	int order = compare_labels(x, y);

	return order ? order : compare_u32(x->number, y->number);
}

static int by_code(const void *a, const void *b)
{
	const struct code_snapshot *x = a, *y = b;
	int order = compare_u32(x->row, y->row);

	return order ? order : compare_u32(x->code, y->code);
}

/* Whether so many literals were seen behind the prefix that further ones became variables. */
static bool is_variable(__u32 series, __u64 prefix_hash, void *context)
{
	const struct attachment *att = context;
	const struct path_key key = {.series = series, .hash = prefix_hash};
	__u32 literals;

	return !bpf_map_lookup_elem(att->fd.literals_by_prefix, &key, &literals) && literals >= att->segment_limit;
}

/* Gives the endpoint the name of its configured route. */
static void route(const struct attachment *att, const struct snapshot *snap, struct row_snapshot *row)
{
	const char *method = catalog_method.text[row->info.method < METHOD_COUNT ? row->info.method : METHOD_OTHER];
	const char *name = att->config ? endpoint_route(att->config, snap->series[row->series].service, method,
							row->info.endpoint)
				       : NULL;

	if (name)
		snprintf(row->info.endpoint, sizeof(row->info.endpoint), "%s", name);
}

static int row_read(struct attachment *att, struct snapshot *snap, __u32 number, const __u32 *position)
{
	struct row_snapshot *row;
	struct row_info info;
	int err;

	if (bpf_map_lookup_elem(att->fd.row_infos, &number, &info))
		return -errno;
	if (!info.protocol || info.series >= MAX_SERIES || position[info.series] == ABSENT)
		return 0;
	err = reserve((void **)&snap->rows, &snap->cap_rows, snap->n_rows, sizeof(*snap->rows));
	if (err)
		return err;
	row = &snap->rows[snap->n_rows];
	*row = (struct row_snapshot){.series = position[info.series], .number = number, .info = info};
	row->info.endpoint[ENDPOINT_BYTES - 1] = '\0';
	if (*row->info.endpoint) {
		template_fold(row->info.endpoint, info.series, is_variable, att);
		route(att, snap, row);
	}
	err = percpu_sum(att, att->fd.rows, number, row->cell, ROW_CELL_COUNT);
	if (!err)
		snap->n_rows++;
	return err;
}

static int codes_read(struct attachment *att, struct snapshot *snap, const __u32 *row_at)
{
	struct row_code key, next, *previous = NULL;
	__u64 count;
	int err;

	snap->n_codes = 0;
	while (!bpf_map_get_next_key(att->fd.count_by_code, previous, &next)) {
		key = next;
		previous = &key;
		if (key.row >= MAX_ROWS || row_at[key.row] == ABSENT ||
		    bpf_map_lookup_elem(att->fd.count_by_code, &key, &count))
			continue;
		err = reserve((void **)&snap->codes, &snap->cap_codes, snap->n_codes, sizeof(*snap->codes));
		if (err)
			return err;
		snap->codes[snap->n_codes++] =
			(struct code_snapshot){.row = row_at[key.row], .code = key.code, .count = count};
	}
	qsort(snap->codes, snap->n_codes, sizeof(*snap->codes), by_code);
	return 0;
}

/* Sorts the rows and adds up those of equal labels; row_at[number] becomes the place of the row with that number. */
static void rows_merge(struct snapshot *snap, __u32 *row_at)
{
	size_t kept = 0;

	qsort(snap->rows, snap->n_rows, sizeof(*snap->rows), by_labels);
	for (size_t i = 0; i < snap->n_rows; i++) {
		__u32 number = snap->rows[i].number;

		if (kept && !compare_labels(&snap->rows[kept - 1], &snap->rows[i])) {
			for (int j = 0; j < ROW_CELL_COUNT; j++)
				snap->rows[kept - 1].cell[j] += snap->rows[i].cell[j];
		} else {
			snap->rows[kept++] = snap->rows[i];
		}
		row_at[number] = kept - 1;
	}
	snap->n_rows = kept;
}

static void codes_merge(struct snapshot *snap)
{
	size_t kept = 0;

	for (size_t i = 0; i < snap->n_codes; i++) {
		if (kept && !by_code(&snap->codes[kept - 1], &snap->codes[i]))
			snap->codes[kept - 1].count += snap->codes[i].count;
		else
			snap->codes[kept++] = snap->codes[i];
	}
	snap->n_codes = kept;
}

static __u32 combinations_of(const struct snapshot *snap, size_t at)
{
	const struct row_snapshot *row = &snap->rows[at];
	__u32 n = 0;

	for (int i = ROW_STATUS; i < ROW_UNANSWERED; i++)
		n += row->cell[i] != 0;
	for (size_t i = 0; i < snap->n_codes; i++)
		n += snap->codes[i].row == at;
	return n;
}

/* Endpoints that were folded into one give back the label combinations that they held. */
static int combinations_correct(struct attachment *att, const struct snapshot *snap)
{
	__u32 http[MAX_SERVICES + 1] = {0};

	for (size_t i = 0; i < snap->n_rows; i++)
		if (snap->rows[i].info.protocol == PROTOCOL_HTTP && *snap->rows[i].info.endpoint)
			http[snap->series[snap->rows[i].series].index / ROLE_COUNT] += combinations_of(snap, i);
	for (__u32 service = 0; service <= MAX_SERVICES; service++) {
		struct combinations held;

		if (bpf_map_lookup_elem(att->fd.combinations, &service, &held))
			return -errno;
		if (held.http <= http[service])
			continue;
		held.http = http[service];
		if (bpf_map_update_elem(att->fd.combinations, &service, &held, BPF_ANY))
			return -errno;
	}
	return 0;
}

int rows_read(struct attachment *att, struct snapshot *snap)
{
	__u32 used = att->shared->row_count, position[MAX_SERIES], row_at[MAX_ROWS];
	int err = 0;

	memset(position, 0xff, sizeof(position));
	memset(row_at, 0xff, sizeof(row_at));
	for (size_t i = 0; i < snap->n_series; i++)
		position[snap->series[i].index] = i;
	if (used > MAX_ROWS - ROWS_SHARED - 1)
		used = MAX_ROWS - ROWS_SHARED - 1;
	snap->n_rows = 0;
	for (__u32 number = 1; !err && number <= used; number++)
		err = row_read(att, snap, number, position);
	for (__u32 number = MAX_ROWS - ROWS_SHARED; !err && number < MAX_ROWS; number++)
		err = row_read(att, snap, number, position);
	if (err)
		return err;
	rows_merge(snap, row_at);
	err = codes_read(att, snap, row_at);
	if (err)
		return err;
	codes_merge(snap);
	return combinations_correct(att, snap);
}
