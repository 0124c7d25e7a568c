// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * way, opening, attachment ──> [attach] ──> snapshot: loads and attaches the BPF programs by the first way that
 * works. Order of a start: load, iterator, one scan (the kernel learns there which process is tapstat's), the other
 * hooks, the way at last.
 */
#include "attach.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complaint.h"
#include "config.h"
#include "kernel_config.h"
#include "object.h"
#include "opening.h"
#include "privileges.h"
#include "probe_families.h"
#include "probes.h"

/* ---- One way ------------------------------------------------------------------------------------------------- */

/* The turns of a start, see the head of this file. */
enum turn { TURN_ITERATOR, TURN_BESIDE, TURN_WAY };

static enum turn turn_of(const struct hook_row *row)
{
	return row->is_way ? TURN_WAY : hook_uses(row, MECHANISM_ITERATOR) ? TURN_ITERATOR : TURN_BESIDE;
}

static int hooks_attach(struct opening *opening, enum turn turn, char *why, size_t size)
{
	struct attachment *att = opening->att;

	for (int i = 0; i < att->n_hooks; i++) {
		struct hook_report *told = &opening->report->hook[i];
		struct attached_hook *hook = &att->hook[i];
		char what[64];
		int err;

		if (!hook->wanted || turn_of(hook->row) != turn)
			continue;
		err = attachment_hook_attach(att, hook);
		told->attached = !err;
		if (!err)
			continue;
		snprintf(what, sizeof(what), "hook %s cannot be attached", hook->row->name);
		opening_say(told->why, sizeof(told->why), what, err);
		if (hook->row->required) {
			snprintf(why, size, "%s", told->why);
			return err;
		}
	}
	return 0;
}

static int start(struct opening *opening, enum way way, char *why, size_t size)
{
	struct attachment *att = opening->att;
	int err = attachment_maps_open(att);

	if (err) {
		snprintf(why, size, "the BPF maps cannot be used: %s", complaint_error(err));
		return err;
	}
	if (way == WAY_KPROBE)
		attachment_tracefs_open(att);
	err = hooks_attach(opening, TURN_ITERATOR, why, size);
	if (err)
		return err;
	err = attachment_iterate(att);
	if (err) {
		snprintf(why, size, "the first scan of the sockets failed: %s", complaint_error(err));
		return err;
	}
	err = hooks_attach(opening, TURN_BESIDE, why, size);
	if (err)
		return err;
	return hooks_attach(opening, TURN_WAY, why, size);
}

/* ---- Ways ---------------------------------------------------------------------------------------------------- */

static bool way_is_hashed(const struct opening *opening, enum way way)
{
	return way_rows[way].hashed || opening->report->object == OBJECT_5_10;
}

/* Whether a way can be used, short of using it: tapstat_report.way tells. */
static bool way_try(struct opening *opening, enum way way, bool tried)
{
	struct way_report *told = &opening->report->way[way];
	struct privileges privileges;
	char reason[ATTACH_WHY_BYTES / 2];
	const char *advice;
	int err = 0;

	told->state = WAY_USABLE;
	for (int i = 0; i < HOOK_COUNT && !err; i++)
		if (hook_rows[i].is_way && hook_is_used(&hook_rows[i], way, way_is_hashed(opening, way)) &&
		    !opening_is_built(opening, &hook_rows[i]))
			err = -ENOSYS;
	if (err) {
		told->state = WAY_UNUSABLE;
		snprintf(told->why, sizeof(told->why), "it is not in this build");
		return false;
	}
	err = way_examine(&opening->context, way, tried, reason, sizeof(reason));
	if (!err)
		return true;
	told->state = WAY_UNUSABLE;
	privileges_read(&privileges);
	if (err == -ENODATA)
		advice = "use another way";
	else
		advice = err == -EPERM || err == -EACCES ? privileges_advice(&privileges, err, false)
							 : way_rows[way].advice;
	snprintf(told->why, sizeof(told->why), "%s; %s", reason, advice);
	return false;
}

static int way_use(struct opening *opening, enum way way)
{
	struct way_report *told = &opening->report->way[way];
	struct attachment *att = opening->att;
	int err;

	att->hashed = way_is_hashed(opening, way);
	err = opening_load(opening, way, told->why, sizeof(told->why));
	if (!err) {
		err = start(opening, way, told->why, sizeof(told->why));
		if (err && opening_reopen(opening))
			return err;
	}
	if (err) {
		told->state = WAY_FAILED;
		attachment_reset(att);
		return err;
	}
	told->state = WAY_CHOSEN;
	return 0;
}

/* Takes the first way that works, then finds out about the rest if that is wanted. 0 or a negative errno. */
static int ways_try(struct opening *opening)
{
	const struct attach_config *config = opening->config;
	bool forced = strcmp(config->hooks, "auto") != 0, chosen = false;
	int err = -ENOTSUP;

	for (int way = 0; way < WAY_COUNT; way++) {
		int failed;

		if (forced && strcmp(config->hooks, way_rows[way].name) != 0)
			continue;
		if (chosen && !config->examine)
			break;
		if (!way_try(opening, way, chosen) || chosen)
			continue;
		failed = way_use(opening, way);
		chosen = !failed;
		err = failed ? failed : 0;
		if (!opening->att->object)
			return failed;
	}
	return chosen ? 0 : err;
}

/* Why no way works: each way's reason, once. */
static void say_none_works(const struct attach_report *report, char *why, size_t size)
{
	size_t used = (size_t)snprintf(why, size, "no way of hooking sockets works here");

	for (int way = 0; way < WAY_COUNT && used < size; way++) {
		bool told = !report->way[way].why[0];

		for (int before = 0; before < way; before++)
			told |= !strcmp(report->way[before].why, report->way[way].why);
		if (!told)
			used += (size_t)snprintf(why + used, size - used, ". %s: %s", way_rows[way].name,
						 report->way[way].why);
	}
}

/* ---- The whole ----------------------------------------------------------------------------------------------- */

static int open_all(struct opening *opening, char *why, size_t size)
{
	const struct attach_config *config = opening->config;
	struct attach_report *report = opening->report;
	int err = kernel_types_read(&opening->context.types);

	if (err) {
		snprintf(why, size,
			 "the kernel's types (BTF) cannot be read from %s: %s; tapstat needs a kernel with "
			 "CONFIG_DEBUG_INFO_BTF and /sys mounted",
			 kernel_types_path, strerror(-err));
		return err;
	}
	opening->att->uprobe_way = opening->context.types.id[KERNEL_UPROBE_LINK] ? UPROBE_BY_LINK : UPROBE_BY_EVENT;
	report->object = opening->context.types.id[KERNEL_HELPER_LOOP] ? OBJECT_LOOP : OBJECT_5_10;
	opening->att->cookies = report->object == OBJECT_LOOP;
	complaint_clear();
	err = object_open(&opening->att->object, report->object);
	if (err) {
		opening_say(why, size, "the BPF programs cannot be opened", err);
		return err;
	}
	err = ways_try(opening);
	for (int way = 0; err && way < WAY_COUNT; way++)
		if (!strcmp(config->hooks, way_rows[way].name))
			snprintf(why, size, "--hooks=%s: %s", config->hooks, report->way[way].why);
	if (err && !strcmp(config->hooks, "auto"))
		say_none_works(report, why, size);
	return err;
}

static int probes_prepare(struct attachment *att, const struct config *config)
{
	int err = 0;

	if (config->probes.n)
		err = probes_new(&att->probes, config);
	if (!err && config->probes.n)
		err = probe_families_new(&att->probe_families, config);
	return err;
}

int attachment_open(struct attachment **out, const struct attach_config *config, struct attach_report *report,
		    char *why, size_t size)
{
	struct opening opening = {.config = config, .report = report, .att = calloc(1, sizeof(struct attachment))};
	int err;

	memset(report, 0, sizeof(*report));
	if (!opening.att)
		return -ENOMEM;
	complaint_listen();
	opening.att->max_connections = config->max_connections;
	opening.att->config = config->config;
	opening.att->max_services = kernel_config_settings(config).max_services;
	opening.att->segment_limit = kernel_config_settings(config).segment_limit;
	err = config->config ? probes_prepare(opening.att, config->config) : 0;
	if (!err)
		err = open_all(&opening, why, size);
	for (int i = 0; i < ATTACH_PROGRAMS; i++)
		free(opening.log[i]);
	if (err) {
		attachment_close(opening.att);
		return err;
	}
	snprintf(report->limit, sizeof(report->limit), "%s", opening.att->limit);
	opening.att->memory_ceiling_bytes = attachment_memory_ceiling(opening.att);
	object_give_back();
	malloc_trim(0); /* loading took far more memory than running does */
	*out = opening.att;
	return 0;
}
