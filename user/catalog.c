/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* labels ──> [catalog] ──> exposition, `tapstat catalog`: see catalog.h. */
#include "catalog.h"

#include <stdlib.h>
#include <string.h>

#include "operations.h"
#include "tapstat/abi.h"

const char *const metric_type_text[] = {"counter", "gauge", "histogram"};

/* ---- Label sets and bounds ------------------------------------------------------------------------------------ */

#define TEXT(set, value, text) text,
#define VALUES(id, label) static const char *const values_##id[] = {LABEL_SET_##id(TEXT)};
#define SET(id, label) static const struct label_set set_##id = {label, values_##id, id##_COUNT};
LABEL_NAMES(VALUES)
LABEL_NAMES(SET)

static const char *const values_ROLE[] = {[ROLE_SERVER] = "server", [ROLE_CLIENT] = "client"};
const struct label_set catalog_role = {"role", values_ROLE, ROLE_COUNT};

VALUES(UNPARSED, )
const struct label_set catalog_unparsed = {"reason", values_UNPARSED, UNPARSED_COUNT};

/* Runs that the kernel skipped have no cells: they stand behind those that have. */
static const char *const values_DROPPED[] = {LABEL_SET_DROPPED(TEXT) "recursion", "kretprobe"};
const struct label_set catalog_dropped = {"reason", values_DROPPED, DROPPED_COUNT + 2};

VALUES(PROTOCOL, )
const struct label_set catalog_protocol = {"protocol", values_PROTOCOL, PROTOCOL_COUNT};

static const char *const values_BACKENDS[] = {LABEL_SET_BACKEND(TEXT)};
const struct label_set catalog_backend = {"backend", values_BACKENDS, BACKEND_COUNT};

/* Every backend's; the exposition shows one with its backend. */
static const char *values_OPERATIONS[OPERATION_COUNT];
static struct label_set set_OPERATIONS = {"operation", values_OPERATIONS, 0};

VALUES(METHOD, )
const struct label_set catalog_method = {"method", values_METHOD, METHOD_COUNT};

const struct label_set catalog_operation_status = {"status", values_OPERATION_STATUS, OPERATION_STATUS_COUNT};

VALUES(PROBE_SIDE, )
const struct label_set catalog_probe_side = {"side", values_PROBE_SIDE, PROBE_SIDE_COUNT};

#define HTTP_STATUS(code) code,
const unsigned int catalog_http_status[] = {HTTP_STATUS_CELLS(HTTP_STATUS)};
const size_t catalog_n_http_status = sizeof(catalog_http_status) / sizeof(catalog_http_status[0]);

VALUES(LIBRARY, )
const struct label_set catalog_library = {"library", values_LIBRARY, LIBRARY_COUNT};

VALUES(VISIBLE, )
const struct label_set catalog_visible = {"visible", values_VISIBLE, VISIBLE_COUNT};

#define BOUND(bound) bound,
static const __u64 upper_DURATION[] = {BOUNDS_DURATION(BOUND)};
static const __u64 upper_LIFETIME[] = {BOUNDS_LIFETIME(BOUND)};
static const __u64 upper_SIZE[] = {BOUNDS_SIZE(BOUND)};
static const __u64 upper_PER_MINUTE[] = {BOUNDS_PER_MINUTE(BOUND)};
const struct bounds catalog_duration_bounds = {upper_DURATION, BOUNDS_DURATION_COUNT, true};
static const struct bounds bounds_LIFETIME = {upper_LIFETIME, BOUNDS_LIFETIME_COUNT, true};
const struct bounds catalog_size_bounds = {upper_SIZE, BOUNDS_SIZE_COUNT, false};
static const struct bounds bounds_PER_MINUTE = {upper_PER_MINUTE, BOUNDS_PER_MINUTE_COUNT, false};
#define BOUNDS_OF_NUMBER NULL
#define BOUNDS_OF_DURATION &catalog_duration_bounds
#define BOUNDS_OF_LIFETIME &bounds_LIFETIME
#define BOUNDS_OF_SIZE &catalog_size_bounds
#define BOUNDS_OF_PER_MINUTE &bounds_PER_MINUTE

/* ---- Families ------------------------------------------------------------------------------------------------- */

#define SERIES_ROW(id, name, type, dim1, dim2, shape, help) \
	{FAMILY_##id,                                       \
	 name,                                              \
	 METRIC_##type,                                     \
	 FAMILY_OF_SERIES,                                  \
	 help,                                              \
	 "service,role",                                    \
	 {&set_##dim1, &set_##dim2},                        \
	 BOUNDS_OF_##shape,                                 \
	 CELL_##id,                                         \
	 SHAPE_##shape##_CELLS},
#define BOUNDS_OF_COUNTER NULL
#define BOUNDS_OF_HISTOGRAM &catalog_duration_bounds
#define ROW_ROW(id, name, type, labels, help)                                     \
	{FAMILY_##id,                                                             \
	 name,                                                                    \
	 METRIC_##type,                                                           \
	 FAMILY_OF_ROW,                                                           \
	 help,                                                                    \
	 labels,                                                                  \
	 {&set_NO_LABEL, &set_NO_LABEL},                                          \
	 BOUNDS_OF_##type,                                                        \
	 METRIC_##type == METRIC_HISTOGRAM ? (int)ROW_DURATION : (int)ROW_STATUS, \
	 1},
#define DERIVED_ROW(id, name, type, labels, help) \
	{FAMILY_##id, name, METRIC_##type, FAMILY_DERIVED, help, labels, {&set_NO_LABEL, &set_NO_LABEL}, NULL, 0, 1},
#define SERVICE_ROW(id, name, type, dim, shape, help) \
	{FAMILY_##id,                                 \
	 name,                                        \
	 METRIC_##type,                               \
	 FAMILY_OF_SERVICE,                           \
	 help,                                        \
	 "service",                                   \
	 {&set_##dim, &set_NO_LABEL},                 \
	 BOUNDS_OF_##shape,                           \
	 SERVICE_CELL_##id,                           \
	 SHAPE_##shape##_CELLS},
#define SELF_ROW(id, name, type, labels, help) \
	{FAMILY_##id, name, METRIC_##type, FAMILY_SELF, help, labels, {&set_NO_LABEL, &set_NO_LABEL}, NULL, 0, 1},

static const struct family families[FAMILY_COUNT] = {
	TAPSTAT_SERIES_FAMILIES(SERIES_ROW) TAPSTAT_ROW_FAMILIES(ROW_ROW) TAPSTAT_DERIVED_FAMILIES(DERIVED_ROW)
		TAPSTAT_SERVICE_FAMILIES(SERVICE_ROW) TAPSTAT_SELF_FAMILIES(SELF_ROW)};

/* Labels outside the dimensions whose values are known beforehand; FAMILY_COUNT: of any family. */
static const struct {
	enum family_id family;
	const struct label_set *set;
} closed_labels[] = {
	{FAMILY_COUNT, &catalog_role},
	{FAMILY_UNPARSED_BYTES, &catalog_unparsed},
	{FAMILY_DROPPED, &catalog_dropped},
	{FAMILY_CONNECTIONS, &catalog_protocol},
	{FAMILY_CONNECTIONS_JOINED, &catalog_protocol},
	{FAMILY_TLS_CONNECTIONS, &catalog_library},
	{FAMILY_TLS_CONNECTIONS, &catalog_visible},
	{FAMILY_PROBE_UNMATCHED, &catalog_probe_side},
	{FAMILY_COUNT, &catalog_backend},
	{FAMILY_COUNT, &catalog_method},
	{FAMILY_STORAGE_OPERATIONS, &catalog_operation_status},
};

static int by_name(const void *a, const void *b)
{
	return strcmp(families[*(const unsigned int *)a].name, families[*(const unsigned int *)b].name);
}

const struct family *catalog_family(size_t position)
{
	static unsigned int order[FAMILY_COUNT];
	static bool sorted;

	if (!sorted) {
		for (unsigned int i = 0; i < FAMILY_COUNT; i++)
			order[i] = i;
		qsort(order, FAMILY_COUNT, sizeof(order[0]), by_name);
		sorted = true;
	}
	return &families[order[position]];
}

static bool ends_with(const char *text, size_t n, const char *end)
{
	return n > strlen(end) && !memcmp(text + n - strlen(end), end, strlen(end));
}

size_t family_base_bytes(const struct family *family)
{
	size_t n = strlen(family->name);

	if (family->type == METRIC_COUNTER && ends_with(family->name, n, "_total"))
		n -= strlen("_total");
	return n;
}

const char *family_unit(const struct family *family)
{
	size_t n = family_base_bytes(family);

	if (ends_with(family->name, n, "_seconds"))
		return "seconds";
	return ends_with(family->name, n, "_bytes") ? "bytes" : "";
}

static bool begins_with(const char *text, const char *begin)
{
	return !strncmp(text, begin, strlen(begin));
}

__u32 family_protocols(const struct family *family)
{
	if (begins_with(family->name, "http_"))
		return 1U << PROTOCOL_HTTP;
	if (begins_with(family->name, "redis_"))
		return 1U << PROTOCOL_REDIS;
	if (begins_with(family->name, "db_"))
		return (1U << PROTOCOL_COUNT) - (1U << PROTOCOL_REDIS);
	if (begins_with(family->name, "storage_"))
		return ~0U << PROTOCOL_REDIS;
	return 1U << PROTOCOL_WEBSOCKET;
}

/* The names of operations, each once. */
static const struct label_set *operation_set(void)
{
	size_t n = 0;

	for (unsigned int i = 1; !set_OPERATIONS.n && i < OPERATION_COUNT; i++) {
		size_t known = 0;

		while (known < n && strcmp(values_OPERATIONS[known], operation_text[i]) != 0)
			known++;
		if (known == n)
			values_OPERATIONS[n++] = operation_text[i];
	}
	if (n)
		set_OPERATIONS.n = n;
	return &set_OPERATIONS;
}

static const struct label_set *closed_set(const struct family *family, const char *label)
{
	if (!strcmp(label, set_OPERATIONS.label))
		return operation_set();
	for (size_t i = 0; i < sizeof(closed_labels) / sizeof(*closed_labels); i++) {
		if ((closed_labels[i].family == FAMILY_COUNT || closed_labels[i].family == family->id) &&
		    !strcmp(closed_labels[i].set->label, label))
			return closed_labels[i].set;
	}
	return NULL;
}

size_t family_labels(const struct family *family, struct family_label out[FAMILY_MAX_LABELS])
{
	const char *label = family->labels;
	size_t n = 0;

	while (*label) {
		size_t bytes = strcspn(label, ",");
		struct family_label *next = &out[n++];

		memcpy(next->name, label, bytes);
		next->name[bytes] = '\0';
		next->set = closed_set(family, next->name);
		label += bytes + (label[bytes] == ',');
	}
	for (size_t i = 0; i < FAMILY_DIMENSIONS; i++) {
		const struct label_set *set = family->dimension[i];

		if (!*set->label)
			continue;
		memcpy(out[n].name, set->label, strlen(set->label) + 1);
		out[n++].set = set;
	}
	return n;
}
