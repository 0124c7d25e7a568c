/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * labels ──> [catalog] ──> exposition, `tapstat catalog`: the rows of tapstat/catalog.h as data. Constant; reads
 * nothing.
 */
#ifndef TAPSTAT_USER_CATALOG_H
#define TAPSTAT_USER_CATALOG_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "tapstat/catalog.h"

enum family_id {
#define TAPSTAT_SERIES_ID(id, ...) FAMILY_##id,
	TAPSTAT_SERIES_FAMILIES(TAPSTAT_SERIES_ID) TAPSTAT_ROW_FAMILIES(TAPSTAT_SERIES_ID)
		TAPSTAT_DERIVED_FAMILIES(TAPSTAT_SERIES_ID) TAPSTAT_SERVICE_FAMILIES(TAPSTAT_SERIES_ID)
			TAPSTAT_SELF_FAMILIES(TAPSTAT_SERIES_ID)
#undef TAPSTAT_SERIES_ID
				FAMILY_COUNT
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Where the values are: cells of a series, cells of a row, computed for a series, cells of a service, tapstat's own,
 * cells of function probes (not in the catalog). */
enum family_kind { FAMILY_OF_SERIES, FAMILY_OF_ROW, FAMILY_DERIVED, FAMILY_OF_SERVICE, FAMILY_SELF, FAMILY_OF_PROBE };

/* A label whose values are known beforehand. */
struct label_set {
	const char *label; /* "" of the dimension that is none */
	const char *const *text;
	size_t n;
};

struct bounds {
	const __u64 *upper; /* ascending; nanoseconds, bytes or a number */
	size_t n;           /* without +Inf */
	bool nanoseconds;   /* shown in seconds */
};

enum { FAMILY_DIMENSIONS = 2, FAMILY_MAX_LABELS = 5, LABEL_NAME_BYTES = 24 };

struct family {
	enum family_id id;
	const char *name;
	enum metric_type type;
	enum family_kind kind;
	const char *help;
	const char *labels; /* comma-separated; those of the dimensions come behind */
	const struct label_set *dimension[FAMILY_DIMENSIONS]; /* of a series or service; cells in row-major order */
	const struct bounds *bounds;                          /* of a histogram */
	unsigned int first_cell;
	unsigned int cells; /* of one label combination */
};

/* One label of a family, for people: `set` is NULL when its values are not known beforehand. */
struct family_label {
	char name[LABEL_NAME_BYTES];
	const struct label_set *set;
};

extern const char *const metric_type_text[];

/* Values of labels that only tapstat's own families have. */
extern const struct label_set catalog_role, catalog_unparsed, catalog_dropped, catalog_protocol, catalog_backend,
	catalog_method, catalog_operation_status, catalog_library, catalog_visible, catalog_probe_side;

/* Bounds of histograms, where the configuration gives none. */
extern const struct bounds catalog_duration_bounds, catalog_size_bounds;

/* The HTTP status of each of the first cells of a row. */
extern const unsigned int catalog_http_status[];
extern const size_t catalog_n_http_status;

/* The protocols (1 << enum label_protocol) of which a service must have spoken one for the family to be exposed. */
__u32 family_protocols(const struct family *family);

/* The position-th family in the alphabetical order of the names; position < FAMILY_COUNT. */
const struct family *catalog_family(size_t position);

/* "seconds", "bytes" or "": what the name says. */
const char *family_unit(const struct family *family);

/* Bytes of the name without a counter's `_total`: the family's name in OpenMetrics. */
size_t family_base_bytes(const struct family *family);

/* All labels of the family in the order of the exposition (without `le`); returns how many. */
size_t family_labels(const struct family *family, struct family_label out[FAMILY_MAX_LABELS]);

/* Label combinations of one series. */
static inline size_t family_combinations(const struct family *family)
{
	return family->dimension[0]->n * family->dimension[1]->n;
}

#endif
