/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --config.file ──> [config] ──> serve, check, endpoints: what the YAML file configures, as plain data with every
 * default filled in. docs/configuration.md has it for users.
 *
 * Texts are filled up with NULs, so that equal configurations are equal bytes. Patterns are those of bpf/glob.h; an
 * empty pattern, one that was not given, matches everything.
 */
#ifndef TAPSTAT_CONFIG_H
#define TAPSTAT_CONFIG_H

#include <stddef.h>

#include "config_error.h"
#include "config_probes.h"
#include "tapstat/abi.h"

enum {
	/* Bytes of texts, with the terminating NUL. */
	CONFIG_LABEL_BYTES = SERVICE_NAME_BYTES, /* what becomes the value of a label */
	CONFIG_GLOB_BYTES = SELECTOR_TEXT_BYTES, /* as --comm and --service */
	CONFIG_EXE_BYTES = SELECTOR_PATH_BYTES,  /* as --exe */
	CONFIG_METHOD_BYTES = 16,
	CONFIG_PATH_BYTES = 192, /* of a route */
	CONFIG_KEY_BYTES = 128,  /* of a queue */

	/* Elements of lists. Each search goes through one from its start: for a name, an endpoint or a command. */
	CONFIG_MAX_SERVICE_RULES = 64,
	CONFIG_MAX_ROUTES = 256,
	CONFIG_MAX_QUEUES = 64,
	CONFIG_MAX_FILE_SERVICES = 16,

	CONFIG_ENDPOINT_LIMIT = 100, /* interface: the default of label combinations of a service */
	CONFIG_ENDPOINT_LIMIT_LAST = 1000,
	CONFIG_SEGMENT_LIMIT = 40,
	CONFIG_SEGMENT_LIMIT_LAST = 1000,
};

/* A rule that names services: the first one of which every pattern matches gives the name. */
struct config_service_rule {
	char name[CONFIG_LABEL_BYTES];
	char exe[CONFIG_EXE_BYTES];      /* glob over the absolute path */
	char comm[CONFIG_GLOB_BYTES];    /* glob over the name of the group leader */
	char service[CONFIG_GLOB_BYTES]; /* glob over the name without this rule */
};

/* Gives an endpoint its label: endpoints.h. */
struct config_route {
	char service[CONFIG_GLOB_BYTES];
	char method[CONFIG_METHOD_BYTES]; /* empty: every one */
	char path[CONFIG_PATH_BYTES];
	char name[CONFIG_LABEL_BYTES]; /* empty: the path */
};

struct config_queue {
	char queue_type[CONFIG_LABEL_BYTES];
	char key[CONFIG_KEY_BYTES];      /* glob over the key of a list or stream command */
	char service[CONFIG_GLOB_BYTES]; /* glob */
};

struct config {
	struct {
		unsigned int n;
		struct config_service_rule rule[CONFIG_MAX_SERVICE_RULES];
	} services;
	struct {
		unsigned int limit;         /* label combinations of a service */
		unsigned int segment_limit; /* literals of a segment of a path, before it becomes {name} */
		unsigned int n_routes;
		struct config_route route[CONFIG_MAX_ROUTES];
	} endpoints;
	struct {
		unsigned int n;
		struct config_queue queue[CONFIG_MAX_QUEUES];
	} queues;
	struct {
		unsigned int n;
		char service[CONFIG_MAX_FILE_SERVICES]
			    [CONFIG_GLOB_BYTES]; /* globs; operations on files count for these */
	} files;
	struct {
		unsigned int n;
		struct config_probe probe[MAX_PROBES];
	} probes;
	struct {
		unsigned int services; /* told apart; more are `other` */
	} limits;
};

/* What holds without a file. */
void config_init(struct config *out);

/*
 * Reads a file. 0 with *out set; or a negative errno (-EINVAL: its contents are wrong) with every mistake in `why`
 * and *out untouched. `why` is overwritten.
 */
int config_load(const char *path, struct config *out, struct config_error *why);

/* The same of `n` bytes in memory. */
int config_parse(const char *text, size_t n, struct config *out, struct config_error *why);

enum { CONFIG_SETTINGS = 7 }; /* in config_apply() */

/*
 * Takes over from `next` what can change while tapstat runs. Returns how many other settings differ, which then need
 * a restart, and their names (static) in `changed`.
 */
size_t config_apply(struct config *running, const struct config *next, const char *changed[CONFIG_SETTINGS]);

#endif
