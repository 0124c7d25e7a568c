# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""SQLite, RocksDB, LevelDB and LMDB inside of processes: a known number of each call, and whose are counted."""

import subprocess

from harness.metrics import sample
from harness.processes import Failure, wait_until
from harness.runner import cases
from harness.tapstat import BINARY
from harness.toolchain import PYTHON, c_program, cxx_program, need, node22

# What the peers do, (success, failed) by operation, and the bytes of it: peers/*_calls.*
SQLITE = {
    "select": (5 + 2 + 1 + 4 * 500 + 2 * 500, 1),
    "insert": (10 + 1 + 3, 1),
    "update": (10 + 1, 0),
    "delete": (1, 0),
    "replace": (1, 0),
    "create": (1 + 1, 0),
    "drop": (1, 0),
    "begin": (1 + 1, 1),
    "commit": (1, 0),
    "rollback": (1, 0),
    "savepoint": (1, 0),
    "release": (1, 0),
    "values": (1, 0),
    "pragma": (1, 0),
    "explain": (1, 0),
    "vacuum": (1, 0),
    "analyze": (1, 0),
    "other": (0, 1),
}
LMDB = {
    "begin": (1 + 4 + 2, 0),
    "open": (1, 0),
    "put": (101, 2),
    "get": (4 * 101, 0),
    "cursor_get": (4 * 102 + 1, 0),
    "delete": (2, 0),
    "drop": (1, 0),
    "commit": (1 + 2, 0),
    "abort": (4, 0),
    "sync": (1, 0),
}
LEVELDB = {
    "put": (4 * 100 + 1, 0),
    "get": (4 * 110 + 1, 0),
    "delete": (1 + 1, 0),
    "write": (1 + 1, 0),
    "seek": (3 + 1, 0),
    "compact": (1 + 1, 0),
}
ROCKSDB = {
    "put": (4 * 100 + 1, 1),
    "get": (4 * 110 + 1 + 1 + 1 + 1, 0),
    "multiget": (2, 0),
    "merge": (1, 0),
    "delete": (3 + 1, 0),
    "write": (1 + 1 + 1, 0),
    "seek": (4 + 1, 0),
    "flush": (1 + 1, 0),
    "compact": (1 + 1, 0),
}
BYTES = {
    "sqlite": {},
    "lmdb": {"sent": 101 * 12, "received": 4 * (100 * 8 + 101 * 12)},
    "leveldb": {"sent": 400 * 18 + 3, "received": 400 * 10 + 2},
    "rocksdb": {"sent": 400 * 18 + 11 + 3, "received": 400 * 10 + 3 + 2 + 1 + 10},
}
ROCKSDB_STATIC = (":librocksdb.a", "snappy", "z", "bz2", "lz4", "zstd")
PEERS = {
    "SQLite": ("sqlite", SQLITE, lambda: c_program("sqlite_calls", ["sqlite3"]), False),
    "SQLite in the program": ("sqlite", SQLITE, lambda: c_program("sqlite_calls", [":libsqlite3.a", "m"], "static"), True),
    "LMDB": ("lmdb", LMDB, lambda: c_program("lmdb_calls", ["lmdb"]), False),
    "LMDB in the program": ("lmdb", LMDB, lambda: c_program("lmdb_calls", [":liblmdb.a"], "static"), True),
    "LevelDB": ("leveldb", LEVELDB, lambda: cxx_program("leveldb_calls", ["leveldb"]), False),
    "LevelDB in the program": ("leveldb", LEVELDB, lambda: cxx_program("leveldb_calls", [":libleveldb.a", "snappy"], "static"), True),
    "RocksDB": ("rocksdb", ROCKSDB, lambda: cxx_program("rocksdb_calls", ["rocksdb"]), False),
    "RocksDB in the program": ("rocksdb", ROCKSDB, lambda: cxx_program("rocksdb_calls", ROCKSDB_STATIC, "static"), True),
}


def check(condition, message):
    if not condition:
        raise Failure(message)


def start(t, argv, label="peer", tapstat=None, backend=None, inside=False):
    """A peer whose library is open, waiting; until tapstat has found it, if there is one. A shared library may have
    been found before, in another process; one that is linked into the program not."""
    directory = t.tmp / f"{label}-data"
    directory.mkdir()
    before = files_with(tapstat, backend) if inside else 0
    process = t.start([*argv, directory], label)
    check(process.read_line() == "ready", "the peer is not ready")
    if tapstat:
        wait_until(lambda: files_with(tapstat, backend) > before, "the probes are on")
    return process


def files_with(tapstat, backend):
    """How many files with that library tapstat has found. It says so once their probes are on."""
    return tapstat.process.errors().count(f'msg="a file with a storage library" backend={backend}') if tapstat else 0


def work(process):
    process.send_line("go")
    check(process.read_line() == "done", "the peer did not end its work")


def attached(t, *options):
    """A tapstat that counts calls of libraries."""
    tapstat = t.own_tapstat("--storage-libraries", "--log.level=debug", *options)
    check(tapstat.scrape().value("tapstat_hook_attached", hook="storage_libraries") == 1, "the hook is missing")
    return tapstat


def expected(backend, operations, passed):
    counts = {}
    for operation, (success, failed) in operations.items():
        labels = {"backend": backend, "operation": operation}
        if success:
            counts[sample("storage_operations_total", status="success", **labels)] = success
        if failed:
            counts[sample("storage_operations_total", status="failed", **labels)] = failed
        counts[sample("storage_operation_duration_seconds_count", **labels)] = success + failed
    for direction, n in passed.items():
        counts[sample("storage_bytes_total", backend=backend, direction=direction)] = n
    return counts


def verify(tapstat, service, backend, operations, passed=None):
    side = tapstat.settled((service, "client")).side(service, "client")
    told = {
        name: value
        for name, value in side.items()
        if name.startswith("storage_") and f'backend="{backend}"' in name and "_bucket" not in name and "_sum" not in name and value
    }
    if passed is None:
        told = {name: value for name, value in told.items() if "bytes" not in name}
    wanted = expected(backend, operations, passed or {})
    check(told == wanted, f"counted {told}, expected {wanted}")
    for operation in operations:
        seconds = side[sample("storage_operation_duration_seconds_sum", backend=backend, operation=operation)]
        check(0 < seconds < 60, f"{operation} took {seconds} s")


@cases(PEERS)
def test_every_call_of_an_application_counts_once(t, row):
    backend, operations, program, inside = row
    tapstat = attached(t)
    process = start(t, [t.copy(program(), "peer")], tapstat=tapstat, backend=backend, inside=inside)
    work(process)
    verify(tapstat, t.service("peer"), backend, operations, BYTES[backend])


@cases(PEERS)
def test_calls_count_in_a_program_that_was_there_before_tapstat(t, row):
    backend, operations, program, _ = row
    process = start(t, [t.copy(program(), "peer")])
    tapstat = attached(t)
    work(process)
    verify(tapstat, t.service("peer"), backend, operations, BYTES[backend])


def test_statements_prepared_before_tapstat_count_under_other(t):
    process = start(t, [t.copy(c_program("sqlite_calls", ["sqlite3"]), "peer")])
    tapstat = attached(t)
    work(process)
    work(process)
    success, failed = SQLITE["other"]
    verify(tapstat, t.service("peer"), "sqlite", {**SQLITE, "other": (success + 1, failed)})


def test_only_what_a_selector_wants_is_counted(t):
    program = c_program("lmdb_calls", ["lmdb"])
    wanted, other = [start(t, [t.copy(program, label)], label) for label in ("wanted", "other")]
    tapstat = attached(t, f"--service={t.service('wanted')}")
    work(other)
    work(wanted)
    verify(tapstat, t.service("wanted"), "lmdb", LMDB, BYTES["lmdb"])
    check(not tapstat.scrape().side(t.service("other"), "client"), "a service that nobody selected is counted")


def test_storage_libraries_are_not_hooked_unless_somebody_asks(t):
    scrape = t.tapstat.scrape()
    check(scrape.value("tapstat_hook_attached", hook="storage_libraries") is None, "the hook is there")


def test_the_option_is_refused_with_a_port(t):
    t.require_tapstat()
    argv = [str(BINARY), "serve", "--storage-libraries", "--port=80"]
    result = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    check(result.returncode == 2 and "--port matches no call" in result.stderr, f"{result.returncode}: {result.stderr}")


# ---- Programs as they are -----------------------------------------------------------------------------------------

SQLITE_SHELL = (
    "create table t(a); insert into t values (1), (2); select * from t; update t set a = 3; select count(*) from t;"
    "delete from t where a = 4; with x(n) as (select 1) select n from x;"
)
SQLITE_PYTHON = """
import sqlite3, sys
print("ready", flush=True)
sys.stdin.readline()
db = sqlite3.connect(sys.argv[1] + "/data")
db.execute("create table t(a, b)")
for i in range(50):
    db.execute("insert into t values (?, ?)", (i, i))
db.executemany("insert into t values (?, ?)", [(1, 2)] * 20)
db.commit()
for i in range(30):
    db.execute("select * from t where a = ?", (i,)).fetchall()
db.execute("select * from t").fetchone()
try:
    db.execute("select * from missing")
except sqlite3.OperationalError:
    pass
db.close()
print("done", flush=True)
sys.stdin.readline()
"""
SQLITE_NODE = """
const { DatabaseSync } = require("node:sqlite");
console.log("ready");
process.stdin.once("data", () => {
  const db = new DatabaseSync(process.argv[2] + "/data");
  db.exec("create table t(a, b)");
  db.exec("begin");
  const insert = db.prepare("insert into t values (?, ?)");
  for (let i = 0; i < 50; i++) insert.run(i, i);
  db.exec("commit");
  const select = db.prepare("select * from t where a < ?");
  for (let i = 0; i < 30; i++) if (select.all(i).length != i) throw new Error("rows");
  for (const row of select.iterate(5)) if (row.b > 5) throw new Error("rows");
  try {
    db.prepare("select * from missing");
  } catch {}
  db.close();
  console.log("done");
});
"""
LMDB_PYTHON = """
import lmdb, sys
print("ready", flush=True)
sys.stdin.readline()
env = lmdb.open(sys.argv[1])
with env.begin(write=True) as txn:
    for i in range(20):
        txn.put(b"%d" % i, b"value")
    txn.delete(b"7")
with env.begin() as txn:
    for i in range(20):
        txn.get(b"%d" % i)
print("done", flush=True)
sys.stdin.readline()
"""
LEVELDB_PYTHON = """
import plyvel, sys
print("ready", flush=True)
sys.stdin.readline()
db = plyvel.DB(sys.argv[1] + "/data", create_if_missing=True)
for i in range(20):
    db.put(b"%d" % i, b"value")
for i in range(30):
    db.get(b"%d" % i)
db.delete(b"3")
with db.write_batch() as batch:
    batch.put(b"a", b"b")
assert len(list(db)) == 20
print("done", flush=True)
sys.stdin.readline()
"""


@cases(
    {
        "sqlite3": ("py", SQLITE_PYTHON, "sqlite", {"create": (1, 0), "begin": (1, 0), "insert": (70, 0), "commit": (1, 0), "select": (31, 1)}),
        "lmdb": ("py", LMDB_PYTHON, "lmdb", {"get": (20, 0), "put": (20, 0), "delete": (1, 0)}),
        "plyvel": ("py", LEVELDB_PYTHON, "leveldb", {"put": (20, 0), "get": (30, 0), "delete": (1, 0), "write": (1, 0), "seek": (1, 0)}),
        "node:sqlite": ("js", SQLITE_NODE, "sqlite", {"create": (1, 0), "begin": (1, 0), "insert": (50, 0), "commit": (1, 0), "select": (31, 1)}),
    }
)
def test_modules_of_languages(t, row):
    """Node has SQLite inside, Python's modules map the shared libraries."""
    language, text, backend, operations = row
    interpreter = node22() if language == "js" else PYTHON
    script = t.tmp / f"{t.service('script')}.{language}"
    script.write_text(text)
    tapstat = attached(t)
    process = start(t, [interpreter, script], "script", tapstat, backend, inside=language == "js")
    work(process)
    side = tapstat.settled((t.service("script"), "client")).side(t.service("script"), "client")
    for operation, (success, failed) in operations.items():
        labels = {"backend": backend, "operation": operation}
        told = [side.get(sample("storage_operations_total", status=status, **labels), 0) for status in ("success", "failed")]
        check(told == [success, failed], f"{operation}: counted {told}, expected {success} and {failed}: {side}")


def test_the_shell_of_sqlite(t):
    need("sqlite3")
    tapstat = attached(t)
    program = t.copy("/usr/bin/sqlite3", "shell")
    subprocess.run([program, t.tmp / "data", SQLITE_SHELL], check=True, capture_output=True, timeout=20)
    operations = {"create": (1, 0), "insert": (1, 0), "select": (3, 0), "update": (1, 0), "delete": (1, 0)}
    verify(tapstat, t.service("shell"), "sqlite", operations)


def test_rocksdb_s_benchmark(t):
    need("db_bench")
    tapstat = attached(t)
    start(t, [t.copy(cxx_program("rocksdb_calls", ["rocksdb"]), "peer")], tapstat=tapstat, backend="rocksdb")
    program = t.copy("/usr/bin/db_bench", "bench")
    argv = [program, "--benchmarks=fillseq,readrandom,seekrandom,deleteseq", "--num=1000", f"--db={t.tmp / 'data'}"]
    subprocess.run(argv, check=True, capture_output=True, timeout=60)
    verify(tapstat, t.service("bench"), "rocksdb", {"write": (2000, 0), "get": (1000, 0), "seek": (1000, 0)})
