// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* --config.file ──> [config_probes] ──> config: see config_probes.h. */
#include "config_probes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "catalog.h"
#include "config.h"
#include "config_yaml.h"
#include "probe_terms.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TEXT(structure, member) .offset = offsetof(structure, member), .size = sizeof(((structure *)NULL)->member)

#define refuse(why, size, ...) (snprintf(why, size, __VA_ARGS__), -EINVAL)

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), bytes = strlen(end);

	return n > bytes && !strcmp(text + n - bytes, end);
}

/* ---- Texts: names --------------------------------------------------------------------------------------------- */

static bool is_identifier(const char *text)
{
	static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return !text[strspn(text, valid)] && (*text < '0' || *text > '9');
}

/* What OpenMetrics 1.0 appends to the names of families. */
static const char *const reserved_ends[] = {"_total", "_created", "_bucket", "_count", "_sum", "_info"};

/* Bytes of a name before the first such end: names that are equal so far would give samples of one name. */
static size_t stem_bytes(const char *name)
{
	for (size_t i = 0; i < COUNT(reserved_ends); i++)
		if (ends_with(name, reserved_ends[i]))
			return strlen(name) - strlen(reserved_ends[i]);
	return strlen(name);
}

static bool collide(const char *a, const char *b)
{
	size_t n = stem_bytes(a);

	return n == stem_bytes(b) && !memcmp(a, b, n);
}

static int check_metric(const char *name, char *why, size_t size)
{
	static const char *const taken[] = {"tapstat_", "scrape_"};

	if (!is_identifier(name))
		return refuse(why, size, "is no name of a metric: valid are letters, digits and _, no digit first");
	for (size_t i = 0; i < COUNT(taken); i++)
		if (!strncmp(name, taken[i], strlen(taken[i])))
			return refuse(why, size, "starts with %s, which is taken: valid is any other name", taken[i]);
	for (size_t i = 0; i < FAMILY_COUNT; i++)
		if (collide(name, catalog_family(i)->name))
			return refuse(why, size, "collides with tapstat's own %s: valid is any other name",
				      catalog_family(i)->name);
	return 0;
}

static int check_counter(char *text, size_t size, char *why, size_t why_size)
{
	(void)size;
	if (!ends_with(text, "_total"))
		return refuse(why, why_size, "names a counter: valid ends with _total");
	return check_metric(text, why, why_size);
}

static int check_gauge(char *text, size_t size, char *why, size_t why_size)
{
	(void)size;
	if (stem_bytes(text) != strlen(text))
		return refuse(
			why, why_size,
			"names a gauge: valid does not end with _total, _created, _bucket, _count, _sum, _info");
	return check_metric(text, why, why_size);
}

static int check_duration(char *text, size_t size, char *why, size_t why_size)
{
	(void)size;
	if (!ends_with(text, "_seconds"))
		return refuse(why, why_size, "names a histogram of durations: valid ends with _seconds");
	return check_metric(text, why, why_size);
}

static int check_bytes(char *text, size_t size, char *why, size_t why_size)
{
	(void)size;
	if (!ends_with(text, "_bytes") && !ends_with(text, "_bytes_total"))
		return refuse(
			why, why_size,
			"says nothing about bytes: valid ends with _bytes_total (a counter) or _bytes (a histogram)");
	return check_metric(text, why, why_size);
}

static int check_label(char *text, size_t size, char *why, size_t why_size)
{
	/* Those that tapstat gives by itself, and those of histograms. */
	static const char *const taken[] = {"service", "role", "namespace", "pod", "container", "le", "quantile"};

	(void)size;
	if (!is_identifier(text) || !strncmp(text, "__", 2))
		return refuse(why, why_size,
			      "is no label: valid are letters, digits and _, no digit and no __ first");
	for (size_t i = 0; i < COUNT(taken); i++)
		if (!strcmp(text, taken[i]))
			return refuse(why, why_size, "is a label that is taken: valid is any other name");
	return 0;
}

/* ---- Texts: what and where ------------------------------------------------------------------------------------ */

static int check_function(char *text, size_t size, char *why, size_t why_size)
{
	enum probe_function_kind kind;
	__u64 address;

	(void)size;
	if (probe_function_parse(text, &kind, &address))
		return refuse(why, why_size,
			      "is no address: valid is 0x and hexadecimal digits, or a function's name");
	return 0;
}

static int check_returns(char *text, size_t size, char *why, size_t why_size)
{
	(void)size;
	if (strcmp(text, "instructions") != 0 && strcmp(text, "address") != 0)
		return refuse(why, why_size, "is no way to find returns: valid are instructions, address");
	return 0;
}

bool config_probe_replaces_address(const struct config_probe *probe)
{
	return !strcmp(probe->returns, "address");
}

static int check_usdt(char *text, size_t size, char *why, size_t why_size)
{
	const char *colon = strchr(text, ':');

	(void)size;
	if (!colon || colon == text || !colon[1])
		return refuse(why, why_size, "is no USDT probe: valid is PROVIDER:NAME");
	return 0;
}

static int check_term(char *text, size_t size, char *why, size_t why_size)
{
	struct probe_term term;

	(void)size;
	if (probe_term_parse(text, &term))
		return refuse(
			why, why_size,
			"is nothing to take a number from: valid are arg1 to arg6 and result, perhaps with a type "
			"(arg3:uint32)");
	return 0;
}

static int check_argument(char *text, size_t size, char *why, size_t why_size)
{
	struct probe_term term;

	(void)size;
	if (probe_term_parse(text, &term) || term.is_result)
		return refuse(why, why_size,
			      "is no argument: valid are arg1 to arg6, perhaps with a type (arg3:int32)");
	return 0;
}

static int check_condition(char *text, size_t size, char *why, size_t why_size)
{
	struct probe_condition condition;

	(void)size;
	if (probe_condition_parse(text, &condition))
		return refuse(
			why, why_size,
			"is no condition: valid are result, an operator (== != < <= > >=) and a number, or null "
			"(result < 0; result:int64 == -1; result == null)");
	return 0;
}

static int check_number(char *text, size_t size, char *why, size_t why_size)
{
	__s64 number;

	(void)size;
	if (probe_number_parse(text, &number))
		return refuse(why, why_size, "is no whole number of 64 bits: valid are -1, 17, 0x1f");
	return 0;
}

/* ---- Mappings ------------------------------------------------------------------------------------------------- */

static int check_buckets(const struct config_buckets *buckets, __u64 unit, char *why, size_t size)
{
	for (unsigned int i = 0; i < buckets->n; i++) {
		if (buckets->bound[i] % unit)
			return refuse(why, size, "buckets: bound %u is a fraction: valid are whole bytes", i + 1);
		if (i && buckets->bound[i] <= buckets->bound[i - 1])
			return refuse(why, size,
				      "buckets: bound %u is not above the one before: valid are rising ones", i + 1);
	}
	return 0;
}

static int check_duration_mapping(void *value, const void *file, char *why, size_t size)
{
	const struct config_probe *probe = value;

	(void)file;
	return check_buckets(&probe->duration.buckets, 1, why, size);
}

static int check_bytes_mapping(void *value, const void *file, char *why, size_t size)
{
	const struct config_probe *probe = value;

	(void)file;
	if (probe->bytes.buckets.n && !ends_with(probe->bytes.metric.name, "_bytes"))
		return refuse(why, size, "buckets: a counter has none: valid is a name that ends with _bytes");
	return check_buckets(&probe->bytes.buckets, 1000000000, why, size);
}

static int check_argument_mapping(void *value, const void *file, char *why, size_t size)
{
	const struct config_probe *probe = value;

	(void)file;
	for (unsigned int i = 0; i < probe->n_labels; i++)
		if (!strcmp(probe->label[i].name, probe->argument.label))
			return refuse(why, size,
				      "argument: the label '%s' stands under labels, too: valid is one of them",
				      probe->argument.label);
	return 0;
}

/* ---- The whole probe ------------------------------------------------------------------------------------------ */

const struct config_metric *config_probe_metric(const struct config_probe *probe, enum probe_measure measure)
{
	const struct config_metric *const metrics[MEASURE_COUNT] = {
		[MEASURE_CALLS] = &probe->calls,
		[MEASURE_ERRORS] = &probe->errors.metric,
		[MEASURE_IN_FLIGHT] = &probe->in_flight,
		[MEASURE_DURATION] = &probe->duration.metric,
		[MEASURE_BYTES] = ends_with(probe->bytes.metric.name, "_total") ? &probe->bytes.metric : NULL,
		[MEASURE_SIZES] = ends_with(probe->bytes.metric.name, "_bytes") ? &probe->bytes.metric : NULL,
	};
	const struct config_metric *metric = metrics[measure];

	return metric && *metric->name ? metric : NULL;
}

/* Where the file gives no name, it is as people would type it for the command. */
static int name_probe(struct config_probe *probe, char *why, size_t size)
{
	const char *slash = strrchr(probe->binary, '/'), *binary = slash ? slash + 1 : probe->binary;
	char name[2 * CONFIG_PROBE_BYTES];

	if (*probe->name)
		return 0;
	snprintf(name, sizeof(name), "%s:%s", *probe->binary ? binary : probe->service,
		 *probe->function ? probe->function : probe->usdt);
	if (strlen(name) >= sizeof(probe->name))
		return refuse(why, size,
			      "a function probe with so long a function needs a name: valid is a key 'name'");
	memcpy(probe->name, name, strlen(name));
	return 0;
}

static int check_choices(const struct config_probe *probe, char *why, size_t size)
{
	bool any = false;

	if (!*probe->binary == !*probe->service)
		return refuse(why, size, "a function probe needs either binary or service");
	if (!*probe->function == !*probe->usdt)
		return refuse(why, size, "a function probe needs either function or usdt");
	for (int measure = 0; measure < MEASURE_COUNT; measure++)
		any |= config_probe_metric(probe, measure) != NULL;
	if (!any)
		return refuse(why, size,
			      "a function probe needs at least one of calls, errors, in_flight, duration, bytes");
	if (*probe->usdt && (*probe->errors.metric.name || *probe->in_flight.name || *probe->duration.metric.name ||
			     !strncmp(probe->bytes.of, "result", strlen("result"))))
		return refuse(why, size, "a USDT probe has no return: valid are calls, and bytes of an argument");
	return 0;
}

static bool has_label(const struct config_probe *probe, const char *name)
{
	for (unsigned int i = 0; i < probe->n_labels; i++)
		if (!strcmp(probe->label[i].name, name))
			return true;
	return !strcmp(probe->argument.label, name);
}

/* The first label that one of the probes has and the other lacks; NULL: there is none. */
static const char *label_of_one(const struct config_probe *a, const struct config_probe *b)
{
	for (int turn = 0; turn < 2; turn++) {
		const struct config_probe *one = turn ? b : a, *other = turn ? a : b;

		for (unsigned int i = 0; i < one->n_labels; i++)
			if (!has_label(other, one->label[i].name))
				return one->label[i].name;
		if (*one->argument.label && !has_label(other, one->argument.label))
			return one->argument.label;
	}
	return NULL;
}

enum shape { SHAPE_COUNTER, SHAPE_GAUGE, SHAPE_DURATION, SHAPE_SIZES };

static enum shape shape_of(enum probe_measure measure)
{
	switch (measure) {
	case MEASURE_IN_FLIGHT:
		return SHAPE_GAUGE;
	case MEASURE_DURATION:
		return SHAPE_DURATION;
	case MEASURE_SIZES:
		return SHAPE_SIZES;
	default:
		return SHAPE_COUNTER;
	}
}

static const struct config_buckets *buckets_of(const struct config_probe *probe, enum probe_measure measure)
{
	return measure == MEASURE_DURATION ? &probe->duration.buckets : &probe->bytes.buckets;
}

static bool are_same(const struct config_buckets *a, const struct config_buckets *b)
{
	return a->n == b->n && !memcmp(a->bound, b->bound, a->n * sizeof(a->bound[0]));
}

/* Two metrics of one name are one family: they differ by the values of their labels only. */
static int check_pair(const struct config_probe *a, enum probe_measure of_a, const struct config_probe *b,
		      enum probe_measure of_b, char *why, size_t size)
{
	const struct config_metric *x = config_probe_metric(a, of_a), *y = config_probe_metric(b, of_b);
	const char *label;

	if (!x || !y || !collide(x->name, y->name))
		return 0;
	if (strcmp(x->name, y->name) != 0 || shape_of(of_a) != shape_of(of_b))
		return refuse(why, size, "%s collides with %s of the probe '%s': valid is any other name", y->name,
			      x->name, a->name);
	if (a == b)
		return refuse(why, size, "%s stands twice in one probe: valid is one name for each measure", y->name);
	if (*x->help && *y->help && strcmp(x->help, y->help) != 0)
		return refuse(why, size, "%s has another help in the probe '%s': valid is the same, or none", y->name,
			      a->name);
	if (shape_of(of_a) >= SHAPE_DURATION && !are_same(buckets_of(a, of_a), buckets_of(b, of_b)))
		return refuse(why, size, "%s has other buckets in the probe '%s': valid are the same", y->name,
			      a->name);
	label = label_of_one(a, b);
	if (label)
		return refuse(why, size, "%s has the label '%s' either here or in the probe '%s': valid is in both",
			      y->name, label, a->name);
	return 0;
}

static int check_probe_pair(const struct config_probe *a, const struct config_probe *b, char *why, size_t size)
{
	int err = 0;

	for (int i = 0; i < MEASURE_COUNT && !err; i++)
		for (int j = a == b ? i + 1 : 0; j < MEASURE_COUNT && !err; j++)
			err = check_pair(a, i, b, j, why, size);
	return err;
}

/* Label combinations that one family could have of a service: all are known beforehand. */
static int check_combinations(const struct config *config, const struct config_probe *probe, char *why, size_t size)
{
	for (int measure = 0; measure < MEASURE_COUNT; measure++) {
		const struct config_metric *metric = config_probe_metric(probe, measure);
		unsigned int n = *probe->argument.label ? probe->argument.n + 1 : 1;

		for (unsigned int i = 0; metric && i < config->probes.n; i++) {
			const struct config_probe *other = &config->probes.probe[i];

			for (int of = 0; of < MEASURE_COUNT; of++) {
				const struct config_metric *same = config_probe_metric(other, of);

				if (same && !strcmp(same->name, metric->name))
					n += *other->argument.label ? other->argument.n + 1 : 1;
			}
		}
		if (n > MAX_COMBINATIONS)
			return refuse(why, size, "%s could have %u label combinations of a service: valid are %d",
				      metric->name, n, MAX_COMBINATIONS);
	}
	return 0;
}

static int check_probe(void *value, const void *file, char *why, size_t size)
{
	const struct config *config = file;
	struct config_probe *probe = value;
	int err = check_choices(probe, why, size);

	if (!err)
		err = name_probe(probe, why, size);
	if (!err)
		err = check_probe_pair(probe, probe, why, size);
	for (unsigned int i = 0; i < config->probes.n && !err; i++) {
		const struct config_probe *other = &config->probes.probe[i];

		if (!*other->name) /* its mistakes have been told */
			continue;
		if (!strcmp(other->name, probe->name))
			return refuse(why, size, "a second probe '%s': valid is one, or another name", probe->name);
		err = check_probe_pair(other, probe, why, size);
	}
	return err ? err : check_combinations(config, probe, why, size);
}

/* ---- The grammar ---------------------------------------------------------------------------------------------- */

/* Offsets of all mappings are those in struct config_probe: its sections are no structures of their own. */

static const struct config_key bound_element = {"an upper bound", CONFIG_DECIMAL, .high = 1000000000};

static const struct config_key label_keys[] = {
	[PAIR_NAME] = {"a label", CONFIG_TEXT, NEED, TEXT(struct config_probe_label, name), .check = check_label},
	[PAIR_VALUE] = {"a label's value", CONFIG_TEXT, NEED, TEXT(struct config_probe_label, value)},
};
static const struct config_mapping label_pair = {"a label", COUNT(label_keys), label_keys, NULL};

static const struct config_key value_keys[] = {
	[PAIR_NAME] = {"a number", CONFIG_TEXT, NEED, TEXT(struct config_probe_value, number), .check = check_number},
	[PAIR_VALUE] = {"a number's text", CONFIG_TEXT, NEED, TEXT(struct config_probe_value, text)},
};
static const struct config_mapping value_pair = {"a value", COUNT(value_keys), value_keys, NULL};

static const struct config_key argument_keys[] = {
	{"label", CONFIG_TEXT, NEED, TEXT(struct config_probe, argument.label), .check = check_label},
	{"of", CONFIG_TEXT, NEED, TEXT(struct config_probe, argument.of), .check = check_argument},
	{"values", CONFIG_PAIRS, NEED_NOT, offsetof(struct config_probe, argument.value),
	 sizeof(struct config_probe_value), .high = PROBE_VALUES, .count = offsetof(struct config_probe, argument.n),
	 .elements = "numbers with their texts", .mapping = &value_pair},
};
static const struct config_mapping argument_mapping = {"argument", COUNT(argument_keys), argument_keys,
						       check_argument_mapping};

static const struct config_key calls_keys[] = {
	{"name", CONFIG_TEXT, NEED, TEXT(struct config_probe, calls.name), .check = check_counter},
	{"help", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, calls.help)},
};
static const struct config_mapping calls_mapping = {"calls", COUNT(calls_keys), calls_keys, NULL};

static const struct config_key in_flight_keys[] = {
	{"name", CONFIG_TEXT, NEED, TEXT(struct config_probe, in_flight.name), .check = check_gauge},
	{"help", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, in_flight.help)},
};
static const struct config_mapping in_flight_mapping = {"in_flight", COUNT(in_flight_keys), in_flight_keys, NULL};

static const struct config_key errors_keys[] = {
	{"name", CONFIG_TEXT, NEED, TEXT(struct config_probe, errors.metric.name), .check = check_counter},
	{"help", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, errors.metric.help)},
	{"when", CONFIG_TEXT, NEED, TEXT(struct config_probe, errors.when), .check = check_condition},
};
static const struct config_mapping errors_mapping = {"errors", COUNT(errors_keys), errors_keys, NULL};

static const struct config_key duration_keys[] = {
	{"name", CONFIG_TEXT, NEED, TEXT(struct config_probe, duration.metric.name), .check = check_duration},
	{"help", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, duration.metric.help)},
	{"buckets", CONFIG_LIST, NEED_NOT, offsetof(struct config_probe, duration.buckets.bound), sizeof(__u64),
	 .high = PROBE_BOUNDS, .count = offsetof(struct config_probe, duration.buckets.n), .elements = "upper bounds",
	 .element = &bound_element},
};
static const struct config_mapping duration_mapping = {"duration", COUNT(duration_keys), duration_keys,
						       check_duration_mapping};

static const struct config_key bytes_keys[] = {
	{"name", CONFIG_TEXT, NEED, TEXT(struct config_probe, bytes.metric.name), .check = check_bytes},
	{"help", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, bytes.metric.help)},
	{"of", CONFIG_TEXT, NEED, TEXT(struct config_probe, bytes.of), .check = check_term},
	{"buckets", CONFIG_LIST, NEED_NOT, offsetof(struct config_probe, bytes.buckets.bound), sizeof(__u64),
	 .high = PROBE_BOUNDS, .count = offsetof(struct config_probe, bytes.buckets.n), .elements = "upper bounds",
	 .element = &bound_element},
};
static const struct config_mapping bytes_mapping = {"bytes", COUNT(bytes_keys), bytes_keys, check_bytes_mapping};

static const struct config_key probe_keys[] = {
	{"name", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, name)},
	{"binary", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, binary)},
	{"service", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, service)},
	{"function", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, function), .check = check_function},
	{"usdt", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, usdt), .check = check_usdt},
	{"returns", CONFIG_TEXT, NEED_NOT, TEXT(struct config_probe, returns), .check = check_returns},
	{"labels", CONFIG_PAIRS, NEED_NOT, offsetof(struct config_probe, label), sizeof(struct config_probe_label),
	 .high = CONFIG_MAX_PROBE_LABELS, .count = offsetof(struct config_probe, n_labels), .elements = "labels",
	 .mapping = &label_pair},
	{"argument", CONFIG_MAPPING, .mapping = &argument_mapping},
	{"calls", CONFIG_MAPPING, .mapping = &calls_mapping},
	{"errors", CONFIG_MAPPING, .mapping = &errors_mapping},
	{"in_flight", CONFIG_MAPPING, .mapping = &in_flight_mapping},
	{"duration", CONFIG_MAPPING, .mapping = &duration_mapping},
	{"bytes", CONFIG_MAPPING, .mapping = &bytes_mapping},
};
static const struct config_mapping probe_mapping = {"a function probe", COUNT(probe_keys), probe_keys, check_probe};
const struct config_key config_probe_element = {"a function probe", CONFIG_MAPPING, .mapping = &probe_mapping};
