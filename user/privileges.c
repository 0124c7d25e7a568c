/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* serve ──> [privileges]: see privileges.h. capabilities(7), bpf(2). */
#include "privileges.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static const char btf_path[] = "/sys/kernel/btf/vmlinux";

static bool has(cap_t caps, cap_value_t cap, cap_flag_t flag)
{
	cap_flag_value_t value = CAP_CLEAR;

	return !cap_get_flag(caps, cap, flag, &value) && value == CAP_SET;
}

int privileges_check(char *why, size_t size)
{
	cap_t caps = cap_get_proc();
	struct stat btf;
	bool may_load;

	if (!caps)
		return -ENOMEM;
	may_load = has(caps, CAP_SYS_ADMIN, CAP_EFFECTIVE) ||
		   (has(caps, CAP_BPF, CAP_EFFECTIVE) && has(caps, CAP_PERFMON, CAP_EFFECTIVE));
	cap_free(caps);
	if (!may_load) {
		snprintf(why, size,
			 "not permitted to load BPF programs: run tapstat as root, or with CAP_BPF and "
			 "CAP_PERFMON (setcap cap_bpf,cap_perfmon+ep, or AmbientCapabilities= in its unit)");
		return -EPERM;
	}
	if (stat(btf_path, &btf) || !btf.st_size) {
		snprintf(why, size,
			 "this kernel does not describe its types: %s is missing; run a kernel built with "
			 "CONFIG_DEBUG_INFO_BTF=y (Debian 11, Ubuntu 20.10, RHEL 8.2 and later have it)",
			 btf_path);
		return -ENOENT;
	}
	return 0;
}

/*
 * Reading a map, opening an iterator and asking for a program's statistics by descriptor need no capability since
 * Linux 5.19. Before it, kernel.unprivileged_bpf_disabled refuses every bpf() call without CAP_BPF.
 */
int privileges_drop(const char **kept)
{
	static const char name_bpf[] = "cap_bpf", name_admin[] = "cap_sys_admin";
	cap_t now = cap_get_proc(), left = cap_init();
	cap_value_t keep = CAP_BPF;
	int err = 0;

	if (!now || !left) {
		err = -ENOMEM;
		goto out;
	}
	if (!has(now, CAP_BPF, CAP_PERMITTED))
		keep = CAP_SYS_ADMIN; /* it stands for CAP_BPF, and privileges_check() found one of the two */
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || cap_reset_ambient()) {
		err = -errno;
		goto out;
	}
	/* The bounding set limits what exec gives. Without CAP_SETPCAP it stays, and no_new_privs alone does it. */
	if (has(now, CAP_SETPCAP, CAP_EFFECTIVE)) {
		for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++) {
			if (cap != keep && cap_drop_bound(cap)) {
				err = -errno;
				goto out;
			}
		}
	}
	if (cap_set_flag(left, CAP_PERMITTED, 1, &keep, CAP_SET) ||
	    cap_set_flag(left, CAP_EFFECTIVE, 1, &keep, CAP_SET) || cap_set_proc(left)) {
		err = -errno;
		goto out;
	}
	*kept = keep == CAP_BPF ? name_bpf : name_admin;
out:
	if (now)
		cap_free(now);
	if (left)
		cap_free(left);
	return err;
}
