/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The values of label `operation`: one row for each command or verb of each backend. A closed set; what is not in it
 * is that backend's `other`. Names are in lower case, at most OPERATION_NAME_BYTES long.
 *
 * Flags say what an answer means beyond success and failure.
 */
#ifndef TAPSTAT_OPERATIONS_H
#define TAPSTAT_OPERATIONS_H

#include <linux/types.h>

/* clang-format off */

#define LABEL_SET_BACKEND(V)              \
	V(BACKEND, REDIS, "redis")           \
	V(BACKEND, POSTGRESQL, "postgresql") \
	V(BACKEND, MYSQL, "mysql")           \
	V(BACKEND, MONGODB, "mongodb")       \
	V(BACKEND, MEMCACHED, "memcached")   \
	V(BACKEND, FILE, "file")             \
	V(BACKEND, SQLITE, "sqlite")         \
	V(BACKEND, ROCKSDB, "rocksdb")       \
	V(BACKEND, LEVELDB, "leveldb")       \
	V(BACKEND, LMDB, "lmdb")

enum operation_flags {
	OPERATION_CACHE = 1 << 0,      /* the answer is one cached value or none */
	OPERATION_CACHE_EACH = 1 << 1, /* ... a list of them */
	OPERATION_LENGTH = 1 << 2,     /* the answer is the length of the list or stream of the first argument */
	OPERATION_SUBSCRIBE = 1 << 3,  /* messages follow that nobody asks for */
	OPERATION_HIDES = 1 << 4,      /* what follows is no exchange any more */
};

#define TAPSTAT_OPERATIONS(O) \
	TAPSTAT_OPERATIONS_REDIS(O) TAPSTAT_OPERATIONS_POSTGRESQL(O) TAPSTAT_OPERATIONS_MYSQL(O) \
	TAPSTAT_OPERATIONS_MONGODB(O) TAPSTAT_OPERATIONS_MEMCACHED(O) TAPSTAT_OPERATIONS_FILE(O) \
	TAPSTAT_OPERATIONS_SQLITE(O) TAPSTAT_OPERATIONS_ROCKSDB(O) TAPSTAT_OPERATIONS_LEVELDB(O) \
	TAPSTAT_OPERATIONS_LMDB(O)

#define TAPSTAT_OPERATIONS_REDIS(O)                            \
	O(REDIS, OTHER, "other", 0)                                 \
	O(REDIS, ACL, "acl", 0)                                     \
	O(REDIS, APPEND, "append", 0)                               \
	O(REDIS, ASKING, "asking", 0)                               \
	O(REDIS, AUTH, "auth", 0)                                   \
	O(REDIS, BGREWRITEAOF, "bgrewriteaof", 0)                   \
	O(REDIS, BGSAVE, "bgsave", 0)                               \
	O(REDIS, BITCOUNT, "bitcount", 0)                           \
	O(REDIS, BITFIELD, "bitfield", 0)                           \
	O(REDIS, BITFIELD_RO, "bitfield_ro", 0)                     \
	O(REDIS, BITOP, "bitop", 0)                                 \
	O(REDIS, BITPOS, "bitpos", 0)                               \
	O(REDIS, BLMOVE, "blmove", 0)                               \
	O(REDIS, BLMPOP, "blmpop", 0)                               \
	O(REDIS, BLPOP, "blpop", 0)                                 \
	O(REDIS, BRPOP, "brpop", 0)                                 \
	O(REDIS, BRPOPLPUSH, "brpoplpush", 0)                       \
	O(REDIS, BZMPOP, "bzmpop", 0)                               \
	O(REDIS, BZPOPMAX, "bzpopmax", 0)                           \
	O(REDIS, BZPOPMIN, "bzpopmin", 0)                           \
	O(REDIS, CLIENT, "client", 0)                               \
	O(REDIS, CLUSTER, "cluster", 0)                             \
	O(REDIS, COMMAND, "command", 0)                             \
	O(REDIS, CONFIG, "config", 0)                               \
	O(REDIS, COPY, "copy", 0)                                   \
	O(REDIS, DBSIZE, "dbsize", 0)                               \
	O(REDIS, DEBUG, "debug", 0)                                 \
	O(REDIS, DECR, "decr", 0)                                   \
	O(REDIS, DECRBY, "decrby", 0)                               \
	O(REDIS, DEL, "del", 0)                                     \
	O(REDIS, DISCARD, "discard", 0)                             \
	O(REDIS, DUMP, "dump", 0)                                   \
	O(REDIS, ECHO, "echo", 0)                                   \
	O(REDIS, EVAL, "eval", 0)                                   \
	O(REDIS, EVAL_RO, "eval_ro", 0)                             \
	O(REDIS, EVALSHA, "evalsha", 0)                             \
	O(REDIS, EVALSHA_RO, "evalsha_ro", 0)                       \
	O(REDIS, EXEC, "exec", 0)                                   \
	O(REDIS, EXISTS, "exists", 0)                               \
	O(REDIS, EXPIRE, "expire", 0)                               \
	O(REDIS, EXPIREAT, "expireat", 0)                           \
	O(REDIS, EXPIRETIME, "expiretime", 0)                       \
	O(REDIS, FAILOVER, "failover", 0)                           \
	O(REDIS, FCALL, "fcall", 0)                                 \
	O(REDIS, FCALL_RO, "fcall_ro", 0)                           \
	O(REDIS, FLUSHALL, "flushall", 0)                           \
	O(REDIS, FLUSHDB, "flushdb", 0)                             \
	O(REDIS, FUNCTION, "function", 0)                           \
	O(REDIS, GEOADD, "geoadd", 0)                               \
	O(REDIS, GEODIST, "geodist", 0)                             \
	O(REDIS, GEOHASH, "geohash", 0)                             \
	O(REDIS, GEOPOS, "geopos", 0)                               \
	O(REDIS, GEORADIUS, "georadius", 0)                         \
	O(REDIS, GEORADIUS_RO, "georadius_ro", 0)                   \
	O(REDIS, GEORADIUSBYMEMBER, "georadiusbymember", 0)         \
	O(REDIS, GEORADIUSBYMEMBER_RO, "georadiusbymember_ro", 0)   \
	O(REDIS, GEOSEARCH, "geosearch", 0)                         \
	O(REDIS, GEOSEARCHSTORE, "geosearchstore", 0)               \
	O(REDIS, GET, "get", OPERATION_CACHE)                       \
	O(REDIS, GETBIT, "getbit", 0)                               \
	O(REDIS, GETDEL, "getdel", OPERATION_CACHE)                 \
	O(REDIS, GETEX, "getex", OPERATION_CACHE)                   \
	O(REDIS, GETRANGE, "getrange", 0)                           \
	O(REDIS, GETSET, "getset", 0)                               \
	O(REDIS, HDEL, "hdel", 0)                                   \
	O(REDIS, HELLO, "hello", 0)                                 \
	O(REDIS, HEXISTS, "hexists", 0)                             \
	O(REDIS, HEXPIRE, "hexpire", 0)                             \
	O(REDIS, HGET, "hget", OPERATION_CACHE)                     \
	O(REDIS, HGETALL, "hgetall", 0)                             \
	O(REDIS, HINCRBY, "hincrby", 0)                             \
	O(REDIS, HINCRBYFLOAT, "hincrbyfloat", 0)                   \
	O(REDIS, HKEYS, "hkeys", 0)                                 \
	O(REDIS, HLEN, "hlen", 0)                                   \
	O(REDIS, HMGET, "hmget", OPERATION_CACHE_EACH)              \
	O(REDIS, HMSET, "hmset", 0)                                 \
	O(REDIS, HRANDFIELD, "hrandfield", 0)                       \
	O(REDIS, HSCAN, "hscan", 0)                                 \
	O(REDIS, HSET, "hset", 0)                                   \
	O(REDIS, HSETNX, "hsetnx", 0)                               \
	O(REDIS, HSTRLEN, "hstrlen", 0)                             \
	O(REDIS, HVALS, "hvals", 0)                                 \
	O(REDIS, INCR, "incr", 0)                                   \
	O(REDIS, INCRBY, "incrby", 0)                               \
	O(REDIS, INCRBYFLOAT, "incrbyfloat", 0)                     \
	O(REDIS, INFO, "info", 0)                                   \
	O(REDIS, KEYS, "keys", 0)                                   \
	O(REDIS, LASTSAVE, "lastsave", 0)                           \
	O(REDIS, LATENCY, "latency", 0)                             \
	O(REDIS, LCS, "lcs", 0)                                     \
	O(REDIS, LINDEX, "lindex", 0)                               \
	O(REDIS, LINSERT, "linsert", 0)                             \
	O(REDIS, LLEN, "llen", OPERATION_LENGTH)                    \
	O(REDIS, LMOVE, "lmove", 0)                                 \
	O(REDIS, LMPOP, "lmpop", 0)                                 \
	O(REDIS, LOLWUT, "lolwut", 0)                               \
	O(REDIS, LPOP, "lpop", 0)                                   \
	O(REDIS, LPOS, "lpos", 0)                                   \
	O(REDIS, LPUSH, "lpush", OPERATION_LENGTH)                  \
	O(REDIS, LPUSHX, "lpushx", OPERATION_LENGTH)                \
	O(REDIS, LRANGE, "lrange", 0)                               \
	O(REDIS, LREM, "lrem", 0)                                   \
	O(REDIS, LSET, "lset", 0)                                   \
	O(REDIS, LTRIM, "ltrim", 0)                                 \
	O(REDIS, MEMORY, "memory", 0)                               \
	O(REDIS, MGET, "mget", OPERATION_CACHE_EACH)                \
	O(REDIS, MIGRATE, "migrate", 0)                             \
	O(REDIS, MODULE, "module", 0)                               \
	O(REDIS, MONITOR, "monitor", OPERATION_SUBSCRIBE)           \
	O(REDIS, MOVE, "move", 0)                                   \
	O(REDIS, MSET, "mset", 0)                                   \
	O(REDIS, MSETNX, "msetnx", 0)                               \
	O(REDIS, MULTI, "multi", 0)                                 \
	O(REDIS, OBJECT, "object", 0)                               \
	O(REDIS, PERSIST, "persist", 0)                             \
	O(REDIS, PEXPIRE, "pexpire", 0)                             \
	O(REDIS, PEXPIREAT, "pexpireat", 0)                         \
	O(REDIS, PEXPIRETIME, "pexpiretime", 0)                     \
	O(REDIS, PFADD, "pfadd", 0)                                 \
	O(REDIS, PFCOUNT, "pfcount", 0)                             \
	O(REDIS, PFDEBUG, "pfdebug", 0)                             \
	O(REDIS, PFMERGE, "pfmerge", 0)                             \
	O(REDIS, PFSELFTEST, "pfselftest", 0)                       \
	O(REDIS, PING, "ping", 0)                                   \
	O(REDIS, PSETEX, "psetex", 0)                               \
	O(REDIS, PSUBSCRIBE, "psubscribe", OPERATION_SUBSCRIBE)     \
	O(REDIS, PSYNC, "psync", OPERATION_HIDES)                   \
	O(REDIS, PTTL, "pttl", 0)                                   \
	O(REDIS, PUBLISH, "publish", 0)                             \
	O(REDIS, PUBSUB, "pubsub", 0)                               \
	O(REDIS, PUNSUBSCRIBE, "punsubscribe", OPERATION_SUBSCRIBE) \
	O(REDIS, QUIT, "quit", 0)                                   \
	O(REDIS, RANDOMKEY, "randomkey", 0)                         \
	O(REDIS, READONLY, "readonly", 0)                           \
	O(REDIS, READWRITE, "readwrite", 0)                         \
	O(REDIS, RENAME, "rename", 0)                               \
	O(REDIS, RENAMENX, "renamenx", 0)                           \
	O(REDIS, REPLCONF, "replconf", 0)                           \
	O(REDIS, REPLICAOF, "replicaof", 0)                         \
	O(REDIS, RESET, "reset", 0)                                 \
	O(REDIS, RESTORE, "restore", 0)                             \
	O(REDIS, ROLE, "role", 0)                                   \
	O(REDIS, RPOP, "rpop", 0)                                   \
	O(REDIS, RPOPLPUSH, "rpoplpush", 0)                         \
	O(REDIS, RPUSH, "rpush", OPERATION_LENGTH)                  \
	O(REDIS, RPUSHX, "rpushx", OPERATION_LENGTH)                \
	O(REDIS, SADD, "sadd", 0)                                   \
	O(REDIS, SAVE, "save", 0)                                   \
	O(REDIS, SCAN, "scan", 0)                                   \
	O(REDIS, SCARD, "scard", 0)                                 \
	O(REDIS, SCRIPT, "script", 0)                               \
	O(REDIS, SDIFF, "sdiff", 0)                                 \
	O(REDIS, SDIFFSTORE, "sdiffstore", 0)                       \
	O(REDIS, SELECT, "select", 0)                               \
	O(REDIS, SET, "set", 0)                                     \
	O(REDIS, SETBIT, "setbit", 0)                               \
	O(REDIS, SETEX, "setex", 0)                                 \
	O(REDIS, SETNX, "setnx", 0)                                 \
	O(REDIS, SETRANGE, "setrange", 0)                           \
	O(REDIS, SHUTDOWN, "shutdown", 0)                           \
	O(REDIS, SINTER, "sinter", 0)                               \
	O(REDIS, SINTERCARD, "sintercard", 0)                       \
	O(REDIS, SINTERSTORE, "sinterstore", 0)                     \
	O(REDIS, SISMEMBER, "sismember", 0)                         \
	O(REDIS, SLAVEOF, "slaveof", 0)                             \
	O(REDIS, SLOWLOG, "slowlog", 0)                             \
	O(REDIS, SMEMBERS, "smembers", 0)                           \
	O(REDIS, SMISMEMBER, "smismember", 0)                       \
	O(REDIS, SMOVE, "smove", 0)                                 \
	O(REDIS, SORT, "sort", 0)                                   \
	O(REDIS, SORT_RO, "sort_ro", 0)                             \
	O(REDIS, SPOP, "spop", 0)                                   \
	O(REDIS, SPUBLISH, "spublish", 0)                           \
	O(REDIS, SRANDMEMBER, "srandmember", 0)                     \
	O(REDIS, SREM, "srem", 0)                                   \
	O(REDIS, SSCAN, "sscan", 0)                                 \
	O(REDIS, SSUBSCRIBE, "ssubscribe", OPERATION_SUBSCRIBE)     \
	O(REDIS, STRLEN, "strlen", 0)                               \
	O(REDIS, SUBSCRIBE, "subscribe", OPERATION_SUBSCRIBE)       \
	O(REDIS, SUBSTR, "substr", 0)                               \
	O(REDIS, SUNION, "sunion", 0)                               \
	O(REDIS, SUNIONSTORE, "sunionstore", 0)                     \
	O(REDIS, SUNSUBSCRIBE, "sunsubscribe", OPERATION_SUBSCRIBE) \
	O(REDIS, SWAPDB, "swapdb", 0)                               \
	O(REDIS, SYNC, "sync", OPERATION_HIDES)                     \
	O(REDIS, TIME, "time", 0)                                   \
	O(REDIS, TOUCH, "touch", 0)                                 \
	O(REDIS, TTL, "ttl", 0)                                     \
	O(REDIS, TYPE, "type", 0)                                   \
	O(REDIS, UNLINK, "unlink", 0)                               \
	O(REDIS, UNSUBSCRIBE, "unsubscribe", OPERATION_SUBSCRIBE)   \
	O(REDIS, UNWATCH, "unwatch", 0)                             \
	O(REDIS, WAIT, "wait", 0)                                   \
	O(REDIS, WATCH, "watch", 0)                                 \
	O(REDIS, XACK, "xack", 0)                                   \
	O(REDIS, XADD, "xadd", 0)                                   \
	O(REDIS, XAUTOCLAIM, "xautoclaim", 0)                       \
	O(REDIS, XCLAIM, "xclaim", 0)                               \
	O(REDIS, XDEL, "xdel", 0)                                   \
	O(REDIS, XGROUP, "xgroup", 0)                               \
	O(REDIS, XINFO, "xinfo", 0)                                 \
	O(REDIS, XLEN, "xlen", OPERATION_LENGTH)                    \
	O(REDIS, XPENDING, "xpending", 0)                           \
	O(REDIS, XRANGE, "xrange", 0)                               \
	O(REDIS, XREAD, "xread", 0)                                 \
	O(REDIS, XREADGROUP, "xreadgroup", 0)                       \
	O(REDIS, XREVRANGE, "xrevrange", 0)                         \
	O(REDIS, XSETID, "xsetid", 0)                               \
	O(REDIS, XTRIM, "xtrim", 0)                                 \
	O(REDIS, ZADD, "zadd", 0)                                   \
	O(REDIS, ZCARD, "zcard", 0)                                 \
	O(REDIS, ZCOUNT, "zcount", 0)                               \
	O(REDIS, ZDIFF, "zdiff", 0)                                 \
	O(REDIS, ZDIFFSTORE, "zdiffstore", 0)                       \
	O(REDIS, ZINCRBY, "zincrby", 0)                             \
	O(REDIS, ZINTER, "zinter", 0)                               \
	O(REDIS, ZINTERCARD, "zintercard", 0)                       \
	O(REDIS, ZINTERSTORE, "zinterstore", 0)                     \
	O(REDIS, ZLEXCOUNT, "zlexcount", 0)                         \
	O(REDIS, ZMPOP, "zmpop", 0)                                 \
	O(REDIS, ZMSCORE, "zmscore", 0)                             \
	O(REDIS, ZPOPMAX, "zpopmax", 0)                             \
	O(REDIS, ZPOPMIN, "zpopmin", 0)                             \
	O(REDIS, ZRANDMEMBER, "zrandmember", 0)                     \
	O(REDIS, ZRANGE, "zrange", 0)                               \
	O(REDIS, ZRANGEBYLEX, "zrangebylex", 0)                     \
	O(REDIS, ZRANGEBYSCORE, "zrangebyscore", 0)                 \
	O(REDIS, ZRANGESTORE, "zrangestore", 0)                     \
	O(REDIS, ZRANK, "zrank", 0)                                 \
	O(REDIS, ZREM, "zrem", 0)                                   \
	O(REDIS, ZREMRANGEBYLEX, "zremrangebylex", 0)               \
	O(REDIS, ZREMRANGEBYRANK, "zremrangebyrank", 0)             \
	O(REDIS, ZREMRANGEBYSCORE, "zremrangebyscore", 0)           \
	O(REDIS, ZREVRANGE, "zrevrange", 0)                         \
	O(REDIS, ZREVRANGEBYLEX, "zrevrangebylex", 0)               \
	O(REDIS, ZREVRANGEBYSCORE, "zrevrangebyscore", 0)           \
	O(REDIS, ZREVRANK, "zrevrank", 0)                           \
	O(REDIS, ZSCAN, "zscan", 0)                                 \
	O(REDIS, ZSCORE, "zscore", 0)                               \
	O(REDIS, ZUNION, "zunion", 0)                               \
	O(REDIS, ZUNIONSTORE, "zunionstore", 0)

#define TAPSTAT_OPERATIONS_POSTGRESQL(O)           \
	O(POSTGRESQL, OTHER, "other", 0)           \
	O(POSTGRESQL, SELECT, "select", 0)         \
	O(POSTGRESQL, INSERT, "insert", 0)         \
	O(POSTGRESQL, UPDATE, "update", 0)         \
	O(POSTGRESQL, DELETE, "delete", 0)         \
	O(POSTGRESQL, MERGE, "merge", 0)           \
	O(POSTGRESQL, BEGIN, "begin", 0)           \
	O(POSTGRESQL, START, "start", 0)           \
	O(POSTGRESQL, COMMIT, "commit", 0)         \
	O(POSTGRESQL, ROLLBACK, "rollback", 0)     \
	O(POSTGRESQL, ABORT, "abort", 0)           \
	O(POSTGRESQL, SAVEPOINT, "savepoint", 0)   \
	O(POSTGRESQL, RELEASE, "release", 0)       \
	O(POSTGRESQL, PREPARE, "prepare", 0)       \
	O(POSTGRESQL, EXECUTE, "execute", 0)       \
	O(POSTGRESQL, DEALLOCATE, "deallocate", 0) \
	O(POSTGRESQL, COPY, "copy", 0)             \
	O(POSTGRESQL, FETCH, "fetch", 0)           \
	O(POSTGRESQL, MOVE, "move", 0)             \
	O(POSTGRESQL, DECLARE, "declare", 0)       \
	O(POSTGRESQL, CLOSE, "close", 0)           \
	O(POSTGRESQL, CREATE, "create", 0)         \
	O(POSTGRESQL, ALTER, "alter", 0)           \
	O(POSTGRESQL, DROP, "drop", 0)             \
	O(POSTGRESQL, TRUNCATE, "truncate", 0)     \
	O(POSTGRESQL, GRANT, "grant", 0)           \
	O(POSTGRESQL, REVOKE, "revoke", 0)         \
	O(POSTGRESQL, SET, "set", 0)               \
	O(POSTGRESQL, RESET, "reset", 0)           \
	O(POSTGRESQL, SHOW, "show", 0)             \
	O(POSTGRESQL, EXPLAIN, "explain", 0)       \
	O(POSTGRESQL, ANALYZE, "analyze", 0)       \
	O(POSTGRESQL, VACUUM, "vacuum", 0)         \
	O(POSTGRESQL, CLUSTER, "cluster", 0)       \
	O(POSTGRESQL, REINDEX, "reindex", 0)       \
	O(POSTGRESQL, REFRESH, "refresh", 0)       \
	O(POSTGRESQL, LOCK, "lock", 0)             \
	O(POSTGRESQL, LISTEN, "listen", 0)         \
	O(POSTGRESQL, UNLISTEN, "unlisten", 0)     \
	O(POSTGRESQL, NOTIFY, "notify", 0)         \
	O(POSTGRESQL, CALL, "call", 0)             \
	O(POSTGRESQL, DO, "do", 0)                 \
	O(POSTGRESQL, COMMENT, "comment", 0)       \
	O(POSTGRESQL, DISCARD, "discard", 0)       \
	O(POSTGRESQL, CHECKPOINT, "checkpoint", 0) \
	O(POSTGRESQL, SECURITY, "security", 0)     \
	O(POSTGRESQL, IMPORT, "import", 0)         \
	O(POSTGRESQL, LOAD, "load", 0)             \
	O(POSTGRESQL, TABLE, "table", 0)           \
	O(POSTGRESQL, VALUES, "values", 0)

#define TAPSTAT_OPERATIONS_MYSQL(O)                        \
	O(MYSQL, OTHER, "other", 0)                             \
	O(MYSQL, SELECT, "select", 0)                           \
	O(MYSQL, INSERT, "insert", 0)                           \
	O(MYSQL, UPDATE, "update", 0)                           \
	O(MYSQL, DELETE, "delete", 0)                           \
	O(MYSQL, REPLACE, "replace", 0)                         \
	O(MYSQL, BEGIN, "begin", 0)                             \
	O(MYSQL, START, "start", 0)                             \
	O(MYSQL, COMMIT, "commit", 0)                           \
	O(MYSQL, ROLLBACK, "rollback", 0)                       \
	O(MYSQL, SAVEPOINT, "savepoint", 0)                     \
	O(MYSQL, RELEASE, "release", 0)                         \
	O(MYSQL, PREPARE, "prepare", 0)                         \
	O(MYSQL, EXECUTE, "execute", 0)                         \
	O(MYSQL, DEALLOCATE, "deallocate", 0)                   \
	O(MYSQL, CREATE, "create", 0)                           \
	O(MYSQL, ALTER, "alter", 0)                             \
	O(MYSQL, DROP, "drop", 0)                               \
	O(MYSQL, TRUNCATE, "truncate", 0)                       \
	O(MYSQL, RENAME, "rename", 0)                           \
	O(MYSQL, GRANT, "grant", 0)                             \
	O(MYSQL, REVOKE, "revoke", 0)                           \
	O(MYSQL, SET, "set", 0)                                 \
	O(MYSQL, SHOW, "show", 0)                               \
	O(MYSQL, EXPLAIN, "explain", 0)                         \
	O(MYSQL, DESCRIBE, "describe", 0)                       \
	O(MYSQL, DESC, "desc", 0)                               \
	O(MYSQL, ANALYZE, "analyze", 0)                         \
	O(MYSQL, CHECK, "check", 0)                             \
	O(MYSQL, CHECKSUM, "checksum", 0)                       \
	O(MYSQL, OPTIMIZE, "optimize", 0)                       \
	O(MYSQL, REPAIR, "repair", 0)                           \
	O(MYSQL, LOCK, "lock", 0)                               \
	O(MYSQL, UNLOCK, "unlock", 0)                           \
	O(MYSQL, CALL, "call", 0)                               \
	O(MYSQL, DO, "do", 0)                                   \
	O(MYSQL, USE, "use", 0)                                 \
	O(MYSQL, LOAD, "load", 0)                               \
	O(MYSQL, HANDLER, "handler", 0)                         \
	O(MYSQL, FLUSH, "flush", 0)                             \
	O(MYSQL, KILL, "kill", 0)                               \
	O(MYSQL, RESET, "reset", 0)                             \
	O(MYSQL, XA, "xa", 0)                                   \
	O(MYSQL, HELP, "help", 0)                               \
	O(MYSQL, WITH, "with", 0)                               \
	O(MYSQL, TABLE, "table", 0)                             \
	O(MYSQL, VALUES, "values", 0)                           \
	O(MYSQL, INIT_DB, "init_db", 0)                         \
	O(MYSQL, PING, "ping", 0)                               \
	O(MYSQL, STATISTICS, "statistics", 0)                   \
	O(MYSQL, QUIT, "quit", 0)                               \
	O(MYSQL, FIELD_LIST, "field_list", 0)                   \
	O(MYSQL, PROCESS_KILL, "process_kill", 0)               \
	O(MYSQL, STMT_PREPARE, "stmt_prepare", 0)               \
	O(MYSQL, STMT_EXECUTE, "stmt_execute", 0)               \
	O(MYSQL, STMT_FETCH, "stmt_fetch", 0)                   \
	O(MYSQL, STMT_CLOSE, "stmt_close", 0)                   \
	O(MYSQL, STMT_RESET, "stmt_reset", 0)                   \
	O(MYSQL, STMT_SEND_LONG_DATA, "stmt_send_long_data", 0) \
	O(MYSQL, CHANGE_USER, "change_user", 0)                 \
	O(MYSQL, RESET_CONNECTION, "reset_connection", 0)       \
	O(MYSQL, SET_OPTION, "set_option", 0)                   \
	O(MYSQL, BINLOG_DUMP, "binlog_dump", 0)                 \
	O(MYSQL, REGISTER_REPLICA, "register_replica", 0)       \
	O(MYSQL, DEBUG, "debug", 0)                             \
	O(MYSQL, REFRESH, "refresh", 0)                         \
	O(MYSQL, SHUTDOWN, "shutdown", 0)                       \
	O(MYSQL, BULK_EXECUTE, "bulk_execute", 0)

#define TAPSTAT_OPERATIONS_MONGODB(O)                      \
	O(MONGODB, OTHER, "other", 0)                         \
	O(MONGODB, FIND, "find", 0)                           \
	O(MONGODB, INSERT, "insert", 0)                       \
	O(MONGODB, UPDATE, "update", 0)                       \
	O(MONGODB, DELETE, "delete", 0)                       \
	O(MONGODB, FINDANDMODIFY, "findandmodify", 0)         \
	O(MONGODB, AGGREGATE, "aggregate", 0)                 \
	O(MONGODB, COUNT, "count", 0)                         \
	O(MONGODB, DISTINCT, "distinct", 0)                   \
	O(MONGODB, GETMORE, "getmore", 0)                     \
	O(MONGODB, KILLCURSORS, "killcursors", 0)             \
	O(MONGODB, MAPREDUCE, "mapreduce", 0)                 \
	O(MONGODB, CREATE, "create", 0)                       \
	O(MONGODB, DROP, "drop", 0)                           \
	O(MONGODB, CREATEINDEXES, "createindexes", 0)         \
	O(MONGODB, DROPINDEXES, "dropindexes", 0)             \
	O(MONGODB, LISTCOLLECTIONS, "listcollections", 0)     \
	O(MONGODB, LISTINDEXES, "listindexes", 0)             \
	O(MONGODB, LISTDATABASES, "listdatabases", 0)         \
	O(MONGODB, DROPDATABASE, "dropdatabase", 0)           \
	O(MONGODB, COLLMOD, "collmod", 0)                     \
	O(MONGODB, RENAMECOLLECTION, "renamecollection", 0)   \
	O(MONGODB, EXPLAIN, "explain", 0)                     \
	O(MONGODB, HELLO, "hello", 0)                         \
	O(MONGODB, ISMASTER, "ismaster", 0)                   \
	O(MONGODB, PING, "ping", 0)                           \
	O(MONGODB, BUILDINFO, "buildinfo", 0)                 \
	O(MONGODB, SERVERSTATUS, "serverstatus", 0)           \
	O(MONGODB, COLLSTATS, "collstats", 0)                 \
	O(MONGODB, DBSTATS, "dbstats", 0)                     \
	O(MONGODB, HOSTINFO, "hostinfo", 0)                   \
	O(MONGODB, CONNECTIONSTATUS, "connectionstatus", 0)   \
	O(MONGODB, GETPARAMETER, "getparameter", 0)           \
	O(MONGODB, SETPARAMETER, "setparameter", 0)           \
	O(MONGODB, SASLSTART, "saslstart", 0)                 \
	O(MONGODB, SASLCONTINUE, "saslcontinue", 0)           \
	O(MONGODB, AUTHENTICATE, "authenticate", 0)           \
	O(MONGODB, LOGOUT, "logout", 0)                       \
	O(MONGODB, GETLASTERROR, "getlasterror", 0)           \
	O(MONGODB, ENDSESSIONS, "endsessions", 0)             \
	O(MONGODB, STARTSESSION, "startsession", 0)           \
	O(MONGODB, REFRESHSESSIONS, "refreshsessions", 0)     \
	O(MONGODB, KILLSESSIONS, "killsessions", 0)           \
	O(MONGODB, COMMITTRANSACTION, "committransaction", 0) \
	O(MONGODB, ABORTTRANSACTION, "aborttransaction", 0)   \
	O(MONGODB, CURRENTOP, "currentop", 0)                 \
	O(MONGODB, KILLOP, "killop", 0)                       \
	O(MONGODB, VALIDATE, "validate", 0)                   \
	O(MONGODB, COMPACT, "compact", 0)                     \
	O(MONGODB, BULKWRITE, "bulkwrite", 0)                 \
	O(MONGODB, QUERY, "query", 0)

#define TAPSTAT_OPERATIONS_MEMCACHED(O)                    \
	O(MEMCACHED, OTHER, "other", 0)                     \
	O(MEMCACHED, GET, "get", 0)                         \
	O(MEMCACHED, GETS, "gets", 0)                       \
	O(MEMCACHED, GAT, "gat", 0)                         \
	O(MEMCACHED, GATS, "gats", 0)                       \
	O(MEMCACHED, SET, "set", 0)                         \
	O(MEMCACHED, ADD, "add", 0)                         \
	O(MEMCACHED, REPLACE, "replace", 0)                 \
	O(MEMCACHED, APPEND, "append", 0)                   \
	O(MEMCACHED, PREPEND, "prepend", 0)                 \
	O(MEMCACHED, CAS, "cas", 0)                         \
	O(MEMCACHED, DELETE, "delete", 0)                   \
	O(MEMCACHED, INCR, "incr", 0)                       \
	O(MEMCACHED, DECR, "decr", 0)                       \
	O(MEMCACHED, TOUCH, "touch", 0)                     \
	O(MEMCACHED, FLUSH_ALL, "flush_all", 0)             \
	O(MEMCACHED, VERSION, "version", 0)                 \
	O(MEMCACHED, VERBOSITY, "verbosity", 0)             \
	O(MEMCACHED, STATS, "stats", 0)                     \
	O(MEMCACHED, QUIT, "quit", 0)                       \
	O(MEMCACHED, NOOP, "noop", 0)                       \
	O(MEMCACHED, SHUTDOWN, "shutdown", 0)               \
	O(MEMCACHED, MN, "mn", 0)                           \
	O(MEMCACHED, MG, "mg", 0)                           \
	O(MEMCACHED, MS, "ms", 0)                           \
	O(MEMCACHED, MD, "md", 0)                           \
	O(MEMCACHED, MA, "ma", 0)                           \
	O(MEMCACHED, ME, "me", 0)                           \
	O(MEMCACHED, SASL_LIST_MECHS, "sasl_list_mechs", 0) \
	O(MEMCACHED, SASL_AUTH, "sasl_auth", 0)             \
	O(MEMCACHED, SASL_STEP, "sasl_step", 0)             \
	O(MEMCACHED, SLABS, "slabs", 0)                     \
	O(MEMCACHED, LRU, "lru", 0)                         \
	O(MEMCACHED, CACHE_MEMLIMIT, "cache_memlimit", 0)   \
	O(MEMCACHED, WATCH, "watch", OPERATION_HIDES)

#define TAPSTAT_OPERATIONS_FILE(O) \
	O(FILE, OTHER, "other", 0)       \
	O(FILE, OPEN, "open", 0)         \
	O(FILE, READ, "read", 0)         \
	O(FILE, WRITE, "write", 0)       \
	O(FILE, FSYNC, "fsync", 0)       \
	O(FILE, RENAME, "rename", 0)     \
	O(FILE, UNLINK, "unlink", 0)     \
	O(FILE, TRUNCATE, "truncate", 0)

#define TAPSTAT_OPERATIONS_SQLITE(O)         \
	O(SQLITE, OTHER, "other", 0)         \
	O(SQLITE, SELECT, "select", 0)       \
	O(SQLITE, INSERT, "insert", 0)       \
	O(SQLITE, UPDATE, "update", 0)       \
	O(SQLITE, DELETE, "delete", 0)       \
	O(SQLITE, REPLACE, "replace", 0)     \
	O(SQLITE, BEGIN, "begin", 0)         \
	O(SQLITE, COMMIT, "commit", 0)       \
	O(SQLITE, END, "end", 0)             \
	O(SQLITE, ROLLBACK, "rollback", 0)   \
	O(SQLITE, SAVEPOINT, "savepoint", 0) \
	O(SQLITE, RELEASE, "release", 0)     \
	O(SQLITE, CREATE, "create", 0)       \
	O(SQLITE, ALTER, "alter", 0)         \
	O(SQLITE, DROP, "drop", 0)           \
	O(SQLITE, PRAGMA, "pragma", 0)       \
	O(SQLITE, VACUUM, "vacuum", 0)       \
	O(SQLITE, ANALYZE, "analyze", 0)     \
	O(SQLITE, REINDEX, "reindex", 0)     \
	O(SQLITE, ATTACH, "attach", 0)       \
	O(SQLITE, DETACH, "detach", 0)       \
	O(SQLITE, EXPLAIN, "explain", 0)     \
	O(SQLITE, WITH, "with", 0)           \
	O(SQLITE, VALUES, "values", 0)

#define TAPSTAT_OPERATIONS_ROCKSDB(O)       \
	O(ROCKSDB, OTHER, "other", 0)       \
	O(ROCKSDB, GET, "get", 0)           \
	O(ROCKSDB, MULTIGET, "multiget", 0) \
	O(ROCKSDB, PUT, "put", 0)           \
	O(ROCKSDB, DELETE, "delete", 0)     \
	O(ROCKSDB, MERGE, "merge", 0)       \
	O(ROCKSDB, WRITE, "write", 0)       \
	O(ROCKSDB, SEEK, "seek", 0)         \
	O(ROCKSDB, FLUSH, "flush", 0)       \
	O(ROCKSDB, COMPACT, "compact", 0)

#define TAPSTAT_OPERATIONS_LEVELDB(O)     \
	O(LEVELDB, OTHER, "other", 0)     \
	O(LEVELDB, GET, "get", 0)         \
	O(LEVELDB, PUT, "put", 0)         \
	O(LEVELDB, DELETE, "delete", 0)   \
	O(LEVELDB, WRITE, "write", 0)     \
	O(LEVELDB, SEEK, "seek", 0)       \
	O(LEVELDB, COMPACT, "compact", 0)

#define TAPSTAT_OPERATIONS_LMDB(O)           \
	O(LMDB, OTHER, "other", 0)           \
	O(LMDB, GET, "get", 0)               \
	O(LMDB, PUT, "put", 0)               \
	O(LMDB, DELETE, "delete", 0)         \
	O(LMDB, CURSOR_GET, "cursor_get", 0) \
	O(LMDB, BEGIN, "begin", 0)           \
	O(LMDB, COMMIT, "commit", 0)         \
	O(LMDB, ABORT, "abort", 0)           \
	O(LMDB, OPEN, "open", 0)             \
	O(LMDB, DROP, "drop", 0)             \
	O(LMDB, SYNC, "sync", 0)             \
	O(LMDB, COPY, "copy", 0)

/* clang-format on */

#define TAPSTAT_BACKEND_VALUE(set, value, text) set##_##value,
enum label_backend { LABEL_SET_BACKEND(TAPSTAT_BACKEND_VALUE) BACKEND_COUNT };

#define TAPSTAT_OPERATION_ID(backend, id, name, flags) OPERATION_##backend##_##id,
enum operation { OPERATION_NONE, TAPSTAT_OPERATIONS(TAPSTAT_OPERATION_ID) OPERATION_COUNT };

enum {
	OPERATION_NAME_BYTES =
		24,             /* with a terminating NUL; names are told apart by their first 16 and their length */
	OPERATION_SLOTS = 2048, /* of the table: four times the names, so that few are displaced */
	OPERATION_PROBES = 2,
};

/* A name in the table that the kernel looks names up in: open addressing, within OPERATION_PROBES of its hash. */
struct operation_slot {
	__u64 low, high; /* the first 16 bytes, zeroed behind the name */
	__u16 operation; /* OPERATION_NONE: free */
	__u8 bytes;      /* length of the name */
	__u8 backend;
	__u32 pad;
};

struct operation_table {
	struct operation_slot slot[OPERATION_SLOTS];
	__u8 flags[(OPERATION_COUNT + 7) / 8 * 8]; /* enum operation_flags, by operation */
	__u8 backend[(OPERATION_COUNT + 7) / 8 * 8];
};

/* The factor is one, out of many tried, that leaves every name within OPERATION_PROBES; operations_fill() fails where
 * that is no longer so. */
static inline __u32 operation_hash(__u64 low, __u64 high, __u32 bytes, __u32 backend)
{
	__u64 x = (low ^ (high * 0x9e3779b97f4a7c15ULL)) + bytes + ((__u64)backend << 8);

	x *= 0x34b8a9b20e72bc01ULL;
	return x >> 53;
}

#endif
