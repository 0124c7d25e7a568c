/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * endpoint ──> [rows] ──> record: the row of an HTTP request, by its method and path.
 *
 * The path as it came leads to the row through a cache. A path that is not in it is made into its template, segment
 * by segment; a literal behind whose place there have been segment_limit others becomes {name}. User space folds the
 * rows of those others into the same template (user/templates.c), so that nothing is moved here.
 */
#ifndef TAPSTAT_HTTP_ROWS_H
#define TAPSTAT_HTTP_ROWS_H

#include "rows.h"

/* Whether a literal counts as one: it is known, or there is room behind its prefix. */
static __always_inline bool literal_admit(struct target *t)
{
	struct path_key key = {.series = t->series, .hash = t->template_hash}, prefix = key;
	__u32 none = 0, *seen;
	__u8 present = 1;

	if (bpf_map_lookup_elem(&literals, &key))
		return true;
	prefix.hash = t->prefix_hash;
	seen = bpf_map_lookup_elem(&literals_by_prefix, &prefix);
	if (!seen) {
		bpf_map_update_elem(&literals_by_prefix, &prefix, &none, BPF_NOEXIST);
		seen = bpf_map_lookup_elem(&literals_by_prefix, &prefix);
	}
	if (!seen)
		return true;
	if (*seen >= settings.segment_limit)
		return false;
	if (!bpf_map_update_elem(&literals, &key, &present, BPF_NOEXIST))
		__sync_fetch_and_add(seen, 1);
	return true;
}

static __always_inline void segment_end(struct target *t)
{
	__u32 bytes = t->at - t->segment;
	__u64 variable = segment_variable(t->kinds, bytes);

	if (!variable && bytes && !literal_admit(t))
		variable = SEGMENT_NAME;
	if (variable)
		template_variable(t, variable);
}

/* That of a program that can't be preempted. */
static __always_inline struct target *target_current(void)
{
	struct scratch *scratch = scratch_current();

	return scratch ? &scratch->target : NULL;
}

STEP(template_step, target)
{
	__u64 at = i;
	__u8 c;

	if (at >= it->bytes || it->over) {
		segment_end(it);
		return 1;
	}
	clamp_mask(at, 255);
	c = it->text[at];
	if (c == '/')
		segment_end(it);
	template_add(it, c);
	if (c == '/')
		segment_begin(it);
	return 0;
}

/* The row of a template, or a new one; 0: there is none left. */
static __always_inline __u32 template_row(struct target *t, __u32 method, bool other)
{
	struct path_key key = {.series = t->series, .method = method, .hash = other ? 0 : t->template_hash};
	__u32 *known = bpf_map_lookup_elem(&row_by_template, &key), row;
	struct row_info *info;

	if (known)
		return *known;
	if (!other && !combinations_left(t->series, true))
		return 0;
	row = row_number(other);
	if (!row)
		return other ? row_shared(t->series, PROTOCOL_HTTP, 0) : 0;
	info = row_info(row);
	if (!info)
		return 0;
	info->series = t->series;
	info->method = method;
	info->protocol = PROTOCOL_HTTP;
	if (!other) {
		t->template[t->at < sizeof(t->template) ? t->at : 0] = 0;
		__builtin_memcpy(info->endpoint, t->template, sizeof(info->endpoint));
	}
	if (bpf_map_update_elem(&row_by_template, &key, &row,
				BPF_NOEXIST)) { /* another CPU was first, or it is full */
		known = bpf_map_lookup_elem(&row_by_template, &key);
		info->protocol = PROTOCOL_UNDECIDED;
		return known ? *known : 0;
	}
	return row;
}

/*
 * The row of the request whose path is in scratch->target. A global function, so that the verifier looks at it once.
 */
__noinline int endpoint_row_learn(__u32 slot, __u32 series, __u32 method)
{
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &slot);
	struct path_key key = {.series = series, .method = method};
	struct target *t;
	__u32 row = 0;

	if (!scratch)
		return 0;
	t = &scratch->target;
	t->series = series;
	key.hash = t->hash;
	if (!t->bytes && method != METHOD_CONNECT && method != METHOD_OTHER)
		target_add(t, (const __u8 *)"/               ", 1);
	if (t->bytes && t->bytes <= TARGET_BYTES && method != METHOD_CONNECT) {
		template_begin(t);
		__builtin_memset(t->template, 0, sizeof(t->template));
		repeat(TARGET_BYTES + 1, template_step, t);
		if (!t->over)
			row = template_row(t, method, false);
		if (row)
			bpf_map_update_elem(&row_by_path, &key, &row, BPF_ANY);
	}
	if (!row && method != METHOD_CONNECT)
		self_add(SELF_FOLDED_HTTP, 1);
	return row ?: template_row(t, method, true);
}

/* The same for a path that has been seen before; 0: it has not. */
static __always_inline __u32 endpoint_row(struct target *t, __u32 series, __u32 method)
{
	struct path_key key = {.series = series, .method = method, .hash = t->hash};
	__u32 *row = bpf_map_lookup_elem(&row_by_path, &key);

	return row ? *row : 0;
}

/* The row of `other` of the same series and method, for a combination that finds no place. */
static __always_inline __u32 endpoint_row_other(__u32 series, __u32 method)
{
	struct path_key key = {.series = series, .method = method};
	__u32 *known = bpf_map_lookup_elem(&row_by_template, &key);

	return known ? *known : row_shared(series, PROTOCOL_HTTP, 0);
}

/* ---- Counts ---------------------------------------------------------------------------------------------------- */

enum { HTTP_CODES = 512, HTTP_FIRST_CODE = 100 };

/* Where a status is counted: 1 + its cell, 0: in count_by_code. */
static const __u8 http_status_cell[HTTP_CODES] = {
#define HTTP_STATUS_NUMBER(code) [code - HTTP_FIRST_CODE] = HTTP_STATUS_NUMBER_##code + 1,
	HTTP_STATUS_CELLS(HTTP_STATUS_NUMBER)};

/* Whether the row may hold one more status, which is one more label combination. Rows of `other` always may. */
__noinline int http_admit(__u32 row, __u32 bit)
{
	struct row_info *info = row_info(row);
	struct combinations *held;
	__u32 service;

	if (!info || !info->endpoint[0] || (bit && (info->statuses & bit)))
		return 1;
	service = info->series / ROLE_COUNT;
	held = bpf_map_lookup_elem(&combinations_by_service, &service);
	if (!held)
		return 1;
	if (held->http >= settings.max_combinations)
		return 0;
	__sync_fetch_and_add(&held->http, 1);
	info->statuses |= bit;
	return 1;
}

/* Counts a status that has no cell; the row that counts it. */
__noinline int http_count_code(__u32 row, __u32 code)
{
	struct row_code key = {.row = row, .code = code};
	__u64 none = 0, *count = bpf_map_lookup_elem(&count_by_code, &key);

	if (!count && !http_admit(row, 0)) {
		struct row_info *info = row_info(row);

		self_add(SELF_FOLDED_HTTP, 1);
		row = info ? endpoint_row_other(info->series, info->method) : 0;
		key.row = row;
		count = bpf_map_lookup_elem(&count_by_code, &key);
	}
	if (!count) {
		bpf_map_update_elem(&count_by_code, &key, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&count_by_code, &key);
	}
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		record_dropped(DROPPED_MAX_CODES);
	return row;
}

/* The row that counts in this cell for the first time on this CPU: the same, or that of `other`. */
__noinline int http_row_admitted(__u32 row, __u32 cell)
{
	struct row_info *info = row_info(row);

	if (!info || http_admit(row, 1U << (cell & 31)))
		return row;
	self_add(SELF_FOLDED_HTTP, 1);
	return endpoint_row_other(info->series, info->method);
}

static __always_inline void row_cell_add_shared(struct row *to, __u32 cell, __u64 n)
{
	opaque(cell);
	opaque(n); /* as in cell_add() */
	if (cell < ROW_CELL_COUNT)
		__sync_fetch_and_add(&to->cell[cell], n);
}

/* Counts one request. Also at the end of a connection, from softirq: atomically. */
static __always_inline void record_http(__u32 row, __u32 code, __u64 ns)
{
	struct row *to = bpf_map_lookup_elem(&rows, &row);
	__u64 at = code - HTTP_FIRST_CODE;
	__u32 number, cell;

	opaque(at);
	number = at < HTTP_CODES ? http_status_cell[at] : 0;
	cell = ROW_STATUS + number - 1;
	if (!to)
		return;
	if (likely(number)) {
		opaque(cell);
		if (cell >= ROW_CELL_COUNT)
			return;
		if (unlikely(!to->cell[cell]))
			row = http_row_admitted(row, cell);
	} else {
		row = http_count_code(row, code);
	}
	to = bpf_map_lookup_elem(&rows, &row);
	if (!to)
		return;
	if (number)
		row_cell_add_shared(to, cell, 1);
	if (ns != TIME_NONE) {
		row_cell_add_shared(to, ROW_DURATION + bucket_DURATION(ns), 1);
		row_cell_add_shared(to, ROW_CELL_COUNT - 1, ns);
	}
}

static __always_inline void record_http_size(struct series *to, __u32 first, __u64 bytes)
{
	record_sample(cell_add_shared, to, first, SIZE, bytes);
}

#endif
