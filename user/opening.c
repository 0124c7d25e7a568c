// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* attach ──> [opening]: see opening.h. */
#include "opening.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "complaint.h"
#include "kernel_config.h"
#include "privileges.h"

enum {
	LOG_BYTES = 16384, /* statistics of one program; a few hundred bytes */
	VERIFIER_STATISTICS = 4,
};

/* ---- Texts --------------------------------------------------------------------------------------------------- */

void opening_say(char *out, size_t size, const char *what, int err)
{
	struct privileges privileges;
	char reason[ATTACH_WHY_BYTES / 2];

	privileges_read(&privileges);
	complaint_reason(err, reason, sizeof(reason));
	snprintf(out, size, "%s: %s; %s", what, reason, privileges_advice(&privileges, err, complaint_is_verifier()));
}

/* ---- Which hooks --------------------------------------------------------------------------------------------- */

bool opening_is_built(const struct opening *opening, const struct hook_row *row)
{
	for (int i = 0; i < HOOK_MAX_PROGRAMS && row->program[i].name; i++)
		if (!bpf_object__find_program_by_name(opening->att->object, row->program[i].name))
			return false;
	return true;
}

/* Whether the kernel has what the hook's programs go on, as far as its types tell. */
static bool is_in_kernel(const struct kernel_types *types, const struct hook_row *row)
{
	for (int i = 0; i < HOOK_MAX_PROGRAMS && row->program[i].name; i++) {
		if (!hook_program_finds_out(&row->program[i]) && !types->id[row->program[i].needs] && !row->is_way)
			return false;
	}
	return true;
}

/* The programs of a hook that have no place in this kernel and need none. Types tell nothing about kprobes. */
static unsigned int hook_absent(const struct kernel_types *types, const struct hook_row *row)
{
	unsigned int absent = 0;

	for (int i = 0; i < HOOK_MAX_PROGRAMS && row->program[i].name; i++)
		absent |= (unsigned int)(row->program[i].optional && !hook_program_finds_out(&row->program[i]) &&
					 !types->id[row->program[i].needs])
			  << i;
	return absent;
}

/* 0, or a negative errno and the reason why the hook can't be used. */
static int hook_examine(struct opening *opening, const struct hook_row *row, char *why, size_t size)
{
	int err;

	if (!opening_is_built(opening, row)) {
		snprintf(why, size, "it is not in this build");
		return -ENOTSUP;
	}
	if (!is_in_kernel(&opening->context.types, row)) {
		snprintf(why, size, "this kernel does not have it");
		return -ENOTSUP;
	}
	if (row->is_way || !hook_uses(row, MECHANISM_TRAMPOLINE))
		return 0;
	err = way_trampolines(&opening->context);
	if (err)
		snprintf(why, size, "this kernel does not take programs on its functions: %s", complaint_error(err));
	return err;
}

static bool is_wanted(const struct hook_row *row, const struct attach_config *config)
{
	switch (row->wish) {
	case HOOK_OF_FILES:
		return kernel_config_wants_files(config);
	case HOOK_OF_TLS:
		return config->tls;
	case HOOK_OF_STORAGE_LIBRARIES:
		return config->storage;
	default:
		return true;
	}
}

/* Lists the hooks of a way. Those that are to be loaded get `row`s in the attachment; every one is reported. */
static int hooks_select(struct opening *opening, enum way way, char *why, size_t size)
{
	struct attach_report *report = opening->report;
	struct attachment *att = opening->att;

	att->n_hooks = 0;
	for (int i = 0; i < HOOK_COUNT; i++) {
		const struct hook_row *row = &hook_rows[i];
		struct hook_report *told = &report->hook[att->n_hooks];
		int err;

		if (!hook_is_used(row, way, att->hashed) || !is_wanted(row, opening->config))
			continue;
		if (!opening->dropped[i])
			*told = (struct hook_report){.row = row};
		err = opening->dropped[i] ? -ENOTSUP : hook_examine(opening, row, told->why, sizeof(told->why));
		if (err && row->required) {
			snprintf(why, size, "hook %s: %s; %s", row->name, told->why, row->without);
			return err;
		}
		att->hook[att->n_hooks] = (struct attached_hook){
			.row = row, .wanted = !err, .absent = hook_absent(&opening->context.types, row)};
		report->n_hooks = ++att->n_hooks;
	}
	return 0;
}

/* ---- Loading ------------------------------------------------------------------------------------------------- */

/*
 * Whether another program may run on a CPU in the middle of one: those on functions, where the kernel is built to be
 * preempted, those on tracepoints since the kernel no longer keeps preemption off around them (7.0), and those on
 * functions of processes since they may sleep (6.0, commit 8c7dcb84e3b7, "bpf: implement sleepable uprobes by
 * chaining gps").
 */
static bool may_be_preempted(enum way way, bool probes)
{
	struct utsname kernel;
	unsigned int major = 0, minor = 0;

	if (uname(&kernel) || !strstr(kernel.version, "PREEMPT"))
		return false;
	if (way == WAY_FEXIT || sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
		return true;
	return major > 6 || (major == 6 && (minor > 18 || probes));
}

/* Whether the programs of that hook are to be loaded. */
static bool has_hook(const struct attachment *att, enum hook_wish wish)
{
	for (int i = 0; i < att->n_hooks; i++)
		if (att->hook[i].row->wish == wish)
			return att->hook[i].wanted;
	return false;
}

static struct settings settings_of(const struct opening *opening, enum way way)
{
	struct settings settings = kernel_config_settings(opening->config);

	settings.hashed = opening->att->hashed;
	settings.tls = has_hook(opening->att, HOOK_OF_TLS);
	settings.storage_libraries = has_hook(opening->att, HOOK_OF_STORAGE_LIBRARIES);
	settings.at_syscall_end = way == WAY_SYS_EXIT;
	settings.entry_and_return = way == WAY_KPROBE;
	settings.preemptible = may_be_preempted(way, settings.tls || settings.storage_libraries);
	return settings;
}

static int program_select(struct opening *opening, const struct hook_program *row)
{
	struct attachment *att = opening->att;
	struct bpf_program *program = bpf_object__find_program_by_name(att->object, row->name);
	int n = opening->report->n_programs;
	int err = bpf_program__set_autoload(program, true);

	if (err || !opening->config->verifier || opening->mute || n == ATTACH_PROGRAMS)
		return err;
	if (!opening->log[n])
		opening->log[n] = malloc(LOG_BYTES);
	if (!opening->log[n])
		return -ENOMEM;
	opening->log[n][0] = '\0';
	opening->report->program[n].name = row->name;
	opening->report->n_programs++;
	bpf_program__set_log_level(program, VERIFIER_STATISTICS);
	return bpf_program__set_log_buf(program, opening->log[n], LOG_BYTES);
}

static int programs_select(struct opening *opening)
{
	struct attachment *att = opening->att;
	struct bpf_program *program;
	int err = 0;

	opening->report->n_programs = 0;
	bpf_object__for_each_program (program, att->object)
		bpf_program__set_autoload(program, false);
	for (int i = 0; i < att->n_hooks && !err; i++)
		for (int j = 0; j < HOOK_MAX_PROGRAMS && att->hook[i].row->program[j].name && !err; j++)
			if (att->hook[i].wanted && !(att->hook[i].absent >> j & 1) &&
			    hook_program_is_first(att->hook[i].row, j))
				err = program_select(opening, &att->hook[i].row->program[j]);
	return err;
}

/* An optional program that the kernel refuses must not keep the required ones from loading. */
static bool drop_refused(struct opening *opening, int err)
{
	struct attachment *att = opening->att;

	for (int i = 0; i < att->n_hooks; i++) {
		const struct hook_row *row = att->hook[i].row;

		for (int j = 0; j < HOOK_MAX_PROGRAMS && row->program[j].name; j++) {
			if (strcmp(row->program[j].name, complaint_program()) != 0 || row->required)
				continue;
			opening->dropped[row - hook_rows] = true;
			complaint_reason(err, opening->report->hook[i].why, sizeof(opening->report->hook[i].why));
			return true;
		}
	}
	return false;
}

int opening_reopen(struct opening *opening)
{
	struct attachment *att = opening->att;

	bpf_object__close(att->object);
	att->object = NULL;
	return object_open(&att->object, opening->report->object);
}

static void programs_report(struct opening *opening)
{
	for (int i = 0; i < opening->report->n_programs; i++)
		verifier_parse(opening->log[i], &opening->report->program[i].stats);
}

/* Statistics leave no room for a reason: the next load is for that. */
static bool is_worth_another_try(struct opening *opening, int err)
{
	if (opening->config->verifier && !opening->mute) {
		opening->mute = true;
		return true;
	}
	opening->mute = false;
	return drop_refused(opening, err);
}

int opening_load(struct opening *opening, enum way way, char *why, size_t size)
{
	const bool growing = opening->context.types.id[KERNEL_MEMORY_ALLOCATOR];
	struct settings settings;
	bool again;
	int err;

	do {
		err = hooks_select(opening, way, why, size);
		if (err)
			return err;
		complaint_clear();
		settings = settings_of(opening, way);
		err = object_configure(opening->att->object, &settings, growing);
		if (!err)
			err = programs_select(opening);
		if (!err)
			err = bpf_object__load(opening->att->object);
		if (!err)
			err = kernel_config_fill(opening->att->object, opening->config);
		if (!err) {
			programs_report(opening);
			return 0;
		}
		opening_say(why, size, "the BPF programs cannot be loaded", err);
		again = is_worth_another_try(opening, err);
		if (opening_reopen(opening))
			return err;
	} while (again);
	return err;
}
