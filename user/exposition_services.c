/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* services ──> [exposition] ──> HTTP: samples of services over all their roles, a few lines of each. */
#include <string.h>

#include "exposition_row.h"
#include "services.h"

/* Neither is known where /proc hides the processes. */
static bool is_shown(const struct family *family, const struct snapshot *snap)
{
	return snap->has_usage || (family->id != FAMILY_SERVICE_CPU_USAGE && family->id != FAMILY_SERVICE_MEMORY);
}

__u64 exposition_service_combinations(const struct family *family, const struct snapshot *snap)
{
	return is_shown(family, snap) ? services_count(snap) * family_combinations(family) : 0;
}

static void write_name(struct buffer *out, const struct family *family, const char *suffix, const char *service)
{
	buffer_text(out, family->name);
	buffer_text(out, suffix);
	buffer_text(out, "{service=\"");
	exposition_label_value(out, service);
	buffer_char(out, '"');
}

/* Cores are held in billionths. */
static bool is_scaled(const struct family *family)
{
	return family->id == FAMILY_SERVICE_CPU_USAGE || (family->bounds && family->bounds->nanoseconds);
}

static void write_value(struct buffer *out, const struct family *family, __u64 value)
{
	if (is_scaled(family))
		buffer_seconds(out, value);
	else
		buffer_u64(out, value);
}

static void write_numbers(struct buffer *out, const struct family *family, const struct service_cells *service)
{
	const struct label_set *set = family->dimension[0];

	for (size_t i = 0; i < set->n; i++) {
		write_name(out, family, "", service->name);
		if (*set->label) {
			buffer_char(out, ',');
			buffer_text(out, set->label);
			buffer_text(out, "=\"");
			buffer_text(out, set->text[i]);
			buffer_char(out, '"');
		}
		buffer_text(out, "} ");
		write_value(out, family, service->cell[family->first_cell + i]);
		buffer_char(out, '\n');
	}
}

/* OpenMetrics writes le as a float always, "10.0". */
static void write_bound(struct buffer *out, const struct family *family, size_t i, enum exposition_format format)
{
	size_t begin = out->len;

	if (i == family->bounds->n) {
		buffer_text(out, "+Inf");
		return;
	}
	write_value(out, family, family->bounds->upper[i]);
	if (format == EXPOSITION_OPENMETRICS && !out->failed && !memchr(out->data + begin, '.', out->len - begin))
		buffer_text(out, ".0");
}

static void write_histogram(struct buffer *out, const struct family *family, const struct service_cells *service,
			    enum exposition_format format)
{
	const __u64 *cell = service->cell + family->first_cell;
	__u64 cumulative = 0;

	for (size_t i = 0; i <= family->bounds->n; i++) {
		cumulative += cell[i];
		write_name(out, family, "_bucket", service->name);
		buffer_text(out, ",le=\"");
		write_bound(out, family, i, format);
		buffer_text(out, "\"} ");
		buffer_u64(out, cumulative);
		buffer_char(out, '\n');
	}
	write_name(out, family, "_sum", service->name);
	buffer_text(out, "} ");
	write_value(out, family, cell[family->bounds->n + 1]);
	buffer_char(out, '\n');
	write_name(out, family, "_count", service->name);
	buffer_text(out, "} ");
	buffer_u64(out, cumulative);
	buffer_char(out, '\n');
}

void exposition_service_family(struct buffer *out, const struct family *family, const struct snapshot *snap,
			       enum exposition_format format)
{
	struct service_cells service[MAX_SERVICES + 1];
	size_t n = is_shown(family, snap) ? services_sum(snap, service) : 0;

	for (size_t i = 0; i < n; i++) {
		if (family->bounds)
			write_histogram(out, family, &service[i], format);
		else
			write_numbers(out, family, &service[i]);
	}
}
