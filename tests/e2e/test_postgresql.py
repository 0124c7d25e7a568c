# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""PostgreSQL: what pg_stat_statements, the dissector, the clients and tapstat count is the same, to the statement."""

import collections
import time

from harness.database_wire import payload_bytes, pgsql_messages, pgsql_operations
from harness.databases import Driver, Postgresql
from harness.processes import Failure, wait_until
from harness.runner import also_inside_tls, cases
from harness.storage import Watch, by_status, compare, require_known, successes_together

BACKEND = "postgresql"
TABLE = "create table item (id int primary key, name text)"

PGBENCH = """\
\\set id random(1, 1000000000)
begin;
insert into item values (:id, 'pgbench') on conflict do nothing;
select name from item where id = :id;
update item set name = 'changed' where id = :id;
delete from item where id = :id;
commit;
"""


class Scene:
    """A server with a table, and the three judges of what happens to it from watch() on."""

    def __init__(self, t, *statements, attached=True, capture=True, tls=False):
        if attached:
            t.attach()
        self.t = t
        self.tls = tls
        self.captured = None
        # Nobody notes PostgreSQL's session keys.
        self.server = Postgresql(t, meanwhile=self._capture if capture and not tls else None, tls=tls)
        for statement in (TABLE, *statements):
            self.server.sql(statement)
        self.watched = None
        self.clients = set()

    def client(self, driver, label="client", unix=False):
        client = Driver(self.t, driver, self.server.target(unix), label)
        self.clients.add(client.service)
        return client

    def program(self, name, label="client"):
        """PostgreSQL's own client program as a service."""
        self.clients.add(self.t.service(label))
        return self.t.copy(f"{Postgresql.programs()}/{name}", label)

    def psql(self, *statements, unix=False, text=None):
        """psql with one -c for each statement, or with a script; its exit status doesn't matter."""
        target = self.server.unix if unix else self.server.tcp
        argv = [self.program("psql"), "-XqAt", "-d", target]
        for statement in statements:
            argv += ["-c", statement]
        process = self.t.start(argv, "psql")
        if text is not None:
            process.stdin.write(text)
        process.stdin.close()
        chunks = list(iter(lambda: process.stdout.read(1 << 20), b""))
        process.wait()
        return b"".join(chunks).decode()

    def _capture(self, port):
        self.captured = self.t.capture(port)

    def watch(self, tapstat=None):
        self.server.begin()
        self.began = time.time()
        self.watched = Watch(self.t, BACKEND, tapstat)
        return self

    def dissected(self):
        return pgsql_operations(self.captured, self.server.port, self.began)

    @property
    def sides(self):
        return [(self.server.service, "server"), *((client, "client") for client in sorted(self.clients))]

    def verify(self, expected=None, by_text=None, unknown=(), **how):
        """The dissector's counts, those of pg_stat_statements, the test's own and tapstat's are the same.

        pg_stat_statements goes by the text of a statement, not by its tag: `by_text` tells its counts where that makes
        a difference, `unknown` operations that it misses."""
        secure, plain = self.server.logins()
        if self.tls and (plain or not secure):
            raise Failure(f"{secure} connections inside TLS and {plain} plain ones")
        dissected = expected
        if self.captured:
            dissected = self.dissected()
            if expected is not None:
                compare("the dissector against the test", collections.Counter(expected), dissected)
        scrape = self.watched.verify(dissected, *self.sides, **how)
        known = lambda counts: {
            key: count for key, count in counts.items() if key[1] == "success" and key[0] not in {*unknown, *UNCOUNTED}
        }
        compare("pg_stat_statements", known(by_text or dissected), known(self.server.statements()))
        return scrape


# What pg_stat_statements leaves out: empty statements, and by its documentation DEALLOCATE.
UNCOUNTED = {"other", "deallocate"}


def successes(**counts):
    return {(operation, "success"): count for operation, count in counts.items()}


def test_common_operations_are_in_the_closed_set(t):
    t.require_tapstat()
    require_known("select", "insert", "update", "delete", "begin", "commit", "rollback", "create", "copy", "other")


# ---- Clients of every kind ---------------------------------------------------------------------------------------


def _driver(name, *runs):
    """Runs the statements by a driver on two connections."""

    def drive(scene):
        client = scene.client(name)
        client.ask("open", n=2)
        for connection in (0, 1):
            for sql, how in runs:
                client.run(sql, c=connection, **how)
        client.ask("close")

    return drive


def _psql(scene):
    for i in range(3):
        scene.psql("begin", f"insert into item values ({i}, 'psql')", "select * from item", "commit")
    scene.psql("update item set name = 'x'", "delete from item", "drop table if exists none", "set work_mem = '1MB'")


def _pgbench(mode):
    def drive(scene):
        script = scene.t.tmp / "pgbench.sql"
        script.write_text(PGBENCH)
        argv = [scene.program("pgbench"), "-n", "-M", mode, "-c", "3", "-t", "40", "-f", script, scene.server.tcp]
        process = scene.t.start(argv, "pgbench")
        if process.wait(30):
            raise Failure(f"pgbench: {process.errors()[-300:]}")

    return drive


_PLAIN = [
    ("insert into item values (1, 'a') on conflict do nothing", {"times": 5}),
    ("select id from item", {"times": 7}),
    ("select 1/0", {"times": 2, "errors": 2}),
    ("begin", {}),
    ("delete from item", {}),
    ("rollback", {}),
]

CLIENTS = {
    "psql": _psql,
    "pgbench, simple": _pgbench("simple"),
    "pgbench, extended": _pgbench("extended"),
    "pgbench, prepared": _pgbench("prepared"),
    "psycopg2": _driver("psycopg2", *_PLAIN, ("select name from item where id = %s", {"params": [1], "times": 3})),
    "psycopg": _driver(
        "psycopg", *_PLAIN, ("select name from item where id = %s", {"params": [1], "times": 9, "prepare": True})
    ),
    "asyncpg": _driver(
        "asyncpg",
        ("insert into item values (1, 'a') on conflict do nothing", {"how": "execute", "times": 4}),
        ("select id from item where id >= $1", {"params": [0], "times": 6}),
        ("select name from item where id = $1", {"params": [1], "how": "prepared", "times": 3}),
        ("select 1/$1::int", {"params": [0], "times": 2, "errors": 2}),
    ),
    "pg": _driver(
        "pg",
        *_PLAIN,
        ("select name from item where id = $1", {"params": [1], "times": 3}),
        ("select id from item where id = $1", {"params": [1], "times": 8, "prepared": "by id"}),
    ),
}


@also_inside_tls
@cases(CLIENTS)
def test_same_counts_as_the_server_and_the_dissector_with(t, drive, tls=False):
    """Inside TLS, which the dissector can't read here, those of the same in plain form."""
    scene, counts = Scene(t).watch(), None
    drive(scene)
    if tls:
        counts = scene.dissected()
        scene = Scene(t, tls=True).watch()
        drive(scene)
    # PostgreSQL 15 counts a prepared BEGIN or COMMIT only once: it clears the cached statement's queryId.
    scene.verify(counts, unknown={"begin", "commit"} if drive is CLIENTS["pgbench, prepared"] else ())


def test_statements_over_a_unix_socket(t):
    scene = Scene(t, capture=False).watch()
    scene.psql("insert into item values (1, 'a')", "select * from item", "select 1", unix=True)
    client = scene.client("psycopg2", "driver", unix=True)
    client.ask("open")
    client.run("select * from item", rows=20, times=20)
    client.ask("close")
    by_psql, by_driver = successes(insert=1, select=2), successes(select=20)
    both = collections.Counter(by_psql) + collections.Counter(by_driver)
    scene.watched.verify(both, (scene.server.service, "server"))
    scene.watched.verify(by_psql, (t.service("client"), "client"))
    scene.watched.verify(by_driver, (client.service, "client"))
    compare("pg_stat_statements", both, scene.server.statements())


# ---- Statements of every kind ------------------------------------------------------------------------------------


@also_inside_tls
def test_each_statement_of_a_simple_query_is_an_operation(t, tls=False):
    scene = Scene(t, tls=tls).watch()
    scene.psql("insert into item values (1, 'a;b'); select ';'; select 2; update item set id = 2; delete from item")
    scene.psql("; ;", "")
    scene.verify({**successes(insert=1, select=2, update=1, delete=1), ("other", "success"): 2})


def test_operation_is_named_by_the_tag_not_by_the_text(t):
    scene = Scene(t).watch()
    scene.psql("create table other_item as select 1", "/* why */ with a as (select 2) insert into item select * from a")
    scene.psql("prepare p as select 3", "start transaction; end")
    counts = {"insert": 1, "prepare": 1, "start": 1}
    by_text = successes(create=1, end=1, **counts)
    scene.verify(successes(select=1, commit=1, **counts), by_text, unknown={"with", "insert", "prepare"})


def test_error_ends_the_statements_behind_it(t):
    scene = Scene(t).watch()
    scene.psql("select 1; select 1/0; select 2", "insert into item values (1, 'a'), (1, 'b')", "select 3")
    scene.verify({**successes(select=2), ("*", "failed"): 2})


def test_failed_statement_counts_under_its_first_word_or_as_other(t):
    scene = Scene(t).watch()
    scene.psql("select 1/0", "insert into absent values (1)", "insert into item values ('x')", "update item set q = 1")
    scene.psql("no statement at all", "delete from absent")
    counts = {("select", "failed"): 1, ("insert", "failed"): 2, ("update", "failed"): 1}
    scene.verify({**counts, ("other", "failed"): 1, ("delete", "failed"): 1}, view=collections.Counter)


def test_statements_of_a_failed_transaction_fail(t):
    scene = Scene(t).watch()
    client = scene.client("psycopg2")
    client.ask("open")
    client.run("begin")
    client.run("select 1/0", errors=1)
    client.run("select 1", times=3, errors=3)
    client.run("commit")  # the server answers with the tag ROLLBACK
    client.ask("close")
    scene.verify({**successes(begin=1, rollback=1), ("*", "failed"): 4}, by_text=successes(begin=1, commit=1))


@also_inside_tls
def test_error_in_the_middle_of_a_pipeline_skips_to_its_sync(t, tls=False):
    scene = Scene(t, tls=tls).watch()
    client = scene.client("psycopg")
    client.ask("open")
    good, bad = ["select %s::int", [1]], ["select 1/%s::int", [0]]
    insert = ["insert into item values (%s, 'pipeline')", [1]]
    failed = client.ask("call", method="pipeline", groups=[[good] * 5, [good, good, bad, good, good], [insert, good]])
    if [group for group, _ in failed["result"]] != [1]:
        raise Failure(f"groups of the pipeline failed: {failed}")
    client.ask("close")
    scene.verify({**successes(select=5 + 2 + 1, insert=1), ("*", "failed"): 1})


@also_inside_tls
def test_long_pipeline(t, tls=False):
    scene = Scene(t, tls=tls).watch()
    client = scene.client("psycopg")
    client.ask("open")
    client.ask("call", method="pipeline", groups=[[["select %s::int", [i]] for i in range(400)]] * 2)
    client.ask("close")
    scene.verify(successes(select=800))


@also_inside_tls
def test_portal_suspended_at_its_limit_is_one_operation(t, tls=False):
    """asyncpg's fetchval asks for one row: no tag ever ends it. Its cursors go on with the same portal."""
    scene = Scene(t, "insert into item select i, 'x' from generate_series(1, 1000) i", tls=tls).watch()
    client = scene.client("asyncpg")
    client.ask("open")
    client.run("select name from item where id >= $1", params=[10], how="fetchval", times=5)
    rows = client.ask("call", method="cursor", sql="select id from item", prefetch=100)["result"]
    if rows != 1000:
        raise Failure(f"the cursor gave {rows} rows")
    client.ask("close")
    scene.verify(successes(select=6, begin=1, commit=1))


def test_copy_in_and_out(t):
    scene = Scene(t, "create unlogged table line (text text)").watch()
    client = scene.client("psycopg2")
    client.ask("open")
    lines = 60_000
    client.ask("call", method="copy_in", table="line", count=lines)
    copied = client.ask("call", method="copy_out", table="line")["result"]
    if copied != 100 * lines:
        raise Failure(f"{copied} bytes copied out")
    client.run("copy (select 1/0) to stdout", errors=1)
    client.run("select count(*) from line", rows=1)
    client.ask("close")
    scrape = scene.verify({**successes(copy=2, select=1), ("*", "failed"): 1})
    wire = payload_bytes(scene.captured, scene.server.port)
    for way, back in (("sent", "received"), ("received", "sent")):
        scene.watched.verify_bytes(scrape, client.service, "client", way, copied, wire[way])
        scene.watched.verify_bytes(scrape, scene.server.service, "server", back, copied, wire[way])


def test_copy_that_the_server_refuses_in_its_middle(t):
    scene = Scene(t).watch()
    scene.psql(text=b"copy item from stdin;\n" + b"1\ta\n" * 1000 + b"\\.\nselect 1;\n")
    scene.verify({**successes(select=1), ("*", "failed"): 1})


def test_cancelled_statement_fails_and_the_cancel_request_is_none(t):
    scene = Scene(t).watch()
    client = scene.client("psycopg2")
    client.ask("open")
    client.ask("start", sql="select pg_sleep(20)")
    time.sleep(0.2)
    client.ask("call", method="cancel")
    answer = client.ask("finish")
    if answer["errors"] != ["QueryCanceled"]:
        raise Failure(f"not cancelled: {answer}")
    client.run("select 1")
    client.ask("close")
    kinds = [kind for _, _, kind, _ in pgsql_messages(scene.captured, scene.server.port)]
    if kinds.count("Cancel request") != 1:
        raise Failure("the dissector sees no cancel request")
    scene.verify({**successes(select=1), ("select", "failed"): 1})
    scene.watched.verify_connections(client.service, 0, 0)


def test_refused_ssl_request_and_then_plain(t):
    scene = Scene(t).watch()
    scene.psql("select 1")
    kinds = [kind for _, _, kind, _ in pgsql_messages(scene.captured, scene.server.port)]
    if kinds[:2] != ["SSL request", "Startup message"]:
        raise Failure(f"the connection begins with {kinds[:2]}")
    scene.verify(successes(select=1))


def test_refused_log_in_is_no_operation(t):
    scene = Scene(t, capture=False).watch()
    argv = [scene.program("psql"), "-XqAt", "-d", f"{scene.server.tcp} dbname=absent", "-c", "select 1"]
    if scene.t.start(argv, "psql").wait() != 2:
        raise Failure("psql connected to a database that isn't there")
    scene.verify({})


# ---- Time, size, life --------------------------------------------------------------------------------------------


@also_inside_tls
def test_duration_of_slow_statements_is_what_the_client_measures(t, tls=False):
    scene = Scene(t, capture=False, tls=tls).watch()
    client = scene.client("psycopg2")
    client.ask("open")
    measured = client.run("select pg_sleep(0.3)", times=3)["seconds"]
    client.ask("close")
    scrape = scene.verify(successes(select=3))
    for service, role in scene.sides:
        scene.watched.verify_duration(scrape, service, role, "select", 0.9, measured)

        def bucket(le):
            labels = {"service": service, "role": role, "backend": BACKEND, "operation": "select", "le": le}
            name = "storage_operation_duration_seconds_bucket"
            return scrape.value(name, **labels) - (scene.watched.before.value(name, **labels) or 0)

        if scrape and measured < 1.4 and (bucket("0.25"), bucket("0.5")) != (0, 3):
            raise Failure(f"{role}: {bucket('0.25'):g} and {bucket('0.5'):g} in the buckets below and above 0.3 s")


@also_inside_tls
def test_result_of_a_hundred_megabytes(t, tls=False):
    scene = Scene(t, capture=False, tls=tls).watch()
    argv = [scene.program("psql"), "-XqAt", "-o", "/dev/null", "-d", scene.server.tcp, "-v", "FETCH_COUNT=0"]
    argv += ["-c", "select repeat('x', 1000000) from generate_series(1, 100)", "-c", "select 1"]
    process = t.start(argv, "psql")
    if process.wait(30):
        raise Failure(process.errors()[-300:])
    scrape = scene.verify(successes(select=2))
    size = 100_000_000
    scene.watched.verify_bytes(scrape, t.service("client"), "client", "received", size, size + 10_000)
    scene.watched.verify_bytes(scrape, scene.server.service, "server", "sent", size, size + 10_000)


@also_inside_tls
def test_connection_open_before_tapstat_is_recognised(t, tls=False):
    t.require_tapstat()
    scene = Scene(t, attached=False, capture=False, tls=tls)
    client = scene.client("psycopg2")
    client.ask("open", n=2)
    rounds = (("select 1", 10), ("select id from item where id = 5", 5), ("select 1/0", 1))

    def work():
        for connection in (0, 1):
            for sql, times in rounds:
                client.run(sql, c=connection, times=times, errors=int("/" in sql))

    work()
    tapstat = t.own_tapstat()
    scene.watch(tapstat=tapstat)
    work()
    scene.watched.joined(*scene.sides)
    scene.watched.verify_joined(BACKEND, 4)
    scene.server.begin()
    scene.watched.joined(*scene.sides)
    for _ in range(3):
        work()
    client.ask("close")
    scene.verify({**successes(select=90), ("*", "failed"): 6})


@also_inside_tls
def test_connections_are_active_while_a_request_is_outstanding(t, tls=False):
    """A connection that holds a transaction open waits for its client: it is active, like one with a request outstanding."""
    scene = Scene(t, capture=False, tls=tls).watch()
    client = scene.client("psycopg2")
    client.ask("open", n=4)
    for connection in range(4):
        client.run("select 1", c=connection)
    scene.watched.verify_connections(client.service, 0, 4)
    client.run("begin", c=1)
    client.run("insert into item values (1, 'held')", c=1)
    client.ask("start", sql="select pg_sleep(1.5)", c=0)
    scene.watched.verify_connections(client.service, 2, 2, timeout=1.3)
    client.ask("finish")
    scene.watched.verify_connections(client.service, 1, 3)
    client.run("commit", c=1)
    client.ask("close")
    scene.watched.verify_connections(client.service, 0, 0)
    scene.verify(successes(select=5, begin=1, insert=1, commit=1))


@also_inside_tls
def test_killed_server_leaves_no_connection_and_no_success_behind(t, tls=False):
    """Whether a statement that nothing ended counts as failed is open; it never counts as a success."""
    scene = Scene(t, capture=False, tls=tls).watch()
    client = scene.client("psycopg2")
    client.ask("open", n=2)
    client.run("select 1", times=3)
    others = "state is not null and pid <> pg_backend_pid()"
    pid = int(scene.psql(f"select pid from pg_stat_activity where {others} limit 1"))
    client.ask("start", sql="select pg_sleep(20)")
    time.sleep(0.2)
    scene.server.kill_process(pid)
    if client.ask("finish")["errors"] != ["OperationalError"]:
        raise Failure("the statement survived its server")
    wait_until(lambda: "terminated by signal 9" in scene.server.process.errors(), "the server saw the crash")
    client.ask("close")
    scene.watched.verify_connections(client.service, 0, 0)
    if not t.module.with_tapstat:
        return
    scrape = scene.watched.verify(
        {("*", "success"): 4},
        (client.service, "client"),
        view=successes_together,
    )
    failed = by_status(scene.watched.counts(scrape, client.service, "client"))["*", "failed"]
    if failed > 1:
        raise Failure(f"{failed} operations failed of one that was outstanding")
