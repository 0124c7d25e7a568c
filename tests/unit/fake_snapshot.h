/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A snapshot made by hand, for the tests of what comes behind it. */
#ifndef TAPSTAT_TESTS_FAKE_SNAPSHOT_H
#define TAPSTAT_TESTS_FAKE_SNAPSHOT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "self_metrics.h"
#include "snapshot.h"

static const struct attacher_state fake_attacher = {.files = 5, .failed = 6, .probe_files = {7, 8}};
static const struct self_metrics fake_self = {
	.attacher = &fake_attacher,
	.version = "1.2.3",
	.commit = "abcdef",
	.libbpf = "1.1",
	.scrape_ns = 1234567,
	.cpu_ns = 2500000000,
	.open_fds = 17,
	.max_fds = 1024,
	.virtual_bytes = 33554432,
	.resident_bytes = 8388608,
	.start_ns = 1700000000250000000,
};

/* `n` services, each as server and as client of WebSocket and HTTP, all at 0; free with fake_release(). */
static inline void fake_services(struct snapshot *snap, size_t n)
{
	memset(snap, 0, sizeof(*snap));
	snap->series = calloc(n * ROLE_COUNT, sizeof(*snap->series));
	if (!snap->series)
		abort();
	for (size_t i = 0; i < n * ROLE_COUNT; i++) {
		snprintf(snap->series[i].service, SERVICE_NAME_BYTES, "service-%zu", i / ROLE_COUNT);
		snap->series[i].role = (enum role)(i % ROLE_COUNT);
		snap->series[i].index = (__u32)i;
		snap->series[i].seen = SEEN_HTTP | SEEN_WEBSOCKET;
	}
	snap->n_series = n * ROLE_COUNT;
}

/* Adds a row, all at 0; rows stand in the order of their labels. */
static inline struct row_snapshot *fake_row(struct snapshot *snap, __u32 series, enum label_protocol protocol)
{
	struct row_snapshot *row;

	snap->rows = realloc(snap->rows, (snap->n_rows + 1) * sizeof(*snap->rows));
	if (!snap->rows)
		abort();
	row = &snap->rows[snap->n_rows++];
	*row = (struct row_snapshot){.series = series, .info.series = series, .info.protocol = (__u8)protocol};
	return row;
}

static inline struct row_snapshot *fake_endpoint(struct snapshot *snap, __u32 series, enum label_method method,
						 const char *endpoint)
{
	struct row_snapshot *row = fake_row(snap, series, PROTOCOL_HTTP);

	row->info.method = (__u8)method;
	snprintf(row->info.endpoint, sizeof(row->info.endpoint), "%s", endpoint);
	return row;
}

/* A status of the latest row that has no cell. */
static inline void fake_code(struct snapshot *snap, __u32 code, __u64 count)
{
	snap->codes = realloc(snap->codes, (snap->n_codes + 1) * sizeof(*snap->codes));
	if (!snap->codes)
		abort();
	snap->codes[snap->n_codes++] =
		(struct code_snapshot){.row = (__u32)snap->n_rows - 1, .code = code, .count = count};
}

static inline void fake_release(struct snapshot *snap)
{
	free(snap->series);
	free(snap->refused);
	free(snap->rows);
	free(snap->codes);
	free(snap->functions);
	memset(snap, 0, sizeof(*snap));
}

#endif
