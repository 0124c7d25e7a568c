// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* config, options ──> [kernel_config] ──> opening: see kernel_config.h. */
#include "kernel_config.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

_Static_assert((int)CONFIG_MAX_SERVICE_RULES == (int)MAX_SERVICE_RULES, "each rule has a place in the map");
_Static_assert((int)CONFIG_MAX_QUEUES == (int)MAX_QUEUES, "each queue has a place in the map");
_Static_assert((int)CONFIG_MAX_FILE_SERVICES == (int)MAX_FILE_SERVICES, "each pattern has a place in the settings");

static bool selects_processes(const struct selectors *s)
{
	return s->pids || s->comms || s->exes || s->cgroups || s->containers || s->services;
}

static unsigned int file_services(const struct attach_config *config)
{
	return config->config ? config->config->files.n : 0;
}

/* A port is never a file's. */
bool kernel_config_wants_files(const struct attach_config *config)
{
	return (config->files || file_services(config)) && !config->selectors.ports;
}

int kernel_config_check(const struct attach_config *config, char *why, size_t size)
{
	if (config->storage && config->selectors.ports) {
		snprintf(why, size, "--storage-libraries: --port matches no call of a library; use another selector");
		return -EINVAL;
	}
	if (!config->files)
		return 0;
	if (config->selectors.ports)
		snprintf(why, size, "--files: --port matches no operation on a file; use another selector");
	else if (!selects_processes(&config->selectors) && !file_services(config))
		snprintf(why, size,
			 "--files: the files of every process of the host would be counted; name some by a selector "
			 "(--exe=NAME, --service=NAME) or by files.services in the configuration file");
	else
		return 0;
	return -EINVAL;
}

struct settings kernel_config_settings(const struct attach_config *config)
{
	const struct config *file = config->config;
	const struct selectors *s = &config->selectors;
	struct settings settings = {
		.max_connections = config->max_connections,
		.max_combinations = file ? file->endpoints.limit : MAX_COMBINATIONS,
		.segment_limit = file ? file->endpoints.segment_limit : SEGMENT_LIMIT,
		.max_services = file ? file->limits.services : MAX_SERVICES,
		.service_rules = file ? file->services.n : 0,
		.queues = file ? file->queues.n : 0,
		.files = kernel_config_wants_files(config),
		.files_of_all = config->files && (selects_processes(s) || !file_services(config)),
		.file_services = file_services(config),
		.selecting_process = selects_processes(s),
		.selecting = selects_processes(s) || s->ports,
		.selectors = *s,
	};

	for (unsigned int i = 0; i < settings.file_services; i++)
		memcpy(settings.file_service[i], file->files.service[i], sizeof(settings.file_service[i]));
	return settings;
}

static int map_fill(const struct bpf_object *object, const char *name, __u32 key, const void *value)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);

	if (fd < 0)
		return fd;
	return bpf_map_update_elem(fd, &key, value, BPF_ANY) ? -errno : 0;
}

static int rules_fill(const struct bpf_object *object, const struct config *config)
{
	int err = 0;

	for (__u32 i = 0; i < config->services.n && !err; i++) {
		const struct config_service_rule *from = &config->services.rule[i];
		struct service_rule rule = {0};

		memcpy(rule.name, from->name, sizeof(rule.name));
		memcpy(rule.exe, from->exe, sizeof(rule.exe));
		memcpy(rule.comm, from->comm, sizeof(rule.comm));
		memcpy(rule.service, from->service, sizeof(rule.service));
		err = map_fill(object, "service_rules", i, &rule);
	}
	return err;
}

static int queues_fill(const struct bpf_object *object, const struct config *config)
{
	int err = 0;

	for (__u32 i = 0; i < config->queues.n && !err; i++) {
		const struct config_queue *from = &config->queues.queue[i];
		struct queue_rule rule = {0};

		memcpy(rule.queue_type, from->queue_type, sizeof(rule.queue_type));
		memcpy(rule.key, from->key, sizeof(rule.key));
		memcpy(rule.service, from->service, sizeof(rule.service));
		err = map_fill(object, "queue_rules", i, &rule);
	}
	return err;
}

int kernel_config_fill(const struct bpf_object *object, const struct attach_config *config)
{
	int err;

	if (!config->config)
		return 0;
	err = rules_fill(object, config->config);
	return err ? err : queues_fill(object, config->config);
}
