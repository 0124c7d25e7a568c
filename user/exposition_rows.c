// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * snapshot, catalog ──> [exposition] ──> HTTP: families of operations and endpoints, and those of services and their
 * backends. See exposition.h.
 */
#include <stdio.h>
#include <string.h>

#include "exposition_row.h"
#include "operations.h"

enum { ROW_LABELS_BYTES = WORST_LABEL_BYTE * ENDPOINT_BYTES + 64 };

static bool is_http(const struct row_snapshot *row)
{
	return row->info.protocol == PROTOCOL_HTTP;
}

static bool is_of_family(const struct family *family, const struct row_snapshot *row)
{
	bool http = family->id == FAMILY_HTTP_REQUESTS || family->id == FAMILY_HTTP_REQUEST_DURATION;

	return http == is_http(row);
}

/* ,method="GET",endpoint="/users/{id}" or ,backend="redis",operation="get" */
static void row_labels(struct buffer *out, const struct row_info *info)
{
	if (info->protocol == PROTOCOL_HTTP) {
		buffer_text(out, ",method=\"");
		buffer_text(out, catalog_method.text[info->method < METHOD_COUNT ? info->method : METHOD_OTHER]);
		buffer_text(out, "\",endpoint=\"");
		exposition_label_value(out, *info->endpoint ? info->endpoint : "other");
	} else {
		__u32 operation = info->operation < OPERATION_COUNT ? info->operation : 0;

		buffer_text(out, ",backend=\"");
		buffer_text(out, backend_text[operation_backend[operation]]);
		buffer_text(out, "\",operation=\"");
		buffer_text(out, operation_text[operation]);
	}
	buffer_char(out, '"');
}

static void write_count(struct exposition *x, const struct family *family, const struct row_snapshot *row,
			const struct buffer *labels, const char *status, __u64 count)
{
	if (!count)
		return;
	buffer_text(x->out, family->name);
	buffer_append(x->out, x->series[row->series].text, x->series[row->series].len);
	buffer_append(x->out, labels->data, labels->len);
	buffer_text(x->out, ",status=\"");
	buffer_text(x->out, status);
	buffer_text(x->out, "\"} ");
	buffer_u64(x->out, count);
	buffer_char(x->out, '\n');
}

static void write_http_counts(struct exposition *x, const struct family *family, size_t at,
			      const struct buffer *labels)
{
	const struct row_snapshot *row = &x->snap->rows[at];
	char text[16];

	for (size_t i = 0; i < catalog_n_http_status; i++) {
		snprintf(text, sizeof(text), "%u", catalog_http_status[i]);
		write_count(x, family, row, labels, text, row->cell[ROW_STATUS + i]);
	}
	for (size_t i = 0; i < x->snap->n_codes; i++) {
		if (x->snap->codes[i].row != at)
			continue;
		snprintf(text, sizeof(text), "%u", x->snap->codes[i].code);
		write_count(x, family, row, labels, text, x->snap->codes[i].count);
	}
	write_count(x, family, row, labels, "none", row->cell[ROW_UNANSWERED]);
}

static void write_operation_counts(struct exposition *x, const struct family *family, const struct row_snapshot *row,
				   const struct buffer *labels)
{
	const __u64 *cell = row->cell;

	write_count(x, family, row, labels, "success", cell[ROW_STATUS + OPERATION_STATUS_SUCCESS]);
	write_count(x, family, row, labels, "failed",
		    cell[ROW_STATUS + OPERATION_STATUS_FAILED] + cell[ROW_UNANSWERED]);
}

static bool has_durations(const struct row_snapshot *row)
{
	for (int i = 0; i <= BOUNDS_DURATION_COUNT; i++)
		if (row->cell[ROW_DURATION + i])
			return true;
	return false;
}

static void write_row_histogram(struct exposition *x, const struct family *family, const struct row_snapshot *row,
				const struct buffer *labels)
{
	struct piece le[MAX_BOUNDS], none = {0};
	size_t buckets = exposition_bounds(x, family->bounds, le);
	struct series_piece *with = &x->row;

	if (!has_durations(row) || labels->len + x->series[row->series].len > sizeof(with->text))
		return;
	memcpy(with->text, x->series[row->series].text, x->series[row->series].len);
	memcpy(with->text + x->series[row->series].len, labels->data, labels->len);
	with->len = x->series[row->series].len + labels->len;
	exposition_histogram(x, family, with, &none, le, buckets, row->cell + family->first_cell);
}

void exposition_rows(struct exposition *x, const struct family *family)
{
	struct buffer labels = {0};

	for (size_t i = 0; i < x->snap->n_rows; i++) {
		const struct row_snapshot *row = &x->snap->rows[i];

		if (!is_of_family(family, row))
			continue;
		buffer_clear(&labels);
		row_labels(&labels, &row->info);
		if (labels.failed) {
			x->out->failed = true;
			break;
		}
		if (family->type == METRIC_HISTOGRAM)
			write_row_histogram(x, family, row, &labels);
		else if (is_http(row))
			write_http_counts(x, family, i, &labels);
		else
			write_operation_counts(x, family, row, &labels);
	}
	buffer_free(&labels);
}

__u64 exposition_row_combinations(const struct family *family, const struct snapshot *snap)
{
	__u64 n = 0;

	for (size_t i = 0; i < snap->n_rows; i++) {
		const struct row_snapshot *row = &snap->rows[i];

		if (!is_of_family(family, row))
			continue;
		if (family->type == METRIC_HISTOGRAM) {
			n += has_durations(row);
			continue;
		}
		for (int j = ROW_STATUS; j < ROW_UNANSWERED; j++)
			n += row->cell[j] != 0;
		/* Among the failed operations, but a status of its own of requests. */
		n += row->cell[ROW_UNANSWERED] && (is_http(row) || !row->cell[ROW_STATUS + OPERATION_STATUS_FAILED]);
	}
	for (size_t i = 0; i < snap->n_codes && family->id == FAMILY_HTTP_REQUESTS; i++)
		n++;
	return n;
}

/* ---- Services and backends ------------------------------------------------------------------------------------- */

bool family_is_of_service(const struct family *family)
{
	return family->kind == FAMILY_DERIVED && !strstr(family->labels, "role");
}

static void write_of_service(struct exposition *x, const struct family *family, const char *service,
			     const char *backend, __u64 value)
{
	buffer_text(x->out, family->name);
	buffer_text(x->out, "{service=\"");
	exposition_label_value(x->out, service);
	if (backend) {
		buffer_text(x->out, "\",backend=\"");
		buffer_text(x->out, backend);
	}
	buffer_text(x->out, "\"} ");
	buffer_u64(x->out, value);
	buffer_char(x->out, '\n');
}

static __u32 backends_seen(const struct series_snapshot *series)
{
	return series->seen >> PROTOCOL_REDIS;
}

static void write_pool(struct exposition *x, const struct family *family, const struct series_snapshot *series)
{
	const __u32 *connections =
		family->id == FAMILY_DB_CONNECTIONS_ACTIVE ? series->scan.pool_active : series->scan.pool_idle;

	if (series->role != ROLE_CLIENT)
		return;
	for (int i = 0; i < BACKEND_FILE; i++) /* files have no connections */
		if (backends_seen(series) >> i & 1)
			write_of_service(x, family, series->service, backend_text[i], connections[i]);
}

/* The roles of a service stand one behind the other. */
static void write_cache(struct exposition *x, const struct family *family, size_t first)
{
	const struct series_snapshot *series = x->snap->series;
	size_t cell = family->id == FAMILY_REDIS_CACHE_HITS ? CELL_CACHE_HITS : CELL_CACHE_MISSES;
	__u64 value = 0;
	__u32 seen = 0;

	if (first && !strcmp(series[first - 1].service, series[first].service))
		return;
	for (size_t i = first; i < x->snap->n_series && !strcmp(series[i].service, series[first].service); i++) {
		value += series[i].cell[cell];
		seen |= series[i].seen;
	}
	if (seen & family_protocols(family))
		write_of_service(x, family, series[first].service, NULL, value);
}

static void write_queues(struct exposition *x, const struct family *family)
{
	for (size_t i = 0; i < x->snap->n_queues; i++) {
		const struct queue_snapshot *queue = &x->snap->queues[i];

		buffer_text(x->out, family->name);
		buffer_text(x->out, "{service=\"");
		exposition_label_value(x->out, queue->service);
		buffer_text(x->out, "\",queue_type=\"");
		exposition_label_value(x->out, queue->queue_type);
		buffer_text(x->out, "\"} ");
		buffer_u64(x->out, queue->depth);
		buffer_char(x->out, '\n');
	}
}

__u64 exposition_backend_combinations(const struct family *family, const struct snapshot *snap)
{
	bool pool = family->id == FAMILY_DB_CONNECTIONS_ACTIVE || family->id == FAMILY_DB_CONNECTIONS_IDLE;
	const struct series_snapshot *series = snap->series;
	bool counted = false; /* the service of a cache, in another role */
	__u64 n = 0;

	for (size_t i = 0; i < snap->n_series; i++) {
		int of = pool ? BACKEND_FILE : BACKEND_COUNT; /* files have no connections */
		__u64 backends = __builtin_popcount(backends_seen(&series[i]) & ((1U << of) - 1));

		counted = counted && !strcmp(series[i - 1].service, series[i].service);
		if (family->id == FAMILY_STORAGE_BYTES) {
			n += backends * DIRECTION_COUNT;
		} else if (pool) {
			n += series[i].role == ROLE_CLIENT ? backends : 0;
		} else if (!counted && (series[i].seen & family_protocols(family))) {
			counted = true;
			n++;
		}
	}
	return n;
}

void exposition_services(struct exposition *x, const struct family *family)
{
	if (family->id == FAMILY_MESSAGE_QUEUE_DEPTH)
		write_queues(x, family);
	for (size_t i = 0; i < x->snap->n_series; i++) {
		if (family->id == FAMILY_DB_CONNECTIONS_ACTIVE || family->id == FAMILY_DB_CONNECTIONS_IDLE)
			write_pool(x, family, &x->snap->series[i]);
		else if (family->id == FAMILY_REDIS_CACHE_HITS || family->id == FAMILY_REDIS_CACHE_MISSES)
			write_cache(x, family, i);
	}
}

void exposition_storage_bytes(struct exposition *x, const struct family *family)
{
	const struct label_set *direction = family->dimension[1];

	for (size_t s = 0; s < x->snap->n_series; s++) {
		const struct series_snapshot *series = &x->snap->series[s];

		for (int i = 0; i < BACKEND_COUNT * DIRECTION_COUNT; i++) {
			if (!(backends_seen(series) >> (i / DIRECTION_COUNT) & 1))
				continue;
			buffer_text(x->out, family->name);
			buffer_append(x->out, x->series[s].text, x->series[s].len);
			buffer_text(x->out, ",backend=\"");
			buffer_text(x->out, backend_text[i / DIRECTION_COUNT]);
			buffer_text(x->out, "\",direction=\"");
			buffer_text(x->out, direction->text[i % DIRECTION_COUNT]);
			buffer_text(x->out, "\"} ");
			buffer_u64(x->out, series->cell[family->first_cell + i]);
			buffer_char(x->out, '\n');
		}
	}
}
