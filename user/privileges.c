/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* serve, doctor ──> [privileges]: see privileges.h. capabilities(7), bpf(2). */
#include "privileges.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "kernel_types.h"
#include "probe.h"

#define TO_GRANT(docker)                                                                                     \
	"run tapstat as root, or grant it (setcap; systemd: AmbientCapabilities=; Docker: --cap-add=" docker \
	"; Kubernetes: capabilities.add)"

/* Inode numbers of the initial namespaces: include/linux/proc_ns.h, ABI in practice since Linux 3.8. */
enum { USER_NAMESPACE = 0xEFFFFFFD, PID_NAMESPACE = 0xEFFFFFFC };

static bool has(cap_t caps, cap_value_t cap, cap_flag_t flag)
{
	cap_flag_value_t value = CAP_CLEAR;

	return !cap_get_flag(caps, cap, flag, &value) && value == CAP_SET;
}

/* Whether a namespace is certainly another one than the initial one. */
static bool is_inner(const char *path, unsigned int initial)
{
	struct stat st;

	return !stat(path, &st) && st.st_ino != initial;
}

/* The beginning of a file, or an empty text. */
static void read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(text, 1, size - 1, file) : 0;

	text[n] = '\0';
	if (file)
		fclose(file);
}

bool privileges_release_has_memlock(const char *release)
{
	int version, patch;

	return sscanf(release, "%d.%d", &version, &patch) == 2 && (version < 5 || (version == 5 && patch < 11));
}

/* libbpf raises the limit as far as it may. */
static bool is_memlock_limited(bool may_raise)
{
	struct rlimit limit;
	struct utsname kernel;

	return !may_raise && !uname(&kernel) && privileges_release_has_memlock(kernel.release) &&
	       !getrlimit(RLIMIT_MEMLOCK, &limit) && limit.rlim_max != RLIM_INFINITY;
}

/* Debian's kernels know a level 3, Ubuntu's a 4: above 2 nothing is left to who has not CAP_SYS_ADMIN. */
static bool is_perf_restricted(void)
{
	char text[16];
	int level;

	read_text("/proc/sys/kernel/perf_event_paranoid", text, sizeof(text));
	return sscanf(text, "%d", &level) == 1 && level > 2;
}

void privileges_read(struct privileges *privileges)
{
	cap_t caps = cap_get_proc();
	struct stat btf;
	char text[4096];
	bool resource = false;

	*privileges = (struct privileges){0};
	if (caps) {
		privileges->admin = has(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE);
		privileges->bpf = has(caps, CAP_BPF, CAP_EFFECTIVE);
		privileges->perfmon = has(caps, CAP_PERFMON, CAP_EFFECTIVE);
		resource = has(caps, CAP_SYS_RESOURCE, CAP_EFFECTIVE);
		cap_free(caps);
	}
	privileges->user_namespace = is_inner("/proc/self/ns/user", USER_NAMESPACE);
	privileges->pid_namespace = is_inner("/proc/self/ns/pid", PID_NAMESPACE);
	privileges->types = !stat(kernel_types_path, &btf) && btf.st_size;
	read_text("/proc/sys/kernel/unprivileged_bpf_disabled", text, sizeof(text));
	privileges->unprivileged_bpf = text[0] == '0';
	read_text("/proc/self/status", text, sizeof(text));
	privileges->seccomp = strstr(text, "\nSeccomp:\t2");
	privileges->memlock = is_memlock_limited(resource);
	privileges->perf_restricted = !privileges->admin && is_perf_restricted();
	privileges->bpf_call = probe_call();
	privileges->kernel_closed = probe_kernel_reads() == -EINVAL;
}

/* Why bpf() is refused to a process with the capabilities. */
static const char *refusal(const struct privileges *privileges)
{
	if (privileges->bpf_call == -ENOSYS)
		return "this kernel has no bpf() system call: run one with CONFIG_BPF_SYSCALL=y";
	if (privileges->memlock)
		return "RLIMIT_MEMLOCK leaves no room for BPF maps, which Linux charges to it before 5.11: raise it "
		       "(systemd: LimitMEMLOCK=infinity; Docker: --ulimit=memlock=-1), or grant CAP_SYS_RESOURCE";
	if (privileges->seccomp)
		return "the capabilities are there, but the seccomp filter of this process does not let it do that: "
		       "allow bpf and perf_event_open (systemd: SystemCallFilter=; Docker: --security-opt=seccomp=; "
		       "Kubernetes: seccompProfile)";
	return "the capabilities are there, and there is no seccomp filter: a security module or the kernel's "
	       "configuration forbids it";
}

size_t privileges_missing(const struct privileges *privileges, const char *lines[PRIVILEGES_LINES])
{
	size_t n = 0;

	if (privileges->user_namespace) {
		/* Those that it shows say nothing. */
		lines[n++] = "this is a user namespace, whose capabilities do not count for BPF: run tapstat in the "
			     "initial one (Docker: --userns=host; Kubernetes: hostUsers: true; Podman: as root)";
	} else if (!privileges->admin) {
		if (!privileges->bpf)
			lines[n++] = privileges->unprivileged_bpf
					     ? "CAP_BPF is missing, without which no tracing program can be "
					       "loaded: " TO_GRANT("BPF")
					     : "CAP_BPF is missing, and kernel.unprivileged_bpf_disabled refuses "
					       "every bpf() call without it: " TO_GRANT("BPF");
		if (!privileges->perfmon)
			lines[n++] = "CAP_PERFMON is missing, without which programs may not read the kernel's "
				     "memory: " TO_GRANT("PERFMON");
	}
	if (!n && privileges->bpf_call)
		lines[n++] = refusal(privileges);
	if (!n && privileges->kernel_closed)
		lines[n++] = "kernel lockdown is at confidentiality, where no program may read the kernel's memory: "
			     "boot with lockdown=integrity or without";
	if (!privileges->types)
		lines[n++] =
			"this kernel does not describe its types: /sys/kernel/btf/vmlinux is missing; mount /sys, or "
			"run a kernel with CONFIG_DEBUG_INFO_BTF=y (Debian 11, Ubuntu 20.10, RHEL 8.2 and later)";
	return n;
}

size_t privileges_remarks(const struct privileges *privileges, const char *lines[PRIVILEGES_LINES])
{
	size_t n = 0;

	if (privileges->pid_namespace)
		lines[n++] =
			"this is not the host's pid namespace: every process of the host is watched and named all "
			"the same, but --pid takes the host's pids, not those seen here";
	return n;
}

const char *privileges_advice(const struct privileges *privileges, int err, bool verifier)
{
	const char *lines[PRIVILEGES_LINES];
	bool refused = err == -EPERM || err == -EACCES;

	if ((refused || verifier) && privileges_missing(privileges, lines))
		return lines[0];
	if (verifier)
		return "this kernel's verifier does not take the program: please report it with the kernel's release";
	if (err == -EACCES && privileges->perf_restricted)
		return "kernel.perf_event_paranoid is above 2, where these kernels leave perf_event_open() to "
		       "CAP_SYS_ADMIN: grant that, or set it to 2";
	if (refused)
		return refusal(privileges);
	if (err == -ENOMEM)
		return "lower --max-connections or free memory";
	return "run `tapstat doctor` to see what this kernel allows";
}

/* Leaves those capabilities that are there of `n`, for good. */
static int leave(const cap_value_t *wanted, size_t n)
{
	cap_t now = cap_get_proc(), left = cap_init();
	int err = 0;

	if (!now || !left) {
		err = -ENOMEM;
		goto out;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || cap_reset_ambient()) {
		err = -errno;
		goto out;
	}
	/* The bounding set limits what exec gives. Without CAP_SETPCAP it stays, and no_new_privs alone does it. */
	for (cap_value_t cap = 0; has(now, CAP_SETPCAP, CAP_EFFECTIVE) && CAP_IS_SUPPORTED(cap); cap++) {
		bool keep = false;

		for (size_t i = 0; i < n; i++)
			keep |= cap == wanted[i];
		if (!keep && cap_drop_bound(cap)) {
			err = -errno;
			goto out;
		}
	}
	for (size_t i = 0; i < n && !err; i++)
		if (has(now, wanted[i], CAP_PERMITTED) &&
		    (cap_set_flag(left, CAP_PERMITTED, 1, &wanted[i], CAP_SET) ||
		     cap_set_flag(left, CAP_EFFECTIVE, 1, &wanted[i], CAP_SET)))
			err = -errno;
	if (!err && cap_set_proc(left))
		err = -errno;
out:
	if (now)
		cap_free(now);
	if (left)
		cap_free(left);
	return err;
}

static bool is_permitted(cap_value_t cap)
{
	cap_t now = cap_get_proc();
	bool permitted = now && has(now, cap, CAP_PERMITTED);

	if (now)
		cap_free(now);
	return permitted;
}

/*
 * Reading a map, opening an iterator and asking for a program's statistics by descriptor need no capability since
 * Linux 5.19. Before it, kernel.unprivileged_bpf_disabled refuses every bpf() call without CAP_BPF.
 */
int privileges_drop(const char **kept)
{
	static const char name_bpf[] = "cap_bpf", name_admin[] = "cap_sys_admin";
	const bool bpf = is_permitted(CAP_BPF);
	/* The one stands for the other, and privileges_missing() found one of the two. */
	const cap_value_t keep = bpf ? CAP_BPF : CAP_SYS_ADMIN;
	int err = leave(&keep, 1);

	if (!err)
		*kept = bpf ? name_bpf : name_admin;
	return err;
}

/*
 * What a program maps is read with CAP_SYS_PTRACE and opened with CAP_CHECKPOINT_RESTORE (or CAP_SYS_ADMIN), its
 * files in folders of others with CAP_DAC_READ_SEARCH; records of mappings need CAP_PERFMON, uprobes CAP_BPF or, by
 * perf event, CAP_SYS_ADMIN.
 */
int privileges_drop_to_attach(bool by_event)
{
	static const cap_value_t keep[] = {
		CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN};
	const size_t all = sizeof(keep) / sizeof(keep[0]);
	const bool enough = is_permitted(CAP_BPF) && is_permitted(CAP_PERFMON) &&
			    is_permitted(CAP_CHECKPOINT_RESTORE) && !is_perf_restricted() && !by_event;

	return leave(keep, enough ? all - 1 : all);
}

bool privileges_may_trace(void)
{
	return is_permitted(CAP_SYS_PTRACE);
}
