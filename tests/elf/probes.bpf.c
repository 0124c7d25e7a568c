/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Probes that sum up what they see, by the number of the function: the cookie. */
#include <linux/bpf.h>
#include <linux/ptrace.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "probes.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct probed);
	__uint(max_entries, 1); /* as many as functions */
} probed SEC(".maps");

static struct seen *seen_at(void *regs, int place)
{
	__u32 number = bpf_get_attach_cookie(regs);
	struct probed *function = bpf_map_lookup_elem(&probed, &number);

	return function ? &function->at[place] : NULL;
}

static int entered(struct pt_regs *regs, int place)
{
	const __u64 arguments[ARGUMENTS] = {regs->rdi, regs->rsi, regs->rdx, regs->rcx, regs->r8, regs->r9};
	struct seen *seen = seen_at(regs, place);

	if (!seen)
		return 0;
	seen->hits++;
	for (int i = 0; i < ARGUMENTS; i++)
		seen->arguments[i] += arguments[i];
	seen->stack += PT_REGS_SP(regs);
	return 0;
}

static int returned(struct pt_regs *regs, int place)
{
	struct seen *seen = seen_at(regs, place);

	if (seen) {
		seen->returns++;
		seen->results += PT_REGS_RC(regs);
	}
	return 0;
}

SEC("uprobe")
int at_entry(struct pt_regs *regs)
{
	return entered(regs, OF_ENTRY);
}

SEC("uprobe")
int at_landing(struct pt_regs *regs)
{
	return entered(regs, OF_LANDING);
}

SEC("uretprobe")
int of_entry(struct pt_regs *regs)
{
	return returned(regs, OF_ENTRY);
}

SEC("uretprobe")
int of_landing(struct pt_regs *regs)
{
	return returned(regs, OF_LANDING);
}

char LICENSE[] SEC("license") = "GPL";
