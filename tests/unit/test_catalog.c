/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The catalog as data: names, units and labels follow the conventions, cells and bounds fit the kernel's layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"

static const struct family *find(const char *name)
{
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		if (!strcmp(catalog_family(i)->name, name))
			return catalog_family(i);
	}
	fail_msg("no family %s", name);
	return NULL;
}

static void families_are_in_alphabetical_order_and_unique(void **state)
{
	(void)state;
	for (size_t i = 1; i < FAMILY_COUNT; i++)
		assert_true(strcmp(catalog_family(i - 1)->name, catalog_family(i)->name) < 0);
}

static void counters_alone_end_in_total(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *family = catalog_family(i);
		bool is_total = family_base_bytes(family) != strlen(family->name);

		assert_int_equal(is_total, family->type == METRIC_COUNTER);
		if (!is_total)
			assert_null(strstr(family->name, "_total"));
	}
}

static void every_family_has_help_and_a_prometheus_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *family = catalog_family(i);

		assert_true(strlen(family->help) > 10);
		assert_null(strchr(family->help, '\n'));
		assert_int_equal(strspn(family->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(family->name));
	}
}

static void units_come_from_the_name(void **state)
{
	(void)state;
	assert_string_equal(family_unit(find("ws_message_latency_seconds")), "seconds");
	assert_string_equal(family_unit(find("process_cpu_seconds_total")), "seconds");
	assert_string_equal(family_unit(find("message_size_bytes")), "bytes");
	assert_string_equal(family_unit(find("tapstat_unparsed_bytes_total")), "bytes");
	assert_string_equal(family_unit(find("ws_connections_total")), "");
	assert_string_equal(family_unit(find("ws_connection_messages_per_minute")), "");
}

static void nanoseconds_are_for_families_in_seconds_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *family = catalog_family(i);

		if (family->bounds)
			assert_int_equal(family->bounds->nanoseconds, !strcmp(family_unit(family), "seconds"));
	}
}

static void histograms_alone_have_bounds_and_these_ascend(void **state)
{
	(void)state;
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *family = catalog_family(i);

		assert_int_equal(family->bounds != NULL, family->type == METRIC_HISTOGRAM);
		if (!family->bounds)
			continue;
		if (family->kind != FAMILY_OF_ROW) /* whose cells are the row's */
			assert_int_equal(family->cells, family->bounds->n + 2);
		for (size_t j = 1; j < family->bounds->n; j++)
			assert_true(family->bounds->upper[j - 1] < family->bounds->upper[j]);
	}
}

/* Every cell before the ones without a family belongs to exactly one. */
static void assert_covered(enum family_kind kind, size_t cells, size_t with_family)
{
	unsigned char owners[SERIES_CELL_COUNT] = {0};

	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *family = catalog_family(i);

		for (size_t j = 0; family->kind == kind && j < family_combinations(family) * family->cells; j++)
			owners[family->first_cell + j]++;
	}
	for (size_t i = 0; i < cells; i++)
		assert_int_equal(owners[i], i < with_family);
}

static void cells_of_the_families_cover_the_series(void **state)
{
	(void)state;
	assert_covered(FAMILY_OF_SERIES, SERIES_CELL_COUNT, CELL_UNIX_STATE);
	assert_covered(FAMILY_OF_SERVICE, SERVICE_CELL_COUNT, SERVICE_CELL_COUNT);
}

static void labels_are_those_of_the_interface(void **state)
{
	static const struct {
		const char *family, *labels;
	} cases[] = {
		{"ws_connections_total", "service,role,status"},
		{"ws_active_connections", "service,role"},
		{"ws_handshake_duration_seconds", "service,role"},
		{"ws_messages_sent_total", "service,role,message_type"},
		{"ws_frames_received_total", "service,role,opcode"},
		{"ws_errors_total", "service,role,error_type"},
		{"ws_closes_total", "service,role,direction,code"},
		{"ws_handshakes_refused_total", "service,role,code"},
		{"ws_reconnections_total", "service,role,reason"},
		{"ws_message_latency_seconds", "service,role,message_type"},
		{"message_size_bytes", "service,role,direction"},
		{"ws_connection_messages_per_minute", "service,role,direction"},
		{"http_requests_total", "service,role,method,endpoint,status"},
		{"http_request_duration_seconds", "service,role,method,endpoint"},
		{"http_requests_in_flight", "service,role"},
		{"http_request_size_bytes", "service,role"},
		{"http_response_size_bytes", "service,role"},
		{"storage_operations_total", "service,role,backend,operation,status"},
		{"storage_operation_duration_seconds", "service,role,backend,operation"},
		{"storage_bytes_total", "service,role,backend,direction"},
		{"db_connections_active", "service,backend"},
		{"db_connections_idle", "service,backend"},
		{"redis_cache_hits_total", "service"},
		{"redis_cache_misses_total", "service"},
		{"messages_sent_total", "service,status"},
		{"message_processing_duration_seconds", "service"},
		{"agent_peers_connected", "service"},
		{"process_cpu_usage", "service"},
		{"tapstat_tls_connections_total", "library,visible"},
		{"tapstat_scrape_duration_seconds", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct family_label label[FAMILY_MAX_LABELS];
		size_t n = family_labels(find(cases[i].family), label);
		char text[FAMILY_MAX_LABELS * (LABEL_NAME_BYTES + 1)] = "";

		for (size_t j = 0; j < n; j++) {
			size_t used = strlen(text);

			snprintf(text + used, sizeof(text) - used, "%s%s", j ? "," : "", label[j].name);
		}
		assert_string_equal(text, cases[i].labels);
	}
}

static const struct label_set *values_of(const char *family, const char *name)
{
	struct family_label label[FAMILY_MAX_LABELS];
	size_t n = family_labels(find(family), label);

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(label[i].name, name))
			return label[i].set;
	}
	fail_msg("%s has no label %s", family, name);
	return NULL;
}

static void closed_labels_list_their_values(void **state)
{
	const struct label_set *dropped = values_of("tapstat_dropped_total", "reason");

	(void)state;
	assert_string_equal(dropped->text[dropped->n - 2], "recursion");
	assert_string_equal(dropped->text[dropped->n - 1], "kretprobe");
	assert_int_equal(values_of("ws_closes_total", "code")->n, CLOSE_CODE_COUNT);
	assert_int_equal(values_of("ws_active_connections", "role")->n, 2);
	assert_int_equal(values_of("tapstat_unparsed_bytes_total", "reason")->n, UNPARSED_COUNT);
	assert_int_equal(values_of("tapstat_connections", "protocol")->n, PROTOCOL_COUNT);
	assert_null(values_of("ws_connections_total", "service"));
	assert_null(values_of("ws_handshakes_refused_total", "code"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_are_in_alphabetical_order_and_unique),
		cmocka_unit_test(counters_alone_end_in_total),
		cmocka_unit_test(every_family_has_help_and_a_prometheus_name),
		cmocka_unit_test(units_come_from_the_name),
		cmocka_unit_test(nanoseconds_are_for_families_in_seconds_alone),
		cmocka_unit_test(histograms_alone_have_bounds_and_these_ascend),
		cmocka_unit_test(cells_of_the_families_cover_the_series),
		cmocka_unit_test(labels_are_those_of_the_interface),
		cmocka_unit_test(closed_labels_list_their_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
