/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The exposition against golden files, its number formats, its escaping, and its speed. UPDATE_GOLDEN=1 in the
 * environment writes the golden files anew: read the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>
#include <unistd.h>

#include "catalog.h"
#include "exposition.h"
#include "exposition_row.h"
#include "fake_snapshot.h"
#include "golden_file.h"
#include "tapstat/operations.h"

#define GOLDEN "tests/unit/golden/"

/* Rows of every kind: common and uncommon statuses, none, `other`, bytes that are no UTF-8, failures. */
static void fill_rows(struct snapshot *snap)
{
	struct row_snapshot *row = fake_endpoint(snap, 0, METHOD_OTHER, "");

	row->cell[ROW_STATUS + HTTP_STATUS_NUMBER_200] = 4;
	row = fake_endpoint(snap, 0, METHOD_GET, "/caf\xe9/\"x\"");
	fake_code(snap, 418, 2);
	row->cell[ROW_DURATION + 1] = 1;
	row = fake_endpoint(snap, 0, METHOD_GET, "/users/{id}");
	row->cell[ROW_STATUS + HTTP_STATUS_NUMBER_200] = 100;
	row->cell[ROW_STATUS + HTTP_STATUS_NUMBER_503] = 3;
	row->cell[ROW_UNANSWERED] = 2;
	fake_code(snap, 599, 7);
	row->cell[ROW_DURATION] = 60;
	row->cell[ROW_DURATION + BOUNDS_DURATION_COUNT] = 50; /* above every bound */
	row->cell[ROW_CELL_COUNT - 1] = 12500000000;
	fake_endpoint(snap, 0, METHOD_POST, "/seen/by/nobody");
	row = fake_row(snap, 0, PROTOCOL_REDIS);
	row->info.operation = OPERATION_REDIS_GET;
	row->cell[ROW_STATUS + OPERATION_STATUS_SUCCESS] = 9;
	row->cell[ROW_DURATION + 3] = 9;
	row->cell[ROW_CELL_COUNT - 1] = 9000001;
	row = fake_endpoint(snap, 1, METHOD_CONNECT, "");
	row->cell[ROW_STATUS + HTTP_STATUS_NUMBER_200] = 1;
	row = fake_row(snap, 1, PROTOCOL_POSTGRESQL);
	row->info.operation = OPERATION_POSTGRESQL_OTHER;
	row->cell[ROW_STATUS + OPERATION_STATUS_FAILED] = 5;
	row->cell[ROW_UNANSWERED] = 6;
	row = fake_row(snap, 1, PROTOCOL_POSTGRESQL);
	row->info.operation = OPERATION_POSTGRESQL_SELECT;
	row->cell[ROW_STATUS + OPERATION_STATUS_SUCCESS] = 11;
	row->cell[ROW_UNANSWERED] = 1;
}

/* One server and one client with every kind of value. */
static void fill(struct snapshot *snap)
{
	struct series_snapshot *server, *client;

	fake_services(snap, 1);
	server = &snap->series[0];
	client = &snap->series[1];
	snprintf(server->service, SERVICE_NAME_BYTES, "chat");
	snprintf(client->service, SERVICE_NAME_BYTES, "chat");
	for (size_t i = 0; i < SERIES_CELL_COUNT; i++)
		server->cell[i] = i;
	server->cell[CELL_WS_CONNECTIONS + CONNECTION_STATUS_OPENED] = 10;
	server->cell[CELL_WS_CONNECTIONS + CONNECTION_STATUS_CLOSED] = 3;
	server->cell[CELL_WS_CONNECTIONS + CONNECTION_STATUS_ERROR] = 1;
	server->cell[CELL_WS_CONNECTIONS_JOINED] = 2;
	/* Sum of the handshakes' durations: 1 s and 1 ns. */
	server->cell[CELL_WS_HANDSHAKE_DURATION + SHAPE_DURATION_CELLS - 1] = 1000000001;
	client->cell[CELL_WS_CONNECTIONS + CONNECTION_STATUS_CLOSED] = 5; /* read before the one it belongs to */
	client->cell[CELL_MESSAGE_SIZE] = UINT64_MAX;
	server->scan = (struct scan_series){.idle = 4, .pings_outstanding = 5, .peers = 6, .established = 7};
	client->scan = (struct scan_series){.established = 8};
	server->seen |= 1U << PROTOCOL_REDIS;
	client->seen |= 1U << PROTOCOL_POSTGRESQL;
	client->scan.http_in_flight = 12;
	for (__u32 i = 0; i < BACKEND_COUNT; i++) {
		client->scan.pool_active[i] = 20 + i;
		client->scan.pool_idle[i] = 30 + i;
	}
	fill_rows(snap);
	snap->has_usage = true;
	snap->usage[0] = (struct service_usage){.cpu_nanocores = 1250000000, .memory_bytes = 67108864};

	snap->refused = calloc(3, sizeof(*snap->refused));
	assert_non_null(snap->refused);
	snap->refused[0] = (struct refused_snapshot){0, 403, 7};
	snap->refused[1] = (struct refused_snapshot){0, 0, 8};
	snap->refused[2] = (struct refused_snapshot){1, 502, 9};
	snap->n_refused = 3;
	snap->hook[0] = (struct hook_snapshot){"sock_length", true, true, 100, 5000000001};
	snap->hook[1] = (struct hook_snapshot){"tcp_destroy_sock", false, false, 0, 0};
	snap->n_hooks = 2;
	snap->map[0] = (struct map_snapshot){"series", 2, 258};
	snap->n_maps = 1;
	for (size_t i = 0; i < SELF_CELL_COUNT; i++)
		snap->self[i] = 1000 + i;
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		snap->total.protocol[i] = (__u32)(2000 + i);
	snap->recursion_misses = 3000;
	snap->kretprobe_misses = 4000;
	snap->memory_ceiling_bytes = 25165824;
}

static struct buffer render(const struct snapshot *snap, enum exposition_format format)
{
	struct buffer text = {0};

	assert_int_equal(exposition_write(&text, snap, &fake_self, format), 0);
	buffer_char(&text, '\0');
	assert_false(text.failed);
	return text;
}

static void compare(const char *path, enum exposition_format format)
{
	struct snapshot snap;
	struct buffer text;

	fill(&snap);
	text = render(&snap, format);
	golden_compare(path, text.data, text.len - 1); /* the NUL */
	buffer_free(&text);
	fake_release(&snap);
}

static void text_is_as_in_the_golden_file(void **state)
{
	(void)state;
	compare(GOLDEN "exposition.txt", EXPOSITION_TEXT);
}

static void openmetrics_is_as_in_the_golden_file(void **state)
{
	(void)state;
	compare(GOLDEN "exposition.openmetrics", EXPOSITION_OPENMETRICS);
}

static void promtool_finds_nothing_to_criticise(void **state)
{
	(void)state;
	if (system("command -v promtool >/dev/null")) {
		print_message("promtool is not installed: not checked\n");
		skip();
	}
	/* It criticises on standard error and with its status. */
	assert_int_equal(system("test -z \"$(promtool check metrics 2>&1 <" GOLDEN "exposition.txt)\""), 0);
	assert_int_equal(system("promtool check metrics <" GOLDEN "exposition.txt"), 0);
}

static void assert_seconds(__u64 ns, const char *expected)
{
	struct buffer text = {0};

	buffer_seconds(&text, ns);
	buffer_char(&text, '\0');
	assert_string_equal(text.data, expected);
	buffer_free(&text);
}

static void seconds_are_exact_and_shortest(void **state)
{
	(void)state;
	assert_seconds(0, "0");
	assert_seconds(1, "0.000000001");
	assert_seconds(100000, "0.0001");
	assert_seconds(2500000, "0.0025");
	assert_seconds(1000000000, "1");
	assert_seconds(86400000000000, "86400");
	assert_seconds(10100000000, "10.1");
	assert_seconds(UINT64_MAX, "18446744073.709551615");
}

static void numbers_have_all_their_digits(void **state)
{
	static const __u64 numbers[] = {0, 9, 10, 99, 100, 1234567890, UINT64_MAX - 1, UINT64_MAX};
	char expected[32];

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct buffer text = {0};

		buffer_u64(&text, numbers[i]);
		buffer_char(&text, '\0');
		snprintf(expected, sizeof(expected), "%llu", (unsigned long long)numbers[i]);
		assert_string_equal(text.data, expected);
		buffer_free(&text);
	}
}

static void label_values_are_escaped_and_utf8(void **state)
{
	static const struct {
		const char *name, *expected;
	} cases[] = {
		{"plain", "plain"},
		{"quote\"back\\line\n", "quote\\\"back\\\\line\\n"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xff", "\\\\xff"},
		{"cut \xe2\x82", "cut \\\\xe2\\\\x82"},
		{"overlong \xc0\xaf", "overlong \\\\xc0\\\\xaf"},
		{"surrogate \xed\xa0\x80", "surrogate \\\\xed\\\\xa0\\\\x80"},
		{"\xf0\x9f\x90\x99", "\xf0\x9f\x90\x99"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buffer text = {0};

		exposition_label_value(&text, cases[i].name);
		buffer_char(&text, '\0');
		assert_string_equal(text.data, cases[i].expected);
		buffer_free(&text);
	}
}

static void the_worst_service_name_fits(void **state)
{
	struct snapshot snap;
	struct buffer text;

	(void)state;
	fake_services(&snap, 1);
	memset(snap.series[0].service, 0xff, SERVICE_NAME_BYTES - 1);
	snap.series[0].service[SERVICE_NAME_BYTES - 1] = '\0';
	text = render(&snap, EXPOSITION_TEXT);
	assert_non_null(strstr(text.data, "service=\"\\\\xff\\\\xff"));
	buffer_free(&text);
	fake_release(&snap);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* How often a family of a service that spoke everything, as server and client, stands in the exposition. */
static size_t samples_of(const struct family *family)
{
	if (family->id == FAMILY_DB_CONNECTIONS_ACTIVE || family->id == FAMILY_DB_CONNECTIONS_IDLE)
		return BACKEND_FILE;
	if (family->id == FAMILY_MESSAGE_QUEUE_DEPTH) /* only where there is a queue */
		return 0;
	return family_combinations(family);
}

static void every_family_of_a_service_seen_once_is_exposed(void **state)
{
	struct snapshot snap;
	struct buffer text;

	(void)state;
	fake_services(&snap, 1);
	snap.series[0].seen = snap.series[1].seen = ~0U;
	snap.has_usage = true;
	text = render(&snap, EXPOSITION_TEXT);
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *family = catalog_family(i);
		char sample[160];

		if (family->kind == FAMILY_SELF || family->kind == FAMILY_OF_ROW)
			continue;
		snprintf(sample, sizeof(sample), "\n%s%s{service=\"service-0\"%s", family->name,
			 family->bounds ? "_count" : "",
			 family->kind == FAMILY_OF_SERVICE || family_is_of_service(family) ? "" : ",role=\"client\"");
		if (count(text.data, sample) != samples_of(family))
			fail_msg("%s: %zu, expected %zu", family->name, count(text.data, sample), samples_of(family));
	}
	assert_non_null(strstr(text.data, "\nws_closes_total{service=\"service-0\",role=\"server\","
					  "direction=\"received\",code=\"1000\"} 0\n"));
	buffer_free(&text);
	fake_release(&snap);
}

static void families_of_what_a_service_never_spoke_have_no_samples(void **state)
{
	struct snapshot snap;
	struct buffer text;

	(void)state;
	fake_services(&snap, 1);
	snap.series[0].seen = SEEN_HTTP;
	snap.series[1].seen = 1U << PROTOCOL_REDIS;
	text = render(&snap, EXPOSITION_TEXT);
	assert_null(strstr(text.data, "\nws_"));
	assert_non_null(strstr(text.data, "\nhttp_requests_in_flight{service=\"service-0\",role=\"server\"} 0\n"));
	assert_null(strstr(text.data, "\nhttp_requests_in_flight{service=\"service-0\",role=\"client\"}"));
	assert_int_equal(count(text.data, "\nstorage_bytes_total{"), DIRECTION_COUNT);
	assert_int_equal(count(text.data, "\ndb_connections_idle{service=\"service-0\",backend=\"redis\"} 0\n"), 1);
	assert_int_equal(count(text.data, "\ndb_connections_"), 2);
	assert_int_equal(count(text.data, "\nredis_cache_hits_total{service=\"service-0\"} 0\n"), 1);
	assert_non_null(strstr(text.data, "\ntapstat_series{family=\"storage_bytes_total\"} 2\n"));
	assert_non_null(strstr(text.data, "\ntapstat_series{family=\"db_connections_idle\"} 1\n"));
	assert_non_null(strstr(text.data, "\ntapstat_series{family=\"redis_cache_hits_total\"} 1\n"));
	buffer_free(&text);
	fake_release(&snap);
}

static void rows_show_what_was_counted_alone(void **state)
{
	struct snapshot snap;
	struct buffer text;

	(void)state;
	fake_services(&snap, 1);
	fill_rows(&snap);
	text = render(&snap, EXPOSITION_TEXT);
	assert_int_equal(count(text.data, "\nhttp_requests_total{"), 7);
	assert_int_equal(count(text.data, "\nhttp_request_duration_seconds_count{"), 2);
	assert_int_equal(count(text.data, "\nstorage_operations_total{"), 4);
	assert_int_equal(count(text.data, "\nstorage_operation_duration_seconds_count{"), 1);
	assert_null(strstr(text.data, "/seen/by/nobody"));
	assert_non_null(strstr(text.data, "backend=\"postgresql\",operation=\"other\",status=\"failed\"} 11\n"));
	assert_non_null(strstr(text.data, "backend=\"postgresql\",operation=\"select\",status=\"failed\"} 1\n"));
	assert_non_null(strstr(text.data, "endpoint=\"/users/{id}\",status=\"none\"} 2\n"));
	assert_non_null(strstr(text.data, "endpoint=\"/users/{id}\",status=\"599\"} 7\n"));
	assert_non_null(strstr(text.data, "endpoint=\"/caf\\\\xe9/\\\"x\\\"\",status=\"418\"} 2\n"));
	assert_non_null(strstr(text.data, "method=\"CONNECT\",endpoint=\"other\",status=\"200\"} 1\n"));
	/* The last bucket holds what is above every bound. */
	assert_non_null(strstr(text.data, "endpoint=\"/users/{id}\",le=\"10\"} 60\n"));
	assert_non_null(strstr(text.data, "endpoint=\"/users/{id}\",le=\"+Inf\"} 110\n"));
	assert_non_null(strstr(text.data, "tapstat_series{family=\"http_requests_total\"} 7\n"));
	assert_non_null(strstr(text.data, "tapstat_series{family=\"storage_operations_total\"} 4\n"));
	buffer_free(&text);
	fake_release(&snap);
}

static void the_worst_endpoint_fits(void **state)
{
	struct snapshot snap;
	struct row_snapshot *row;
	struct buffer text;

	(void)state;
	fake_services(&snap, 1);
	memset(snap.series[0].service, 0xff, SERVICE_NAME_BYTES - 1);
	row = fake_endpoint(&snap, 0, METHOD_OPTIONS, "");
	memset(row->info.endpoint, 0xff, ENDPOINT_BYTES - 1);
	row->cell[ROW_DURATION] = 1;
	text = render(&snap, EXPOSITION_TEXT);
	assert_int_equal(count(text.data, "\nhttp_request_duration_seconds_count{"), 1);
	buffer_free(&text);
	fake_release(&snap);
}

static void where_proc_hides_processes_their_families_have_no_samples(void **state)
{
	struct snapshot snap;
	struct buffer text;

	(void)state;
	fake_services(&snap, 2);
	text = render(&snap, EXPOSITION_TEXT);
	assert_non_null(strstr(text.data, "\n# TYPE process_cpu_usage gauge\n"));
	assert_null(strstr(text.data, "\nprocess_cpu_usage{"));
	assert_null(strstr(text.data, "\nprocess_memory_bytes{"));
	assert_non_null(strstr(text.data, "\ntapstat_series{family=\"process_cpu_usage\"} 0\n"));
	assert_non_null(strstr(text.data, "\ntapstat_series{family=\"messages_sent_total\"} 4\n"));
	buffer_free(&text);
	fake_release(&snap);
}

static void without_services_tapstat_still_tells_of_itself(void **state)
{
	struct snapshot snap = {0};
	struct buffer text = render(&snap, EXPOSITION_OPENMETRICS);

	(void)state;
	assert_non_null(
		strstr(text.data, "\ntapstat_build_info{version=\"1.2.3\",commit=\"abcdef\",libbpf=\"1.1\"} 1\n"));
	assert_null(strstr(text.data, "\nws_connections_total{"));
	assert_int_equal(strcmp(text.data + strlen(text.data) - 6, "# EOF\n"), 0);
	buffer_free(&text);
}

/* The first writing grows the buffer; later ones reuse it, as scrapes do. */
static void ten_thousand_lines_take_less_than_ten_milliseconds(void **state)
{
	enum { ROUNDS = 20 };
	struct buffer text = {0};
	struct snapshot snap;
	double best = 1e9;
	size_t lines;

	(void)state;
	fake_services(&snap, MAX_SERVICES);
	for (int i = 0; i < ROUNDS; i++) {
		struct timespec begin, end;
		double ms;

		buffer_clear(&text);
		clock_gettime(CLOCK_MONOTONIC, &begin);
		assert_int_equal(exposition_write(&text, &snap, &fake_self, EXPOSITION_TEXT), 0);
		clock_gettime(CLOCK_MONOTONIC, &end);
		ms = (double)(end.tv_sec - begin.tv_sec) * 1e3 + (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
		best = ms < best ? ms : best;
	}
	buffer_char(&text, '\0');
	lines = 0; /* strstr() of a sanitizer reads to the end each time */
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	print_message("%zu lines in %.2f ms: %.3f ms for 10,000\n", lines, best, best * 10000 / (double)lines);
	assert_true(lines > 10000);
#ifndef __SANITIZE_ADDRESS__
	assert_true(best * 10000 / (double)lines < 10);
#endif
	buffer_free(&text);
	fake_release(&snap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_as_in_the_golden_file),
		cmocka_unit_test(openmetrics_is_as_in_the_golden_file),
		cmocka_unit_test(promtool_finds_nothing_to_criticise),
		cmocka_unit_test(seconds_are_exact_and_shortest),
		cmocka_unit_test(numbers_have_all_their_digits),
		cmocka_unit_test(label_values_are_escaped_and_utf8),
		cmocka_unit_test(the_worst_service_name_fits),
		cmocka_unit_test(every_family_of_a_service_seen_once_is_exposed),
		cmocka_unit_test(families_of_what_a_service_never_spoke_have_no_samples),
		cmocka_unit_test(rows_show_what_was_counted_alone),
		cmocka_unit_test(the_worst_endpoint_fits),
		cmocka_unit_test(where_proc_hides_processes_their_families_have_no_samples),
		cmocka_unit_test(without_services_tapstat_still_tells_of_itself),
		cmocka_unit_test(ten_thousand_lines_take_less_than_ten_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
