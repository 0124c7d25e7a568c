// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Families of function probes in the exposition, against golden files. UPDATE_GOLDEN=1 in the environment writes them
 * anew: read the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"
#include "exposition.h"
#include "fake_snapshot.h"
#include "golden_file.h"
#include "probe_families.h"

/* Two probes of one family, by different labels and by the same; a family of each type; names before and behind those
 * of the catalog. */
static const char text[] =
	"probes:\n"
	"  - name: append\n"
	"    binary: store\n"
	"    function: append\n"
	"    labels: {entity: \"an \\\"order\\\"\"}\n"
	"    argument: {label: kind, of: arg2, values: {1: event, 2: snapshot}}\n"
	"    calls: {name: a_appends_total, help: \"Events \\\"appended\\\".\"}\n"
	"    errors: {name: a_append_errors_total, when: result < 0}\n"
	"    in_flight: {name: z_appends_in_flight}\n"
	"    duration: {name: append_duration_seconds, buckets: [0.001, 0.25, 10]}\n"
	"    bytes: {name: append_size_bytes, of: arg3, buckets: [100, 2000]}\n"
	"  - name: insert\n"
	"    binary: store\n"
	"    function: insert\n"
	"    labels: {kind: event, entity: \"an \\\"order\\\"\"}\n"
	"    calls: {name: a_appends_total}\n"
	"  - {name: read, binary: store, function: read, bytes: {name: read_bytes_total, of: result}}\n";

static struct config config;
static struct probe_families *families;

static void add(struct snapshot *snap, const char *service, __u32 probe, __u32 value, const __u64 *cells)
{
	struct function_snapshot *row;

	snap->functions = realloc(snap->functions, (snap->n_functions + 1) * sizeof(*row));
	assert_non_null(snap->functions);
	row = &snap->functions[snap->n_functions++];
	memset(row, 0, sizeof(*row));
	snprintf(row->service, sizeof(row->service), "%s", service);
	row->probe = probe;
	row->value = value;
	row->cell[FUNCTION_CALLS] = cells[0];
	row->cell[FUNCTION_ERRORS] = cells[1];
	row->cell[FUNCTION_IN_FLIGHT] = cells[2];
	row->cell[FUNCTION_BYTES] = cells[3];
	for (int i = 0; i < 4; i++)
		row->cell[FUNCTION_DURATION + i] = cells[4 + i];
	row->cell[FUNCTION_DURATION + PROBE_BOUNDS + 1] = cells[8];
	row->cell[FUNCTION_SIZES + 2] = cells[9]; /* above both bounds */
	row->cell[FUNCTION_SIZES + PROBE_BOUNDS + 1] = cells[10];
}

static void fill(struct snapshot *snap)
{
	/* Calls, errors, in flight, bytes; durations: three bounds, above, sum; sizes: above, sum. */
	static const __u64 event[] = {10, 2, 3, 0, 1, 2, 3, 4, 1500000000, 5, 60000};
	static const __u64 other[] = {7, 0, (__u64)-1, 0, 0, 0, 0, 7, 70000000001, 0, 0};
	static const __u64 insert[11] = {100}, read[11] = {5, 0, 0, 4096};

	memset(snap, 0, sizeof(*snap));
	add(snap, "worker", 0, PROBE_VALUE_OTHER, other);
	add(snap, "store", 0, 0, event);
	add(snap, "store", 1, PROBE_VALUE_OTHER, insert); /* shares the labels of the one before */
	add(snap, "gr\xc3\xbc\xc3\x9f", 2, PROBE_VALUE_OTHER, read);
	snap->unmatched[0][PROBE_SIDE_ENTRY] = 11;
	snap->unmatched[2][PROBE_SIDE_RETURN] = 12;
	snap->probes = families;
}

/* What function probes have to do with. */
static bool is_of_probes(const char *line)
{
	static const char *const words[] = {"a_append",       "append_",          "read_bytes", "z_appends",
					    "tapstat_probe_", " tapstat_series ", "# EOF"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

static void compare(const char *path, enum exposition_format format)
{
	struct buffer all = {0}, own = {0};
	struct snapshot snap;

	fill(&snap);
	assert_int_equal(exposition_write(&all, &snap, &fake_self, format), 0);
	buffer_char(&all, '\0');
	for (char *line = strtok(all.data, "\n"); line; line = strtok(NULL, "\n")) {
		if (!is_of_probes(line))
			continue;
		buffer_text(&own, line);
		buffer_char(&own, '\n');
	}
	golden_compare(path, own.data, own.len);
	buffer_free(&all);
	buffer_free(&own);
	fake_release(&snap);
}

static void text_is_as_in_the_golden_file(void **state)
{
	(void)state;
	compare("tests/unit/golden/probes.txt", EXPOSITION_TEXT);
}

static void openmetrics_is_as_in_the_golden_file(void **state)
{
	(void)state;
	compare("tests/unit/golden/probes.openmetrics", EXPOSITION_OPENMETRICS);
}

static void promtool_finds_nothing_to_criticise(void **state)
{
	(void)state;
	if (system("command -v promtool >/dev/null")) {
		print_message("promtool is not installed: not checked\n");
		skip();
	}
	assert_int_equal(system("test -z \"$(promtool check metrics 2>&1 <tests/unit/golden/probes.txt)\""), 0);
}

/* Families stand in one alphabetical order, those of the catalog and the others. */
static void all_names_are_in_order(void **state)
{
	char last[256] = "";
	struct buffer all = {0};
	struct snapshot snap;
	size_t n = 0;

	(void)state;
	fill(&snap);
	assert_int_equal(exposition_write(&all, &snap, &fake_self, EXPOSITION_TEXT), 0);
	buffer_char(&all, '\0');
	for (char *line = strtok(all.data, "\n"); line; line = strtok(NULL, "\n")) {
		char name[256];

		if (sscanf(line, "# TYPE %255s", name) != 1)
			continue;
		assert_true(strcmp(last, name) < 0);
		memcpy(last, name, sizeof(last));
		n++;
	}
	assert_int_equal(n, FAMILY_COUNT + families->n);
	buffer_free(&all);
	fake_release(&snap);
}

static int begin(void **state)
{
	static struct config_error why;

	(void)state;
	if (config_parse(text, sizeof(text) - 1, &config, &why)) {
		print_error("%u:%u: %s\n", why.mistake[0].line, why.mistake[0].column, why.mistake[0].text);
		return -1;
	}
	return probe_families_new(&families, &config);
}

static int end(void **state)
{
	(void)state;
	probe_families_free(families);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_as_in_the_golden_file),
		cmocka_unit_test(openmetrics_is_as_in_the_golden_file),
		cmocka_unit_test(promtool_finds_nothing_to_criticise),
		cmocka_unit_test(all_names_are_in_order),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
