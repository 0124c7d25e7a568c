/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A snapshot made by hand, for the tests of what comes behind it. */
#ifndef TAPSTAT_TESTS_FAKE_SNAPSHOT_H
#define TAPSTAT_TESTS_FAKE_SNAPSHOT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "self_metrics.h"
#include "snapshot.h"

static const struct self_metrics fake_self = {
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

/* `n` services, each as server and as client, all at 0; free with fake_release(). */
static inline void fake_services(struct snapshot *snap, size_t n)
{
	memset(snap, 0, sizeof(*snap));
	snap->series = calloc(n * ROLE_COUNT, sizeof(*snap->series));
	if (!snap->series)
		abort();
	for (size_t i = 0; i < n * ROLE_COUNT; i++) {
		snprintf(snap->series[i].service, SERVICE_NAME_BYTES, "service-%zu", i / ROLE_COUNT);
		snap->series[i].role = (enum role)(i % ROLE_COUNT);
	}
	snap->n_series = n * ROLE_COUNT;
}

static inline void fake_release(struct snapshot *snap)
{
	free(snap->series);
	free(snap->refused);
	memset(snap, 0, sizeof(*snap));
}

#endif
