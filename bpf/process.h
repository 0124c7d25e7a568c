/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who does the I/O: the service of the current process and whether the selectors want it. Found out once for each
 * program image, from what the kernel holds (executable, arguments, cgroup), so that no name waits for user space and
 * a process that lives for a millisecond is named like any other.
 */
#ifndef TAPSTAT_PROCESS_H
#define TAPSTAT_PROCESS_H

#include "glob.h"
#include "maps.h"
#include "program_name.h"

enum {
	CGROUP_HIERARCHIES = 32, /* more than a kernel has controllers */
	CGROUP_DEPTH = 16,       /* levels looked at */
	CGROUP_NAME_BYTES = 128,
	CONTAINER_ID_BYTES = 64, /* hexadecimal digits of a container's id */
	PATH_BYTES = SELECTOR_PATH_BYTES,
	PATH_BUFFER = 256, /* a power of two above PATH_BYTES; paths grow from its end */
	PATH_DEPTH = 32,
	GLOB_STEPS = 1 << 15,
	SERVICE_UNKNOWN = 0xffffffff, /* not asked for yet: only services with connections take an index */
};

/* Working memory of process_identify(), per CPU; whoever holds the scratch of the same slot holds it. */
struct identity {
	struct program program;
	char cgroup_name[CGROUP_NAME_BYTES];
	char component[PATH_BUFFER];
	char path[PATH_BUFFER * 2];
	char container[CONTAINER_ID_BYTES];
	char unit[SERVICE_NAME_BYTES];
	char pattern[PATH_BUFFER], subject[PATH_BUFFER]; /* what pattern_step() compares */
	struct service_name key;
	struct glob glob;
	struct css_set *set;
	struct kernfs_node *kn;
	struct dentry *dentry;
	struct vfsmount *mnt;
	__u64 arg_at, arg_end;
	__u64 probes;
	__u32 path_at;
	__u32 cut;       /* the argument goes on behind what was read */
	__u32 hierarchy; /* of kn */
	__u32 unit_seen;
	__u32 under_system_slice;
	__u32 has_container;
	__u32 cgroup_matches;
	__u32 which;
	__u32 digits;
	__u32 has_path;
	__u32 slot; /* of this in `identities` */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCH_SLOTS);
	__type(key, __u32);
	__type(value, struct identity);
} identities SEC(".maps");

/* That of a program that can't be preempted. */
static __always_inline struct identity *identity_current(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&identities, &key);
}

static __always_inline struct program *program_current(void)
{
	struct identity *id = identity_current();

	return id ? &id->program : NULL;
}

static __always_inline bool equals_word(const char *text, const char *word, __u32 bytes)
{
	return text_word(text, bytes) == text_word(word, bytes);
}

/* ---- Program ----------------------------------------------------------------------------------------------- */

STEP(arg_step, identity)
{
	long n;

	if (it->arg_at >= it->arg_end)
		return 1;
	__builtin_memset(it->program.arg, 0, OPTION_BYTES);
	n = bpf_probe_read_user_str(it->program.arg, ARG_BYTES, (void *)it->arg_at);
	if (n <= 0)
		return 1;
	/* The first one is the interpreter's own name. The rest of a longer argument is nothing of its own. */
	if (i && !it->cut && program_next_arg(&it->program))
		return 1;
	it->cut = n == ARG_BYTES;
	it->arg_at += n - it->cut; /* what was cut has no NUL yet */
	return 0;
}

STEP(invoked_step, identity)
{
	char c;

	if (i >= PATH_BUFFER)
		return 1;
	c = it->component[i];
	if (c == '/')
		it->which = i + 1;
	return !c;
}

/*
 * The name by which the executable was started, where that is another than its own: a link such as redis-server,
 * which leads to redis-check-rdb. The kernel keeps the path that was given to execve() behind the environment
 * (AT_EXECFN).
 */
static __always_inline void identify_invoked(struct identity *id, struct mm_struct *mm)
{
	struct program *p = &id->program;
	__u64 at;

	__builtin_memset(id->component, 0, SERVICE_NAME_BYTES);
	if (bpf_probe_read_user_str(id->component, PATH_BUFFER, (void *)BPF_CORE_READ(mm, env_end)) <= 1)
		return;
	if (equals_word(id->component, "/proc/\0", 6) || equals_word(id->component, "/dev/fd", 7))
		return; /* fexecve() */
	id->which = 0;
	repeat(PATH_BUFFER, invoked_step, id);
	at = id->which;
	if (at >= PATH_BUFFER - 1)
		return;
	clamp_mask(at, 255);
	if (!id->component[at])
		return;
	__builtin_memset(p->name, 0, sizeof(p->name));
	bpf_probe_read_kernel_str(p->name, sizeof(p->name), id->component + at);
}

static __always_inline void identify_program(struct identity *id, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	const unsigned char *name = BPF_CORE_READ(mm, exe_file, f_path.dentry, d_name.name);
	struct program *p = &id->program;

	__builtin_memset(p->exe, 0, sizeof(p->exe));
	if (bpf_probe_read_kernel_str(p->exe, sizeof(p->exe), name) <= 1)
		bpf_probe_read_kernel_str(p->exe, sizeof(task->comm), BPF_CORE_READ(task, group_leader, comm));
	if (program_start(p)) {
		identify_invoked(id, mm);
		return;
	}
	id->cut = 0;
	id->arg_at = BPF_CORE_READ(mm, arg_start);
	id->arg_end = BPF_CORE_READ(mm, arg_end);
	repeat(MAX_ARGS, arg_step, id);
}

/* ---- Control group: systemd unit, container, --cgroup ------------------------------------------------------- */

static __always_inline bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Looks for a container's id in the element: 64 digits with no further one around them. */
STEP(container_step, identity)
{
	char c;

	if (i >= CGROUP_NAME_BYTES)
		return 1;
	c = it->cgroup_name[i];
	if (is_hex(c)) {
		__u32 at = it->digits;

		if (at < CONTAINER_ID_BYTES)
			it->container[at] = c;
		it->digits = at + 1;
		return 0;
	}
	if (it->digits == CONTAINER_ID_BYTES) {
		it->has_container = 1;
		return 1;
	}
	it->digits = 0;
	return !c;
}

/* Takes NAME of `NAME.service`; nothing for those that people log in through or that start anything. */
STEP(unit_step, identity)
{
	char c;

	if (i >= SERVICE_NAME_BYTES - 1)
		return 1;
	c = it->cgroup_name[i];
	if (c == '.' && equals_word(it->cgroup_name + i, ".service", 8) && !it->cgroup_name[i + 8]) {
		it->unit[i] = 0;
		it->which = i;
		return 1;
	}
	it->unit[i] = c;
	return !c;
}

static __always_inline void identify_unit(struct identity *id)
{
	__builtin_memset(id->unit, 0, sizeof(id->unit));
	id->which = 0;
	repeat(SERVICE_NAME_BYTES, unit_step, id);
	if (!id->which || equals_word(id->unit, "user@\0\0", 5) ||
	    (id->which == 3 && equals_word(id->unit, "ssh\0\0\0\0", 4)) ||
	    (id->which == 4 && equals_word(id->unit, "sshd\0\0\0", 5)) || equals_word(id->unit, "ssh@\0\0\0", 4) ||
	    (id->which == 4 && equals_word(id->unit, "cron\0\0\0", 5)))
		id->unit[0] = 0;
}

STEP(cgroup_step, identity)
{
	struct kernfs_node *parent, *kn = it->kn;
	__u64 cgroup_id, match = 0;

	if (!kn)
		return 1;
	cgroup_id = BPF_CORE_READ(kn, id);
	for (__u32 j = 0; j < SELECTOR_MAX; j++)
		if (j < settings.selectors.cgroups)
			match |= is_zero(settings.selectors.cgroup[j].id ^ cgroup_id) &
				 is_zero(settings.selectors.cgroup[j].hierarchy ^ it->hierarchy);
	it->cgroup_matches |= match;
	parent = kernfs_parent(kn);
	if (!parent) /* the root has no name */
		return 1;
	__builtin_memset(it->cgroup_name, 0, sizeof(it->cgroup_name));
	bpf_probe_read_kernel_str(it->cgroup_name, sizeof(it->cgroup_name), BPF_CORE_READ(kn, name));
	if (i == 0 && !it->unit_seen) { /* the last element of the first hierarchy that has one */
		it->unit_seen = 1;
		identify_unit(it);
	}
	if (equals_word(it->cgroup_name, "system.s", 8) && equals_word(it->cgroup_name + 8, "lice\0\0\0", 5))
		it->under_system_slice = 1;
	if (!it->has_container) {
		it->digits = 0;
		repeat(CGROUP_NAME_BYTES, container_step, it);
	}
	it->kn = parent;
	return 0;
}

/* Step 0: version 2; the others: version 1 hierarchies, where a container or --cgroup may be named in any. */
STEP(hierarchy_step, identity)
{
	struct css_set *set = it->set;
	struct cgroup_subsys_state **subsys = (void *)set + bpf_core_field_offset(struct css_set, subsys);
	struct cgroup_subsys_state *state = NULL;
	struct cgroup *cgroup;

	if (i == 0) {
		cgroup = BPF_CORE_READ(set, dfl_cgrp);
	} else {
		if (i > bpf_core_field_size(struct css_set, subsys) / sizeof(*subsys))
			return 1;
		bpf_probe_read_kernel(&state, sizeof(state), subsys + i - 1);
		cgroup = BPF_CORE_READ(state, cgroup);
	}
	if (!cgroup)
		return 0;
	it->kn = BPF_CORE_READ(cgroup, kn);
	it->hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id);
	repeat(CGROUP_DEPTH, cgroup_step, it);
	return 0;
}

static __always_inline void identify_cgroups(struct identity *id, struct task_struct *task)
{
	id->set = BPF_CORE_READ(task, cgroups);
	id->has_container = 0;
	id->under_system_slice = 0;
	id->cgroup_matches = 0;
	id->unit_seen = 0;
	id->unit[0] = 0;
	repeat(CGROUP_HIERARCHIES, hierarchy_step, id);
	if (!id->under_system_slice)
		id->unit[0] = 0;
}

/* ---- Path of the executable, for --exe and rules
 * --------------------------------------------------------------------- */

STEP(path_step, identity)
{
	struct dentry *dentry = it->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	struct vfsmount *mnt = it->mnt;
	struct mount *mount;
	__u32 at = it->path_at;
	long n;

	if (dentry == parent || dentry == BPF_CORE_READ(mnt, mnt_root)) {
		mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		if (BPF_CORE_READ(mount, mnt_parent) == mount)
			return 1;
		it->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		it->mnt = (void *)BPF_CORE_READ(mount, mnt_parent) + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	n = bpf_probe_read_kernel_str(it->component, PATH_BUFFER, BPF_CORE_READ(dentry, d_name.name));
	if (n <= 1 || n > at)
		return 1;
	n -= 1; /* the NUL */
	at -= n;
	clamp_mask(n, 255);
	clamp_mask(at, 255);
	bpf_probe_read_kernel(it->path + at, n, it->component);
	at = (at - 1) & (PATH_BUFFER - 1);
	it->path[at] = '/';
	it->path_at = at;
	it->dentry = parent;
	return 0;
}

static __always_inline void identify_path(struct identity *id, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	if (id->has_path)
		return;
	id->has_path = 1;
	__builtin_memset(id->path, 0, sizeof(id->path));
	id->dentry = BPF_CORE_READ(mm, exe_file, f_path.dentry);
	id->mnt = BPF_CORE_READ(mm, exe_file, f_path.mnt);
	id->path_at = PATH_BUFFER - 1;
	repeat(PATH_DEPTH, path_step, id);
}

/* ---- Selectors --------------------------------------------------------------------------------------------- */

STEP(exe_glob_step, identity)
{
	__u32 which = it->which, at = it->path_at;

	if (which >= SELECTOR_MAX)
		return 1;
	clamp_mask(at, 255);
	return glob_step(&it->glob, (const char *)settings.selectors.exe[which], SELECTOR_PATH_BYTES, it->path + at,
			 PATH_BUFFER);
}

STEP(comm_glob_step, identity)
{
	__u32 which = it->which;

	if (which >= SELECTOR_MAX)
		return 1;
	return glob_step(&it->glob, (const char *)settings.selectors.comm[which], SELECTOR_TEXT_BYTES, it->component,
			 16);
}

STEP(container_prefix_step, identity)
{
	__u32 which = it->which;
	char want;

	if (which >= SELECTOR_MAX || i >= CONTAINER_ID_BYTES)
		return 1;
	want = settings.selectors.container[which][i];
	if (want && want != it->container[i])
		it->digits = 0;
	return !want || !it->digits;
}

STEP(selector_step, identity)
{
	if (i >= SELECTOR_MAX)
		return 1;
	it->which = i;
	if (i < settings.selectors.exes && !it->glob.matched) {
		__builtin_memset(&it->glob, 0, sizeof(it->glob));
		repeat(GLOB_STEPS, exe_glob_step, it);
	}
	return it->glob.matched ? 1 : 0;
}

STEP(comm_selector_step, identity)
{
	if (i >= SELECTOR_MAX || i >= settings.selectors.comms)
		return 1;
	it->which = i;
	__builtin_memset(&it->glob, 0, sizeof(it->glob));
	repeat(GLOB_STEPS, comm_glob_step, it);
	return it->glob.matched ? 1 : 0;
}

STEP(container_selector_step, identity)
{
	if (i >= SELECTOR_MAX || i >= settings.selectors.containers)
		return 1;
	it->which = i;
	it->digits = 1;
	repeat(CONTAINER_ID_BYTES, container_prefix_step, it);
	return it->digits ? 1 : 0;
}

STEP(service_selector_step, identity)
{
	const char *want;
	__u64 differs = 0;

	if (i >= SELECTOR_MAX || i >= settings.selectors.services)
		return 1;
	want = (const char *)settings.selectors.service[i];
	for (__u32 at = 0; at < SERVICE_NAME_BYTES; at += 8)
		differs |= load64(want + at) ^ load64(it->key.text + at);
	it->digits = !differs;
	return it->digits ? 1 : 0;
}

/* Repeats of one selector are alternatives; different ones must all match. */
static __always_inline bool selectors_match(struct identity *id, struct task_struct *task, __u32 tgid)
{
	if (settings.selectors.pids) {
		__u64 match = 0;

		for (__u32 i = 0; i < SELECTOR_MAX; i++)
			if (i < settings.selectors.pids)
				match |= is_zero(settings.selectors.pid[i] ^ tgid);
		if (!match)
			return false;
	}
	if (settings.selectors.cgroups && !id->cgroup_matches)
		return false;
	if (settings.selectors.comms) {
		__builtin_memset(id->component, 0, 16);
		bpf_probe_read_kernel_str(id->component, 16, BPF_CORE_READ(task, group_leader, comm));
		id->glob.matched = 0;
		repeat(SELECTOR_MAX, comm_selector_step, id);
		if (!id->glob.matched)
			return false;
	}
	if (settings.selectors.exes) {
		identify_path(id, task);
		__builtin_memset(&id->glob, 0, sizeof(id->glob));
		repeat(SELECTOR_MAX, selector_step, id);
		if (!id->glob.matched)
			return false;
	}
	if (settings.selectors.containers) {
		id->digits = 0;
		if (id->has_container)
			repeat(SELECTOR_MAX, container_selector_step, id);
		if (!id->digits)
			return false;
	}
	if (settings.selectors.services) {
		id->digits = 0;
		repeat(SELECTOR_MAX, service_selector_step, id);
		if (!id->digits)
			return false;
	}
	return true;
}

/* ---- Patterns of the configuration --------------------------------------------------------------------------- */

STEP(pattern_step, identity)
{
	return glob_step(&it->glob, it->pattern, PATH_BUFFER, it->subject, PATH_BUFFER);
}

/* Whether id->pattern matches id->subject; an empty one does. A global function, so that the verifier looks at its
 * loop once. */
__noinline int pattern_matches(__u32 slot)
{
	struct identity *id = bpf_map_lookup_elem(&identities, &slot);

	if (!id || !id->pattern[0])
		return 1;
	__builtin_memset(&id->glob, 0, sizeof(id->glob));
	repeat(GLOB_STEPS, pattern_step, id);
	return id->glob.matched;
}

/* Step: a naming rule; the last one is the one that names. */
STEP(rule_step, identity)
{
	struct service_rule *rule = bpf_map_lookup_elem(&service_rules, &i);
	__u32 at = it->path_at;

	if (!rule || i >= settings.service_rules)
		return 1;
	clamp_mask(at, 255);
	bpf_probe_read_kernel_str(it->pattern, sizeof(rule->exe), rule->exe);
	bpf_probe_read_kernel_str(it->subject, PATH_BUFFER, it->path + at);
	if (!pattern_matches(it->slot))
		return 0;
	bpf_probe_read_kernel_str(it->pattern, sizeof(rule->comm), rule->comm);
	bpf_probe_read_kernel_str(it->subject, sizeof(it->component), it->component);
	if (!pattern_matches(it->slot))
		return 0;
	bpf_probe_read_kernel_str(it->pattern, sizeof(rule->service), rule->service);
	bpf_probe_read_kernel_str(it->subject, sizeof(it->key), it->key.text);
	if (!pattern_matches(it->slot))
		return 0;
	__builtin_memcpy(&it->key, rule->name, sizeof(it->key));
	return 1;
}

/* Replaces the name by that of the first rule that matches. */
static __always_inline void identify_by_rule(struct identity *id, struct task_struct *task)
{
	identify_path(id, task);
	bpf_probe_read_kernel_str(id->component, 16, BPF_CORE_READ(task, group_leader, comm));
	repeat(MAX_SERVICE_RULES, rule_step, id);
}

STEP(file_service_step, identity)
{
	if (i >= MAX_FILE_SERVICES || i >= settings.file_services)
		return 1;
	bpf_probe_read_kernel_str(it->pattern, SELECTOR_TEXT_BYTES, (const char *)settings.file_service[i]);
	it->which = pattern_matches(it->slot);
	return it->which ? 1 : 0;
}

/* Whether the operations of the process on files are counted. */
static __always_inline bool files_wanted(struct identity *id)
{
	if (settings.files_of_all)
		return true;
	id->which = 0;
	bpf_probe_read_kernel_str(id->subject, sizeof(id->key), id->key.text);
	repeat(MAX_FILE_SERVICES, file_service_step, id);
	return id->which;
}

#ifndef TAPSTAT_5_10

STEP(probe_service_step, identity)
{
	struct function_probe *probe = bpf_map_lookup_elem(&function_probes, &i);

	if (!probe || i >= settings.probes)
		return 1;
	if (!probe->service[0])
		return 0;
	bpf_probe_read_kernel_str(it->pattern, sizeof(probe->service), probe->service);
	if (pattern_matches(it->slot))
		it->probes |= 1ULL << (i & 63);
	return 0;
}

/* Which function probes of services are those of this one. */
static __always_inline __u64 probes_wanted(struct identity *id)
{
	id->probes = 0;
	bpf_probe_read_kernel_str(id->subject, sizeof(id->key), id->key.text);
	repeat(MAX_PROBES, probe_service_step, id);
	return id->probes;
}

#endif

/* ---- Service ----------------------------------------------------------------------------------------------- */

/* The index of a name, given out at its first sight and for ever. */
static __always_inline __u32 service_index(const struct service_name *name)
{
	__u32 index, *known = bpf_map_lookup_elem(&service_by_name, name);
	struct service *entry;

	if (known)
		return *known;
	if (equals_word(name->text, "other\0\0", 8)) /* a program called that shares the labels, hence the series */
		return SERVICE_OTHER;
	if (!take_number(&shared.service_count, index) || index >= settings.max_services)
		return SERVICE_OTHER;
	if (bpf_map_update_elem(&service_by_name, name, &index, BPF_NOEXIST)) {
		/* Another CPU was first; this index stays unused. */
		known = bpf_map_lookup_elem(&service_by_name, name);
		return known ? *known : SERVICE_OTHER;
	}
	entry = bpf_map_lookup_elem(&services, &index);
	if (entry)
		__builtin_memcpy(entry->name, name->text, sizeof(entry->name));
	return index;
}

/*
 * Finds out about the current process and notes it in `processes`: its selection and, if asked for, its service. 0,
 * or negative: memory was short. A global function, so that the verifier looks at it once.
 */
__noinline int process_identify(bool needs_service, __u32 slot)
{
	struct task_struct *task = current_task_struct();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	struct identity *id = bpf_map_lookup_elem(&identities, &slot);
	struct process process = {};

	if (!id)
		return -1;
	process.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	process.exec_id = BPF_CORE_READ(task, self_exec_id);
	id->slot = slot;
	id->has_path = 0;
	identify_program(id, task);
	identify_cgroups(id, task);
	if (id->unit[0])
		__builtin_memcpy(&id->key, id->unit, sizeof(id->key));
	else
		__builtin_memcpy(&id->key, id->program.name, sizeof(id->key));
	if (settings.service_rules)
		identify_by_rule(id, task);
	process.selected = !settings.selecting_process || selectors_match(id, task, tgid);
	if (settings.files)
		process.files = process.selected && files_wanted(id);
#ifndef TAPSTAT_5_10
	if (settings.probes)
		process.probes = probes_wanted(id);
#endif
	process.service = process.selected && needs_service ? service_index(&id->key) : SERVICE_UNKNOWN;
	return bpf_map_update_elem(&processes, &tgid, &process, BPF_ANY);
}

/* What tells a program image of a process from all others that had, or will have, its number. */
static __always_inline __u64 process_generation(const struct process *process)
{
	return process->start_ns + process->exec_id;
}

/* The last thread of a process ends. */
static __always_inline void process_ended(__u32 tgid)
{
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);

	if (process)
		process->ended = 1;
}

/* What is known of the current process; NULL: nothing, or too little. */
static __always_inline struct process *process_known(struct task_struct *task, bool needs_service)
{
	__u32 tgid = task_read(task, tgid);
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);
	struct task_struct *leader = task_read(task, group_leader);

	if (process && process->exec_id == task_read(task, self_exec_id) &&
	    process->start_ns == task_read(leader, start_boottime) &&
	    !(needs_service && process->service == SERVICE_UNKNOWN))
		return process;
	return NULL;
}

static __always_inline struct process *process_current(struct task_struct *task, bool needs_service, __u32 slot)
{
	struct process *process = process_known(task, needs_service);
	__u32 tgid = task_read(task, tgid);

	if (process)
		return process;
	if (process_identify(needs_service, slot))
		return NULL;
	return bpf_map_lookup_elem(&processes, &tgid);
}

/* The service of the current process. */
static __always_inline __u32 service_current(struct task_struct *task, __u32 slot)
{
	struct process *process = process_current(task, true, slot);

	return process && process->service <= SERVICE_OTHER ? process->service : SERVICE_OTHER;
}

/* The same for whoever holds no working memory. NULL: it was short. */
static __always_inline struct process *process_obtain(struct task_struct *task, bool needs_service)
{
	struct process *process = process_known(task, needs_service);
	struct scratch *scratch;

	if (likely(process))
		return process;
	scratch = scratch_take();
	if (!scratch)
		return NULL;
	process = process_current(task, needs_service, scratch->slot);
	scratch_give(scratch);
	return process;
}

#endif
