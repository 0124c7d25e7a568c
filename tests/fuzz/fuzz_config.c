// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Configuration files: whatever they hold, they are refused with a place and a reason, the output untouched, or give
 * a configuration within its limits, the same each time, whose routes can be matched.
 *
 * Input: the file.
 */
#include "config.h"
#include "endpoints.h"
#include "guard.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n);

static void must_be_text(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	require(n < size);
	for (; n < size; n++)
		require(!text[n]);
}

static void must_be_valid(const struct config *config)
{
	require(config->services.n <= CONFIG_MAX_SERVICE_RULES && config->queues.n <= CONFIG_MAX_QUEUES);
	require(config->endpoints.n_routes <= CONFIG_MAX_ROUTES && config->files.n <= CONFIG_MAX_FILE_SERVICES);
	require(config->limits.services >= 1 && config->limits.services <= MAX_SERVICES);
	require(config->endpoints.limit >= 1 && config->endpoints.limit <= CONFIG_ENDPOINT_LIMIT_LAST);
	require(config->endpoints.segment_limit >= 2 && config->endpoints.segment_limit <= CONFIG_SEGMENT_LIMIT_LAST);
	for (unsigned int i = 0; i < config->services.n; i++) {
		const struct config_service_rule *rule = &config->services.rule[i];

		must_be_text(rule->name, sizeof(rule->name));
		must_be_text(rule->exe, sizeof(rule->exe));
		must_be_text(rule->comm, sizeof(rule->comm));
		must_be_text(rule->service, sizeof(rule->service));
		require(*rule->name && (*rule->exe || *rule->comm || *rule->service));
	}
	for (unsigned int i = 0; i < config->endpoints.n_routes; i++) {
		const struct config_route *route = &config->endpoints.route[i];

		must_be_text(route->name, sizeof(route->name));
		must_be_text(route->path, sizeof(route->path));
		must_be_text(route->method, sizeof(route->method));
		must_be_text(route->service, sizeof(route->service));
		/* A route matches its own path. */
		require(*route->path == '/');
		if (!*route->service)
			require(endpoint_route(config, "", route->method, route->path));
	}
	for (unsigned int i = 0; i < config->queues.n; i++)
		require(*config->queues.queue[i].queue_type && *config->queues.queue[i].key);
	for (unsigned int i = 0; i < config->files.n; i++)
		must_be_text(config->files.service[i], CONFIG_GLOB_BYTES);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t n)
{
	static struct config one, other, before;
	static struct config_error why;
	char *copy = malloc(n + !n); /* with a red zone behind */

	if (n)
		memcpy(copy, data, n);
	memset(&before, 0x5a, sizeof(before));
	memcpy(&one, &before, sizeof(one));
	if (config_parse(copy, n, &one, &why)) {
		require(!memcmp(&one, &before, sizeof(one)));
		require(why.found && why.kept && why.kept <= why.found);
		for (size_t i = 0; i < why.kept; i++) {
			require(why.mistake[i].line && why.mistake[i].column);
			require(*why.mistake[i].text);
		}
	} else {
		require(!why.found);
		must_be_valid(&one);
		memset(&other, 0xa5, sizeof(other));
		require(!config_parse(copy, n, &other, &why));
		require(!memcmp(&one, &other, sizeof(one)));
	}
	free(copy);
	return 0;
}
