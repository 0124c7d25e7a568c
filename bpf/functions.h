/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uprobe ──> function_frames ──> [functions] ──> function_cells: calls of probed functions, counted at their entry,
 * timed and judged at their return. The one writer of those maps.
 *
 * Programs on user functions may be preempted: cells are added to atomically. What belongs to a thread needs no more,
 * since a thread runs one of these programs at a time.
 */
#ifndef TAPSTAT_FUNCTIONS_H
#define TAPSTAT_FUNCTIONS_H

#include "function_frames.h"
#include "process.h"
#include "record.h"
#include "syscall.h"

/* ---- Operands ---------------------------------------------------------------------------------------------------
 */

static __always_inline __u64 register_read(struct pt_regs *regs, __u16 offset)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)regs + offset);
	return value;
}

static __always_inline __u64 memory_read(struct pt_regs *regs, const struct operand *operand)
{
	__u64 at = operand->number, value = 0;

	if (operand->base != NO_REGISTER)
		at += register_read(regs, operand->base);
	if (operand->index != NO_REGISTER)
		at += register_read(regs, operand->index) << (operand->scale & 3);
	bpf_probe_read_user(&value, sizeof(value), (void *)at);
	return value;
}

/* The number that an operand stands for. Memory that can't be read is 0. */
static __always_inline __s64 operand_read(struct pt_regs *regs, const struct operand *operand)
{
	__u32 spare = 64 - 8 * operand->bytes;
	__u64 value = operand->number;

	if (operand->kind == OPERAND_REGISTER)
		value = register_read(regs, operand->base);
	else if (operand->kind == OPERAND_MEMORY)
		value = memory_read(regs, operand);
	value <<= spare & 63;
	return operand->is_signed ? (__s64)value >> (spare & 63) : (__s64)(value >> (spare & 63));
}

static __always_inline bool compare(__u32 comparison, __s64 value, __s64 limit)
{
	switch (comparison) {
	case COMPARE_EQ:
		return value == limit;
	case COMPARE_NE:
		return value != limit;
	case COMPARE_LT:
		return value < limit;
	case COMPARE_LE:
		return value <= limit;
	case COMPARE_GT:
		return value > limit;
	default:
		return value >= limit;
	}
}

/* ---- Cells ------------------------------------------------------------------------------------------------------
 */

static __always_inline void function_add(struct function_cells *to, __u32 cell, __u64 n)
{
	opaque(cell);
	if (cell < FUNCTION_CELL_COUNT)
		__sync_fetch_and_add(&to->cell[cell], n);
}

/* One sample of a histogram, FUNCTION_DURATION or FUNCTION_SIZES, by the bounds of the configuration. Global, like
 * all that loops, so that the verifier looks at it once. */
__noinline int function_sample(__u32 row, __u32 number, __u32 first, __u64 value)
{
	struct function_probe *probe = bpf_map_lookup_elem(&function_probes, &number);
	struct function_cells *to = bpf_map_lookup_elem(&function_cells, &row);
	__u64 bucket = 0;

	if (!probe || !to)
		return 0;
	for (__u32 i = 0; i < PROBE_BOUNDS; i++)
		bucket += exceeds(value, first == FUNCTION_SIZES ? probe->size_bound[i] : probe->duration_bound[i]);
	function_add(to, first + bucket, 1);
	function_add(to, first + PROBE_BOUNDS + 1, value);
	return 0;
}

static __always_inline struct function_unmatched *unmatched_of(__u32 probe)
{
	return bpf_map_lookup_elem(&unmatched_by_probe, &probe);
}

/* A call that began and whose return can't be told any more. */
static __always_inline void frame_give_up(struct frame *frame)
{
	struct function_unmatched *unmatched = unmatched_of(frame->probe);
	struct function_cells *to = bpf_map_lookup_elem(&function_cells, &frame->row);

	if (unmatched)
		__sync_fetch_and_add(&unmatched->entries, 1);
	if (to)
		function_add(to, FUNCTION_IN_FLIGHT, -1);
	frame->begun_ns = 0;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------
 */

/* The number of a new row, or that of the probe's `other` where none is left. */
static __always_inline __u32 function_row_new(__u32 probe, __u32 service, __u32 value)
{
	struct function_row_info *info;
	__u32 row = 1 + probe;

	if (shared.function_rows >= MAX_FUNCTION_ROWS - MAX_PROBES - 1 || !take_number(&shared.function_rows, row) ||
	    row >= MAX_FUNCTION_ROWS - MAX_PROBES - 1) {
		row = 1 + probe;
		service = SERVICE_OTHER;
		value = PROBE_VALUE_OTHER;
	} else {
		row += MAX_PROBES + 1;
	}
	info = bpf_map_lookup_elem(&function_row_infos, &row);
	if (info) {
		info->probe = probe;
		info->service = service;
		info->value = value;
		*(volatile __u32 *)&info->used = 1;
	}
	return row;
}

/* Where the calls of a probe by a service count. */
static __always_inline __u32 function_row(__u32 probe, __u32 service, __u32 value)
{
	__u32 key = probe * (MAX_SERVICES + 1) + service, row;
	struct function_rows *known = bpf_map_lookup_elem(&function_rows, &key);

	if (!known || value >= PROBE_VALUE_CELLS)
		return 1 + probe;
	row = known->row[value];
	if (likely(row))
		return row;
	row = function_row_new(probe, service, value);
	if (!compare_and_swap(&known->row[value], 0, row)) /* another CPU was first; this row stays at 0 */
		row = known->row[value];
	return row;
}

/* Which of the numbers of the argument's label it is. */
__noinline int function_value(__u32 number, __s64 value)
{
	struct function_probe *probe = bpf_map_lookup_elem(&function_probes, &number);
	__u64 found = 0;

	if (!probe)
		return PROBE_VALUE_OTHER;
	for (__u32 i = 0; i < PROBE_VALUES; i++)
		found |= is_same(probe->value[i], value) << i;
	found &= (1ULL << (probe->n_values & 31)) - 1;
	return found ? lowest_bit(found) : (__u32)PROBE_VALUE_OTHER;
}

/* ---- Frames -----------------------------------------------------------------------------------------------------
 */

/* Who calls, and how deep in its stack. Goroutines move between threads and their stacks between addresses; the
 * distance from the end of the stack stays. */
static __always_inline __u64 frames_key_of(const struct function_place *place, __u64 stack_pointer, __u64 goroutine,
					   struct frames_key *key)
{
	__u64 ids = bpf_get_current_pid_tgid(), depth = stack_pointer + place->depth;

	key->tgid = ids >> 32;
	key->pid = place->is_go ? 0 : ids;
	key->goroutine = 0;
	if (!place->is_go)
		return depth;
	key->goroutine = goroutine;
	return goroutine_depth(goroutine, depth);
}

static __always_inline void goroutines_add(__u32 tgid, __s64 n)
{
	__u32 key = tgid % GO_PROCESSES;
	__u64 *count = bpf_map_lookup_elem(&goroutines, &key);

	if (count)
		__sync_fetch_and_add(count, n);
}

static __always_inline struct frames *frames_obtain(const struct frames_key *key)
{
	struct frames *known = bpf_map_lookup_elem(&frames_by_caller, key), *empty;
	__u32 zero = 0;

	if (likely(known))
		return known;
	empty = bpf_map_lookup_elem(&no_frames, &zero);
	if (!empty || bpf_map_update_elem(&frames_by_caller, key, empty, BPF_NOEXIST))
		return NULL;
	if (!key->pid)
		goroutines_add(key->tgid, 1);
	return bpf_map_lookup_elem(&frames_by_caller, key);
}

/* A call begins that will return. */
__noinline int frame_begin(__u32 cookie, __u32 row, __u64 stack_pointer, __u64 goroutine)
{
	struct function_cells *to = bpf_map_lookup_elem(&function_cells, &row);
	struct function_place *place = bpf_map_lookup_elem(&function_places, &cookie);
	struct function_unmatched *unmatched;
	struct frames_key key;
	struct frames *calls;
	struct frame *frame;
	__u64 depth;
	__u32 at;

	if (!place || !to)
		return 0;
	depth = frames_key_of(place, stack_pointer, goroutine, &key);
	calls = frames_obtain(&key);
	if (unlikely(!calls)) {
		unmatched = unmatched_of(place->probe);
		if (unmatched)
			__sync_fetch_and_add(&unmatched->entries, 1);
		return 0;
	}
	at = frames_place(calls, depth, place->probe);
	if (at >= FRAMES)
		return 0;
	frame = &calls->frame[at];
	if (unlikely(frame->begun_ns))
		frame_give_up(frame);
	function_add(to, FUNCTION_IN_FLIGHT, 1);
	frame->depth = depth;
	frame->row = row;
	frame->probe = place->probe;
	frame->begun_ns = bpf_ktime_get_ns(); /* what this program took is no part of the duration */
	return 0;
}

/* A call has returned: its duration counts. Its row; 0: it is not known. */
__noinline int frame_end(__u32 cookie, __u64 stack_pointer, __u64 goroutine)
{
	struct function_place *place = bpf_map_lookup_elem(&function_places, &cookie);
	__u64 now = bpf_ktime_get_ns(), depth;
	struct function_probe *probe;
	struct frames_key key;
	struct frames *calls;
	struct frame call;
	__u32 at;

	if (!place)
		return 0;
	depth = frames_key_of(place, stack_pointer, goroutine, &key);
	calls = bpf_map_lookup_elem(&frames_by_caller, &key);
	if (!calls)
		return 0;
	at = frames_find(calls, depth, place->probe);
	opaque(at);
	if (at >= FRAMES)
		return 0;
	call = calls->frame[at];
	calls->frame[at].begun_ns = 0;
	if (!key.pid && frames_are_empty(calls) && !bpf_map_delete_elem(&frames_by_caller, &key))
		goroutines_add(key.tgid, -1);
	probe = bpf_map_lookup_elem(&function_probes, &call.probe);
	if (probe && probe->measures & 1 << MEASURE_DURATION)
		function_sample(call.row, call.probe, FUNCTION_DURATION, now - call.begun_ns);
	return call.row;
}

/* ---- Calls ------------------------------------------------------------------------------------------------------
 */

/* The service of the current process; negative: the probe does not want it, or it could not be told. */
static __always_inline __s32 service_of_caller(struct task_struct *task, __u32 number)
{
	struct function_probe *probe = bpf_map_lookup_elem(&function_probes, &number);
	struct process *process;

	if ((__u32)task_read(task, tgid) == shared.self_tgid)
		return -1;
	process = process_obtain(task, true);
	if (unlikely(!process)) {
		record_dropped(DROPPED_UNIDENTIFIED);
		return -1;
	}
	if (!process->selected || !probe || (probe->service[0] && !(process->probes >> (number & 63) & 1)))
		return -1;
	return process->service <= SERVICE_OTHER ? process->service : SERVICE_OTHER;
}

static __always_inline void count_bytes(__u32 row, __u32 probe, __u32 measures, __s64 bytes)
{
	struct function_cells *to;

	if (bytes < 0) /* an error, where a length was expected */
		return;
	to = bpf_map_lookup_elem(&function_cells, &row);
	if (measures & 1 << MEASURE_SIZES)
		function_sample(row, probe, FUNCTION_SIZES, bytes);
	else if (to)
		function_add(to, FUNCTION_BYTES, bytes);
}

/* A probed function begins, or a USDT probe is passed. */
static __always_inline int on_probe_entry(struct pt_regs *regs)
{
	__u32 cookie = attach_cookie(regs), value = PROBE_VALUE_OTHER, row;
	struct function_place *place = bpf_map_lookup_elem(&function_places, &cookie);
	struct function_probe *probe;
	struct function_cells *to;
	__s32 service;

	if (!place)
		return 0;
	probe = bpf_map_lookup_elem(&function_probes, &place->probe);
	service = service_of_caller(current_task_struct(), place->probe);
	if (!probe || service < 0)
		return 0;
	if (place->value.kind)
		value = function_value(place->probe, operand_read(regs, &place->value));
	row = function_row(place->probe, service, value);
	if (unlikely(row <= MAX_PROBES))
		record_dropped(DROPPED_MAX_FUNCTION_ROWS);
	to = bpf_map_lookup_elem(&function_cells, &row);
	if (!to)
		return 0;
	function_add(to, FUNCTION_CALLS, 1);
	if (place->bytes.kind)
		count_bytes(row, place->probe, probe->measures, operand_read(regs, &place->bytes));
	if (probe->has_return)
		frame_begin(cookie, row, STACK_POINTER(regs), GOROUTINE(regs));
	return 0;
}

/* A return without an entry: a fork inside the function has two, recursion too deep forgot it. */
static __always_inline int on_unmatched_return(__u32 probe)
{
	struct function_unmatched *unmatched = unmatched_of(probe);

	if (unmatched && service_of_caller(current_task_struct(), probe) >= 0)
		__sync_fetch_and_add(&unmatched->returns, 1);
	return 0;
}

/* A probed function returns. */
static __always_inline int on_probe_return(struct pt_regs *regs)
{
	__u32 cookie = attach_cookie(regs), row;
	struct function_place *place = bpf_map_lookup_elem(&function_places, &cookie);
	struct function_probe *probe;
	struct function_cells *to;

	if (!place)
		return 0;
	row = frame_end(cookie, STACK_POINTER(regs), GOROUTINE(regs));
	if (unlikely(!row))
		return on_unmatched_return(place->probe);
	probe = bpf_map_lookup_elem(&function_probes, &place->probe);
	to = bpf_map_lookup_elem(&function_cells, &row);
	if (!probe || !to)
		return 0;
	function_add(to, FUNCTION_IN_FLIGHT, -1);
	if (place->value.kind && compare(probe->comparison, operand_read(regs, &place->value), probe->limit))
		function_add(to, FUNCTION_ERRORS, 1);
	if (place->bytes.kind)
		count_bytes(row, place->probe, probe->measures, operand_read(regs, &place->bytes));
	return 0;
}

/* ---- Ends -------------------------------------------------------------------------------------------------------
 */

static __always_inline void frames_give_up(struct frames *calls)
{
	for (__u32 i = 0; i < FRAMES; i++)
		if (calls->frame[i].begun_ns)
			frame_give_up(&calls->frame[i]);
}

struct process_end {
	__u32 tgid;
};

static long goroutine_give_up(struct bpf_map *map, struct frames_key *key, struct frames *calls,
			      struct process_end *end)
{
	if (key->tgid == end->tgid && !key->pid) {
		struct frames_key own = *key;

		frames_give_up(calls);
		if (!bpf_map_delete_elem(map, &own))
			goroutines_add(end->tgid, -1);
	}
	return 0;
}

/* No thread of the image runs any more. */
static __always_inline void goroutines_end(__u32 tgid)
{
	struct process_end end = {.tgid = tgid};
	__u32 key = tgid % GO_PROCESSES;
	__u64 *count = bpf_map_lookup_elem(&goroutines, &key);

	if (unlikely(count && *count))
		bpf_for_each_map_elem(&frames_by_caller, goroutine_give_up, &end, 0);
}

static __always_inline void thread_end(__u32 tgid, __u32 pid)
{
	struct frames_key key = {.tgid = tgid, .pid = pid};
	struct frames *calls = bpf_map_lookup_elem(&frames_by_caller, &key);

	if (likely(!calls))
		return;
	frames_give_up(calls);
	bpf_map_delete_elem(&frames_by_caller, &key);
}

static __always_inline int on_thread_exit(struct task_struct *task)
{
	thread_end(task->tgid, task->pid);
	if (!task->signal->live.counter)
		goroutines_end(task->tgid);
	return 0;
}

/* The thread that executes another program becomes the leader of its process; the others have ended. */
static __always_inline int on_exec(struct task_struct *task, __u32 old_pid)
{
	thread_end(task->tgid, old_pid);
	goroutines_end(task->tgid);
	return 0;
}

#endif
