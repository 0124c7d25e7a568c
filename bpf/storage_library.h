/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * [probe of a storage library] ──> record: calls of SQLite, RocksDB, LevelDB and LMDB.
 *
 * The entry of a function notes when, the return counts. Counted are a thread's outermost calls of a library: what
 * the library calls of its own functions inside of them (DB::Put() ends in a Write(), sqlite3_prepare_v2() may read
 * the schema by statements) is its own affair. What the programs are attached with says what the function does, see
 * struct storage_function.
 */
#ifndef TAPSTAT_STORAGE_LIBRARY_H
#define TAPSTAT_STORAGE_LIBRARY_H

#include "process.h"
#include "rows.h"
#include "syscall.h"

enum { PAGE_MASK = 4095 };

/* sqlite3.h, lmdb.h; rocksdb/status.h, leveldb/status.h: the same code in both */
enum { SQLITE_ROW = 100, SQLITE_DONE = 101, MDB_NOTFOUND = -30798, STATUS_NOT_FOUND = 1 };

union storage_cookie {
	__u64 cookie;
	struct storage_function function;
};

/* ---- Callers --------------------------------------------------------------------------------------------------- */

/* Ports are no property of a library's calls: whoever asks for one asks for none of these. */
static __always_inline bool storage_wanted(struct task_struct *task)
{
	struct process *process;

	if (settings.selectors.ports)
		return false;
	if (!settings.selecting_process)
		return true;
	process = process_obtain(task, false);
	return process && process->selected;
}

static __always_inline __u64 thread_generation(struct task_struct *task)
{
	return task_read(task, start_boottime) + task_read(task, self_exec_id);
}

/*
 * Whether a call that was entered with this stack pointer is still under way. Calls may end without a return
 * (longjmp, the end of a coroutine); until then the kernel's address stands in place of its return address, at the
 * beginning of a page (arch/x86/kernel/uprobes.c: arch_uretprobe_hijack_return_addr()). A tail call has the same
 * stack pointer, and returns to there, too.
 */
static __always_inline bool storage_call_goes_on(struct pt_regs *regs, __u64 stack)
{
	__u64 returns_to = 0;

	if (STACK_POINTER(regs) > stack)
		return false;
#if defined(__TARGET_ARCH_x86)
	bpf_probe_read_user(&returns_to, sizeof(returns_to), (void *)stack);
	return returns_to && !(returns_to & PAGE_MASK);
#else
	returns_to = RETURN_ADDRESS(regs);
	return STACK_POINTER(regs) < stack || !(returns_to & PAGE_MASK);
#endif
}

/* A call of a library begins: where its caller notes it. NULL: it does not count. */
static __always_inline struct storage_call *storage_enter(struct pt_regs *regs, __u64 cookie)
{
	struct task_struct *task = current_task_struct();
	union storage_cookie what = {.cookie = cookie};
	struct storage_caller key = {.pid = task_read(task, pid),
				     .backend = operation_backend(what.function.operation)};
	struct storage_call *call = bpf_map_lookup_elem(&storage_calls, &key);
	__u64 generation = thread_generation(task);

	if (unlikely(!call || call->generation != generation)) {
		struct storage_call fresh = {.generation = generation, .service = SERVICE_UNKNOWN};

		fresh.unwanted = (__u32)task_read(task, tgid) == shared.self_tgid || !storage_wanted(task);
		bpf_map_update_elem(&storage_calls, &key, &fresh, BPF_ANY);
		call = bpf_map_lookup_elem(&storage_calls, &key);
		if (!call)
			return NULL;
	}
	if (call->unwanted)
		return NULL;
	if (call->stack && storage_call_goes_on(regs, call->stack))
		return NULL;
	call->stack = STACK_POINTER(regs);
	call->function = cookie;
	call->begun_ns = bpf_ktime_get_ns();
	return call;
}

/* A function returns. Its call, if that counts. */
static __always_inline struct storage_call *storage_leave(struct pt_regs *regs, __u64 cookie)
{
	union storage_cookie what = {.cookie = cookie};
	struct storage_caller key = {.pid = bpf_get_current_pid_tgid(),
				     .backend = operation_backend(what.function.operation)};
	struct storage_call *call = bpf_map_lookup_elem(&storage_calls, &key);

	if (!call || call->stack != RETURN_STACK(regs) ||
	    call->generation != thread_generation(current_task_struct()))
		return NULL;
	call->stack = 0;
	return call;
}

/* ---- Counting -------------------------------------------------------------------------------------------------- */

/* The service of the current process, at the first call of a thread. */
static __always_inline __u32 storage_service(__u32 backend)
{
	struct process *process = process_obtain(current_task_struct(), true);
	__u32 index = process && process->service <= SERVICE_OTHER ? process->service : SERVICE_OTHER;
	struct service *service = bpf_map_lookup_elem(&services, &index);
	__u32 seen = 1U << ((PROTOCOL_REDIS + backend) & 31);

	if (service && !(service->seen[ROLE_CLIENT] & seen))
		__sync_fetch_and_or(&service->seen[ROLE_CLIENT], seen);
	return index;
}

/* An operation of the current thread is done. A global function, so that the verifier looks at it once. */
__noinline int storage_record(__u32 operation, __u32 failed, __u64 ns)
{
	struct storage_caller key = {.pid = bpf_get_current_pid_tgid(), .backend = operation_backend(operation)};
	struct storage_call *call = bpf_map_lookup_elem(&storage_calls, &key);
	__u32 service = call ? call->service : SERVICE_UNKNOWN, series;

	if (unlikely(service == SERVICE_UNKNOWN))
		service = storage_service(key.backend);
	if (call)
		call->service = service;
	if (unlikely(service == SERVICE_OTHER))
		self_add(SELF_FOLDED_STORAGE, 1);
	series = SERIES_INDEX(service, ROLE_CLIENT);
	record_row(operation_row(series, operation), failed ? OPERATION_STATUS_FAILED : OPERATION_STATUS_SUCCESS, ns,
		   1);
	return 0;
}

/* ---- RocksDB, LevelDB, LMDB ------------------------------------------------------------------------------------ */

/* Each argument is read before one is chosen: a register's place in the context has to be known to the verifier. */
#define EACH_ARGUMENT(A) A(2) A(3) A(4) A(5) A(6)
#define ARGUMENT_READ(n)                             \
	{                                            \
		__u64 value = FUNCTION_ARG##n(regs); \
                                                     \
		opaque(value);                       \
		if (first == n)                      \
			call->argument[0] = value;   \
		if (second == n)                     \
			call->argument[1] = value;   \
	}

static __always_inline int on_storage_entry(struct pt_regs *regs, __u64 cookie)
{
	struct storage_call *call = storage_enter(regs, cookie);
	union storage_cookie what = {.cookie = cookie};
	bool status =
		what.function.result == STORAGE_ROCKSDB_STATUS || what.function.result == STORAGE_LEVELDB_STATUS;
	__u32 behind = status ? RESULT_PLACE_ARGUMENTS : 0;
	__u32 first = what.function.sized[0] + behind, second = what.function.sized[1] + behind;

	if (!call)
		return 0;
	call->argument[0] = call->argument[1] = 0;
	call->argument[2] = RESULT_PLACE(regs);
	if (what.function.sized[0]) {
		EACH_ARGUMENT(ARGUMENT_READ)
	}
	return 0;
}

static __always_inline bool storage_failed(struct pt_regs *regs, __u32 result, __u64 place)
{
	__s32 number = FUNCTION_RESULT(regs);
	__u64 more = 0;
	__u8 code = 0;

	switch (result) {
	case STORAGE_LMDB:
		return number && number != MDB_NOTFOUND;
	case STORAGE_ROCKSDB_STATUS:
		bpf_probe_read_user(&code, sizeof(code), (void *)place);
		return code > STATUS_NOT_FOUND;
	case STORAGE_LEVELDB_STATUS:
		bpf_probe_read_user(&more, sizeof(more), (void *)place);
		if (more)
			bpf_probe_read_user(&code, sizeof(code), (void *)(more + 4));
		return code > STATUS_NOT_FOUND;
	default:
		return false;
	}
}

/* Whether a search succeeded, but found nothing: its arguments have no sizes then. */
static __always_inline bool storage_found(struct pt_regs *regs, __u32 result, __u64 place)
{
	__u64 word = 0;

	if (result == STORAGE_LMDB)
		return !(__s32)FUNCTION_RESULT(regs);
	bpf_probe_read_user(&word, result == STORAGE_ROCKSDB_STATUS ? 1 : 8, (void *)place);
	return !word;
}

/* The bytes that a call passed. */
static __always_inline void storage_bytes(struct storage_call *call, const struct storage_function *function,
					  __u32 backend)
{
	struct series *to = series_lookup(SERIES_INDEX(call->service, ROLE_CLIENT));
	__u64 bytes = 0;

	for (__u32 i = 0; i < 2; i++) {
		__u64 size = 0, at = call->argument[i];

		if (at && (function->bits & STORAGE_INDIRECT))
			bpf_probe_read_user(&at, sizeof(at), (void *)(at + 8));
		if (at && !bpf_probe_read_user(&size, sizeof(size), (void *)(at + function->size_at)))
			bytes += size;
	}
	if (to && bytes)
		cell_add(to, CELL_STORAGE_BYTES + backend * DIRECTION_COUNT + (function->direction & 1), bytes);
}

/* ---- SQLite ---------------------------------------------------------------------------------------------------- */

static __always_inline int on_sqlite_step(struct pt_regs *regs, __u64 cookie)
{
	struct storage_call *call = storage_enter(regs, cookie);

	if (call)
		call->argument[0] = FUNCTION_ARG1(regs);
	return 0;
}

static __always_inline int on_sqlite_prepare(struct pt_regs *regs, __u64 cookie)
{
	struct storage_call *call = storage_enter(regs, cookie);
	union storage_cookie what = {.cookie = cookie};

	__u64 fourth = FUNCTION_ARG4(regs), fifth = FUNCTION_ARG5(regs), sixth = FUNCTION_ARG6(regs);

	opaque(fourth); /* all are read before one is chosen, see above */
	opaque(fifth);
	opaque(sixth);
	if (!call)
		return 0;
	call->argument[0] = FUNCTION_ARG2(regs);
	call->argument[1] = FUNCTION_ARG3(regs);
	call->argument[2] = what.function.result == STORAGE_SQLITE_PREPARE     ? fourth
			    : what.function.result == STORAGE_SQLITE_PREPARE_3 ? fifth
									       : sixth;
	return 0;
}

/* The operation of the text at a user address; it ends with a NUL, or, unless `bytes` is negative, there. A global
 * function, so that the verifier looks at it once. */
__noinline int sqlite_operation(__u64 at, __s32 bytes, __u32 wide)
{
	struct scratch *scratch = scratch_take();
	struct sqlite_text *text;
	__u32 rest = bytes >= 0 && bytes < SQLITE_TEXT_BYTES ? bytes : SQLITE_TEXT_BYTES, operation;

	if (!scratch)
		return OPERATION_SQLITE_OTHER;
	text = &scratch->sqlite;
	if (bpf_probe_read_user(text->text, rest, (void *)at)) {
		/* The text may end in front of memory that is not there. */
		rest = min_u64(rest, PAGE_MASK + 1 - (at & PAGE_MASK));
		opaque(rest);
		if (rest > SQLITE_TEXT_BYTES || bpf_probe_read_user(text->text, rest, (void *)at))
			rest = 0;
	}
	sqlite_text_begin(text, rest, wide);
	repeat(SQLITE_TEXT_BYTES, sqlite_text_step, text);
	operation = sqlite_text_operation(text);
	scratch_give(scratch);
	return operation ?: OPERATION_SQLITE_OTHER;
}

/* sqlite3_prepare() and its sisters return. Text of blanks and comments makes no statement. */
static __always_inline int sqlite_prepared(struct storage_call *call, __s32 result, __u64 ns)
{
	struct sqlite_statement_key key = {.tgid = bpf_get_current_pid_tgid() >> 32};
	union storage_cookie what = {.cookie = call->function};
	struct sqlite_statement statement = {};

	if (!result &&
	    (bpf_probe_read_user(&key.statement, sizeof(key.statement), (void *)call->argument[2]) || !key.statement))
		return 0;
	statement.operation =
		sqlite_operation(call->argument[0], call->argument[1], what.function.bits & STORAGE_UTF16);
	if (result)
		return storage_record(statement.operation, true, ns);
	bpf_map_update_elem(&sqlite_statements, &key, &statement, BPF_ANY);
	return 0;
}

/* sqlite3_step() returns: with a row, or at the statement's end. */
static __always_inline int sqlite_stepped(struct storage_call *call, __s32 result, __u64 now)
{
	struct sqlite_statement_key key = {.statement = call->argument[0], .tgid = bpf_get_current_pid_tgid() >> 32};
	struct sqlite_statement *statement = bpf_map_lookup_elem(&sqlite_statements, &key);
	__u64 begun_ns = call->begun_ns;

	if (result == SQLITE_ROW) {
		if (likely(statement)) {
			if (!statement->begun_ns)
				statement->begun_ns = begun_ns;
		} else { /* prepared before tapstat */
			struct sqlite_statement other = {.begun_ns = begun_ns, .operation = OPERATION_SQLITE_OTHER};

			bpf_map_update_elem(&sqlite_statements, &key, &other, BPF_NOEXIST);
		}
		return 0;
	}
	if (statement && statement->begun_ns)
		begun_ns = statement->begun_ns;
	if (statement)
		statement->begun_ns = 0;
	return storage_record(statement ? statement->operation : OPERATION_SQLITE_OTHER, result != SQLITE_DONE,
			      now - begun_ns);
}

/* sqlite3_reset() or sqlite3_finalize() begins: nobody wants the rows that are left. */
static __always_inline int on_sqlite_end(struct pt_regs *regs, bool finalized)
{
	struct sqlite_statement_key key = {.statement = FUNCTION_ARG1(regs),
					   .tgid = bpf_get_current_pid_tgid() >> 32};
	struct sqlite_statement *statement = bpf_map_lookup_elem(&sqlite_statements, &key);

	if (!statement)
		return 0;
	if (statement->begun_ns)
		storage_record(statement->operation, false, bpf_ktime_get_ns() - statement->begun_ns);
	statement->begun_ns = 0;
	if (finalized)
		bpf_map_delete_elem(&sqlite_statements, &key);
	return 0;
}

/* ---- The return of any of them --------------------------------------------------------------------------------- */

static __always_inline int on_storage_return(struct pt_regs *regs, __u64 cookie)
{
	struct storage_call *call = storage_leave(regs, cookie);
	__u64 now = bpf_ktime_get_ns();
	struct storage_function function;
	union storage_cookie what;

	if (!call)
		return 0;
	what.cookie = call->function;
	function = what.function;
	if (function.result == STORAGE_SQLITE_STEP)
		return sqlite_stepped(call, FUNCTION_RESULT(regs), now);
	if (function.result == STORAGE_SQLITE_PREPARE || function.result == STORAGE_SQLITE_PREPARE_3 ||
	    function.result == STORAGE_SQLITE_PREPARE_INNER)
		return sqlite_prepared(call, FUNCTION_RESULT(regs), now - call->begun_ns);
	storage_record(function.operation, storage_failed(regs, function.result, call->argument[2]),
		       now - call->begun_ns);
	if (call->argument[0] && storage_found(regs, function.result, call->argument[2]))
		storage_bytes(call, &function, operation_backend(function.operation));
	return 0;
}

#endif
