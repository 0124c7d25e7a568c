/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * protocol parser ──> [rows, record] ──> maps: which row counts an operation or endpoint, and the one writer of rows.
 *
 * A row is given out at the first sight of its labels, for ever. A service holds max_combinations of them by their
 * status; what comes later counts in its row of `other`. Rows of `other` are outside that limit, and a quarter of the
 * table is kept for them; once even that is gone the row of all services (SERVICE_OTHER) serves, whose number is
 * fixed.
 */
#ifndef TAPSTAT_ROWS_H
#define TAPSTAT_ROWS_H

#include "record.h"

enum {
	ROWS_FOR_OTHER = MAX_ROWS / 4 + ROWS_SHARED, /* kept for rows of `other` */
	RUN_COARSE_SHIFT = 10,                       /* times are in 1.024 µs */
};

/* The first operation of each backend is its `other`. */
static __always_inline __u32 operation_other(__u32 backend)
{
	switch (backend) {
	case BACKEND_REDIS:
		return OPERATION_REDIS_OTHER;
	case BACKEND_POSTGRESQL:
		return OPERATION_POSTGRESQL_OTHER;
	case BACKEND_MYSQL:
		return OPERATION_MYSQL_OTHER;
	case BACKEND_MONGODB:
		return OPERATION_MONGODB_OTHER;
	case BACKEND_MEMCACHED:
		return OPERATION_MEMCACHED_OTHER;
	case BACKEND_SQLITE:
		return OPERATION_SQLITE_OTHER;
	case BACKEND_ROCKSDB:
		return OPERATION_ROCKSDB_OTHER;
	case BACKEND_LEVELDB:
		return OPERATION_LEVELDB_OTHER;
	case BACKEND_LMDB:
		return OPERATION_LMDB_OTHER;
	default:
		return OPERATION_FILE_OTHER;
	}
}

static __always_inline __u32 operation_backend(__u32 operation)
{
	__u64 at = operation;

	opaque(at); /* else the number is compared in one register and used in another */
	return at < OPERATION_COUNT ? operations.backend[at] : 0;
}

static __always_inline struct row_info *row_info(__u32 row)
{
	return bpf_map_lookup_elem(&row_infos, &row);
}

/* A number that nobody has, for a row of `other` or not; 0: none is left for it. */
static __always_inline __u32 row_number(bool is_other)
{
	__u32 number;

	if (shared.row_count >= (is_other ? MAX_ROWS - ROWS_SHARED - 1 : MAX_ROWS - ROWS_FOR_OTHER) ||
	    !take_number(&shared.row_count, number) || number >= MAX_ROWS - ROWS_SHARED - 1)
		return 0;
	return number + 1;
}

/* The row of `other` that all services share. */
static __always_inline __u32 row_shared(__u32 series, __u32 protocol, __u32 operation)
{
	__u32 row = MAX_ROWS - ROWS_SHARED + (series & 1) * ROW_PROTOCOLS + protocol;
	struct row_info *info = row_info(row);

	if (!info)
		return 0;
	info->series = SERIES_INDEX(SERVICE_OTHER, series & 1);
	info->operation = operation;
	info->protocol = protocol;
	record_dropped(DROPPED_MAX_ROWS);
	return row;
}

static __always_inline bool combinations_left(__u32 series, bool http)
{
	__u32 service = series / ROLE_COUNT;
	struct combinations *held = bpf_map_lookup_elem(&combinations_by_service, &service);

	return held && (http ? held->http : held->storage) < settings.max_combinations;
}

/*
 * Gives a row to an operation of a series. Global functions, here and below, so that the verifier looks at them once.
 * The row's number, or 0.
 */
__noinline int operation_row_learn(__u32 series, __u32 operation)
{
	__u32 backend = operation_backend(operation), other = operation_other(backend), row;
	struct operation_rows *known = bpf_map_lookup_elem(&rows_by_series, &series);
	struct row_info *info;

	if (!known || operation >= OPERATION_COUNT)
		return 0;
	if (operation != other) {
		row = combinations_left(series, false) ? row_number(false) : 0;
		if (!row) {
			operation = other;
			row = known->row[other];
			if (row)
				return row;
		}
	} else {
		row = 0;
	}
	if (!row)
		row = row_number(true);
	if (!row)
		return row_shared(series, PROTOCOL_REDIS + backend, other);
	info = row_info(row);
	if (!info)
		return 0;
	info->series = series;
	info->operation = operation;
	info->protocol = PROTOCOL_REDIS + backend;
	if (operation < OPERATION_COUNT)
		known->row[operation] = row;
	return row;
}

/* The row of an operation; 0: nothing counts it. */
static __always_inline __u32 operation_row(__u32 series, __u32 operation)
{
	struct operation_rows *known = bpf_map_lookup_elem(&rows_by_series, &series);
	__u64 at = operation;
	__u32 row;

	opaque(at); /* as in operation_backend() */
	if (!known || at >= OPERATION_COUNT)
		return 0;
	row = known->row[at];
	return likely(row) ? row : operation_row_learn(series, operation);
}

/*
 * A row is to count in a cell where it never did on this CPU: may it hold that label combination? The row that counts
 * instead, or the same.
 */
__noinline int row_admit(__u32 row, __u32 cell)
{
	struct row_info *info = row_info(row), *owner;
	struct combinations *held;
	__u32 service, bit = 1U << (cell & 31), other;

	if (!info || (info->statuses & bit))
		return row;
	service = info->series / ROLE_COUNT;
	held = bpf_map_lookup_elem(&combinations_by_service, &service);
	if (!held || row >= MAX_ROWS - ROWS_SHARED)
		return row;
	/* Rows of a queue share the labels of the operation's own row. */
	owner = info->queue ? row_info(operation_row(info->series, info->operation)) : info;
	if (!owner)
		return row;
	other = operation_other(info->protocol - PROTOCOL_REDIS);
	if (info->operation != other && !(owner->statuses & bit)) {
		if (held->storage >= settings.max_combinations) {
			self_add(SELF_FOLDED_STORAGE, 1);
			return operation_row(info->series, other);
		}
		__sync_fetch_and_add(&held->storage, 1);
	}
	owner->statuses |= bit;
	info->statuses |= bit;
	return row;
}

static __always_inline void row_cell_add(struct row *to, __u32 cell, __u64 n)
{
	opaque(cell);
	if (cell >= ROW_CELL_COUNT)
		return;
	opaque(n);
	if (settings.preemptible)
		__sync_fetch_and_add(&to->cell[cell], n);
	else
		to->cell[cell] += n;
}

/* Counts `n` operations in their row. `ns`: the duration of each; TIME_NONE: they have none. */
#define TIME_NONE (~0ULL)
static __always_inline void record_row(__u32 row, __u32 status, __u64 ns, __u32 n)
{
	struct row *to = bpf_map_lookup_elem(&rows, &row);

	if (!to || status >= ROW_UNANSWERED)
		return;
	if (unlikely(!to->cell[status])) {
		row = row_admit(row, status);
		to = bpf_map_lookup_elem(&rows, &row);
		if (!to)
			return;
	}
	row_cell_add(to, status, n);
	if (ns != TIME_NONE) {
		row_cell_add(to, ROW_DURATION + bucket_DURATION(ns), n);
		row_cell_add(to, ROW_CELL_COUNT - 1, ns * n);
	}
}

/* Requests that no answer will come for. Also from softirq: the cell is added to atomically by everybody. */
static __always_inline void record_unanswered(__u32 row, __u32 n)
{
	struct row *to = bpf_map_lookup_elem(&rows, &row);

	if (to)
		__sync_fetch_and_add(&to->cell[ROW_UNANSWERED], n);
}

#endif
