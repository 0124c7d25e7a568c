// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls of LMDB, a known number of each, between two lines of standard input; says "done" behind them.
 * tests/e2e/test_storage_libraries.py has the numbers. Argument: DIRECTORY, empty.
 */
#include "peer.h"

#include <lmdb.h>
#include <pthread.h>

enum { RECORDS = 100, THREADS = 4 };

static MDB_env *env;
static MDB_dbi dbi;

static void expect(int result, int expected, const char *what)
{
	if (result == expected)
		return;
	fprintf(stderr, "%s gave %d: %s\n", what, result, mdb_strerror(result));
	exit(1);
}

static MDB_txn *begin(unsigned int flags)
{
	MDB_txn *txn;

	expect(mdb_txn_begin(env, NULL, flags, &txn), 0, "begin");
	return txn;
}

/* begin 1, open 1, put 101 of 12 bytes and 1 failed, commit 1 */
static void writes(void)
{
	MDB_txn *txn = begin(0);
	MDB_val value = {.mv_size = 8, .mv_data = "12345678"};
	MDB_cursor *cursor;
	int number;
	MDB_val key = {.mv_size = sizeof(number), .mv_data = &number};

	expect(mdb_dbi_open(txn, "names", MDB_CREATE, &dbi), 0, "open");
	for (number = 0; number < RECORDS; number++)
		expect(mdb_put(txn, dbi, &key, &value, 0), 0, "put");
	expect(mdb_cursor_open(txn, dbi, &cursor), 0, "cursor");
	expect(mdb_cursor_put(cursor, &key, &value, 0), 0, "cursor_put");
	number = 3;
	expect(mdb_put(txn, dbi, &key, &value, MDB_NOOVERWRITE), MDB_KEYEXIST, "put");
	mdb_cursor_close(cursor);
	expect(mdb_txn_commit(txn), 0, "commit");
}

/* begin 1, get 100 of 8 bytes and one of nothing, cursor_get 102 of 12 bytes but the last of nothing, abort 1 */
static void *reads(void *nothing)
{
	MDB_txn *txn = begin(MDB_RDONLY);
	MDB_cursor *cursor;
	int number, n = 0, result;
	MDB_val key = {.mv_size = sizeof(number), .mv_data = &number}, value;

	for (number = 0; number < RECORDS; number++)
		expect(mdb_get(txn, dbi, &key, &value), 0, "get");
	number = -1;
	expect(mdb_get(txn, dbi, &key, &value), MDB_NOTFOUND, "get");
	expect(mdb_cursor_open(txn, dbi, &cursor), 0, "cursor");
	while (!(result = mdb_cursor_get(cursor, &key, &value, n ? MDB_NEXT : MDB_FIRST)))
		n++;
	expect(result, MDB_NOTFOUND, "cursor_get");
	expect(n, RECORDS + 1, "rows");
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	return nothing;
}

/* begin 2, delete 2, drop 1, commit 2, put 1 failed (the transaction is for reading), cursor_get 1 of nothing, sync 1
 */
static void ends(void)
{
	MDB_txn *txn = begin(0);
	MDB_cursor *cursor;
	int number = 1;
	MDB_val key = {.mv_size = sizeof(number), .mv_data = &number}, value;

	expect(mdb_del(txn, dbi, &key, NULL), 0, "del");
	expect(mdb_del(txn, dbi, &key, NULL), MDB_NOTFOUND, "del");
	expect(mdb_drop(txn, dbi, 0), 0, "drop");
	expect(mdb_txn_commit(txn), 0, "commit");
	txn = begin(MDB_RDONLY);
	expect(mdb_put(txn, dbi, &key, &key, 0), EACCES, "put");
	expect(mdb_cursor_open(txn, dbi, &cursor), 0, "cursor");
	expect(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), MDB_NOTFOUND, "cursor_get");
	mdb_cursor_close(cursor);
	expect(mdb_txn_commit(txn), 0, "commit");
	expect(mdb_env_sync(env, 1), 0, "sync");
}

static void wait_line(const char *say)
{
	puts(say);
	fflush(stdout);
	while (getchar() != '\n')
		;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];

	if (argc != 2 || chdir(argv[1]))
		die("chdir");
	expect(mdb_env_create(&env), 0, "create");
	expect(mdb_env_set_maxdbs(env, 4), 0, "maxdbs");
	expect(mdb_env_open(env, ".", 0, 0600), 0, "open");
	wait_line("ready");
	writes();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, reads, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ends();
	wait_line("done");
	return 0;
}
