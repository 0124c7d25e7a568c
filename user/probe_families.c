// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* config ──> [probe_families] ──> exposition: see probe_families.h. */
#include "probe_families.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

static const struct {
	enum metric_type type;
	const char *help; /* where the configuration has none */
} measures[MEASURE_COUNT] = {
	[MEASURE_CALLS] = {METRIC_COUNTER, "Calls of the probed functions."},
	[MEASURE_ERRORS] = {METRIC_COUNTER, "Calls of the probed functions whose result is an error."},
	[MEASURE_IN_FLIGHT] = {METRIC_GAUGE, "Calls of the probed functions that have not returned."},
	[MEASURE_DURATION] = {METRIC_HISTOGRAM, "Time from entry to return of the probed functions."},
	[MEASURE_BYTES] = {METRIC_COUNTER, "Bytes that the probed functions were given, or returned."},
	[MEASURE_SIZES] = {METRIC_HISTOGRAM, "Bytes that one call of the probed functions was given, or returned."},
};

static const struct config_metric *metric_of(const struct probe_member *member)
{
	return config_probe_metric(member->probe, member->measure);
}

static int by_name(const void *a, const void *b)
{
	const struct probe_member *x = a, *y = b;
	int order = strcmp(metric_of(x)->name, metric_of(y)->name);

	return order ? order : (int)x->number - (int)y->number;
}

static size_t list_members(const struct config *config, struct probe_member *out)
{
	size_t n = 0;

	for (unsigned int i = 0; i < config->probes.n; i++)
		for (int measure = 0; measure < MEASURE_COUNT; measure++)
			if (config_probe_metric(&config->probes.probe[i], measure))
				out[n++] = (struct probe_member){&config->probes.probe[i], i, measure};
	qsort(out, n, sizeof(*out), by_name);
	return n;
}

static const char *help_of(const struct probe_family *family)
{
	for (size_t i = 0; i < family->n_members; i++)
		if (*metric_of(&family->member[i])->help)
			return metric_of(&family->member[i])->help;
	return measures[family->member->measure].help;
}

static void label_names(const struct config_probe *probe, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "service");

	for (unsigned int i = 0; i < probe->n_labels; i++)
		used += (size_t)snprintf(out + used, size - used, ",%s", probe->label[i].name);
	if (*probe->argument.label)
		snprintf(out + used, size - used, ",%s", probe->argument.label);
}

static const struct bounds *bounds_of(struct probe_family *family)
{
	bool is_duration = family->member->measure == MEASURE_DURATION;
	const struct config_probe *probe = family->member->probe;
	const struct config_buckets *buckets = is_duration ? &probe->duration.buckets : &probe->bytes.buckets;

	if (measures[family->member->measure].type != METRIC_HISTOGRAM)
		return NULL;
	if (!buckets->n)
		return is_duration ? &catalog_duration_bounds : &catalog_size_bounds;
	for (unsigned int i = 0; i < buckets->n; i++)
		family->upper[i] = is_duration ? buckets->bound[i] : buckets->bound[i] / 1000000000;
	family->bounds = (struct bounds){family->upper, buckets->n, is_duration};
	return &family->bounds;
}

/* Its members are known. */
static void fill(struct probe_family *family)
{
	static const struct label_set no_label = {"", NULL, 1};

	label_names(family->member->probe, family->labels, sizeof(family->labels));
	family->family = (struct family){.id = FAMILY_COUNT, /* none of the catalog */
					 .name = metric_of(family->member)->name,
					 .type = measures[family->member->measure].type,
					 .kind = FAMILY_OF_PROBE,
					 .help = help_of(family),
					 .labels = family->labels,
					 .dimension = {&no_label, &no_label},
					 .bounds = bounds_of(family)};
}

int probe_families_new(struct probe_families **out, const struct config *config)
{
	size_t most = (size_t)config->probes.n * MEASURE_COUNT, n;
	struct probe_families *families = calloc(1, sizeof(*families));

	if (!families)
		return -ENOMEM;
	families->member = calloc(most + 1, sizeof(*families->member));
	families->family = calloc(most + 1, sizeof(*families->family));
	if (!families->member || !families->family) {
		probe_families_free(families);
		return -ENOMEM;
	}
	families->probe = config->probes.probe;
	families->n_probes = config->probes.n;
	n = list_members(config, families->member);
	for (size_t i = 0; i < n; i++) {
		const struct probe_member *member = &families->member[i];

		if (!i || strcmp(metric_of(member)->name, metric_of(member - 1)->name) != 0)
			families->family[families->n++].member = member;
		families->family[families->n - 1].n_members++;
	}
	for (size_t i = 0; i < families->n; i++)
		fill(&families->family[i]);
	*out = families;
	return 0;
}

void probe_families_free(struct probe_families *families)
{
	if (!families)
		return;
	free(families->family);
	free(families->member);
	free(families);
}
