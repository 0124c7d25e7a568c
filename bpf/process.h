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

/* Working memory of process_identify(), per CPU; guarded by the window's busy flag like everything in a hook's run.
 */
struct identity {
	struct program program;
	char cgroup_name[CGROUP_NAME_BYTES];
	char component[PATH_BUFFER];
	char path[PATH_BUFFER * 2];
	char container[CONTAINER_ID_BYTES];
	char unit[SERVICE_NAME_BYTES];
	struct service_name key;
	struct glob glob;
	struct css_set *set;
	struct kernfs_node *kn;
	struct dentry *dentry;
	struct vfsmount *mnt;
	__u64 arg_at, arg_end;
	__u32 path_at;
	__u32 cut;       /* the argument goes on behind what was read */
	__u32 hierarchy; /* of kn */
	__u32 unit_seen;
	__u32 under_system_slice;
	__u32 has_container;
	__u32 cgroup_matches;
	__u32 which;
	__u32 digits;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct identity);
} identities SEC(".maps");

/* ---- Program ----------------------------------------------------------------------------------------------- */

static long arg_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	long n;

	if (id->arg_at >= id->arg_end)
		return 1;
	__builtin_memset(id->program.arg, 0, OPTION_BYTES);
	n = bpf_probe_read_user_str(id->program.arg, ARG_BYTES, (void *)id->arg_at);
	if (n <= 0)
		return 1;
	/* The first one is the interpreter's own name. The rest of a longer argument is nothing of its own. */
	if (i && !id->cut && program_next_arg(&id->program))
		return 1;
	id->cut = n == ARG_BYTES;
	id->arg_at += n - id->cut; /* what was cut has no NUL yet */
	return 0;
}

static __always_inline void identify_program(struct identity *id, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	const unsigned char *name = BPF_CORE_READ(mm, exe_file, f_path.dentry, d_name.name);
	struct program *p = &id->program;

	__builtin_memset(p->exe, 0, sizeof(p->exe));
	if (bpf_probe_read_kernel_str(p->exe, sizeof(p->exe), name) <= 1)
		bpf_probe_read_kernel_str(p->exe, sizeof(task->comm), BPF_CORE_READ(task, group_leader, comm));
	if (program_start(p))
		return;
	id->cut = 0;
	id->arg_at = BPF_CORE_READ(mm, arg_start);
	id->arg_end = BPF_CORE_READ(mm, arg_end);
	bpf_loop(MAX_ARGS, arg_step, &id, 0);
}

/* ---- Control group: systemd unit, container, --cgroup ------------------------------------------------------- */

static __always_inline bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Looks for a container's id in the element: 64 digits with no further one around them. */
static long container_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	char c;

	if (i >= CGROUP_NAME_BYTES)
		return 1;
	c = id->cgroup_name[i];
	if (is_hex(c)) {
		__u32 at = id->digits;

		if (at < CONTAINER_ID_BYTES)
			id->container[at] = c;
		id->digits = at + 1;
		return 0;
	}
	if (id->digits == CONTAINER_ID_BYTES) {
		id->has_container = 1;
		return 1;
	}
	id->digits = 0;
	return !c;
}

static __always_inline bool equals_word(const char *text, const char *word, __u32 bytes)
{
	return text_word(text, bytes) == text_word(word, bytes);
}

/* Takes NAME of `NAME.service`; nothing for those that people log in through or that start anything. */
static long unit_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	char c;

	if (i >= SERVICE_NAME_BYTES - 1)
		return 1;
	c = id->cgroup_name[i];
	if (c == '.' && equals_word(id->cgroup_name + i, ".service", 8) && !id->cgroup_name[i + 8]) {
		id->unit[i] = 0;
		id->which = i;
		return 1;
	}
	id->unit[i] = c;
	return !c;
}

static __always_inline void identify_unit(struct identity *id)
{
	__builtin_memset(id->unit, 0, sizeof(id->unit));
	id->which = 0;
	bpf_loop(SERVICE_NAME_BYTES, unit_step, &id, 0);
	if (!id->which || equals_word(id->unit, "user@\0\0", 5) ||
	    (id->which == 3 && equals_word(id->unit, "ssh\0", 4)) ||
	    (id->which == 4 && equals_word(id->unit, "sshd\0\0\0", 5)) || equals_word(id->unit, "ssh@\0\0\0", 4) ||
	    (id->which == 4 && equals_word(id->unit, "cron\0\0\0", 5)))
		id->unit[0] = 0;
}

static long cgroup_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	struct kernfs_node *parent, *kn = id->kn;
	__u64 cgroup_id, match = 0;

	if (!kn)
		return 1;
	cgroup_id = BPF_CORE_READ(kn, id);
	for (__u32 j = 0; j < SELECTOR_MAX; j++)
		if (j < selectors.cgroups)
			match |= is_zero(selectors.cgroup[j].id ^ cgroup_id) &
				 is_zero(selectors.cgroup[j].hierarchy ^ id->hierarchy);
	id->cgroup_matches |= match;
	parent = kernfs_parent(kn);
	if (!parent) /* the root has no name */
		return 1;
	__builtin_memset(id->cgroup_name, 0, sizeof(id->cgroup_name));
	bpf_probe_read_kernel_str(id->cgroup_name, sizeof(id->cgroup_name), BPF_CORE_READ(kn, name));
	if (i == 0 && !id->unit_seen) { /* the last element of the first hierarchy that has one */
		id->unit_seen = 1;
		identify_unit(id);
	}
	if (equals_word(id->cgroup_name, "system.s", 8) && equals_word(id->cgroup_name + 8, "lice\0\0\0", 5))
		id->under_system_slice = 1;
	if (!id->has_container) {
		id->digits = 0;
		bpf_loop(CGROUP_NAME_BYTES, container_step, &id, 0);
	}
	id->kn = parent;
	return 0;
}

/* Step 0: version 2; the others: version 1 hierarchies, where a container or --cgroup may be named in any. */
static long hierarchy_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	struct css_set *set = id->set;
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
	id->kn = BPF_CORE_READ(cgroup, kn);
	id->hierarchy = BPF_CORE_READ(cgroup, root, hierarchy_id);
	bpf_loop(CGROUP_DEPTH, cgroup_step, &id, 0);
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
	bpf_loop(CGROUP_HIERARCHIES, hierarchy_step, &id, 0);
	if (!id->under_system_slice)
		id->unit[0] = 0;
}

/* ---- Path of the executable, for --exe --------------------------------------------------------------------- */

static long path_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	struct dentry *dentry = id->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	struct vfsmount *mnt = id->mnt;
	struct mount *mount;
	__u32 at = id->path_at;
	long n;

	if (dentry == parent || dentry == BPF_CORE_READ(mnt, mnt_root)) {
		mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		if (BPF_CORE_READ(mount, mnt_parent) == mount)
			return 1;
		id->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		id->mnt = (void *)BPF_CORE_READ(mount, mnt_parent) + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	n = bpf_probe_read_kernel_str(id->component, PATH_BUFFER, BPF_CORE_READ(dentry, d_name.name));
	if (n <= 1 || n > at)
		return 1;
	n -= 1; /* the NUL */
	at -= n;
	clamp_mask(n, 255);
	clamp_mask(at, 255);
	bpf_probe_read_kernel(id->path + at, n, id->component);
	at = (at - 1) & (PATH_BUFFER - 1);
	id->path[at] = '/';
	id->path_at = at;
	id->dentry = parent;
	return 0;
}

static __always_inline void identify_path(struct identity *id, struct task_struct *task)
{
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	__builtin_memset(id->path, 0, sizeof(id->path));
	id->dentry = BPF_CORE_READ(mm, exe_file, f_path.dentry);
	id->mnt = BPF_CORE_READ(mm, exe_file, f_path.mnt);
	id->path_at = PATH_BUFFER - 1;
	bpf_loop(PATH_DEPTH, path_step, &id, 0);
}

/* ---- Selectors --------------------------------------------------------------------------------------------- */

static long exe_glob_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	__u32 which = id->which, at = id->path_at;

	if (which >= SELECTOR_MAX)
		return 1;
	clamp_mask(at, 255);
	return glob_step(&id->glob, (const char *)selectors.exe[which], SELECTOR_PATH_BYTES, id->path + at,
			 PATH_BUFFER);
}

static long comm_glob_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	__u32 which = id->which;

	if (which >= SELECTOR_MAX)
		return 1;
	return glob_step(&id->glob, (const char *)selectors.comm[which], SELECTOR_TEXT_BYTES, id->component, 16);
}

static long container_prefix_step(__u32 i, struct identity **context)
{
	struct identity *id = *context;
	__u32 which = id->which;
	char want;

	if (which >= SELECTOR_MAX || i >= CONTAINER_ID_BYTES)
		return 1;
	want = selectors.container[which][i];
	if (want && want != id->container[i])
		id->digits = 0;
	return !want || !id->digits;
}

static long selector_step(__u32 which, struct identity **context)
{
	struct identity *id = *context;
	if (which >= SELECTOR_MAX)
		return 1;
	id->which = which;
	if (which < selectors.exes && !id->glob.matched) {
		__builtin_memset(&id->glob, 0, sizeof(id->glob));
		bpf_loop(GLOB_STEPS, exe_glob_step, &id, 0);
	}
	return id->glob.matched ? 1 : 0;
}

static long comm_selector_step(__u32 which, struct identity **context)
{
	struct identity *id = *context;
	if (which >= SELECTOR_MAX || which >= selectors.comms)
		return 1;
	id->which = which;
	__builtin_memset(&id->glob, 0, sizeof(id->glob));
	bpf_loop(GLOB_STEPS, comm_glob_step, &id, 0);
	return id->glob.matched ? 1 : 0;
}

static long container_selector_step(__u32 which, struct identity **context)
{
	struct identity *id = *context;
	if (which >= SELECTOR_MAX || which >= selectors.containers)
		return 1;
	id->which = which;
	id->digits = 1;
	bpf_loop(CONTAINER_ID_BYTES, container_prefix_step, &id, 0);
	return id->digits ? 1 : 0;
}

static long service_selector_step(__u32 which, struct identity **context)
{
	struct identity *id = *context;
	const char *want;
	__u64 differs = 0;

	if (which >= SELECTOR_MAX || which >= selectors.services)
		return 1;
	want = (const char *)selectors.service[which];
	for (__u32 i = 0; i < SERVICE_NAME_BYTES; i += 8)
		differs |= load64(want + i) ^ load64(id->key.text + i);
	id->digits = !differs;
	return id->digits ? 1 : 0;
}

/* Repeats of one selector are alternatives; different ones must all match. */
static __always_inline bool selectors_match(struct identity *id, struct task_struct *task, __u32 tgid)
{
	if (selectors.pids) {
		__u64 match = 0;

		for (__u32 i = 0; i < SELECTOR_MAX; i++)
			if (i < selectors.pids)
				match |= is_zero(selectors.pid[i] ^ tgid);
		if (!match)
			return false;
	}
	if (selectors.cgroups && !id->cgroup_matches)
		return false;
	if (selectors.comms) {
		__builtin_memset(id->component, 0, 16);
		bpf_probe_read_kernel_str(id->component, 16, BPF_CORE_READ(task, group_leader, comm));
		id->glob.matched = 0;
		bpf_loop(SELECTOR_MAX, comm_selector_step, &id, 0);
		if (!id->glob.matched)
			return false;
	}
	if (selectors.exes) {
		identify_path(id, task);
		__builtin_memset(&id->glob, 0, sizeof(id->glob));
		bpf_loop(SELECTOR_MAX, selector_step, &id, 0);
		if (!id->glob.matched)
			return false;
	}
	if (selectors.containers) {
		id->digits = 0;
		if (id->has_container)
			bpf_loop(SELECTOR_MAX, container_selector_step, &id, 0);
		if (!id->digits)
			return false;
	}
	if (selectors.services) {
		id->digits = 0;
		bpf_loop(SELECTOR_MAX, service_selector_step, &id, 0);
		if (!id->digits)
			return false;
	}
	return true;
}

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
	index = __sync_fetch_and_add(&service_count, 1);
	if (index >= MAX_SERVICES)
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
__noinline int process_identify(bool needs_service)
{
	struct task_struct *task = (void *)bpf_get_current_task_btf();
	__u32 key = 0, tgid = bpf_get_current_pid_tgid() >> 32;
	struct identity *id = bpf_map_lookup_elem(&identities, &key);
	struct process process = {};

	if (!id)
		return -1;
	process.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
	process.exec_id = BPF_CORE_READ(task, self_exec_id);
	identify_program(id, task);
	identify_cgroups(id, task);
	if (id->unit[0])
		__builtin_memcpy(&id->key, id->unit, sizeof(id->key));
	else
		__builtin_memcpy(&id->key, id->program.name, sizeof(id->key));
	process.selected = !selecting_process || selectors_match(id, task, tgid);
	process.service = process.selected && needs_service ? service_index(&id->key) : SERVICE_UNKNOWN;
	return bpf_map_update_elem(&processes, &tgid, &process, BPF_ANY);
}

static __always_inline struct process *process_current(struct task_struct *task, bool needs_service)
{
	__u32 tgid = task->tgid;
	struct process *process = bpf_map_lookup_elem(&processes, &tgid);

	if (process && process->exec_id == task->self_exec_id &&
	    process->start_ns == task->group_leader->start_boottime &&
	    !(needs_service && process->service == SERVICE_UNKNOWN))
		return process;
	if (process_identify(needs_service))
		return NULL;
	return bpf_map_lookup_elem(&processes, &tgid);
}

/* The service of the current process. */
static __always_inline __u32 service_current(struct task_struct *task)
{
	struct process *process = process_current(task, true);

	return process && process->service <= SERVICE_OTHER ? process->service : SERVICE_OTHER;
}

#endif
