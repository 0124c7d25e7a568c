// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * user/libraries.c, user/library_rows.c, user/elf_vtable.c: which functions of a file get which programs. The file is
 * this program, which has functions with the names of libraries, and a class of LevelDB without its symbols.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "elf_file.h"
#include "elf_symbols.h"
#include "elf_vtable.h"
#include "hooks.h"
#include "libraries.h"
#include "library_rows.h"
#include "operations.h"

/* ---- Libraries of a kind -----------------------------------------------------------------------------------------
 */

static volatile int calls; /* keeps functions from being the same */

#define FUNCTION(name, n)                               \
	__attribute__((noinline, used)) int name(void); \
	int name(void)                                  \
	{                                               \
		calls += n;                             \
		return calls;                           \
	}
FUNCTION(sqlite3_step, 1)
FUNCTION(sqlite3_finalize, 2)
FUNCTION(sqlite3_prepare_v2, 3)
FUNCTION(mdb_get, 4)
FUNCTION(mdb_txn_begin, 5)
FUNCTION(SSL_read, 6)
FUNCTION(SSL_write, 7)
FUNCTION(SSL_new, 8)
FUNCTION(wolfSSL_read, 9)
FUNCTION(wolfSSL_write, 10)
FUNCTION(_ZN7leveldb2DB3PutERKNS_12WriteOptionsERKNS_5SliceES6_, 11)
FUNCTION(_ZN7rocksdb6DBImpl5WriteERKNS_12WriteOptionsEPNS_10WriteBatchE, 12)
FUNCTION(put_of_the_class, 13)
FUNCTION(get_of_the_class, 14)
FUNCTION(something_else, 15)

/* The layout of the C++ ABI: a typeinfo, a class's table, that of a base within another, a typeinfo by another. */
static const char names[] = "\0N7leveldb6DBImplE\0N7leveldb6DBImplEx";

struct typeinfo {
	const void *of_typeinfo;
	const char *name;
	const void *base;
};

struct table {
	long offset_to_top;
	const void *typeinfo;
	int (*function[6])(void);
};

static const struct typeinfo of_class = {NULL, names + 1, NULL};
static const struct typeinfo derived = {&of_class, names + 20, &of_class};
static const struct table of_a_base = {-16, &of_class, {NULL, NULL, something_else, NULL, NULL, something_else}};
static const struct table of_the_class = {0, &of_class, {NULL, NULL, put_of_the_class, NULL, NULL, get_of_the_class}};

const void *const kept[] = {&derived, &of_a_base, &of_the_class};

static struct elf_file *file;

static int open_file(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), err;

	(void)state;
	err = elf_file_open(&file, fd);
	close(fd);
	return err;
}

static int close_file(void **state)
{
	(void)state;
	elf_file_close(file);
	return 0;
}

/* ---- Findings ----------------------------------------------------------------------------------------------------
 */

static struct library_finding finding;

static void examine(bool tls, bool storage)
{
	assert_int_equal(libraries_examine(file, (struct library_wish){tls, storage}, &finding), 0);
}

static __u64 offset_of(const char *name)
{
	struct elf_function function;

	assert_int_equal(elf_symbols_find(file, &name, &function, 1), 1);
	return function.offset;
}

/* The place of a program at a function, which may be an instruction or two behind its first one. */
static const struct probe_place *place_of(const char *name, bool at_return)
{
	__u64 offset = offset_of(name);

	for (size_t i = 0; i < finding.n; i++)
		if (finding.place[i].offset - offset < 16 && finding.place[i].at_return == at_return)
			return &finding.place[i];
	return NULL;
}

static struct storage_function function_at(const struct probe_place *place)
{
	struct storage_function function;

	assert_non_null(place);
	memcpy(&function, &place->cookie, sizeof(function));
	return function;
}

static void a_file_may_hold_several_libraries(void **state)
{
	(void)state;
	examine(true, true);
	assert_true(finding.is_tls);
	assert_int_equal(finding.library, LIBRARY_OPENSSL); /* the first row of TLS that fits */
	assert_int_equal(finding.backends,
			 1U << BACKEND_SQLITE | 1U << BACKEND_ROCKSDB | 1U << BACKEND_LEVELDB | 1U << BACKEND_LMDB);
	assert_string_equal(place_of("SSL_read", false)->program, "ts_tls_read");
	assert_int_equal(place_of("SSL_read", false)->cookie, LIBRARY_OPENSSL);
	assert_string_equal(place_of("SSL_read", true)->program, "ts_tls_return");
	assert_string_equal(place_of("sqlite3_step", false)->program, "ts_sqlite_step");
	assert_string_equal(place_of("sqlite3_step", true)->program, "ts_storage_return");
	assert_string_equal(place_of("sqlite3_prepare_v2", false)->program, "ts_sqlite_prepare");
	assert_string_equal(place_of("mdb_get", false)->program, "ts_storage_entry");
}

static void only_what_is_wished_for_is_looked_for(void **state)
{
	(void)state;
	examine(true, false);
	assert_true(finding.is_tls && finding.n && !finding.backends);
	assert_null(place_of("sqlite3_step", false));
	examine(false, true);
	assert_true(!finding.is_tls && finding.n && finding.backends);
	assert_null(place_of("SSL_read", false));
	examine(false, false);
	assert_true(!finding.is_tls && !finding.n && !finding.backends);
}

static void a_place_says_what_its_function_does(void **state)
{
	struct storage_function function;

	(void)state;
	examine(false, true);
	function = function_at(place_of("mdb_get", false));
	assert_int_equal(function.operation, OPERATION_LMDB_GET);
	assert_int_equal(function.result, STORAGE_LMDB);
	assert_int_equal(function.direction, DIRECTION_RECEIVED);
	assert_int_equal(function.sized[0], 4);
	assert_int_equal(place_of("mdb_get", true)->cookie, place_of("mdb_get", false)->cookie);
	assert_int_equal(function_at(place_of("sqlite3_step", true)).result, STORAGE_SQLITE_STEP);
}

static void finalizing_has_no_return_probe(void **state)
{
	(void)state;
	examine(false, true);
	assert_string_equal(place_of("sqlite3_finalize", false)->program, "ts_sqlite_finalize");
	assert_null(place_of("sqlite3_finalize", true));
}

/* Of the functions that writes of RocksDB come to in different versions the last one is here. */
static void an_alternative_is_taken_where_what_it_stands_for_is_missing(void **state)
{
	(void)state;
	examine(false, true);
	assert_int_equal(
		function_at(place_of("_ZN7rocksdb6DBImpl5WriteERKNS_12WriteOptionsEPNS_10WriteBatchE", false))
			.operation,
		OPERATION_ROCKSDB_WRITE);
}

static void functions_without_symbols_are_found_by_their_class(void **state)
{
	struct elf_function function;

	(void)state;
	examine(false, true);
	assert_int_equal(function_at(place_of("put_of_the_class", false)).operation, OPERATION_LEVELDB_PUT);
	assert_int_equal(function_at(place_of("get_of_the_class", false)).operation, OPERATION_LEVELDB_GET);
	assert_null(place_of("something_else", false));
	assert_int_equal(elf_vtable_function(file, "N7leveldb6DBImplE", 2, &function), 0);
	assert_int_equal(function.offset, offset_of("put_of_the_class"));
	assert_int_equal(elf_vtable_function(file, "N7leveldb6DBImplE", 3, &function), -ENOENT);
	assert_int_equal(elf_vtable_function(file, "N7leveldb6DBImpl", 2, &function), -ENOENT);
	assert_int_equal(elf_vtable_function(file, "7leveldb6DBImplE", 2, &function), -ENOENT);
	assert_int_equal(elf_vtable_function(file, "N7leveldb6DBImplEx", 2, &function), -ENOENT);
	assert_int_equal(function.offset, offset_of("put_of_the_class")); /* untouched */
}

/* ---- The table ----------------------------------------------------------------------------------------------------
 */

static bool is_loaded(const char *program)
{
	for (int i = 0; i < HOOK_COUNT; i++)
		for (int j = 0; j < HOOK_MAX_PROGRAMS && hook_rows[i].program[j].name; j++)
			if (hook_rows[i].program[j].mechanism == MECHANISM_UPROBE &&
			    !strcmp(hook_rows[i].program[j].name, program))
				return true;
	return false;
}

static void every_row_is_of_its_library_and_names_a_program(void **state)
{
	(void)state;
	for (int i = 0; i < LIBRARY_ROWS; i++) {
		const struct library_row *row = &library_rows[i];

		assert_non_null(row->shows[0]);
		for (const struct library_function *f = row->function; f && f->name; f++) {
			if (!is_loaded(f->program))
				fail_msg("%s: no program %s", f->name, f->program);
			assert_in_range(f->arguments, 0, 6);
			for (const struct library_function *g = row->function; g != f; g++)
				if (!strcmp(g->name, f->name))
					fail_msg("%s is there twice", f->name);
			if (row->kind == LIBRARY_OF_STORAGE)
				assert_int_equal(operation_backend[f->storage.operation], row->which);
			for (int j = 0; j < 2; j++) /* room for the result is an argument more */
				assert_true(!f->storage.sized[j] ||
					    f->storage.sized[j] + (f->storage.result != STORAGE_LMDB) <=
						    f->arguments);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_may_hold_several_libraries),
		cmocka_unit_test(only_what_is_wished_for_is_looked_for),
		cmocka_unit_test(a_place_says_what_its_function_does),
		cmocka_unit_test(finalizing_has_no_return_probe),
		cmocka_unit_test(an_alternative_is_taken_where_what_it_stands_for_is_missing),
		cmocka_unit_test(functions_without_symbols_are_found_by_their_class),
		cmocka_unit_test(every_row_is_of_its_library_and_names_a_program),
	};

	return cmocka_run_group_tests(tests, open_file, close_file);
}
