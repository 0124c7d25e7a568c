/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Inside exposition: what its files share: exposition.c (families of series), exposition_services.c (of services),
 * exposition_probes.c (of function probes) and exposition_self.c (tapstat's).
 */
#ifndef TAPSTAT_EXPOSITION_ROW_H
#define TAPSTAT_EXPOSITION_ROW_H

#include "catalog.h"
#include "exposition.h"
#include "probe_families.h"

enum {
	MOST_COMBINATIONS = 32, /* of the dimensions of one family */
	MAX_BOUNDS = 32,        /* +Inf included */
	PIECE_BYTES = 96,       /* ,label="value",label="value"}, or ,le="0.0001"} */
	WORST_LABEL_BYTE = 5,   /* an invalid byte becomes \\xff */
	SERIES_BYTES = WORST_LABEL_BYTE * (SERVICE_NAME_BYTES + ENDPOINT_BYTES) + 120, /* with the labels of a row */
};

/* A piece of a line. */
struct piece {
	size_t len;
	char text[PIECE_BYTES];
};

struct series_piece {
	size_t len;
	char text[SERIES_BYTES]; /* {service="x",role="server" */
};

struct exposition {
	struct buffer *out;
	const struct snapshot *snap;
	const struct self_metrics *self;
	struct series_piece *series; /* of each series of the snapshot */
	struct series_piece row;     /* working memory: a series with the labels of a row */
	enum exposition_format format;
};

/* Appends `text` as the inside of a label value: escaped, and made UTF-8 where it is not. */
void exposition_label_value(struct buffer *out, const char *text);

/* Appends the samples of one of tapstat's own families. */
void exposition_self_family(struct buffer *out, const struct family *family, const struct snapshot *snap,
			    const struct self_metrics *self);

/* Appends the samples of one family of services. */
void exposition_service_family(struct buffer *out, const struct family *family, const struct snapshot *snap,
			       enum exposition_format format);
__u64 exposition_service_combinations(const struct family *family, const struct snapshot *snap);

/* Label combinations of a family that the snapshot's services have; 0 for tapstat's own. */
__u64 exposition_combinations(const struct family *family, const struct snapshot *snap);

__u64 exposition_row_combinations(const struct family *family, const struct snapshot *snap);
__u64 exposition_backend_combinations(const struct family *family, const struct snapshot *snap);

/* ,le="…"} of each bucket, +Inf the last; returns how many. */
size_t exposition_bounds(const struct exposition *x, const struct bounds *bounds, struct piece *pieces);

/* One histogram: `combination` holds the labels behind those of the series. */
void exposition_histogram(struct exposition *x, const struct family *family, const struct series_piece *series,
			  const struct piece *combination, const struct piece *le, size_t buckets, const __u64 *cell);

/* Appends the samples of one family of function probes. */
void exposition_probe_family(struct exposition *x, const struct probe_family *family);
__u64 exposition_probe_combinations(const struct probe_family *family, const struct snapshot *snap);

/* Families of rows; of services without a role; of backends. */
void exposition_rows(struct exposition *x, const struct family *family);
void exposition_services(struct exposition *x, const struct family *family);
void exposition_storage_bytes(struct exposition *x, const struct family *family);
bool family_is_of_service(const struct family *family);

#endif
