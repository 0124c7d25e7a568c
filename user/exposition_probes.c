// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* snapshot, probe_families ──> [exposition] ──> HTTP: samples of function probes. */
#include <stdlib.h>
#include <string.h>

#include "config_probes.h"
#include "exposition_row.h"

/* What the rows of equal labels count together: a number, or a histogram's buckets, +Inf and sum. */
struct sample {
	struct series_piece labels;
	__u64 cell[PROBE_BOUNDS + 2];
};

static const unsigned int first_cell[MEASURE_COUNT] = {
	[MEASURE_CALLS] = FUNCTION_CALLS,         [MEASURE_ERRORS] = FUNCTION_ERRORS,
	[MEASURE_IN_FLIGHT] = FUNCTION_IN_FLIGHT, [MEASURE_DURATION] = FUNCTION_DURATION,
	[MEASURE_BYTES] = FUNCTION_BYTES,         [MEASURE_SIZES] = FUNCTION_SIZES,
};

struct label {
	const char *name, *value;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static void label_append(struct buffer *line, const struct label *label)
{
	buffer_char(line, ',');
	buffer_text(line, label->name);
	buffer_text(line, "=\"");
	exposition_label_value(line, label->value);
	buffer_char(line, '"');
}

/* By name, so that equal labels are equal texts, in whichever order the configuration has them. Returns how many. */
static size_t labels_sort(const struct config_probe *probe, __u32 value,
			  struct label out[CONFIG_MAX_PROBE_LABELS + 1])
{
	size_t n = 0;

	for (; n < probe->n_labels; n++)
		out[n] = (struct label){probe->label[n].name, probe->label[n].value};
	if (*probe->argument.label)
		out[n++] = (struct label){probe->argument.label,
					  value < probe->argument.n ? probe->argument.value[value].text : "other"};
	qsort(out, n, sizeof(*out), by_name);
	return n;
}

/* False: no memory. */
static bool labels_make(const struct config_probe *probe, const struct function_snapshot *row,
			struct series_piece *out)
{
	struct label label[CONFIG_MAX_PROBE_LABELS + 1];
	size_t n = labels_sort(probe, row->value, label);
	struct buffer line = {0};
	bool made;

	buffer_text(&line, "{service=\"");
	exposition_label_value(&line, row->service);
	buffer_char(&line, '"');
	for (size_t i = 0; i < n; i++)
		label_append(&line, &label[i]);
	made = !line.failed && line.len <= SERIES_BYTES;
	if (made) {
		memcpy(out->text, line.data, line.len);
		out->len = line.len;
	}
	buffer_free(&line);
	return made;
}

static void cells_take(const struct probe_family *family, enum probe_measure measure,
		       const struct function_snapshot *row, __u64 *out)
{
	const struct bounds *bounds = family->family.bounds;
	const __u64 *cell = row->cell + first_cell[measure];

	memcpy(out, cell, (bounds ? bounds->n + 1 : 1) * sizeof(*out));
	if (bounds) /* the kernel has its sums behind the largest histogram */
		out[bounds->n + 1] = cell[PROBE_BOUNDS + 1];
}

static int by_labels(const void *a, const void *b)
{
	const struct series_piece *x = &((const struct sample *)a)->labels, *y = &((const struct sample *)b)->labels;
	int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Sorts the samples and adds up those of equal labels; returns how many are left. */
static size_t merge(struct sample *samples, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(samples, n, sizeof(*samples), by_labels);
	for (size_t i = 0; i < n; i++) {
		if (kept && !by_labels(&samples[kept - 1], &samples[i])) {
			for (size_t j = 0; j < PROBE_BOUNDS + 2; j++)
				samples[kept - 1].cell[j] += samples[i].cell[j];
		} else {
			samples[kept++] = samples[i];
		}
	}
	return kept;
}

/* The samples of a family; NULL: no memory. The caller frees them. */
static struct sample *samples_collect(const struct probe_family *family, const struct snapshot *snap, size_t *n)
{
	struct sample *samples = calloc(snap->n_functions * family->n_members + 1, sizeof(*samples));
	size_t used = 0;

	for (size_t i = 0; samples && i < family->n_members; i++) {
		const struct probe_member *member = &family->member[i];

		for (size_t j = 0; j < snap->n_functions; j++) {
			const struct function_snapshot *row = &snap->functions[j];

			if (row->probe != member->number)
				continue;
			if (!labels_make(member->probe, row, &samples[used].labels)) {
				free(samples);
				return NULL;
			}
			cells_take(family, member->measure, row, samples[used++].cell);
		}
	}
	if (samples)
		*n = merge(samples, used);
	return samples;
}

__u64 exposition_probe_combinations(const struct probe_family *family, const struct snapshot *snap)
{
	size_t n = 0;

	free(samples_collect(family, snap, &n));
	return n;
}

static void write_number(struct exposition *x, const struct family *family, const struct sample *sample)
{
	__u64 value = sample->cell[0];

	/* The cells of the CPUs are read one after the other: an end may be seen before its beginning. */
	if (family->type == METRIC_GAUGE && (__s64)value < 0)
		value = 0;
	buffer_text(x->out, family->name);
	buffer_append(x->out, sample->labels.text, sample->labels.len);
	buffer_text(x->out, "} ");
	buffer_u64(x->out, value);
	buffer_char(x->out, '\n');
}

void exposition_probe_family(struct exposition *x, const struct probe_family *family)
{
	static const struct piece no_combination;
	struct piece le[MAX_BOUNDS];
	size_t n = 0, buckets = family->family.bounds ? exposition_bounds(x, family->family.bounds, le) : 0;
	struct sample *samples = samples_collect(family, x->snap, &n);

	x->out->failed |= !samples;
	for (size_t i = 0; samples && i < n; i++) {
		if (buckets)
			exposition_histogram(x, &family->family, &samples[i].labels, &no_combination, le, buckets,
					     samples[i].cell);
		else
			write_number(x, &family->family, &samples[i]);
	}
	free(samples);
}
