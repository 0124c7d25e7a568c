/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * config ──> [probe_families] ──> exposition: the metric families that function probes fill, as rows like those of
 * the catalog. Probes whose metrics have one name share its family.
 */
#ifndef TAPSTAT_PROBE_FAMILIES_H
#define TAPSTAT_PROBE_FAMILIES_H

#include "catalog.h"
#include "tapstat/abi.h"

struct config;
struct config_probe;

enum { PROBE_FAMILY_LABELS_BYTES = 256 };

/* One probe that fills a family, and with what. */
struct probe_member {
	const struct config_probe *probe;
	unsigned int number; /* of the probe */
	enum probe_measure measure;
};

struct probe_family {
	struct family
		family; /* kind FAMILY_OF_PROBE; its pointers lead into this structure, or are the configuration's */
	char labels[PROBE_FAMILY_LABELS_BYTES];
	__u64 upper[PROBE_BOUNDS];
	struct bounds bounds;
	const struct probe_member *member;
	size_t n_members;
};

struct probe_families {
	struct probe_family *family; /* in the alphabetical order of the names */
	size_t n;
	struct probe_member *member;      /* of all families */
	const struct config_probe *probe; /* the configuration's */
	size_t n_probes;
};

/* Of a configuration, whose probes must not change while *out is in use. 0, or -ENOMEM with *out untouched. */
int probe_families_new(struct probe_families **out, const struct config *config);
void probe_families_free(struct probe_families *families);

#endif
