// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* [library rows] ──> libraries: see library_rows.h. */
#include "library_rows.h"

#include <stddef.h>

/* clang-format off */

#define END {.name = NULL}

/* ---- TLS ---------------------------------------------------------------------------------------------------------
 * Readings that only look ahead (SSL_peek) are left out, and so is whatever ends up in one of these functions.
 * What the programs make of arguments and results is in bpf/tls.h.
 */

#define TLS(function, at_entry, n, at_return) \
	{.name = (function), .program = (at_entry), .arguments = (n), .returns = (at_return)}

static const struct library_function openssl[] = {
	TLS("SSL_read_ex", "ts_tls_read_ex", 4, true),
	TLS("SSL_read", "ts_tls_read", 2, true),
	TLS("SSL_write_ex", "ts_tls_write_ex", 4, true),
	TLS("SSL_write", "ts_tls_write", 2, true),
	TLS("SSL_sendfile", "ts_tls_sendfile", 1, true),
	TLS("SSL_do_handshake", "ts_tls_handshake", 1, true),
	TLS("SSL_new", "ts_tls_new", 0, true),
	TLS("SSL_clear", "ts_tls_clear", 1, false),
	TLS("SSL_free", "ts_tls_free", 1, false),
	END};

static const struct library_function gnutls[] = {
	TLS("gnutls_record_recv", "ts_tls_read", 2, true),
	TLS("gnutls_record_recv_seq", "ts_tls_read", 2, true),
	TLS("gnutls_record_recv_packet", "ts_tls_packet", 2, true),
	TLS("gnutls_record_send2", "ts_tls_write", 2, true),
	TLS("gnutls_record_send", "ts_tls_write", 2, true),
	TLS("gnutls_record_send_range", "ts_tls_write", 2, true),
	TLS("gnutls_handshake", "ts_tls_handshake", 1, true),
	TLS("gnutls_record_uncork", "ts_tls_uncork", 1, true),
	TLS("gnutls_init", "ts_tls_new_at", 1, true),
	TLS("gnutls_deinit", "ts_tls_free", 1, false),
	END};

const struct library_function library_go[LIBRARY_GO_FUNCTIONS] = {
	TLS("crypto/tls.(*Conn).Read", "ts_go_read", 2, true),
	TLS("crypto/tls.(*Conn).Write", "ts_go_write", 2, true),
	TLS("crypto/tls.(*Conn).clientHandshake", "ts_go_begin", 1, false),
	TLS("crypto/tls.(*Conn).serverHandshake", "ts_go_begin", 1, false),
	TLS("crypto/tls.(*Conn).Close", "ts_go_end", 1, false)};

/* ---- SQLite ------------------------------------------------------------------------------------------------------
 * sqlite3_exec() and sqlite3_get_table() are made of these, or, where the compiler saw to it, of what sqlite3_prepare_v2()
 * is made of: it counts where none of the others is around it.
 */

#define SQLITE(function, at_entry, n, at_return, means, flags)                        \
	{.name = (function), .program = (at_entry), .arguments = (n), .returns = (at_return), \
	 .storage = {.operation = OPERATION_SQLITE_OTHER, .result = (means), .bits = (flags)}}

static const struct library_function sqlite[] = {
	SQLITE("sqlite3_step", "ts_sqlite_step", 1, true, STORAGE_SQLITE_STEP, 0),
	SQLITE("sqlite3_prepare", "ts_sqlite_prepare", 4, true, STORAGE_SQLITE_PREPARE, 0),
	SQLITE("sqlite3_prepare_v2", "ts_sqlite_prepare", 4, true, STORAGE_SQLITE_PREPARE, 0),
	SQLITE("sqlite3_prepare_v3", "ts_sqlite_prepare", 5, true, STORAGE_SQLITE_PREPARE_3, 0),
	SQLITE("sqlite3_prepare16", "ts_sqlite_prepare", 4, true, STORAGE_SQLITE_PREPARE, STORAGE_UTF16),
	SQLITE("sqlite3_prepare16_v2", "ts_sqlite_prepare", 4, true, STORAGE_SQLITE_PREPARE, STORAGE_UTF16),
	SQLITE("sqlite3_prepare16_v3", "ts_sqlite_prepare", 5, true, STORAGE_SQLITE_PREPARE_3, STORAGE_UTF16),
	SQLITE("sqlite3LockAndPrepare", "ts_sqlite_prepare", 6, true, STORAGE_SQLITE_PREPARE_INNER, 0),
	SQLITE("sqlite3_reset", "ts_sqlite_reset", 1, false, STORAGE_VOID, 0),
	SQLITE("sqlite3_finalize", "ts_sqlite_finalize", 1, false, STORAGE_VOID, 0),
	END};

/* ---- Storage libraries with a call for each operation ------------------------------------------------------------
 * The functions that an application's calls pass, whichever way they take. One that is called from inside of another
 * does not count (bpf/storage_library.h).
 */

#define STORAGE(function, n, what, means)                                                 \
	.name = (function), .program = "ts_storage_entry", .arguments = (n), .returns = true, \
	.storage.operation = (what), .storage.result = (means)
#define PASSES(which, first, second) \
	.storage.direction = DIRECTION_##which, .storage.sized = {first, second}

/* An MDB_val begins with its size. */
#define LMDB(function, n, what) STORAGE(function, n, OPERATION_LMDB_##what, STORAGE_LMDB)

static const struct library_function lmdb[] = {
	{LMDB("mdb_get", 4, GET), PASSES(RECEIVED, 4, 0)},
	{LMDB("mdb_put", 4, PUT), PASSES(SENT, 3, 4)},
	{LMDB("mdb_del", 0, DELETE)},
	{LMDB("mdb_cursor_get", 3, CURSOR_GET), PASSES(RECEIVED, 2, 3)},
	{LMDB("mdb_cursor_put", 3, PUT), PASSES(SENT, 2, 3)},
	{LMDB("mdb_cursor_del", 0, DELETE)},
	{LMDB("mdb_txn_begin", 0, BEGIN)},
	{LMDB("mdb_txn_commit", 0, COMMIT)},
	{STORAGE("mdb_txn_abort", 0, OPERATION_LMDB_ABORT, STORAGE_VOID)},
	{LMDB("mdb_dbi_open", 0, OPEN)},
	{LMDB("mdb_drop", 0, DROP)},
	{LMDB("mdb_env_sync", 0, SYNC)},
	{LMDB("mdb_env_copy2", 0, COPY)},
	{LMDB("mdb_env_copyfd2", 0, COPY)},
	END};

/*
 * Names in mangled form (Itanium C++ ABI). A Slice, and a std::string of libstdc++, begin with a pointer, and the size
 * behind it. Iterators' steps are left out: most take less time than a probe.
 */
#define SLICE "RKNS_5SliceE"
#define STRING "NSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
#define FAMILY "PNS_18ColumnFamilyHandleE"
#define OF_SLICE .storage.size_at = 8

#define ROCKSDB(n, what, function) \
	STORAGE("_ZN7rocksdb" function, n, OPERATION_ROCKSDB_##what, STORAGE_ROCKSDB_STATUS)
#define ROCKSDB_VOID(what, function) STORAGE("_ZN7rocksdb" function, 0, OPERATION_ROCKSDB_##what, STORAGE_VOID)
#define ROCKSDB_READING "ERKNS_11ReadOptionsE"
#define ROCKSDB_WRITING "ERKNS_12WriteOptionsE"
#define ROCKSDB_GET ROCKSDB_READING FAMILY SLICE "PNS_13PinnableSliceE"
#define ROCKSDB_WRITE_IMPL "6DBImpl9WriteImpl" ROCKSDB_WRITING \
	"PNS_10WriteBatchEPNS_13WriteCallbackEPmmbS8_mPNS_18PreReleaseCallbackE"

static const struct library_function rocksdb[] = {
	/* Every Get() of a database open for writing ends here; the value goes where the options' second word points. */
	{ROCKSDB(5, GET, "6DBImpl7GetImpl" ROCKSDB_READING SLICE "RNS0_14GetImplOptionsE"), PASSES(RECEIVED, 4, 0),
	 OF_SLICE, .storage.bits = STORAGE_INDIRECT},
	/* ... before 6.3 */
	{ROCKSDB(6, GET, "6DBImpl3Get" ROCKSDB_GET), PASSES(RECEIVED, 5, 0), OF_SLICE, .or_else = true},
	/* Databases open for reading, and secondary instances. Since 6.26 with room for a timestamp. */
	{ROCKSDB(6, GET, "14DBImplReadOnly3Get" ROCKSDB_GET "P" STRING), PASSES(RECEIVED, 5, 0), OF_SLICE},
	{ROCKSDB(6, GET, "14DBImplReadOnly3Get" ROCKSDB_GET), PASSES(RECEIVED, 5, 0), OF_SLICE, .or_else = true},
	{ROCKSDB(6, GET, "15CompactedDBImpl3Get" ROCKSDB_GET "P" STRING), PASSES(RECEIVED, 5, 0), OF_SLICE},
	{ROCKSDB(6, GET, "15CompactedDBImpl3Get" ROCKSDB_GET), PASSES(RECEIVED, 5, 0), OF_SLICE, .or_else = true},
	{ROCKSDB(6, GET, "15DBImplSecondary7GetImpl" ROCKSDB_GET "P" STRING), PASSES(RECEIVED, 5, 0), OF_SLICE},
	{ROCKSDB(6, GET, "15DBImplSecondary7GetImpl" ROCKSDB_GET), PASSES(RECEIVED, 5, 0), OF_SLICE, .or_else = true},

	{ROCKSDB_VOID(MULTIGET, "6DBImpl8MultiGet" ROCKSDB_READING "RKSt6vectorI" FAMILY
		      "SaIS6_EERKS4_INS_5SliceESaISB_EEPS4_I" STRING "SaISL_EESO_")},
	{ROCKSDB_VOID(MULTIGET, "6DBImpl8MultiGet" ROCKSDB_READING FAMILY
		      "mPKNS_5SliceEPNS_13PinnableSliceEP" STRING "PNS_6StatusEb")},
	{ROCKSDB_VOID(MULTIGET, "6DBImpl8MultiGet" ROCKSDB_READING "mP" FAMILY
		      "PKNS_5SliceEPNS_13PinnableSliceEP" STRING "PNS_6StatusEb")},

	{ROCKSDB(6, PUT, "6DBImpl3Put" ROCKSDB_WRITING FAMILY SLICE "S8_"), PASSES(SENT, 4, 5), OF_SLICE},
	{ROCKSDB(6, MERGE, "6DBImpl5Merge" ROCKSDB_WRITING FAMILY SLICE "S8_"), PASSES(SENT, 4, 5), OF_SLICE},
	{ROCKSDB(1, DELETE, "6DBImpl6Delete" ROCKSDB_WRITING FAMILY SLICE)},
	{ROCKSDB(1, DELETE, "6DBImpl12SingleDelete" ROCKSDB_WRITING FAMILY SLICE)},
	{ROCKSDB(1, DELETE, "6DBImpl11DeleteRange" ROCKSDB_WRITING FAMILY SLICE "S8_")},
	/* The same with timestamps, where there are some: 6.26. */
	{ROCKSDB(6, PUT, "6DBImpl3Put" ROCKSDB_WRITING FAMILY SLICE "S8_S8_"), PASSES(SENT, 4, 5), OF_SLICE},
	{ROCKSDB(6, MERGE, "6DBImpl5Merge" ROCKSDB_WRITING FAMILY SLICE "S8_S8_"), PASSES(SENT, 4, 5), OF_SLICE},
	{ROCKSDB(1, DELETE, "6DBImpl6Delete" ROCKSDB_WRITING FAMILY SLICE "S8_")},
	{ROCKSDB(1, DELETE, "6DBImpl12SingleDelete" ROCKSDB_WRITING FAMILY SLICE "S8_")},
	{ROCKSDB(1, DELETE, "6DBImpl11DeleteRange" ROCKSDB_WRITING FAMILY SLICE "S8_S8_")},

	/* Batches, and what transactions commit. */
	{ROCKSDB(1, WRITE, ROCKSDB_WRITE_IMPL "PNS_20PostMemTableCallbackE")}, /* 7.8 */
	{ROCKSDB(1, WRITE, ROCKSDB_WRITE_IMPL), .or_else = true},
	{ROCKSDB(1, WRITE, "6DBImpl5Write" ROCKSDB_WRITING "PNS_10WriteBatchE"), .or_else = true},

	{ROCKSDB_VOID(SEEK, "6DBIter4SeekE" SLICE)},
	{ROCKSDB_VOID(SEEK, "6DBIter11SeekForPrevE" SLICE)},
	{ROCKSDB_VOID(SEEK, "6DBIter11SeekToFirstEv")},
	{ROCKSDB_VOID(SEEK, "6DBIter10SeekToLastEv")},
	{ROCKSDB(1, FLUSH, "6DBImpl5FlushERKNS_12FlushOptionsE" FAMILY)},
	{ROCKSDB(1, FLUSH, "6DBImpl5FlushERKNS_12FlushOptionsERKSt6vectorI" FAMILY "SaIS6_EE")},
	{ROCKSDB(1, COMPACT, "6DBImpl12CompactRangeERKNS_19CompactRangeOptionsE" FAMILY "PKNS_5SliceES8_")},
	{ROCKSDB(1, COMPACT, "6DBImpl12CompactFilesERKNS_17CompactionOptionsE" FAMILY "RKSt6vectorI" STRING
		 "SaISC_EEiiPSE_PNS_17CompactionJobInfoE")},
	END};

/* A shared library may keep these classes to itself, but not the tables by which its users call their functions. */
#define LEVELDB_DB(place) .class = "N7leveldb6DBImplE", .slot = (place)
#define LEVELDB_ITERATOR(place) .class = "*N7leveldb12_GLOBAL__N_16DBIterE", .slot = (place)
#define LEVELDB(n, what, function) \
	STORAGE("_ZN7leveldb6DBImpl" function, n, OPERATION_LEVELDB_##what, STORAGE_LEVELDB_STATUS)
#define LEVELDB_VOID(what, function) STORAGE("_ZN7leveldb" function, 0, OPERATION_LEVELDB_##what, STORAGE_VOID)

static const struct library_function leveldb[] = {
	{LEVELDB(5, PUT, "3PutERKNS_12WriteOptionsE" SLICE "S6_"), PASSES(SENT, 3, 4), OF_SLICE, LEVELDB_DB(2)},
	{LEVELDB(1, DELETE, "6DeleteERKNS_12WriteOptionsE" SLICE), LEVELDB_DB(3)},
	{LEVELDB(1, WRITE, "5WriteERKNS_12WriteOptionsEPNS_10WriteBatchE"), LEVELDB_DB(4)},
	{LEVELDB(5, GET, "3GetERKNS_11ReadOptionsE" SLICE "P" STRING), PASSES(RECEIVED, 4, 0), OF_SLICE, LEVELDB_DB(5)},
	{LEVELDB(1, GET, "3GetERKNS_11ReadOptionsE" SLICE "PNS_9ValueSinkE"), .or_else = true}, /* of Level for Node.js */
	{LEVELDB_VOID(COMPACT, "6DBImpl12CompactRangeEPKNS_5SliceES3_"), LEVELDB_DB(11)},
	{LEVELDB_VOID(SEEK, "12_GLOBAL__N_16DBIter11SeekToFirstEv"), LEVELDB_ITERATOR(3)},
	{LEVELDB_VOID(SEEK, "12_GLOBAL__N_16DBIter10SeekToLastEv"), LEVELDB_ITERATOR(4)},
	{LEVELDB_VOID(SEEK, "12_GLOBAL__N_16DBIter4SeekE" SLICE), LEVELDB_ITERATOR(5)},
	END};

/* ---- Libraries --------------------------------------------------------------------------------------------------- */

const struct library_row library_rows[LIBRARY_ROWS] = {
	/* Of TLS the first that a file shows. BoringSSL's own functions lie in libcrypto (the self-test) and in libssl. */
	{LIBRARY_OF_TLS, LIBRARY_BORINGSSL, {"SSL_read", "SSL_write", "BORINGSSL_self_test"}, openssl},
	{LIBRARY_OF_TLS, LIBRARY_BORINGSSL, {"SSL_read", "SSL_write", "SSL_CTX_set_grease_enabled"}, openssl},
	{LIBRARY_OF_TLS, LIBRARY_OPENSSL, {"SSL_read", "SSL_write", "SSL_new"}, openssl},
	{LIBRARY_OF_TLS, LIBRARY_GNUTLS, {"gnutls_record_recv", "gnutls_record_send", "gnutls_init"}, gnutls},
	{LIBRARY_OF_TLS, LIBRARY_NSS, {"SSL_ImportFD", "SSL_ForceHandshake"}, NULL},
	{LIBRARY_OF_TLS, LIBRARY_JAVA, {"JNI_CreateJavaVM", "JVM_GC"}, NULL},
	{LIBRARY_OF_TLS, LIBRARY_MBEDTLS, {"mbedtls_ssl_read", "mbedtls_ssl_write"}, NULL},
	{LIBRARY_OF_TLS, LIBRARY_WOLFSSL, {"wolfSSL_read", "wolfSSL_write"}, NULL},
	{LIBRARY_OF_STORAGE, BACKEND_SQLITE, {"sqlite3_step", "sqlite3_finalize"}, sqlite},
	{LIBRARY_OF_STORAGE, BACKEND_ROCKSDB, {"_ZN7rocksdb6DBImpl5Write" ROCKSDB_WRITING "PNS_10WriteBatchE"}, rocksdb},
	{LIBRARY_OF_STORAGE, BACKEND_LEVELDB, {"_ZN7leveldb2DB3PutERKNS_12WriteOptionsERKNS_5SliceES6_"}, leveldb},
	{LIBRARY_OF_STORAGE, BACKEND_LMDB, {"mdb_get", "mdb_txn_begin"}, lmdb},
};

/* clang-format on */
