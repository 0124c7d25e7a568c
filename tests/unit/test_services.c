/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What families of a service show is summed from its series. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_snapshot.h"
#include "services.h"

static struct service_cells service[MAX_SERVICES + 1];

static void both_roles_add_up(void **state)
{
	struct snapshot snap;

	(void)state;
	fake_services(&snap, 2);
	for (size_t i = 0; i < snap.n_series; i++) {
		struct series_snapshot *s = &snap.series[i];
		__u64 weight = i < 2 ? i + 1 : 100;

		s->cell[CELL_WS_MESSAGES_RECEIVED + MESSAGE_TYPE_TEXT] = 1 * weight;
		s->cell[CELL_WS_MESSAGES_RECEIVED + MESSAGE_TYPE_BINARY] = 10 * weight;
		s->cell[CELL_WS_MESSAGES_SENT + MESSAGE_TYPE_TEXT] = 2 * weight;
		s->cell[CELL_WS_MESSAGES_SENT + MESSAGE_TYPE_BINARY] = 20 * weight;
		s->cell[CELL_WS_ERRORS + WS_ERROR_DECODE] = 3 * weight;
		s->cell[CELL_WS_ERRORS + WS_ERROR_SEND_FAILED] = 4 * weight;
		s->scan.established = (__u32)(5 * weight);
	}
	assert_int_equal(services_count(&snap), 2);
	assert_int_equal(services_sum(&snap, service), 2);
	assert_string_equal(service[0].name, "service-0");
	assert_string_equal(service[1].name, "service-1");
	assert_int_equal(service[0].cell[SERVICE_CELL_MESSAGES_RECEIVED + OPERATION_STATUS_SUCCESS], 33);
	assert_int_equal(service[0].cell[SERVICE_CELL_MESSAGES_RECEIVED + OPERATION_STATUS_FAILED], 9);
	assert_int_equal(service[0].cell[SERVICE_CELL_MESSAGES_SENT + OPERATION_STATUS_SUCCESS], 66);
	assert_int_equal(service[0].cell[SERVICE_CELL_MESSAGES_SENT + OPERATION_STATUS_FAILED], 12);
	assert_int_equal(service[0].cell[SERVICE_CELL_AGENT_PEERS_CONNECTED], 15);
	assert_int_equal(service[1].cell[SERVICE_CELL_MESSAGES_RECEIVED + OPERATION_STATUS_SUCCESS], 2200);
	fake_release(&snap);
}

static void control_frames_and_other_errors_are_no_messages(void **state)
{
	struct snapshot snap;

	(void)state;
	fake_services(&snap, 1);
	for (int type = MESSAGE_TYPE_CLOSE; type < MESSAGE_TYPE_COUNT; type++) {
		snap.series[0].cell[CELL_WS_MESSAGES_RECEIVED + type] = 1;
		snap.series[0].cell[CELL_WS_MESSAGES_SENT + type] = 1;
	}
	snap.series[0].cell[CELL_WS_ERRORS + WS_ERROR_TIMEOUT] = 1;
	snap.series[0].cell[CELL_WS_ERRORS + WS_ERROR_CONNECTION_LOST] = 1;
	assert_int_equal(services_sum(&snap, service), 1);
	for (size_t i = 0; i < SERVICE_CELL_COUNT; i++)
		assert_int_equal(service[0].cell[i], 0);
	fake_release(&snap);
}

static void processing_takes_data_messages_of_the_server_alone(void **state)
{
	enum { TEXT = LATENCY_TYPE_TEXT * SHAPE_DURATION_CELLS, BINARY = LATENCY_TYPE_BINARY * SHAPE_DURATION_CELLS };
	struct snapshot snap;

	(void)state;
	fake_services(&snap, 1);
	for (__u64 i = 0; i < (__u64)LATENCY_TYPE_COUNT * SHAPE_DURATION_CELLS; i++) {
		snap.series[ROLE_SERVER].cell[CELL_WS_MESSAGE_LATENCY + i] = i + 1;
		snap.series[ROLE_CLIENT].cell[CELL_WS_MESSAGE_LATENCY + i] = 1000;
	}
	services_sum(&snap, service);
	for (__u64 i = 0; i < SHAPE_DURATION_CELLS; i++)
		assert_int_equal(service[0].cell[SERVICE_CELL_MESSAGE_PROCESSING_DURATION + i],
				 TEXT + i + 1 + BINARY + i + 1);
	fake_release(&snap);
}

static void usage_is_that_of_the_service_by_its_index(void **state)
{
	struct snapshot snap;

	(void)state;
	fake_services(&snap, 3);
	snap.series[4].index = SERIES_INDEX(SERVICE_OTHER, ROLE_SERVER);
	snap.series[5].index = SERIES_INDEX(SERVICE_OTHER, ROLE_CLIENT);
	snap.usage[1] = (struct service_usage){5, 6};
	snap.usage[2] = (struct service_usage){7, 8};
	snap.usage[SERVICE_OTHER] = (struct service_usage){9, 10};
	assert_int_equal(services_sum(&snap, service), 3);
	assert_int_equal(service[0].cell[SERVICE_CELL_SERVICE_CPU_USAGE], 0);
	assert_int_equal(service[1].cell[SERVICE_CELL_SERVICE_CPU_USAGE], 5);
	assert_int_equal(service[1].cell[SERVICE_CELL_SERVICE_MEMORY], 6);
	assert_int_equal(service[2].cell[SERVICE_CELL_SERVICE_CPU_USAGE], 9);
	assert_int_equal(service[2].cell[SERVICE_CELL_SERVICE_MEMORY], 10);
	fake_release(&snap);
}

static void a_service_of_one_role_is_one_service(void **state)
{
	struct snapshot snap;

	(void)state;
	fake_services(&snap, 3);
	snap.series[1] = snap.series[2]; /* service-0 as server; service-1 as server and client; no service-2 */
	snap.series[2] = snap.series[3];
	snap.n_series = 3;
	assert_int_equal(services_count(&snap), 2);
	assert_int_equal(services_sum(&snap, service), 2);
	assert_string_equal(service[1].name, "service-1");
	fake_release(&snap);
}

static void as_many_services_as_there_can_be_fit(void **state)
{
	struct snapshot snap;

	(void)state;
	fake_services(&snap, MAX_SERVICES + 1);
	assert_int_equal(services_count(&snap), MAX_SERVICES + 1);
	assert_int_equal(services_sum(&snap, service), MAX_SERVICES + 1);
	fake_release(&snap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_roles_add_up),
		cmocka_unit_test(control_frames_and_other_errors_are_no_messages),
		cmocka_unit_test(processing_takes_data_messages_of_the_server_alone),
		cmocka_unit_test(usage_is_that_of_the_service_by_its_index),
		cmocka_unit_test(a_service_of_one_role_is_one_service),
		cmocka_unit_test(as_many_services_as_there_can_be_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
