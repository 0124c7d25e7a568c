/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* snapshot ──> [services] ──> exposition: see services.h. */
#include "services.h"

#include <string.h>

/* The roles of a service follow one another. */
static int begins_service(const struct snapshot *snap, size_t series)
{
	return !series || snap->series[series].index / ROLE_COUNT != snap->series[series - 1].index / ROLE_COUNT;
}

size_t services_count(const struct snapshot *snap)
{
	size_t n = 0;

	for (size_t i = 0; i < snap->n_series; i++)
		n += (size_t)begins_service(snap, i);
	return n;
}

static __u64 data_messages(const struct series_snapshot *series, enum series_cell first)
{
	return series->cell[first + MESSAGE_TYPE_TEXT] + series->cell[first + MESSAGE_TYPE_BINARY];
}

static void add(__u64 *cell, const struct series_snapshot *series)
{
	const __u64 *errors = series->cell + CELL_WS_ERRORS;

	cell[SERVICE_CELL_MESSAGES_RECEIVED + OPERATION_STATUS_SUCCESS] +=
		data_messages(series, CELL_WS_MESSAGES_RECEIVED);
	cell[SERVICE_CELL_MESSAGES_RECEIVED + OPERATION_STATUS_FAILED] += errors[WS_ERROR_DECODE];
	cell[SERVICE_CELL_MESSAGES_SENT + OPERATION_STATUS_SUCCESS] += data_messages(series, CELL_WS_MESSAGES_SENT);
	cell[SERVICE_CELL_MESSAGES_SENT + OPERATION_STATUS_FAILED] += errors[WS_ERROR_SEND_FAILED];
	cell[SERVICE_CELL_AGENT_PEERS_CONNECTED] += series->scan.established;
	for (size_t i = 0; series->role == ROLE_SERVER && i < SHAPE_DURATION_CELLS; i++) {
		const __u64 *latency = series->cell + CELL_WS_MESSAGE_LATENCY + i;

		cell[SERVICE_CELL_MESSAGE_PROCESSING_DURATION + i] +=
			latency[LATENCY_TYPE_TEXT * SHAPE_DURATION_CELLS] +
			latency[LATENCY_TYPE_BINARY * SHAPE_DURATION_CELLS];
	}
}

size_t services_sum(const struct snapshot *snap, struct service_cells out[MAX_SERVICES + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < snap->n_series; i++) {
		const struct series_snapshot *series = &snap->series[i];
		__u32 service = series->index / ROLE_COUNT;

		if (begins_service(snap, i)) {
			if (n > MAX_SERVICES || service > MAX_SERVICES)
				break;
			memset(&out[n], 0, sizeof(out[n]));
			out[n].name = series->service;
			out[n].cell[SERVICE_CELL_SERVICE_CPU_USAGE] = snap->usage[service].cpu_nanocores;
			out[n].cell[SERVICE_CELL_SERVICE_MEMORY] = snap->usage[service].memory_bytes;
			n++;
		}
		add(out[n - 1].cell, series);
	}
	return n;
}
