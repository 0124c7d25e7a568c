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

#define GOLDEN "tests/unit/golden/"

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
	server->scan = (struct scan_series){.idle = 4, .pings_outstanding = 5, .peers = 6};

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
	struct buffer text, golden = {0};
	char chunk[4096];
	FILE *file;
	size_t n;

	fill(&snap);
	text = render(&snap, format);
	text.len--; /* the NUL */
	if (getenv("UPDATE_GOLDEN")) {
		file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
		assert_int_equal(fclose(file), 0);
	}
	file = fopen(path, "r");
	assert_non_null(file);
	while ((n = fread(chunk, 1, sizeof(chunk), file)))
		buffer_append(&golden, chunk, n);
	fclose(file);
	buffer_char(&golden, '\0');
	assert_string_equal(text.data, golden.data);
	buffer_free(&golden);
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

static void every_family_of_a_service_seen_once_is_exposed(void **state)
{
	struct snapshot snap;
	struct buffer text;

	(void)state;
	fake_services(&snap, 1);
	text = render(&snap, EXPOSITION_TEXT);
	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		const struct family *family = catalog_family(i);
		char sample[160];

		if (family->kind == FAMILY_SELF)
			continue;
		snprintf(sample, sizeof(sample), "\n%s%s{service=\"service-0\",role=\"client\"", family->name,
			 family->bounds ? "_count" : "");
		assert_int_equal(count(text.data, sample), family_combinations(family));
	}
	assert_non_null(strstr(text.data, "\nws_closes_total{service=\"service-0\",role=\"server\","
					  "direction=\"received\",code=\"1000\"} 0\n"));
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
	lines = count(text.data, "\n");
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
		cmocka_unit_test(without_services_tapstat_still_tells_of_itself),
		cmocka_unit_test(ten_thousand_lines_take_less_than_ten_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
