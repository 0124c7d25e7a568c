// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Calls of RocksDB by its interfaces of C++ and C, a known number of each, between two lines of standard input; says
 * "done" behind them. tests/e2e/test_storage_libraries.py has the numbers. Argument: DIRECTORY, empty.
 */
#include <rocksdb/c.h>
#include <rocksdb/db.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/utilities/transaction.h>
#include <rocksdb/utilities/transaction_db.h>
#include <rocksdb/write_batch.h>

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

class Last : public rocksdb::AssociativeMergeOperator
{
	bool Merge(const rocksdb::Slice &, const rocksdb::Slice *, const rocksdb::Slice &value, std::string *out,
		   rocksdb::Logger *) const override
	{
		*out = value.ToString();
		return true;
	}
	const char *Name() const override
	{
		return "Last";
	}
};

static std::string key(int i)
{
	char text[16];

	snprintf(text, sizeof(text), "key%05d", i);
	return text;
}

/* put 100 of 8 + 10 bytes, get 100 of 10 bytes and 10 of nothing */
static void many(rocksdb::DB *db, int first)
{
	std::string value;

	for (int i = 0; i < 100; i++)
		expect(db->Put({}, key(first + i), "0123456789").ok(), "put");
	for (int i = 0; i < 100; i++)
		expect(db->Get({}, key(first + i), &value).ok(), "get");
	for (int i = 0; i < 10; i++)
		expect(db->Get({}, "missing", &value).IsNotFound(), "get");
}

/* merge 1 of 8 + 3 bytes, get 1 of 3 bytes, delete 3, write 1, seek 4, multiget 2, flush 1, compact 1; put 1 failed */
static void few(rocksdb::DB *db)
{
	std::unique_ptr<rocksdb::Iterator> at;
	std::vector<std::string> values;
	std::vector<rocksdb::Slice> keys = {"missing", "key00003"};
	std::vector<rocksdb::PinnableSlice> pinned(2);
	std::vector<rocksdb::Status> statuses(2);
	rocksdb::WriteOptions impossible;
	rocksdb::WriteBatch batch;
	std::string value;
	int n = 0;

	expect(db->Merge({}, key(5), "new").ok(), "merge");
	expect(db->Get({}, key(5), &value).ok() && value == "new", "get");
	at.reset(db->NewIterator({}));
	for (at->SeekToFirst(); at->Valid(); at->Next())
		n++;
	expect(n == 400, "iterator");
	at->Seek(key(7));
	at->SeekForPrev(key(7));
	at->SeekToLast();
	at.reset();
	expect(db->MultiGet({}, keys, &values)[1].ok(), "multiget");
	db->MultiGet({}, db->DefaultColumnFamily(), 2, keys.data(), pinned.data(), statuses.data());
	expect(statuses[1].ok(), "multiget");
	expect(db->Delete({}, key(7)).ok(), "delete");
	expect(db->SingleDelete({}, key(8)).ok(), "delete");
	expect(db->DeleteRange({}, db->DefaultColumnFamily(), key(10), key(20)).ok(), "delete");
	batch.Put("a", "b");
	batch.Delete("c");
	expect(db->Write({}, &batch).ok(), "write");
	expect(db->Flush({}).ok(), "flush");
	expect(db->CompactRange({}, nullptr, nullptr).ok(), "compact");
	impossible.sync = impossible.disableWAL = true;
	expect(db->Put(impossible, "k", "v").IsInvalidArgument(), "put");
}

/* By the interface of C: put 1 of 1 + 2 bytes, get 1 of 2 bytes, delete 1, write 1, seek 1, flush 1, compact 1 */
static void by_c(const char *path)
{
	rocksdb_options_t *options = rocksdb_options_create();
	rocksdb_readoptions_t *reading = rocksdb_readoptions_create();
	rocksdb_writeoptions_t *writing = rocksdb_writeoptions_create();
	rocksdb_flushoptions_t *flushing = rocksdb_flushoptions_create();
	rocksdb_writebatch_t *batch = rocksdb_writebatch_create();
	rocksdb_iterator_t *at;
	rocksdb_t *db;
	char *error = nullptr;
	size_t bytes;

	rocksdb_options_set_create_if_missing(options, 1);
	db = rocksdb_open(options, path, &error);
	expect(!error, "open");
	rocksdb_put(db, writing, "k", 1, "vv", 2, &error);
	rocksdb_free(rocksdb_get(db, reading, "k", 1, &bytes, &error));
	rocksdb_delete(db, writing, "k", 1, &error);
	rocksdb_writebatch_put(batch, "k", 1, "v", 1);
	rocksdb_write(db, writing, batch, &error);
	at = rocksdb_create_iterator(db, reading);
	rocksdb_iter_seek(at, "k", 1);
	rocksdb_iter_destroy(at);
	rocksdb_flush(db, flushing, &error);
	rocksdb_compact_range(db, nullptr, 0, nullptr, 0);
	expect(!error && bytes == 2, "the interface of C");
	rocksdb_close(db);
}

/* write 1 (the commit), get 1 of 1 byte, and 1 from what the transaction holds itself */
static void transactions(const std::string &path)
{
	rocksdb::Options options;
	rocksdb::TransactionDB *db;
	std::string value;

	options.create_if_missing = true;
	expect(rocksdb::TransactionDB::Open(options, {}, path, &db).ok(), "open");
	std::unique_ptr<rocksdb::Transaction> transaction(db->BeginTransaction({}));
	expect(transaction->Put("a", "1").ok(), "put");
	expect(transaction->Get({}, "a", &value).ok(), "get");
	expect(transaction->Commit().ok(), "commit");
	expect(db->Get({}, "a", &value).ok(), "get");
	transaction.reset();
	delete db;
}

/* get 1 of 10 bytes */
static void for_reading(const std::string &path)
{
	std::string value;
	rocksdb::DB *db;

	expect(rocksdb::DB::OpenForReadOnly({}, path, &db).ok(), "open");
	expect(db->Get({}, key(3), &value).ok(), "get");
	delete db;
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
	rocksdb::Options options;
	rocksdb::DB *db;

	options.create_if_missing = true;
	options.merge_operator = std::make_shared<Last>();
	expect(rocksdb::DB::Open(options, directory + "/db", &db).ok(), "open");
	wait_line("ready");
	for (int i = 0; i < 4; i++)
		threads.emplace_back(many, db, 100 * i);
	for (std::thread &thread : threads)
		thread.join();
	few(db);
	by_c((directory + "/c").c_str());
	transactions(directory + "/transactions");
	for_reading(directory + "/db");
	wait_line("done");
	delete db;
	return 0;
}
