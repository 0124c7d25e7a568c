# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""MySQL's protocol with MariaDB: its status counters, the dissector, the clients and tapstat count the same.

An operation is one statement's result. Commands that run none (ping, prepare, …) are not judged, whatever their name.
"""

import collections
import shutil
import time

from harness.database_wire import (
    COM_PING,
    COM_QUIT,
    COM_STMT_EXECUTE,
    COM_STMT_PREPARE,
    mysql_operations,
    payload_bytes,
)
from harness.databases import Driver, Mariadb
from harness.processes import Failure, wait_until
from harness.runner import also_inside_tls, cases
from harness.storage import Watch, by_status, compare, require_known, successes_together

BACKEND = "mysql"
NO_STATEMENTS = frozenset({"ping", "stmt_prepare", "stmt_close", "stmt_reset", "prepare", "init_db", "use", "quit", "close", "reset", "set_option", "statistics"})


class Scene:
    """A server with a table, and the judges of what happens to it from watch() on."""

    def __init__(self, t, *statements, attached=True, capture=True, tls=False):
        if attached:
            t.attach()
        self.t = t
        self.captured = None
        # Nobody notes MariaDB's session keys.
        self.server = Mariadb(t, meanwhile=self._capture if capture and not tls else None, tls=tls)
        for statement in ("create table test.item (id int primary key, name text)", *statements):
            self.server.sql(statement)
        self.clients = set()

    def client(self, library, label="client", unix=False):
        client = Driver(self.t, library, self.server.target(unix), label)
        self.clients.add(client.service)
        return client

    def program(self, name, *arguments, label="client", unix=False):
        """Runs one of MariaDB's own client programs as a service; returns its output."""
        self.clients.add(self.t.service(label))
        argv = [self.t.copy(shutil.which(name), label), "--no-defaults", *self.server.options(unix), *arguments]
        process = self.t.start(argv, name)
        chunks = list(iter(lambda: process.stdout.read(1 << 20), b""))
        self.status = process.wait(20)
        return b"".join(chunks)

    def _capture(self, port):
        self.captured = self.t.capture(port)

    def watch(self, tapstat=None):
        self.server.begin()
        self.watched = Watch(self.t, BACKEND, tapstat)
        return self

    @property
    def sides(self):
        return [(self.server.service, "server"), *((client, "client") for client in sorted(self.clients))]

    def verify(self, expected=None, quits=None, **how):
        """The dissector's counts, those of the server, the test's own and tapstat's are the same.

        The server counts Com_… for statements that fail after they were parsed, too, and in Questions also COM_QUIT;
        `quits` is their number where there is no capture to tell it."""
        counts = expected
        if self.captured:
            counts, commands = mysql_operations(self.captured, self.server.port)
            quits = commands[COM_QUIT]
            if expected is not None:
                compare("the dissector against the test", collections.Counter(expected), counts)
        scrape = self.watched.verify(counts, *self.sides, ignored=NO_STATEMENTS, **how)
        questions = sum(counts.values()) + quits
        deadline = time.monotonic() + 2
        while (rose := self.server.status()).get("Questions", 0) < questions and time.monotonic() < deadline:
            time.sleep(0.05)  # nobody waits for COM_QUIT to be read
        if rose.get("Questions", 0) != questions:
            raise Failure(f"the server counted {rose}, the wire {questions} questions")
        for name in ("select", "insert", "update", "delete", "begin", "commit", "rollback"):
            count = sum(n for (operation, _), n in counts.items() if operation == name)
            if rose.get(f"Com_{name}", 0) != count:
                raise Failure(f"the server counted Com_{name} {rose.get(f'Com_{name}', 0)}, the wire {count}")
        return scrape


def successes(**counts):
    return {(operation, "success"): count for operation, count in counts.items()}


def test_common_operations_are_in_the_closed_set(t):
    t.require_tapstat()
    require_known("select", "insert", "update", "delete", "replace", "begin", "commit", "rollback", "other")


# ---- Clients of every kind ---------------------------------------------------------------------------------------

_RUNS = [
    ("insert into item values (1, 'a') on duplicate key update name = 'b'", {"times": 5}),
    ("select id from item", {"times": 7, "rows": 7}),
    ("select * from absent", {"times": 2, "errors": 2}),
    ("begin", {}),
    ("update item set name = 'c'", {"times": 2}),
    ("delete from item", {}),
    ("rollback", {}),
    ("commit", {}),
]


def _driver(library, placeholder):
    def drive(scene):
        client = scene.client(library)
        client.ask("open", n=2)
        for connection in (0, 1):
            for sql, how in _RUNS:
                client.run(sql, c=connection, **how)
            client.run(f"select name from item where id = {placeholder}", c=connection, params=[1], times=3, rows=3)
        client.ask("close")

    return drive


def _mariadb(scene):
    for i in range(3):
        scene.program("mariadb", "test", "-e", f"begin; insert into item values ({i}, 'x'); select * from item; commit")
    scene.program("mariadb", "test", "-e", "show tables; update item set name = 'y'; delete from item; select 1")


def _slap(scene):
    queries = "select * from item; insert into item (id) values (floor(rand() * 1000000000))"
    scene.program(
        "mariadb-slap",
        "--create-schema=test",
        f"--query={queries}",
        "--delimiter=;",
        "--concurrency=4",
        "--number-of-queries=100",
        "--no-drop",
        "--silent",
    )
    if scene.status:
        raise Failure(f"mariadb-slap ends with {scene.status}")


CLIENTS = {
    "mariadb": _mariadb,
    "mariadb-slap": _slap,
    "pymysql": _driver("pymysql", "%s"),
    "MySQLdb": _driver("MySQLdb", "%s"),
    "mysql2": _driver("mysql2", "?"),
}


@also_inside_tls
@cases(CLIENTS)
def test_same_counts_as_the_server_and_the_dissector_with(t, drive, tls=False):
    """Inside TLS, which the dissector can't read here, those of the same in plain form."""
    scene, counts, quits = Scene(t).watch(), None, None
    drive(scene)
    if tls:
        counts, commands = mysql_operations(scene.captured, scene.server.port)
        quits = commands[COM_QUIT]
        scene = Scene(t, tls=True).watch()
        drive(scene)
    scene.verify(counts, quits)


def test_statements_over_a_unix_socket(t):
    scene = Scene(t, capture=False).watch()
    scene.program("mariadb", "test", "-e", "insert into item values (1, 'a'); select * from item", unix=True)
    client = scene.client("pymysql", "driver", unix=True)
    client.ask("open")
    scene.clients.clear()
    client.run("select * from item", times=20, rows=20)
    client.ask("close")
    scene.watched.verify(successes(insert=1, select=1), (t.service("client"), "client"), ignored=NO_STATEMENTS)
    scene.watched.verify(successes(select=20), (client.service, "client"), ignored=NO_STATEMENTS)
    scene.verify(successes(insert=1, select=21), quits=2)


# ---- Statements of every kind ------------------------------------------------------------------------------------


def test_execution_of_a_prepared_statement_is_an_operation(t):
    """Executions may be named by the statement's verb or `execute`: only their number is judged."""
    scene = Scene(t).watch()
    client = scene.client("mysql2")
    client.ask("open", n=2)
    for connection in (0, 1):
        client.run("insert into item values (?, ?)", c=connection, params=[connection, "a"], prepared=True)
        client.run("select name from item where id = ?", c=connection, params=[0], prepared=True, times=20, rows=20)
        again = {"params": [0, "again"], "prepared": True, "times": 2}
        client.run("insert into item values (?, ?)", c=connection, errors=2, **again)
    client.ask("close")
    _, commands = mysql_operations(scene.captured, scene.server.port)
    if (commands[COM_STMT_PREPARE], commands[COM_STMT_EXECUTE]) != (4, 46):
        raise Failure(f"the dissector sees other commands: {commands}")
    scene.verify({**successes(insert=2, select=40), ("insert", "failed"): 4}, view=by_status)


def test_each_result_of_several_statements_is_an_operation(t):
    """Verbs behind the first are deep in a text that tapstat need not read: only the number is judged."""
    scene = Scene(t).watch()
    client = scene.client("pymysql")
    client.ask("open")
    client.run("select 1; insert into item values (1, 'a'); select id from item; update item set name = 'b'", rows=4)
    client.run("select 1; select 2; select 3", times=5, rows=15)
    client.ask("close")
    scene.verify(successes(select=17, insert=1, update=1), view=by_status)


def test_error_ends_the_statements_behind_it(t):
    scene = Scene(t).watch()
    scene.program("mariadb", "test", "-e", "select 1")
    client = scene.client("mysql2")
    client.ask("open")
    client.run("select 1; select * from absent; select 2", errors=1)
    client.run("select 3")
    client.ask("close")
    scene.verify({**successes(select=3), ("*", "failed"): 1}, view=by_status)


def test_failed_statement_counts_under_its_first_word_or_as_other(t):
    scene = Scene(t).watch()
    client = scene.client("MySQLdb")
    client.ask("open")
    for sql in ("select * from absent", "insert into absent values (1)", "update absent set a = 1", "no statement"):
        client.run(sql, errors=1)
    client.ask("close")
    failed = {(name, "failed"): 1 for name in ("select", "insert", "update", "other")}
    scene.watched.verify(failed, *scene.sides, view=collections.Counter, ignored=NO_STATEMENTS)
    dissected, _ = mysql_operations(scene.captured, scene.server.port)
    compare("the dissector", failed, dissected)


def test_refused_log_in_is_no_operation(t):
    scene = Scene(t).watch()
    scene.program("mariadb", "--password=wrong", "test", "-e", "select 1")
    if not scene.status:
        raise Failure("the wrong password was accepted")
    scene.program("mariadb", "absent", "-e", "select 1")
    scene.verify({})


def test_ping_and_prepare_run_no_statement(t):
    scene = Scene(t).watch()
    client = scene.client("pymysql")
    client.ask("open")
    for _ in range(5):
        client.ask("call", method="ping")
    client.run("select 1")
    client.ask("close")
    _, commands = mysql_operations(scene.captured, scene.server.port)
    if commands[COM_PING] != 5:
        raise Failure(f"the dissector sees other commands: {commands}")
    scene.verify()


def test_compressed_connection_is_recognised_and_counted_as_not_visible(t):
    scene = Scene(t, capture=False).watch()
    size = 500_000
    text = f"select random_bytes(1000) from seq_1_to_{size // 1000}"
    scene.program("mariadb", "--compress", "-N", "test", "-e", text)
    if scene.status:
        raise Failure(f"mariadb ends with {scene.status}")
    if not t.module.with_tapstat:
        return
    unparsed = lambda scrape: scrape.select("tapstat_unparsed_bytes_total")
    before = unparsed(scene.watched.before)
    t.allow_unparsed(*(dict(labels)["reason"] for labels in before))

    def grown():
        return any(count - before.get(labels, 0) >= 2 * size for labels, count in unparsed(t.tapstat.scrape()).items())

    wait_until(grown, "one reason has the bytes of both ends", 6)
    scene.watched.verify({}, *scene.sides, ignored=NO_STATEMENTS)


# ---- Time, size, life --------------------------------------------------------------------------------------------


@also_inside_tls
def test_duration_of_slow_statements_is_what_the_client_measures(t, tls=False):
    scene = Scene(t, capture=False, tls=tls).watch()
    client = scene.client("pymysql")
    client.ask("open")
    measured = client.run("select sleep(0.3)", times=3)["seconds"]
    client.run("do 1")
    client.ask("close")
    scrape = scene.verify({**successes(select=3), ("do", "success"): 1}, quits=1)
    for service, role in scene.sides:
        scene.watched.verify_duration(scrape, service, role, "select", 0.9, measured)


@also_inside_tls
def test_result_of_a_hundred_megabytes(t, tls=False):
    scene = Scene(t, capture=False, tls=tls).watch()
    client = scene.client("pymysql")
    client.ask("open")
    client.run("select repeat('x', 1000000) from seq_1_to_100", rows=100)
    client.run("select 1")
    client.ask("close")
    size = 100_000_000
    scrape = scene.verify(successes(select=2), quits=1)
    scene.watched.verify_bytes(scrape, t.service("client"), "client", "received", size, size + 10_000)
    scene.watched.verify_bytes(scrape, scene.server.service, "server", "sent", size, size + 10_000)


@also_inside_tls
def test_packets_of_more_than_sixteen_megabytes(t, tls=False):
    """A payload of 2^24 - 1 bytes and more goes on in the next packet."""
    scene = Scene(t, "create table test.large (data longblob)", capture=False, tls=tls).watch()
    client = scene.client("pymysql")
    client.ask("open")
    client.run("set session max_statement_time = 0")
    client.run("insert into large values (repeat('x', 20000000))")
    client.run("select data from large", rows=1)
    client.run("select 1", times=3, rows=3)
    client.ask("close")
    scene.verify({**successes(insert=1, select=4), ("set", "success"): 1}, quits=1)


def test_bytes_lie_between_the_rows_and_what_tcp_carried(t):
    scene = Scene(t).watch()
    client = scene.client("pymysql")
    client.ask("open")
    client.run("select repeat('x', 100000)", times=10, rows=10)
    client.ask("close")
    scrape = scene.verify(successes(select=10))
    wire = payload_bytes(scene.captured, scene.server.port)
    scene.watched.verify_bytes(scrape, client.service, "client", "received", 1_000_000, wire["received"])
    scene.watched.verify_bytes(scrape, scene.server.service, "server", "sent", 1_000_000, wire["received"])
    scene.watched.verify_bytes(scrape, client.service, "client", "sent", 10 * 30, wire["sent"])


@also_inside_tls
def test_connection_open_before_tapstat_is_recognised(t, tls=False):
    t.require_tapstat()
    scene = Scene(t, attached=False, capture=False, tls=tls)
    client = scene.client("pymysql")
    client.ask("open", n=2)

    def work():
        for connection in (0, 1):
            client.run("select 1", c=connection, times=10)
            client.run("select id from item where id = 5", c=connection, times=5)
            client.run("select * from absent", c=connection, errors=1)

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
    scene.verify({**successes(select=90), ("select", "failed"): 6}, quits=0)


@also_inside_tls
def test_connections_are_active_while_a_request_is_outstanding(t, tls=False):
    scene = Scene(t, capture=False, tls=tls).watch()
    client = scene.client("pymysql")
    client.ask("open", n=4)
    for connection in range(4):
        client.run("select 1", c=connection)
    scene.watched.verify_connections(client.service, 0, 4)
    client.run("begin", c=1)
    client.ask("start", sql="select sleep(1.5)", c=0)
    scene.watched.verify_connections(client.service, 2, 2, timeout=1.3)
    client.ask("finish")
    client.ask("close")
    scene.watched.verify_connections(client.service, 0, 0)
    scene.verify(successes(select=5, begin=1), quits=4)


def test_killed_server_leaves_no_connection_and_no_success_behind(t):
    """Whether a statement that nothing ended counts as failed is open; it never counts as a success."""
    scene = Scene(t, capture=False).watch()
    client = scene.client("pymysql")
    client.ask("open", n=2)
    client.run("select 1", times=3)
    client.ask("start", sql="select sleep(20)")
    time.sleep(0.2)
    scene.server.kill_process(scene.server.process.pid)
    if client.ask("finish")["errors"] != ["OperationalError"]:
        raise Failure("the statement survived its server")
    scene.watched.verify_connections(client.service, 0, 0)
    if not t.module.with_tapstat:
        return
    side = (client.service, "client")
    scrape = scene.watched.verify(successes(select=3), side, view=successes_together, ignored=NO_STATEMENTS)
    failed = by_status(scene.watched.counts(scrape, client.service, "client"))["*", "failed"]
    if failed > 1:
        raise Failure(f"{failed} operations failed of one that was outstanding")
