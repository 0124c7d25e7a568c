/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* --config.file ──> [config] ──> serve, check, endpoints: see config.h. The tables here are the file's grammar. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_text.h"
#include "config_yaml.h"
#include "endpoints.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define MAPPING(what, keys)                   \
	{                                     \
		what, COUNT(keys), keys, NULL \
	}

#define TEXT(structure, member) .offset = offsetof(structure, member), .size = sizeof(((structure *)NULL)->member)

/* ---- Texts that not everything will do for -------------------------------------------------------------------- */

static int refuse(char *why, size_t size, const char *reason)
{
	snprintf(why, size, "%s", reason);
	return -EINVAL;
}

/* The name of the services past the limit: two of it would be one series twice. */
static int check_service_name(char *text, size_t size, char *why, size_t why_size)
{
	(void)size;
	if (!strcmp(text, "other"))
		return refuse(why, why_size, "stands for the services past the limit: valid is any other name");
	return 0;
}

/* As --exe: a pattern without a slash is one for the last element. */
static int check_exe(char *text, size_t size, char *why, size_t why_size)
{
	size_t n = strlen(text);

	if (strchr(text, '/')) {
		if (!strchr("/*?", *text))
			return refuse(why, why_size,
				      "matches no absolute path: valid starts with /, * or ?, or has no slash");
		return 0;
	}
	if (n + 2 >= size) {
		snprintf(why, why_size, "is too long: valid are at most %zu bytes without a slash", size - 3);
		return -EINVAL;
	}
	memmove(text + 2, text, n);
	text[0] = '*';
	text[1] = '/';
	return 0;
}

/* RFC 9110 section 9.1: methods are case-sensitive, and those in use are capitals. */
static int check_method(char *text, size_t size, char *why, size_t why_size)
{
	(void)size;
	if (text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_")])
		return refuse(why, why_size, "is no HTTP method: valid is one in capitals (GET)");
	return 0;
}

static int check_route(char *text, size_t size, char *why, size_t why_size)
{
	(void)size;
	return endpoint_route_check(text, why, why_size);
}

/* ---- The grammar ---------------------------------------------------------------------------------------------- */

static const struct config_key rule_keys[] = {
	{"name", CONFIG_TEXT, NEED, TEXT(struct config_service_rule, name), .check = check_service_name},
	{"exe", CONFIG_TEXT, NEED_ONE, TEXT(struct config_service_rule, exe), .check = check_exe},
	{"comm", CONFIG_TEXT, NEED_ONE, TEXT(struct config_service_rule, comm)},
	{"service", CONFIG_TEXT, NEED_ONE, TEXT(struct config_service_rule, service)},
};
static const struct config_mapping rule_mapping = MAPPING("a naming rule", rule_keys);
static const struct config_key rule_element = {"a naming rule", CONFIG_MAPPING, .mapping = &rule_mapping};

static const struct config_key route_keys[] = {
	{"service", CONFIG_TEXT, NEED_NOT, TEXT(struct config_route, service)},
	{"method", CONFIG_TEXT, NEED_NOT, TEXT(struct config_route, method), .check = check_method},
	{"path", CONFIG_TEXT, NEED, TEXT(struct config_route, path), .check = check_route},
	{"name", CONFIG_TEXT, NEED_NOT, TEXT(struct config_route, name)},
};
static const struct config_mapping route_mapping = MAPPING("a route", route_keys);
static const struct config_key route_element = {"a route", CONFIG_MAPPING, .mapping = &route_mapping};

static const struct config_key endpoint_keys[] = {
	{"limit", CONFIG_NUMBER, NEED_NOT, offsetof(struct config, endpoints.limit), .low = 1,
	 .high = CONFIG_ENDPOINT_LIMIT_LAST},
	{"segment_limit", CONFIG_NUMBER, NEED_NOT, offsetof(struct config, endpoints.segment_limit), .low = 2,
	 .high = CONFIG_SEGMENT_LIMIT_LAST},
	{"routes", CONFIG_LIST, NEED_NOT, offsetof(struct config, endpoints.route), sizeof(struct config_route),
	 .high = CONFIG_MAX_ROUTES, .count = offsetof(struct config, endpoints.n_routes), .elements = "routes",
	 .element = &route_element},
};
static const struct config_mapping endpoint_mapping = MAPPING("endpoints", endpoint_keys);

static const struct config_key queue_keys[] = {
	{"queue_type", CONFIG_TEXT, NEED, TEXT(struct config_queue, queue_type)},
	{"key", CONFIG_TEXT, NEED, TEXT(struct config_queue, key)},
	{"service", CONFIG_TEXT, NEED_NOT, TEXT(struct config_queue, service)},
};
static const struct config_mapping queue_mapping = MAPPING("a queue", queue_keys);
static const struct config_key queue_element = {"a queue", CONFIG_MAPPING, .mapping = &queue_mapping};

static const struct config_key file_service_element = {"a pattern of services", CONFIG_TEXT,
						       .size = CONFIG_GLOB_BYTES};
static const struct config_key file_keys[] = {
	{"services", CONFIG_LIST, NEED_NOT, offsetof(struct config, files.service), CONFIG_GLOB_BYTES,
	 .high = CONFIG_MAX_FILE_SERVICES, .count = offsetof(struct config, files.n), .elements = "patterns",
	 .element = &file_service_element},
};
static const struct config_mapping file_mapping = MAPPING("files", file_keys);

static const struct config_key limit_keys[] = {
	{"services", CONFIG_NUMBER, NEED_NOT, offsetof(struct config, limits.services), .low = 1,
	 .high = MAX_SERVICES},
};
static const struct config_mapping limit_mapping = MAPPING("limits", limit_keys);

/* Offsets below the top are those in struct config, too: its sections are no structures of their own. */
static const struct config_key top_keys[] = {
	{"services", CONFIG_LIST, NEED_NOT, offsetof(struct config, services.rule),
	 sizeof(struct config_service_rule), .high = CONFIG_MAX_SERVICE_RULES,
	 .count = offsetof(struct config, services.n), .elements = "naming rules", .element = &rule_element},
	{"endpoints", CONFIG_MAPPING, .mapping = &endpoint_mapping},
	{"queues", CONFIG_LIST, NEED_NOT, offsetof(struct config, queues.queue), sizeof(struct config_queue),
	 .high = CONFIG_MAX_QUEUES, .count = offsetof(struct config, queues.n), .elements = "queues",
	 .element = &queue_element},
	{"files", CONFIG_MAPPING, .mapping = &file_mapping},
	{"probes", CONFIG_LIST, NEED_NOT, offsetof(struct config, probes.probe), sizeof(struct config_probe),
	 .high = MAX_PROBES, .count = offsetof(struct config, probes.n), .elements = "function probes",
	 .element = &config_probe_element},
	{"limits", CONFIG_MAPPING, .mapping = &limit_mapping},
};
static const struct config_mapping top = MAPPING("the file", top_keys);

_Static_assert(COUNT(top_keys) <= CONFIG_MAX_KEYS, "config_yaml.c notes the lines of so many keys");

/* ---- Reading -------------------------------------------------------------------------------------------------- */

void config_init(struct config *out)
{
	memset(out, 0, sizeof(*out));
	out->endpoints.limit = CONFIG_ENDPOINT_LIMIT;
	out->endpoints.segment_limit = CONFIG_SEGMENT_LIMIT;
	out->limits.services = MAX_SERVICES;
}

static int parse(const char *text, size_t n, struct config *out, struct config_error *why)
{
	struct config *config = malloc(sizeof(*config));
	int err;

	if (!config) {
		config_error_add(why, 0, 0, "cannot read it: out of memory");
		return -ENOMEM;
	}
	config_init(config);
	err = config_yaml_parse(text, n, &top, config, why);
	if (!err)
		memcpy(out, config, sizeof(*out));
	free(config);
	return err;
}

int config_parse(const char *text, size_t n, struct config *out, struct config_error *why)
{
	memset(why, 0, sizeof(*why));
	return parse(text, n, out, why);
}

int config_load(const char *path, struct config *out, struct config_error *why)
{
	char *text;
	size_t n;
	int err;

	memset(why, 0, sizeof(*why));
	err = config_text_read(path, &text, &n, why);
	if (err)
		return err;
	err = parse(text, n, out, why);
	free(text);
	return err;
}

/* ---- Reloading ------------------------------------------------------------------------------------------------ */

#define SETTING(member) offsetof(struct config, member), sizeof(((struct config *)NULL)->member)

size_t config_apply(struct config *running, const struct config *next, const char *changed[CONFIG_SETTINGS])
{
	static const struct {
		const char *name;
		size_t offset, size;
	} fixed[] = {
		{"services", SETTING(services)},
		{"endpoints.limit", SETTING(endpoints.limit)},
		{"endpoints.segment_limit", SETTING(endpoints.segment_limit)},
		{"queues", SETTING(queues)},
		{"files.services", SETTING(files)},
		{"probes", SETTING(probes)},
		{"limits.services", SETTING(limits.services)},
	};
	size_t n = 0;

	_Static_assert(COUNT(fixed) == CONFIG_SETTINGS, "every fixed setting may have changed");
	for (size_t i = 0; i < COUNT(fixed); i++) {
		if (memcmp((char *)running + fixed[i].offset, (const char *)next + fixed[i].offset, fixed[i].size) !=
		    0)
			changed[n++] = fixed[i].name;
	}
	memcpy(running->endpoints.route, next->endpoints.route, sizeof(running->endpoints.route));
	running->endpoints.n_routes = next->endpoints.n_routes;
	return n;
}
