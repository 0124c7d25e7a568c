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
#include "config.h"
#include "kernel_config.h"
#include "privileges.h"
#include "probe.h"
#include "probes.h"

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
	if (hook_uses(row, MECHANISM_UPROBE)) {
		struct probe_result result = probe_uprobe(opening->att->uprobe_way, PROBE_CALLS);

		if (result.stage == PROBE_WORKS)
			return 0;
		probe_reason(&result, "a function of a program", why, size);
		return result.err ? result.err : -ENOTSUP;
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
	case HOOK_OF_PROBES:
		return config->config && config->config->probes.n;
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

/* The address of a variable of the kernel; 0: it has none, or keeps its addresses to itself. */
static __u64 kernel_address(const char *variable)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	unsigned long long address = 0, found = 0;
	char line[256], name[128];

	while (symbols && !found && fgets(line, sizeof(line), symbols))
		if (strstr(line, variable) && sscanf(line, "%llx %*c %127s", &address, name) == 2 &&
		    !strcmp(name, variable))
			found = address;
	if (symbols)
		fclose(symbols);
	return found;
}

/* Whether the kernel preempts itself: one that is told so at boot has that in a variable (kernel/sched/core.c). */
static bool kernel_preempts(const struct utsname *kernel)
{
	enum { NONE, VOLUNTARY };
	__u64 address;
	__u32 mode;

	if (!strstr(kernel->version, "PREEMPT_DYNAMIC"))
		return strstr(kernel->version, "PREEMPT");
	address = kernel_address("preempt_dynamic_mode");
	return !address || probe_kernel_word(address, &mode) || (mode != NONE && mode != VOLUNTARY);
}

/*
 * Whether another program may run on a CPU in the middle of one: those on functions, of the kernel or of a program,
 * where the kernel preempts itself, and those on tracepoints since it no longer keeps preemption off around them
 * (7.0).
 */
static bool may_be_preempted(enum way way, bool has_uprobes)
{
	struct utsname kernel;
	unsigned int major = 0, minor = 0;

	if (uname(&kernel) || !kernel_preempts(&kernel))
		return false;
	if (way == WAY_FEXIT || has_uprobes || sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
		return true;
	return major > 6 || (major == 6 && minor > 18);
}

/* Whether the programs that somebody asked for are to be loaded. */
static bool has_wish(const struct attachment *att, enum hook_wish wish)
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
	settings.tls = has_wish(opening->att, HOOK_OF_TLS);
	settings.probes = has_wish(opening->att, HOOK_OF_PROBES) ? opening->config->config->probes.n : 0;
	settings.storage_libraries = has_wish(opening->att, HOOK_OF_STORAGE_LIBRARIES);
	settings.at_syscall_end = way == WAY_SYS_EXIT;
	settings.entry_and_return = way == WAY_KPROBE;
	settings.preemptible = may_be_preempted(way, settings.tls || settings.probes || settings.storage_libraries);
	return settings;
}

static int program_select(struct opening *opening, const struct hook_program *row)
{
	struct attachment *att = opening->att;
	struct bpf_program *program = bpf_object__find_program_by_name(att->object, row->name);
	int n = opening->report->n_programs;
	int err = bpf_program__set_autoload(program, true);

	if (!err && row->mechanism == MECHANISM_UPROBE && att->uprobe_way == UPROBE_BY_LINK)
		err = bpf_program__set_expected_attach_type(program, (enum bpf_attach_type)UPROBE_LINK_TYPE);

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
		if (!err && settings.probes)
			err = probes_fill(opening->att->probes, opening->att->object);
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
