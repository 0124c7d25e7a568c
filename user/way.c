/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* probe, kernel_types ──> [way] ──> attach: see way.h. */
#include "way.h"

#include <errno.h>
#include <stdio.h>

#include "probe.h"

static int refuse(const struct probe_result *result, const char *on, char *why, size_t size)
{
	probe_reason(result, on, why, size);
	return result->stage == PROBE_SILENT ? -ENODATA : result->err;
}

/* The others are as this one, which tapstat can call without a network. */
static int examine_functions(enum way way, const struct kernel_types *types, char *why, size_t size)
{
	const char *on = "unix_stream_recvmsg";
	struct probe_result result = {PROBE_NOT_ATTACHED, -ENOENT};

	if (way == WAY_KPROBE)
		result = probe_kprobe(on, PROBE_CALLS);
	else if (types->id[KERNEL_FUNCTION_UNIX_RECVMSG])
		result = probe_trampoline(types->id[KERNEL_FUNCTION_UNIX_RECVMSG], PROBE_CALLS);
	return result.stage == PROBE_WORKS ? 0 : refuse(&result, on, why, size);
}

static int examine_tracepoints(const __u32 *types, size_t n, bool tried, char *why, size_t size)
{
	for (size_t i = 0; i < n; i++) {
		struct probe_result result;

		if (!types[i]) {
			snprintf(why, size, "this kernel does not have it");
			return -ENOTSUP;
		}
		if (!tried)
			continue;
		result = probe_tracepoint(types[i], PROBE_CALLS);
		if (result.stage != PROBE_WORKS)
			return refuse(&result, "its tracepoint", why, size);
	}
	return 0;
}

int way_examine(struct way_context *context, enum way way, bool tried, char *why, size_t size)
{
	const struct kernel_types *types = &context->types;

	switch (way) {
	case WAY_SOCK_LENGTH:
		return examine_tracepoints(types->id + KERNEL_TRACE_SOCK_SEND_LENGTH, 2, tried, why, size);
	case WAY_SYS_EXIT:
		return examine_tracepoints(types->id + KERNEL_TRACE_SYS_EXIT, 1, tried, why, size);
	default:
		return examine_functions(way, types, why, size);
	}
}

int way_trampolines(struct way_context *context)
{
	__u32 function = context->types.id[KERNEL_FUNCTION_UNIX_RECVMSG];

	if (!context->trampolines.known)
		context->trampolines.err = function ? probe_trampoline_load(function) : -ENOENT;
	context->trampolines.known = true;
	return context->trampolines.err;
}
