# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""MongoDB's protocol between real drivers and peers/mongo_server.py, for no MongoDB can be had here.

What the server counts, the dissector and tapstat agree to the command. An operation is a command, named by its first
element in lower case; ok 0 is failed. Whether write errors within a reply of ok 1 are failures is not judged.
"""

import collections
import time

from harness.database_wire import mongo_messages, mongo_operations, payload_bytes
from harness.processes import Failure, free_port
from harness.runner import cases
from harness.storage import Watch, compare, require_known
from harness.toolchain import PEERS, node_modules

BACKEND = "mongodb"
DRIVERS = {"pymongo": "mongo_client.py", "mongodb": "mongo_client.js"}
# Drivers send these when they please: at the start, every ten seconds, and when they end.
HOUSEKEEPING = {"hello", "ismaster", "endsessions"}


class Scene:
    """A server and a driver, and the judges of what happens between them from watch() on."""

    def __init__(self, t, driver="pymongo", attached=True):
        if attached:
            t.attach()
        self.t = t
        self.port = free_port()
        self.server = t.service("server")
        self.client = t.service("client")
        self._server = t.python("mongo_server.py", "server", self.port)
        self._server.answer()
        script, environment = DRIVERS[driver], {}
        if script.endswith(".js"):
            environment = {"E2E_NODE_MODULES": str(node_modules())}
            argv = ["node", t.link(PEERS / script, "client"), self.port]
        else:
            argv = ["/usr/bin/python3", t.link(PEERS / script, "client"), self.port]
        self._client = t.start(argv, "client", env=environment)
        self.captured = None
        self._before = {}

    def ask(self, do, **rest):
        return self._client.ask({"do": do, **rest})

    def run(self, work, errors=0, result=None, **rest):
        answer = self.ask("run", work=work, **rest)
        if len(answer["errors"]) != errors or result not in (None, answer["result"]):
            raise Failure(f"{work} {rest}: {answer}, expected {errors} errors and {result}")
        return answer

    def kill_server(self):
        self._server.signal(9)
        self._server.wait()

    def watch(self, capture=True, tapstat=None):
        if capture:
            self.captured = self.t.capture(self.port)
        self._before = self._served()
        self.watched = Watch(self.t, BACKEND, tapstat)
        return self

    def _served(self):
        counts = collections.Counter()
        for name, (succeeded, failed) in self._server.ask("count").items():
            counts[name, "success"], counts[name, "failed"] = succeeded, failed
        return counts

    @property
    def sides(self):
        return [(self.server, "server"), (self.client, "client")]

    def verify(self, expected=None):
        """The dissector's counts, the server's, the test's own and tapstat's are the same, command by command."""
        dissected = mongo_operations(self.captured, self.port) if self.captured else None
        deadline = time.monotonic() + 2
        while True:  # a driver that ends doesn't wait for its last reply
            served = self._served()
            served.subtract(self._before)
            if dissected in (None, +served) or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        if self.captured:
            compare("the dissector against the server", served, dissected, view=collections.Counter)
        if expected is not None:
            own = {key: count for key, count in served.items() if key[0] not in HOUSEKEEPING and count}
            compare("the server against the test", collections.Counter(expected), own, view=collections.Counter)
        # A driver sends endSessions and does not wait for what comes: at its end it is without an answer.
        judged = collections.Counter({key: count for key, count in served.items() if key[0] != "endsessions"})
        return self.watched.verify(+judged, *self.sides, view=collections.Counter, ignored={"endsessions"})


def successes(**counts):
    return {(operation, "success"): count for operation, count in counts.items()}


def test_common_operations_are_in_the_closed_set(t):
    t.require_tapstat()
    require_known("insert", "find", "getmore", "update", "delete", "aggregate", "ping", "count", "other")


@cases({name: name for name in DRIVERS})
def test_same_counts_as_the_server_and_the_dissector_with(t, driver):
    scene = Scene(t, driver).watch()
    scene.ask("open")
    scene.run("insert")
    scene.run("insert", n=500, first=1)
    scene.run("find", kind=1, result=167, times=3)
    scene.run("find", batch=100, result=501)
    scene.run("update", n=7)
    scene.run("aggregate", times=4)
    scene.run("delete", n=5)
    scene.run("command", name="ping", times=2)
    scene.run("command", name="count", errors=0)
    scene.run("drop")
    scene.ask("close")
    scene.verify(
        {
            # getMore: for the 66 behind a first batch of 101, three times; for five batches behind the first of 100.
            **successes(insert=2, find=4, getmore=3 + 5, update=7, aggregate=4, delete=5, ping=3, drop=1),
            ("count", "success"): 1,
        }
    )


@cases({name: name for name in DRIVERS})
def test_reply_of_ok_0_is_a_failure(t, driver):
    scene = Scene(t, driver).watch()
    scene.ask("open")
    scene.run("find", **{"$bad": 1}, times=2, errors=2)
    scene.run("command", name="nosuchcommand", times=3, errors=3)
    scene.run("command", name="ping")
    scene.run("command", name="drop", errors=1)
    scene.ask("close")
    served = {("find", "failed"): 2, ("nosuchcommand", "failed"): 3, ("drop", "failed"): 1}
    scene.verify({**successes(ping=2), **served})


def test_command_without_a_reply_is_an_operation(t):
    """Writes that ask for no acknowledgement: OP_MSG with moreToCome."""
    scene = Scene(t).watch()
    scene.ask("open")
    scene.run("burst", n=20)
    scene.run("insert", n=50, first=100, w=0)
    scene.run("command", name="ping")
    scene.run("find", result=70)
    scene.ask("close")
    scene.verify(successes(insert=21, ping=2, find=1))


def test_legacy_query_is_recognised(t):
    """pymongo 3 says isMaster by OP_QUERY."""
    scene = Scene(t).watch()
    scene.ask("open")
    scene.ask("close")
    legacy = [m for m in mongo_messages(scene.captured, scene.port) if m["opcode"] == 2004]
    if not legacy or {m["command"] for m in legacy} != {"ismaster"}:
        raise Failure(f"the dissector sees {legacy}")
    scene.verify()


def test_documents_of_some_megabytes(t):
    scene = Scene(t, "mongodb").watch()
    scene.ask("open")
    for i in range(4):
        scene.run("insert", size=2_000_000, first=i)
    scene.run("find", result=4)
    scene.ask("close")
    scrape = scene.verify(successes(insert=4, find=1, ping=1))
    wire = payload_bytes(scene.captured, scene.port)
    for way, back in (("sent", "received"), ("received", "sent")):
        scene.watched.verify_bytes(scrape, scene.client, "client", way, 8_000_000, wire[way])
        scene.watched.verify_bytes(scrape, scene.server, "server", back, 8_000_000, wire[way])


def test_duration_of_slow_commands_is_what_the_client_measures(t):
    scene = Scene(t).watch(capture=False)
    scene.ask("open")
    measured = scene.run("command", name="sleep", millis=300, times=3)["seconds"]
    scene.ask("close")
    scrape = scene.verify({**successes(ping=1), ("sleep", "success"): 3})
    operation = "sleep" if scrape and "sleep" in scrape.labels("storage_operations_total", "operation") else "other"
    for service, role in scene.sides:
        scene.watched.verify_duration(scrape, service, role, operation, 0.9, measured + 0.1)


def test_connection_open_before_tapstat_is_recognised(t):
    t.require_tapstat()
    scene = Scene(t, attached=False)
    scene.ask("open")

    def work(first):
        for i in range(10):
            scene.run("insert", first=first + i)
        scene.run("command", name="ping", times=5)

    work(0)
    tapstat = t.own_tapstat()
    scene.watch(capture=False, tapstat=tapstat)
    work(100)
    scene.watched.joined(*scene.sides)
    scene.watched.verify_joined(BACKEND, 2)
    # The monitor's connection says hello when it pleases; what counts is the commands of the test.
    before = scene._served()
    work(200)
    work(300)
    served = scene._served()
    served.subtract(before)
    expected = successes(insert=20, ping=10)
    compare("the server", expected, {key: n for key, n in served.items() if n and key[0] not in HOUSEKEEPING})
    scene.watched.verify(expected, *scene.sides, ignored=HOUSEKEEPING | {"other"})


def test_killed_server_leaves_no_connection_and_no_success_behind(t):
    scene = Scene(t).watch(capture=False)
    scene.ask("open", retryReads=False)
    scene.run("command", name="ping", times=3)
    scene._client.send_line('{"do": "run", "work": "command", "name": "sleep", "millis": 20000}')
    time.sleep(0.3)
    scene.kill_server()
    if scene._client.answer()["errors"] != ["AutoReconnect"]:
        raise Failure("the command survived its server")
    scene.ask("close")
    scene.watched.verify_connections(scene.client, 0, 0)
    only = lambda counts: collections.Counter({key: n for key, n in counts.items() if key[0] == "ping"})
    scene.watched.verify(successes(ping=4), (scene.client, "client"), view=only)
