/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --config.file ──> [config_probes] ──> config: the function probes that the file configures, as plain data, and the
 * part of its grammar that says so.
 */
#ifndef TAPSTAT_CONFIG_PROBES_H
#define TAPSTAT_CONFIG_PROBES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "tapstat/abi.h"

struct config;
struct config_key;

enum {
	/* Bytes of texts, with the terminating NUL. */
	CONFIG_PROBE_BYTES = 192, /* name, function */
	CONFIG_METRIC_BYTES = 96,
	CONFIG_HELP_BYTES = 192,
	CONFIG_PROBE_LABEL_BYTES = 32,
	CONFIG_TERM_BYTES = 48,
	CONFIG_MAX_PROBE_LABELS = 4,
};

struct config_metric {
	char name[CONFIG_METRIC_BYTES]; /* empty: it is not measured */
	char help[CONFIG_HELP_BYTES];
};

/* Upper bounds of a histogram, in billionths; none: the default ones. */
struct config_buckets {
	unsigned int n;
	__u64 bound[PROBE_BOUNDS];
};

struct config_probe_label {
	char name[CONFIG_PROBE_LABEL_BYTES];
	char value[SERVICE_NAME_BYTES];
};

/* A number and the label value that stands for it. */
struct config_probe_value {
	char number[CONFIG_PROBE_LABEL_BYTES]; /* probe_terms.h */
	char text[SERVICE_NAME_BYTES];
};

/* A function of a running binary, or a place that its authors made for this (USDT), and what to measure there. */
struct config_probe {
	char name[CONFIG_PROBE_BYTES];     /* of the probe itself: BINARY:FUNCTION where the file gives none */
	char binary[SELECTOR_PATH_BYTES];  /* glob over the path of a binary or library, without a slash over its end;
					      or ... */
	char service[SELECTOR_TEXT_BYTES]; /* ... glob over services: their executables */
	char function[CONFIG_PROBE_BYTES]; /* probe_terms.h, or ... */
	char usdt[CONFIG_PROBE_BYTES];     /* ... PROVIDER:NAME */
	/* How returns are found. By default by the function's own instructions, which costs most where the kernel has
	 * to single-step them. Else by the return address, which the kernel replaces: exceptions, and coroutines that
	 * leave the function in the middle, then end the program. */
	char returns[16]; /* empty, "instructions" or "address" */
	unsigned int n_labels;
	struct config_probe_label label[CONFIG_MAX_PROBE_LABELS];
	struct {
		char label[CONFIG_PROBE_LABEL_BYTES]; /* empty: none */
		char of[CONFIG_TERM_BYTES];
		unsigned int n;
		struct config_probe_value value[PROBE_VALUES];
	} argument;
	struct config_metric calls, in_flight;
	struct {
		struct config_metric metric;
		char when[CONFIG_TERM_BYTES];
	} errors;
	struct {
		struct config_metric metric;
		struct config_buckets buckets;
	} duration;
	struct {
		struct config_metric metric; /* a counter or, where its name ends so, a histogram */
		char of[CONFIG_TERM_BYTES];
		struct config_buckets buckets;
	} bytes;
};

/* One element of `probes`, for the grammar. */
extern const struct config_key config_probe_element;

/* Whether the probe is to replace return addresses. */
bool config_probe_replaces_address(const struct config_probe *probe);

/* What the probe shows of a measure; NULL: nothing. */
const struct config_metric *config_probe_metric(const struct config_probe *probe, enum probe_measure measure);

#endif
