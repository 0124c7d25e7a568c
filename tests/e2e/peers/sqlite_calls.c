// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Statements of SQLite in each way there is, a known number of each, in rounds between lines of standard input; says
 * "done" behind each. tests/e2e/test_storage_libraries.py has the numbers. Argument: DIRECTORY, empty.
 */
#define _GNU_SOURCE
#include "peer.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/wait.h>

enum { THREADS = 4, EACH = 500 };

static sqlite3 *db;

static void expect(int result, int expected, const char *what)
{
	if (result == expected)
		return;
	fprintf(stderr, "%s gave %d, not %d: %s\n", what, result, expected, sqlite3_errmsg(db));
	exit(1);
}

static void exec(sqlite3 *on, const char *sql)
{
	expect(sqlite3_exec(on, sql, NULL, NULL, NULL), SQLITE_OK, sql);
}

static sqlite3_stmt *prepare(sqlite3 *on, const char *sql)
{
	sqlite3_stmt *statement;

	expect(sqlite3_prepare_v2(on, sql, -1, &statement, NULL), SQLITE_OK, sql);
	return statement;
}

/* To its end; how many rows. */
static int run(sqlite3_stmt *statement)
{
	int rows = 0, result;

	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		rows++;
	expect(result, SQLITE_DONE, "step");
	return rows;
}

/* create 1, begin 1, insert 10, commit 1 */
static void fill(void)
{
	sqlite3_stmt *insert;

	exec(db, "create table t(a integer primary key, b)");
	exec(db, "BEGIN");
	insert = prepare(db, "INSERT INTO t(b) VALUES (?)");
	for (int i = 0; i < 10; i++) {
		sqlite3_bind_int(insert, 1, i);
		run(insert);
		sqlite3_reset(insert);
	}
	sqlite3_finalize(insert);
	exec(db, "COMMIT");
}

/* select 5; a statement that is only prepared is none */
static void selects(void)
{
	sqlite3_stmt *select = prepare(db, "/* one */ -- two\n  select * from t");

	expect(run(select), 10, "rows");
	expect(run(select), 10, "rows again, without a reset");
	sqlite3_reset(select);
	expect(sqlite3_step(select), SQLITE_ROW, "step");
	sqlite3_reset(select); /* 3 */
	sqlite3_reset(select);
	expect(sqlite3_step(select), SQLITE_ROW, "step");
	sqlite3_finalize(select); /* 4 */
	sqlite3_finalize(prepare(db, "select 1"));
	sqlite3_finalize(NULL);
	select = prepare(db, "WITH x(y) AS (SELECT ')''' FROM t) SELECT y FROM x");
	expect(run(select), 10, "rows"); /* 5 */
	sqlite3_finalize(select);
}

static int on_row(void *nothing, int n, char **values, char **names)
{
	(void)nothing, (void)n, (void)values, (void)names;
	exec(db, "update t set b = b");
	return 0;
}

/* select 2, update 10, by calls of callbacks */
static void callbacks(void)
{
	char **table;
	int rows, columns;

	expect(sqlite3_exec(db, "select * from t", on_row, NULL, NULL), SQLITE_OK, "exec");
	expect(sqlite3_get_table(db, "select a from t", &table, &rows, &columns, NULL), SQLITE_OK, "get_table");
	sqlite3_free_table(table);
}

/* update 1, delete 1, replace 1, insert 1, other 1, pragma 1, explain 1 */
static void ways(void)
{
	static const char utf16[] = "u\0p\0d\0a\0t\0e\0 \0t\0 \0s\0e\0t\0 \0b\0=\0001\0\0";
	sqlite3_stmt *statement;

	expect(sqlite3_prepare16_v2(db, utf16, -1, &statement, NULL), SQLITE_OK, "prepare16_v2");
	run(statement);
	sqlite3_finalize(statement);
	expect(sqlite3_prepare_v3(db, "delete from t where a = 1 and garbage", 25, SQLITE_PREPARE_PERSISTENT,
				  &statement, NULL),
	       SQLITE_OK, "prepare_v3");
	run(statement);
	sqlite3_finalize(statement);
	expect(sqlite3_prepare(db, "Replace into t values (2, 2)", -1, &statement, NULL), SQLITE_OK, "prepare");
	run(statement);
	sqlite3_finalize(statement);
	exec(db, "with v(n) as (values (7)) insert into t(b) select n from v");
	exec(db, "values (1)");
	exec(db, "pragma user_version");
	exec(db, "explain query plan select * from t; -- and nothing more");
}

/* Behind which SQLite runs statements of its own: create 1, insert 3, select 1, vacuum 1, analyze 1, drop 1 */
static void inner_statements(void)
{
	exec(db, "create virtual table f using fts5(x)");
	for (int i = 0; i < 3; i++)
		exec(db, "insert into f values ('some words')");
	exec(db, "select * from f where f match 'words'");
	exec(db, "vacuum");
	exec(db, "analyze");
	exec(db, "drop table f");
}

/* Failed: other 1, select 1 (of no text that is right), insert 1 (a constraint), begin 1 (busy); begin 1, rollback 1,
 * savepoint 1 and release 1 succeed. */
static void failures(const char *path)
{
	sqlite3_stmt *statement;
	sqlite3 *second;

	expect(sqlite3_prepare_v2(db, "selec 1", -1, &statement, NULL), SQLITE_ERROR, "prepare");
	expect(sqlite3_prepare_v2(db, "select * from missing", -1, &statement, NULL), SQLITE_ERROR, "prepare");
	expect(sqlite3_prepare_v2(db, "  -- nothing", -1, &statement, NULL), SQLITE_OK, "prepare");
	statement = prepare(db, "insert into t values (2, 2)");
	expect(sqlite3_step(statement), SQLITE_CONSTRAINT, "step");
	sqlite3_finalize(statement);
	expect(sqlite3_open(path, &second), SQLITE_OK, "open");
	exec(db, "begin immediate");
	expect(sqlite3_exec(second, "begin immediate", NULL, NULL, NULL), SQLITE_BUSY, "exec");
	exec(db, "rollback");
	exec(db, "savepoint s");
	exec(db, "release s");
	sqlite3_close(second);
}

static void *selecting(void *nothing)
{
	sqlite3 *own;
	sqlite3_stmt *statement;

	sqlite3_open(":memory:", &own);
	statement = prepare(own, "select 1");
	for (int i = 0; i < EACH; i++) {
		run(statement);
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	sqlite3_close(own);
	return nothing;
}

/* select 500 in each of 4 threads, and in each of 2 children */
static void crowds(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, selecting, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++) {
		if (fork())
			continue;
		selecting(NULL);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
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
	sqlite3_stmt *before;
	sqlite3 *other;

	if (argc != 2 || chdir(argv[1]))
		die("chdir");
	expect(sqlite3_open("data", &db), SQLITE_OK, "open");
	expect(sqlite3_open(":memory:", &other), SQLITE_OK, "open");
	before = prepare(other, "select 1");
	expect(sqlite3_step(before), SQLITE_ROW, "step");
	wait_line("ready");
	fill();
	selects();
	callbacks();
	ways();
	inner_statements();
	failures("data");
	crowds();
	wait_line("done");
	sqlite3_reset(before);
	run(before); /* prepared long ago */
	wait_line("done");
	return 0;
}
