// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `probes:` of the configuration file: what each key becomes, also in the kernel, and what is said of each mistake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "probes.h"

static struct config config;
static struct config_error why;

static int parse(const char *text)
{
	return config_parse(text, strlen(text), &config, &why);
}

static void must_parse(const char *text)
{
	if (parse(text))
		fail_msg("%u:%u: %s\nin\n%s", why.mistake[0].line, why.mistake[0].column, why.mistake[0].text, text);
}

static const char full[] = "probes:\n"
			   "  - name: appends\n"
			   "    binary: /usr/bin/store\n"
			   "    function: store::append*\n"
			   "    returns: address\n"
			   "    labels: {entity: order, tier: \"1\"}\n"
			   "    argument: {label: kind, of: \"arg2:uint32\", values: {1: event, 0x2: snapshot}}\n"
			   "    calls: {name: appends_total, help: Events appended.}\n"
			   "    errors: {name: append_errors_total, when: \"result:int64 < 0\"}\n"
			   "    in_flight: {name: appends_in_flight}\n"
			   "    duration: {name: append_duration_seconds, buckets: [0.001, 0.25, 10]}\n"
			   "    bytes: {name: append_size_bytes, of: arg3, buckets: [100, 2000]}\n"
			   "  - service: worker*\n"
			   "    usdt: store:compaction\n"
			   "    calls: {name: compactions_total}\n"
			   "  - {binary: /opt/worker, function: read, bytes: {name: read_bytes_total, of: result}}\n";

static void every_key_has_its_place(void **state)
{
	const struct config_probe *probe = config.probes.probe;

	(void)state;
	must_parse(full);
	assert_int_equal(config.probes.n, 3);
	assert_string_equal(probe->name, "appends");
	assert_string_equal(probe->binary, "/usr/bin/store");
	assert_string_equal(probe->function, "store::append*");
	assert_true(config_probe_replaces_address(probe));
	assert_int_equal(probe->n_labels, 2);
	assert_string_equal(probe->label[0].name, "entity");
	assert_string_equal(probe->label[0].value, "order");
	assert_string_equal(probe->label[1].value, "1");
	assert_string_equal(probe->argument.label, "kind");
	assert_string_equal(probe->argument.of, "arg2:uint32");
	assert_int_equal(probe->argument.n, 2);
	assert_string_equal(probe->argument.value[1].number, "0x2");
	assert_string_equal(probe->argument.value[1].text, "snapshot");
	assert_string_equal(probe->calls.name, "appends_total");
	assert_string_equal(probe->calls.help, "Events appended.");
	assert_string_equal(probe->errors.metric.name, "append_errors_total");
	assert_string_equal(probe->errors.when, "result:int64 < 0");
	assert_string_equal(probe->in_flight.name, "appends_in_flight");
	assert_int_equal(probe->duration.buckets.n, 3);
	assert_int_equal(probe->duration.buckets.bound[0], 1000000);
	assert_int_equal(probe->duration.buckets.bound[1], 250000000);
	assert_int_equal(probe->duration.buckets.bound[2], 10000000000);
	assert_string_equal(probe->bytes.of, "arg3");
	assert_int_equal(probe->bytes.buckets.n, 2);
	assert_string_equal(probe[1].service, "worker*");
	assert_string_equal(probe[1].usdt, "store:compaction");
	assert_string_equal(probe[1].name, "worker*:store:compaction");
	assert_false(config_probe_replaces_address(&probe[1]));
	assert_string_equal(probe[2].name, "worker:read");
}

static void the_kernel_side_is_told_numbers(void **state)
{
	struct function_probe probe;

	(void)state;
	must_parse(full);
	probe_to_kernel(&config.probes.probe[0], &probe);
	assert_int_equal(probe.measures, (1 << MEASURE_COUNT) - 1 - (1 << MEASURE_BYTES));
	assert_true(probe.has_return);
	assert_int_equal(probe.n_values, 2);
	assert_int_equal(probe.value[1], 2);
	assert_int_equal(probe.comparison, COMPARE_LT);
	assert_int_equal(probe.limit, 0);
	assert_int_equal(probe.duration_bound[2], 10000000000);
	assert_int_equal(probe.duration_bound[3], NO_BOUND);
	assert_int_equal(probe.size_bound[1], 2000);
	assert_int_equal(probe.size_bound[2], NO_BOUND);
	probe_to_kernel(&config.probes.probe[1], &probe);
	assert_int_equal(probe.measures, 1 << MEASURE_CALLS);
	assert_false(probe.has_return);
	assert_int_equal(probe.duration_bound[0], 100000); /* the default ones */
	assert_int_equal(probe.size_bound[0], 16);
	probe_to_kernel(&config.probes.probe[2], &probe);
	assert_int_equal(probe.measures, 1 << MEASURE_BYTES);
	assert_true(probe.has_return); /* whose result counts */
}

#define PROBE "probes:\n  - {binary: b, function: f, "
#define SECOND "}\n  - {binary: b, function: g, "

static const struct {
	const char *text, *said;
} wrong[] = {
	{"probes:\n  - {function: f, calls: {name: a_total}}",
	 "2:5: a function probe needs either binary or service"},
	{"probes:\n  - {binary: b, service: s, function: f, calls: {name: a_total}}",
	 "2:5: a function probe needs either binary or service"},
	{"probes:\n  - {binary: b, calls: {name: a_total}}", "2:5: a function probe needs either function or usdt"},
	{"probes:\n  - {binary: b, function: f}", "2:5: a function probe needs at least one of calls, errors,"},
	{"probes:\n  - {binary: b, usdt: p, calls: {name: a_total}}", "2:23: usdt: 'p' is no USDT probe: valid is"},
	{"probes:\n  - {binary: b, usdt: 'p:n', duration: {name: a_seconds}}", "2:5: a USDT probe has no return"},
	{"probes:\n  - {binary: b, usdt: 'p:n', bytes: {name: a_bytes, of: result}}",
	 "2:5: a USDT probe has no return"},
	{"probes:\n  - {binary: b, function: 0x, calls: {name: a_total}}",
	 "2:27: function: '0x' is no address: valid"},
	{PROBE "returns: never, calls: {name: a_total}}",
	 "2:39: returns: 'never' is no way to find returns: valid are"},
	{PROBE "calls: {name: a}}", "2:44: name: 'a' names a counter: valid ends with _total"},
	{PROBE "calls: {name: a-b_total}}", "2:44: name: 'a-b_total' is no name of a metric: valid are letters"},
	{PROBE "calls: {name: 1_total}}", "2:44: name: '1_total' is no name of a metric: valid are letters"},
	{PROBE "calls: {name: tapstat_x_total}}",
	 "2:44: name: 'tapstat_x_total' starts with tapstat_, which is taken"},
	{PROBE "calls: {name: http_requests_total}}",
	 "2:44: name: 'http_requests_total' collides with tapstat's own"},
	{PROBE "in_flight: {name: http_requests}}", "2:48: name: 'http_requests' collides with tapstat's own"},
	{PROBE "in_flight: {name: a_total}}", "2:48: name: 'a_total' names a gauge: valid does not end with"},
	{PROBE "duration: {name: a_ms}}",
	 "2:47: name: 'a_ms' names a histogram of durations: valid ends with _seconds"},
	{PROBE "duration: {name: a_seconds, buckets: [2, 1]}}", "2:40: buckets: bound 2 is not above the one before"},
	{PROBE "duration: {name: a_seconds, buckets: [-1]}}",
	 "2:68: an upper bound: '-1' is out of range or no decimal"},
	{PROBE "duration: {name: a_seconds, buckets: [1.0000000001]}}",
	 "2:68: an upper bound: '1.0000000001' is out of"},
	{PROBE "duration: {name: a_seconds, buckets: [1e3]}}", "2:68: an upper bound: '1e3' is out of range or no"},
	{PROBE "bytes: {name: a_total, of: arg1}}",
	 "2:44: name: 'a_total' says nothing about bytes: valid ends with"},
	{PROBE "bytes: {name: a_bytes}}", "2:37: 'of' is missing: bytes needs it"},
	{PROBE "bytes: {name: a_bytes, of: arg9}}",
	 "2:57: of: 'arg9' is nothing to take a number from: valid are arg1"},
	{PROBE "bytes: {name: a_bytes, of: arg1, buckets: [1.5]}}",
	 "2:37: buckets: bound 1 is a fraction: valid are"},
	{PROBE "bytes: {name: a_bytes_total, of: arg1, buckets: [1]}}",
	 "2:37: buckets: a counter has none: valid is"},
	{PROBE "errors: {name: a_total}}", "2:38: 'when' is missing: errors needs it"},
	{PROBE "errors: {name: a_total, when: result}}",
	 "2:60: when: 'result' is no condition: valid are result, an"},
	{PROBE "labels: {le: x}, calls: {name: a_total}}",
	 "2:39: a label: 'le' is a label that is taken: valid is any"},
	{PROBE "labels: {service: x}, calls: {name: a_total}}", "2:39: a label: 'service' is a label that is taken"},
	{PROBE "labels: {a-b: x}, calls: {name: a_total}}", "2:39: a label: 'a-b' is no label: valid are letters"},
	{PROBE "labels: {__x: x}, calls: {name: a_total}}", "2:39: a label: '__x' is no label: valid are letters"},
	{PROBE "labels: {a: x, a: y}, calls: {name: a_total}}", "2:45: labels: 'a' stands twice: valid is once"},
	{PROBE "labels: {a: }, calls: {name: a_total}}", "2:42: a label's value: has no value: valid is a text of 1"},
	{PROBE "labels: {a: 1, b: 2, c: 3, d: 4, e: 5}, calls: {name: a_total}}",
	 "2:63: labels: one too many: valid is"},
	{PROBE "labels: [a], calls: {name: a_total}}",
	 "2:38: labels: is a list: valid is a mapping of at most 4 labels"},
	{PROBE "argument: {label: k, of: result}, calls: {name: a_total}}",
	 "2:55: of: 'result' is no argument: valid are"},
	{PROBE "argument: {label: k, of: arg1, values: {one: 1}}, calls: {name: a_total}}",
	 "2:70: a number: 'one' is no whole number of 64 bits: valid are"},
	{PROBE "labels: {k: x}, argument: {label: k, of: arg1}, calls: {name: a_total}}",
	 "2:56: argument: the label 'k' stands under labels, too"},
	{PROBE "calls: {name: a_total}, errors: {name: a_total, when: result < 0}}",
	 "2:5: a_total stands twice in one probe: valid is one name for each measure"},
	{PROBE "calls: {name: a_total}, in_flight: {name: a}}",
	 "2:5: a collides with a_total of the probe 'b:f': valid"},
	{PROBE "calls: {name: a_total}}\n  - {binary: /x/b, function: f, calls: {name: c_total}}",
	 "3:5: a second probe 'b:f': valid is one, or another name"},
	{PROBE "calls: {name: a_total}" SECOND "calls: {name: a_total}, labels: {k: x}}",
	 "3:5: a_total has the label 'k' either here or in the probe 'b:f': valid is in both"},
	{PROBE "calls: {name: a_total, help: A}" SECOND "calls: {name: a_total, help: B}}",
	 "3:5: a_total has another help in the probe 'b:f': valid is the same, or none"},
	{PROBE "duration: {name: a_seconds}" SECOND "duration: {name: a_seconds, buckets: [1]}}",
	 "3:5: a_seconds has other buckets in the probe 'b:f': valid are the same"},
	{PROBE "duration: {name: a_seconds}" SECOND "calls: {name: a_seconds_total}}",
	 "3:5: a_seconds_total collides with a_seconds of the probe 'b:f'"},
};

static void every_mistake_has_its_place_and_what_is_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char line[CONFIG_MISTAKE_BYTES + 40], expected[CONFIG_MISTAKE_BYTES + 40];

		if (!parse(wrong[i].text))
			fail_msg("is taken for valid:\n%s", wrong[i].text);
		config_error_line(&why, "f", 0, line, sizeof(line));
		snprintf(expected, sizeof(expected), "f:%s", wrong[i].said);
		if (strncmp(line, expected, strlen(expected)) != 0)
			fail_msg("%s\n  %s\nis not\n  %s", wrong[i].text, line, expected);
		if (why.found != 1)
			fail_msg("%s\n%zu mistakes, also %s", wrong[i].text, why.found, why.mistake[1].text);
	}
}

static void probes_of_one_family_differ_by_their_labels(void **state)
{
	(void)state;
	must_parse(PROBE "calls: {name: a_total, help: A}, labels: {k: x}" SECOND
			 "errors: {name: a_total, when: result < 0}, labels: {k: y}}");
	must_parse(PROBE "calls: {name: a_total}, argument: {label: k, of: arg1}" SECOND
			 "calls: {name: a_total}, labels: {k: y}}");
}

/* Seventeen values of an argument (sixteen and `other`) in each of six probes are 102. */
static void a_family_has_a_hundred_combinations_at_most(void **state)
{
	static char text[16384];
	size_t n = (size_t)snprintf(text, sizeof(text), "probes:\n");

	(void)state;
	for (int i = 0; i < 6; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "  - {binary: b, function: f%d, calls: {name: a_total}, "
				      "argument: {label: k, of: arg1, values: {",
				      i);
		for (int j = 0; j < PROBE_VALUES; j++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%d: v", j ? ", " : "", j);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "}}}\n");
		if (i < 5)
			must_parse(text);
	}
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(why.mistake[0].line, 7);
	assert_string_equal(why.mistake[0].text,
			    "a_total could have 102 label combinations of a service: valid are 100");
}

static void there_are_64_probes_at_most(void **state)
{
	static char text[16384];
	size_t n = (size_t)snprintf(text, sizeof(text), "probes:\n");

	(void)state;
	for (int i = 0; i <= MAX_PROBES; i++) {
		if (i == MAX_PROBES)
			must_parse(text);
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      "  - {binary: b, function: f%d, calls: {name: a%d_total}}\n", i, i);
	}
	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(why.mistake[0].text,
			    "probes: one too many: valid is a list of at most 64 function probes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_its_place),
		cmocka_unit_test(the_kernel_side_is_told_numbers),
		cmocka_unit_test(every_mistake_has_its_place_and_what_is_valid),
		cmocka_unit_test(probes_of_one_family_differ_by_their_labels),
		cmocka_unit_test(a_family_has_a_hundred_combinations_at_most),
		cmocka_unit_test(there_are_64_probes_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
