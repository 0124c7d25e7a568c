// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls of LevelDB by its interfaces of C++ and C, a known number of each, between two lines of standard input; says
 * "done" behind them. tests/e2e/test_storage_libraries.py has the numbers. Argument: DIRECTORY, empty.
 */
#include <leveldb/c.h>
#include <leveldb/db.h>
#include <leveldb/write_batch.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

static void expect(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s went wrong\n", what);
	exit(1);
}

static std::string key(int i)
{
	char text[16];

	snprintf(text, sizeof(text), "key%05d", i);
	return text;
}

/* put 100 of 8 + 10 bytes, get 100 of 10 bytes and 10 of nothing */
static void many(leveldb::DB *db, int first)
{
	std::string value;

	for (int i = 0; i < 100; i++)
		expect(db->Put({}, key(first + i), "0123456789").ok(), "put");
	for (int i = 0; i < 100; i++)
		expect(db->Get({}, key(first + i), &value).ok(), "get");
	for (int i = 0; i < 10; i++)
		expect(db->Get({}, "missing", &value).IsNotFound(), "get");
}

/* delete 1, write 1, seek 3, compact 1 */
static void few(leveldb::DB *db)
{
	std::unique_ptr<leveldb::Iterator> at(db->NewIterator({}));
	leveldb::WriteBatch batch;
	int n = 0;

	for (at->SeekToFirst(); at->Valid(); at->Next())
		n++;
	expect(n == 400, "iterator");
	at->Seek(key(7));
	at->SeekToLast();
	expect(db->Delete({}, key(7)).ok(), "delete");
	batch.Put("a", "b");
	batch.Delete("c");
	expect(db->Write({}, &batch).ok(), "write");
	db->CompactRange(nullptr, nullptr);
}

/* By the interface of C: put 1 of 1 + 2 bytes, get 1 of 2 bytes, delete 1, write 1, seek 1, compact 1 */
static void by_c(const char *path)
{
	leveldb_options_t *options = leveldb_options_create();
	leveldb_readoptions_t *reading = leveldb_readoptions_create();
	leveldb_writeoptions_t *writing = leveldb_writeoptions_create();
	leveldb_writebatch_t *batch = leveldb_writebatch_create();
	leveldb_iterator_t *at;
	leveldb_t *db;
	char *error = nullptr;
	size_t bytes;

	leveldb_options_set_create_if_missing(options, 1);
	db = leveldb_open(options, path, &error);
	expect(!error, "open");
	leveldb_put(db, writing, "k", 1, "vv", 2, &error);
	leveldb_free(leveldb_get(db, reading, "k", 1, &bytes, &error));
	leveldb_delete(db, writing, "k", 1, &error);
	leveldb_writebatch_put(batch, "k", 1, "v", 1);
	leveldb_write(db, writing, batch, &error);
	at = leveldb_create_iterator(db, reading);
	leveldb_iter_seek(at, "k", 1);
	leveldb_iter_destroy(at);
	leveldb_compact_range(db, nullptr, 0, nullptr, 0);
	expect(!error && bytes == 2, "the interface of C");
	leveldb_close(db);
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
	std::string directory = argc == 2 ? argv[1] : ".";
	std::vector<std::thread> threads;
	leveldb::Options options;
	leveldb::DB *db;

	options.create_if_missing = true;
	expect(leveldb::DB::Open(options, directory + "/db", &db).ok(), "open");
	wait_line("ready");
	for (int i = 0; i < 4; i++)
		threads.emplace_back(many, db, 100 * i);
	for (std::thread &thread : threads)
		thread.join();
	few(db);
	by_c((directory + "/c").c_str());
	wait_line("done");
	delete db;
	return 0;
}
