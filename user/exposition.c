/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * snapshot, catalog ──> [exposition] ──> HTTP: see exposition.h. Formats: "Exposition formats", prometheus.io;
 * OpenMetrics 1.0 (openmetrics.io). Families of services are here, tapstat's own in exposition_self.c.
 *
 * A line is put together from four pieces that are made once: the name, the labels of the series, the labels of the
 * combination (both kinds of piece with their punctuation), and the number.
 */
#include "exposition.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exposition_row.h"
#include "utf8.h"

const char *const exposition_content_type[EXPOSITION_FORMAT_COUNT] = {
	"text/plain; version=0.0.4; charset=utf-8",
	"application/openmetrics-text; version=1.0.0; charset=utf-8",
};

#define CHECK_COMBINATIONS(id, name, type, dim1, dim2, shape, help)                              \
	_Static_assert(dim1##_COUNT * dim2##_COUNT <= MOST_COMBINATIONS, name ": combinations"); \
	_Static_assert((int)SHAPE_##shape##_CELLS <= (int)MAX_BOUNDS, name ": bounds");
TAPSTAT_SERIES_FAMILIES(CHECK_COMBINATIONS)

/*
 * Label values must be UTF-8, or Prometheus refuses the whole scrape; names of processes need not be. A byte that is
 * none shows as \xff does in C, its backslash escaped like any other.
 */
void exposition_label_value(struct buffer *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t left = strlen(text);

	while (left) {
		size_t n = utf8_sequence(text, left);
		unsigned char c = (unsigned char)*text;

		if (!n) {
			char escape[] = {'\\', '\\', 'x', hex[c >> 4], hex[c & 15]};

			buffer_append(out, escape, sizeof(escape));
			n = 1;
		} else if (c == '\\' || c == '"') {
			buffer_char(out, '\\');
			buffer_char(out, (char)c);
		} else if (c == '\n') {
			buffer_text(out, "\\n");
		} else {
			buffer_append(out, text, n);
		}
		text += n;
		left -= n;
	}
}

/* ---- Pieces --------------------------------------------------------------------------------------------------- */

static int make_series_pieces(struct exposition *x)
{
	const struct snapshot *snap = x->snap;
	struct buffer line = {0};

	x->series = malloc((snap->n_series + 1) * sizeof(*x->series));
	if (!x->series)
		return -ENOMEM;
	for (size_t i = 0; i < snap->n_series; i++) {
		buffer_clear(&line);
		buffer_text(&line, "{service=\"");
		exposition_label_value(&line, snap->series[i].service);
		buffer_text(&line, "\",role=\"");
		buffer_text(&line, catalog_role.text[snap->series[i].role]);
		buffer_char(&line, '"');
		if (line.failed || line.len > SERIES_BYTES) {
			buffer_free(&line);
			return -ENOMEM;
		}
		memcpy(x->series[i].text, line.data, line.len);
		x->series[i].len = line.len;
	}
	buffer_free(&line);
	return 0;
}

static void add_label(struct piece *piece, const struct label_set *set, size_t value)
{
	if (*set->label)
		piece->len += (size_t)snprintf(piece->text + piece->len, sizeof(piece->text) - piece->len,
					       ",%s=\"%s\"", set->label, set->text[value]);
}

/* The labels of each combination in the order of the cells, with `end` behind them; returns how many. */
static size_t make_combinations(const struct family *family, const char *end, struct piece *pieces)
{
	const struct label_set *outer = family->dimension[0], *inner = family->dimension[1];
	size_t n = 0;

	for (size_t i = 0; i < outer->n; i++) {
		for (size_t j = 0; j < inner->n; j++) {
			struct piece *piece = &pieces[n++];

			piece->len = 0;
			add_label(piece, outer, i);
			add_label(piece, inner, j);
			piece->len += (size_t)snprintf(piece->text + piece->len, sizeof(piece->text) - piece->len,
						       "%s", end);
		}
	}
	return n;
}

/* ,le="…"} of each bucket, +Inf the last; returns how many. OpenMetrics writes le as a float always, "10.0". */
size_t exposition_bounds(const struct exposition *x, const struct bounds *bounds, struct piece *pieces)
{
	struct buffer number = {0};

	for (size_t i = 0; i < bounds->n; i++) {
		buffer_clear(&number);
		if (bounds->nanoseconds)
			buffer_seconds(&number, bounds->upper[i]);
		else
			buffer_u64(&number, bounds->upper[i]);
		if (x->format == EXPOSITION_OPENMETRICS && number.data && !memchr(number.data, '.', number.len))
			buffer_text(&number, ".0");
		pieces[i].len = (size_t)snprintf(pieces[i].text, sizeof(pieces[i].text), ",le=\"%.*s\"} ",
						 (int)number.len, number.data ? number.data : "");
		x->out->failed |= number.failed;
	}
	pieces[bounds->n].len =
		(size_t)snprintf(pieces[bounds->n].text, sizeof(pieces[bounds->n].text), ",le=\"+Inf\"} ");
	buffer_free(&number);
	return bounds->n + 1;
}

/* ---- Samples of services -------------------------------------------------------------------------------------- */

/* Families of what a service has never spoken are left out. */
static bool is_exposed(const struct exposition *x, const struct family *family, size_t series)
{
	return x->snap->series[series].seen & family_protocols(family);
}

static void write_numbers(struct exposition *x, const struct family *family)
{
	struct piece combination[MOST_COMBINATIONS];
	size_t n = make_combinations(family, "} ", combination), name_bytes = strlen(family->name);

	for (size_t s = 0; s < x->snap->n_series; s++) {
		const __u64 *cell = x->snap->series[s].cell + family->first_cell;

		if (!is_exposed(x, family, s))
			continue;

		for (size_t i = 0; i < n; i++) {
			buffer_append(x->out, family->name, name_bytes);
			buffer_append(x->out, x->series[s].text, x->series[s].len);
			buffer_append(x->out, combination[i].text, combination[i].len);
			buffer_u64(x->out, cell[i]);
			buffer_char(x->out, '\n');
		}
	}
}

void exposition_histogram(struct exposition *x, const struct family *family, const struct series_piece *series,
			  const struct piece *combination, const struct piece *le, size_t buckets, const __u64 *cell)
{
	size_t name_bytes = strlen(family->name);
	__u64 cumulative = 0;

	for (size_t i = 0; i < buckets; i++) {
		cumulative += cell[i];
		buffer_append(x->out, family->name, name_bytes);
		buffer_append(x->out, "_bucket", 7);
		buffer_append(x->out, series->text, series->len);
		buffer_append(x->out, combination->text, combination->len);
		buffer_append(x->out, le[i].text, le[i].len);
		buffer_u64(x->out, cumulative);
		buffer_char(x->out, '\n');
	}
	for (int is_count = 0; is_count < 2; is_count++) {
		buffer_append(x->out, family->name, name_bytes);
		buffer_text(x->out, is_count ? "_count" : "_sum");
		buffer_append(x->out, series->text, series->len);
		buffer_append(x->out, combination->text, combination->len);
		buffer_append(x->out, "} ", 2);
		if (is_count)
			buffer_u64(x->out, cumulative);
		else if (family->bounds->nanoseconds)
			buffer_seconds(x->out, cell[buckets]);
		else
			buffer_u64(x->out, cell[buckets]);
		buffer_char(x->out, '\n');
	}
}

static void write_histograms(struct exposition *x, const struct family *family)
{
	struct piece combination[MOST_COMBINATIONS], le[MAX_BOUNDS];
	size_t n = make_combinations(family, "", combination), buckets = exposition_bounds(x, family->bounds, le);

	for (size_t s = 0; s < x->snap->n_series; s++) {
		const __u64 *cell = x->snap->series[s].cell + family->first_cell;

		if (!is_exposed(x, family, s))
			continue;

		for (size_t i = 0; i < n; i++)
			exposition_histogram(x, family, &x->series[s], &combination[i], le, buckets,
					     cell + i * family->cells);
	}
}

static __u64 active_connections(const struct series_snapshot *series)
{
	const __u64 *status = series->cell + CELL_WS_CONNECTIONS;
	__u64 begun = status[CONNECTION_STATUS_OPENED] + series->cell[CELL_WS_CONNECTIONS_JOINED];
	__u64 ended = status[CONNECTION_STATUS_CLOSED] + status[CONNECTION_STATUS_ERROR];

	/* The cells of the CPUs are read one after the other: an end may be seen before its beginning. */
	return begun > ended ? begun - ended : 0;
}

static __u64 derived_value(enum family_id id, const struct series_snapshot *series)
{
	switch (id) {
	case FAMILY_WS_ACTIVE_CONNECTIONS:
		return active_connections(series);
	case FAMILY_WS_PINGS_OUTSTANDING:
		return series->scan.pings_outstanding;
	case FAMILY_WS_IDLE_CONNECTIONS:
		return series->scan.idle;
	case FAMILY_WS_ACTIVE_PEERS:
		return series->scan.peers;
	case FAMILY_HTTP_REQUESTS_IN_FLIGHT:
		return series->scan.http_in_flight;
	default:
		return 0;
	}
}

static void write_derived(struct exposition *x, const struct family *family)
{
	for (size_t s = 0; s < x->snap->n_series; s++) {
		if (!is_exposed(x, family, s))
			continue;
		buffer_text(x->out, family->name);
		buffer_append(x->out, x->series[s].text, x->series[s].len);
		buffer_append(x->out, "} ", 2);
		buffer_u64(x->out, derived_value(family->id, &x->snap->series[s]));
		buffer_char(x->out, '\n');
	}
}

static void write_refused_sample(struct exposition *x, const struct family *family, size_t series, __u32 code,
				 __u64 count)
{
	buffer_text(x->out, family->name);
	buffer_append(x->out, x->series[series].text, x->series[series].len);
	buffer_text(x->out, ",code=\"");
	if (code)
		buffer_u64(x->out, code);
	else
		buffer_text(x->out, "none");
	buffer_text(x->out, "\"} ");
	buffer_u64(x->out, count);
	buffer_char(x->out, '\n');
}

/* HTTP statuses are no closed set: of a service seen once, `none` alone is shown before it happens. */
static void write_refused(struct exposition *x, const struct family *family)
{
	const struct snapshot *snap = x->snap;

	for (size_t s = 0; s < snap->n_series; s++) {
		__u64 none = 0;

		if (!is_exposed(x, family, s))
			continue;
		for (size_t i = 0; i < snap->n_refused; i++) {
			if (snap->refused[i].series == s && !snap->refused[i].code)
				none = snap->refused[i].count;
		}
		write_refused_sample(x, family, s, 0, none);
		for (size_t i = 0; i < snap->n_refused; i++) {
			if (snap->refused[i].series == s && snap->refused[i].code)
				write_refused_sample(x, family, s, snap->refused[i].code, snap->refused[i].count);
		}
	}
}

__u64 exposition_combinations(const struct family *family, const struct snapshot *snap)
{
	__u64 n = 0;

	if (family->kind == FAMILY_SELF)
		return 0;
	if (family->kind == FAMILY_OF_ROW)
		return exposition_row_combinations(family, snap);
	if (family->id == FAMILY_MESSAGE_QUEUE_DEPTH)
		return snap->n_queues;
	if (family->kind == FAMILY_OF_SERVICE)
		return exposition_service_combinations(family, snap);
	if (family->id == FAMILY_STORAGE_BYTES || family_is_of_service(family))
		return exposition_backend_combinations(family, snap);
	for (size_t s = 0; s < snap->n_series; s++)
		n += (snap->series[s].seen & family_protocols(family)) ? family_combinations(family) : 0;
	if (family->id == FAMILY_WS_HANDSHAKES_REFUSED) {
		for (size_t i = 0; i < snap->n_refused; i++)
			n += snap->refused[i].code != 0;
	}
	return n;
}

/* ---- Families ------------------------------------------------------------------------------------------------- */

static void write_metadata(struct exposition *x, const struct family *family)
{
	bool openmetrics = x->format == EXPOSITION_OPENMETRICS;
	size_t n = openmetrics ? family_base_bytes(family) : strlen(family->name);
	const char *unit = family_unit(family);

	buffer_text(x->out, "# HELP ");
	buffer_append(x->out, family->name, n);
	buffer_char(x->out, ' ');
	for (const char *c = family->help; *c; c++) {
		if (*c == '\\' || (*c == '"' && openmetrics))
			buffer_char(x->out, '\\');
		buffer_char(x->out, *c);
	}
	buffer_text(x->out, "\n# TYPE ");
	buffer_append(x->out, family->name, n);
	buffer_char(x->out, ' ');
	buffer_text(x->out, metric_type_text[family->type]);
	if (openmetrics && *unit) {
		buffer_text(x->out, "\n# UNIT ");
		buffer_append(x->out, family->name, n);
		buffer_char(x->out, ' ');
		buffer_text(x->out, unit);
	}
	buffer_char(x->out, '\n');
}

/* Those of function probes that stand before this name; all that are left before NULL. */
static void write_probes(struct exposition *x, size_t *next, const char *name)
{
	const struct probe_families *probes = x->snap->probes;

	while (probes && *next < probes->n && (!name || strcmp(probes->family[*next].family.name, name) < 0)) {
		const struct probe_family *family = &probes->family[(*next)++];

		write_metadata(x, &family->family);
		exposition_probe_family(x, family);
	}
}

int exposition_write(struct buffer *out, const struct snapshot *snap, const struct self_metrics *self,
		     enum exposition_format format)
{
	struct exposition x = {.out = out, .snap = snap, .self = self, .format = format};
	int err = make_series_pieces(&x);
	size_t next_probe = 0;

	for (size_t i = 0; !err && i < FAMILY_COUNT; i++) {
		const struct family *family = catalog_family(i);

		write_probes(&x, &next_probe, family->name);
		write_metadata(&x, family);
		if (family->kind == FAMILY_SELF)
			exposition_self_family(out, family, snap, self);
		else if (family->kind == FAMILY_OF_SERVICE)
			exposition_service_family(out, family, snap, format);
		else if (family->id == FAMILY_WS_HANDSHAKES_REFUSED)
			write_refused(&x, family);
		else if (family->kind == FAMILY_OF_ROW)
			exposition_rows(&x, family);
		else if (family_is_of_service(family))
			exposition_services(&x, family);
		else if (family->kind == FAMILY_DERIVED)
			write_derived(&x, family);
		else if (family->id == FAMILY_STORAGE_BYTES)
			exposition_storage_bytes(&x, family);
		else if (family->type == METRIC_HISTOGRAM)
			write_histograms(&x, family);
		else
			write_numbers(&x, family);
	}
	if (!err)
		write_probes(&x, &next_probe, NULL);
	if (format == EXPOSITION_OPENMETRICS)
		buffer_text(out, "# EOF\n");
	free(x.series);
	return err ? err : out->failed ? -ENOMEM : 0;
}
