# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""memcached: text, meta and binary commands are counted at both ends, equal to `stats` and to what was captured.

A command is one operation, however many keys it names; NOT_FOUND, NOT_STORED and EXISTS are answers like any other,
failed is what ERROR, CLIENT_ERROR or SERVER_ERROR answers."""

import collections
import time

from harness.processes import Failure
from harness.requests import agree, verify_operations
from harness.runner import cases
from harness.servers import command, memcached, peer

ENOUGH = 24  # commands after which a connection that was open before must have been recognised


def ok(**counts):
    """{(operation, "success"): count}."""
    return collections.Counter({(name, "success"): count for name, count in counts.items()})


def captured(capture, expected):
    """On the wire are these operations, whatever their status; for the dissector, too, which knows no `touch`."""
    if not capture:
        return
    names = collections.Counter()
    for (name, _), count in expected.items():
        names[(name,)] += count
    wire = {(name,): count for name, count in capture.memcached().items()}
    agree("the wire and the script", wire, names)
    told = {(name,): count for name, count in capture.dissected_memcached().items()}
    agree("the dissector and the wire", told, {key: count for key, count in wire.items() if key != ("touch",)})


def statistics(server, **expected):
    """memcached's own counters have these values. Asking is one `stats`."""
    told = server.statistics()
    wrong = {key: told.get(key) for key, value in expected.items() if int(told.get(key, -1)) != value}
    if wrong:
        raise Failure(f"memcached counts {wrong}, expected {expected}")


def both(t, server, client, expected, asked=1, **options):
    """Both ends have these operations, the server also those `stats` with which the test asked."""
    verify_operations(t, server, "server", "memcached", expected + ok(stats=asked) if asked else expected, **options)
    return verify_operations(t, client, "client", "memcached", expected, **options)


def hand(t, server):
    """A connection that the test works by hand, of an agent: (agent, socket)."""
    agent = t.agent("client")
    return agent, agent.connect(server.path or ("127.0.0.1", server.port))


def exchange(near, data, end=b"VERSION "):
    """Sends these bytes and a `version` behind them; all that is answered before."""
    near.sendall(data + b"version\r\n")
    answer = b""
    while True:
        last = answer.rfind(end)
        if last >= 0 and answer.endswith(b"\r\n"):
            return answer[:last]
        more = near.recv(1 << 20)
        if not more:
            raise Failure(f"memcached ends the connection: {answer[-200:]!r}")
        answer += more


def test_the_text_protocol_as_pymemcache_speaks_it(t):
    t.attach()
    server = memcached(t)
    capture = t.capture(server.port)
    client = peer(t, "memcached_client.py", "client", "pymemcache", server.port)

    def call(method, *arguments, n=1):
        return client.ask({"do": "call", "method": method, "arguments": arguments, "n": n})["result"]

    call("set", "a", "1", n=20)
    call("get", "a", n=30)
    call("get", "none", n=7)
    call("get_many", ["a", "b", "none"], n=5)
    call("gets", "a", n=3)
    call("add", "a", "2", n=2)
    call("replace", "a", "3")
    call("append", "a", "0")
    call("prepend", "a", "1")
    call("incr", "a", 2, n=4)
    call("decr", "a", 1, n=3)
    call("touch", "a", 60)
    call("delete", "none")
    call("delete", "a")
    call("flush_all")
    expected = ok(
        set=20, get=42, gets=3, add=2, replace=1, append=1, prepend=1, incr=4, decr=3, touch=1, delete=2, flush_all=1
    )
    # A key is a cmd_get, and a store of any kind a cmd_set.
    statistics(
        server,
        cmd_get=30 + 7 + 15 + 3,
        get_hits=30 + 5 + 3,
        get_misses=7 + 10,
        cmd_set=20 + 2 + 1 + 2,
        incr_hits=4,
        decr_hits=3,
        cmd_touch=1,
        delete_hits=1,
        delete_misses=1,
        cmd_flush=1,
    )
    captured(capture, expected + ok(stats=1))
    both(t, server.service, t.service("client"), expected)


@cases({"text": "pylibmc", "binary": "pylibmc-binary"})
def test_the_protocols_of_libmemcached_as_pylibmc_speaks_them(t, library):
    t.attach()
    server = memcached(t)
    capture = t.capture(server.port)
    client = peer(t, "memcached_client.py", "client", library, server.port)

    def call(method, *arguments, n=1):
        return client.ask({"do": "call", "method": method, "arguments": arguments, "n": n})["result"]

    call("set", "a", 1, n=20)
    call("get", "a", n=30)
    call("get", "none", n=7)
    call("incr", "a", 2, n=4)
    call("delete", "a")
    call("set", "big", "x" * 50_000)
    call("get", "big", n=2)
    expected = ok(set=21, get=39, incr=4, delete=1)
    statistics(server, cmd_get=39, get_hits=32, get_misses=7, cmd_set=21, incr_hits=4, delete_hits=1)
    if capture:
        sent = collections.Counter({(name, "success"): count for name, count in capture.memcached().items()})
        agree("the client and the wire", {**sent, **expected}, sent)
        # libmemcached asks for the version when it connects, say.
        expected = sent - ok(stats=1)
        captured(capture, sent)
    both(t, server.service, t.service("client"), expected)


@cases({"text": (), "binary": ("--binary",)})
def test_the_load_of_memcslap(t, options):
    t.attach()
    server = memcached(t, "-t", 2)
    capture = t.capture(server.port)
    for test in ("set", "get"):
        command(
            t,
            "memcslap",
            "client",
            f"--servers=127.0.0.1:{server.port}",
            "--concurrency=4",
            "--execute-number=200",
            "--initial-load=100",
            f"--test={test}",
            *options,
        )
    told = server.statistics()
    if int(told["cmd_get"]) != 800 or int(told["cmd_set"]) < 800:
        raise Failure(f"memcached counts {told['cmd_get']} gets and {told['cmd_set']} sets")
    expected = ok(get=int(told["cmd_get"]), set=int(told["cmd_set"]))
    if capture:
        sent = collections.Counter({(name, "success"): count for name, count in capture.memcached().items()})
        agree("stats and the wire", {**sent, **expected}, sent)
        expected = sent - ok(stats=1)
        both(t, server.service, t.service("client"), expected, timed=False)


def test_stores_without_a_reply_are_counted(t):
    t.attach()
    server = memcached(t)
    agent, near = hand(t, server)
    for _ in range(10):
        exchange(
            near,
            b"set a 0 0 3 noreply\r\nabc\r\n" * 5
            + b"get a\r\nset n 0 0 1\r\n1\r\n"
            + b"incr n 1 noreply\r\n" * 2
            + b"get a none\r\nadd a 0 0 1 noreply\r\nx\r\ndelete none noreply\r\ndelete a noreply\r\nget a\r\n",
        )
    expected = ok(set=60, get=30, incr=20, add=10, delete=20, version=10)
    statistics(server, cmd_set=70, cmd_get=40, get_hits=20, incr_hits=20, delete_hits=10, delete_misses=10)
    both(t, server.service, agent.service, expected, timed=False)


def test_gets_and_cas_whatever_they_answer(t):
    t.attach()
    server = memcached(t)
    agent, near = hand(t, server)
    exchange(near, b"set a 0 0 1\r\n1\r\n")
    unique = exchange(near, b"gets a\r\n").split(b"\r\n")[0].split()[4]
    answer = exchange(
        near, b"cas a 0 0 1 " + unique + b"\r\n2\r\n" + b"cas a 0 0 1 " + unique + b"\r\n3\r\ncas none 0 0 1 1\r\nx\r\n"
    )
    if answer != b"STORED\r\nEXISTS\r\nNOT_FOUND\r\n":
        raise Failure(f"memcached answers {answer!r}")
    statistics(server, cas_hits=1, cas_badval=1, cas_misses=1, cmd_get=1)
    both(t, server.service, agent.service, ok(set=1, gets=1, cas=3, version=3))


def test_meta_commands(t):
    t.attach()
    server = memcached(t)
    agent, near = hand(t, server)
    for _ in range(10):
        answer = exchange(
            near,
            b"ms a 5\r\nhello\r\nmg a v t\r\nmg none v\r\nmg none v q\r\n"
            b"ms b 2 q\r\nhi\r\nma n N0 J5\r\nmd b q\r\nmn\r\nget a\r\n",
        )
        if answer.split(b"\r\n")[0] != b"HD" or b"MN\r\nVALUE a 0 5" not in answer:
            raise Failure(f"memcached answers {answer!r}")
    expected = ok(ms=20, mg=30, ma=10, md=10, mn=10, get=10, version=10)
    statistics(server, cmd_get=40, get_hits=20, get_misses=20, cmd_set=20, incr_hits=9, delete_hits=10)
    both(t, server.service, agent.service, expected, timed=False)


def test_errors_are_failed_and_unknown_names_are_other(t):
    t.attach()
    server = memcached(t, "-I", "1m")
    agent, near = hand(t, server)
    answer = exchange(
        near,
        b"set text 0 0 3\r\nabc\r\nincr text 1\r\nbogus a\r\nset\r\nget text\r\nset big 0 0 2000000\r\n"
        + b"x" * 2_000_000
        + b"\r\nget text\r\n",
    )
    kinds = [line.split()[0] for line in answer.split(b"\r\n") if line and line != b"abc"]
    if kinds != [b"STORED", b"CLIENT_ERROR", b"ERROR", b"ERROR", b"VALUE", b"END", b"SERVER_ERROR", b"VALUE", b"END"]:
        raise Failure(f"memcached answers {answer[:400]!r}")
    expected = ok(set=1, get=2, version=1)
    expected.update({("incr", "failed"): 1, ("other", "failed"): 1, ("set", "failed"): 2})
    statistics(server, cmd_get=2)
    both(t, server.service, agent.service, expected)


def test_values_that_look_like_commands_and_answers(t):
    t.attach()
    server = memcached(t, "-I", "64m", "-m", "512")
    agent, near = hand(t, server)
    values = [
        b"get x\r\nget y",
        b"END\r\n",
        b"ERROR\r\nSTORED\r\n",
        b"",
        b"\r\n",
        bytes(range(256)) * 700,
        bytes(8 << 20),
    ]
    for value in values:
        exchange(near, b"set k 0 0 %d\r\n%s\r\nget k none\r\nget k\r\n" % (len(value), value))
    expected = ok(set=len(values), get=2 * len(values), version=len(values))
    statistics(server, cmd_set=len(values), cmd_get=3 * len(values), get_hits=2 * len(values))
    scrape = both(t, server.service, agent.service, expected)
    if scrape:
        size = sum(map(len, values))
        for direction, times in (("sent", 1), ("received", 2)):
            count = scrape.total("storage_bytes_total", service=agent.service, backend="memcached", direction=direction)
            if not times * size <= count <= times * size + 2000:
                raise Failure(f"{direction} {count:g} bytes, the values have {times * size}")


def test_pipelined_commands(t):
    t.attach()
    server = memcached(t)
    agent, near = hand(t, server)
    for _ in range(10):
        exchange(near, b"".join(b"set k%d 0 0 %d\r\n%s\r\nget k%d k0\r\n" % (n, n, b"v" * n, n) for n in range(200)))
    statistics(server, cmd_set=2000, cmd_get=4000)
    both(t, server.service, agent.service, ok(set=2000, get=2000, version=10))


def test_over_a_unix_socket(t):
    t.attach()
    server = memcached(t, unix=True)
    client = peer(t, "memcached_client.py", "client", "pymemcache", server.path)
    client.ask({"do": "call", "method": "set", "arguments": ["a", "x" * 3000], "n": 40})
    client.ask({"do": "call", "method": "get", "arguments": ["a"], "n": 60})
    statistics(server, cmd_set=40, cmd_get=60, get_hits=60)
    both(t, server.service, t.service("client"), ok(set=40, get=60))


@cases({"text": "pymemcache", "binary": "pylibmc-binary"})
def test_a_connection_open_before_is_joined_and_then_counted_to_the_unit(t, library):
    server = memcached(t)
    client = peer(t, "memcached_client.py", "client", library, server.port)

    def traffic(n):
        client.ask({"do": "call", "method": "set", "arguments": ["a", "1"], "n": n})
        client.ask({"do": "call", "method": "get", "arguments": ["a"], "n": n})

    traffic(5)
    if not t.module.with_tapstat:
        return
    tapstat = t.own_tapstat()
    traffic(ENOUGH)
    time.sleep(0.3)
    baseline = tapstat.scrape()
    if baseline.total("tapstat_connections_joined_total", protocol="memcached") < 2:
        raise Failure("the connection's ends have not joined")
    traffic(50)
    both(t, server.service, t.service("client"), ok(set=50, get=50), 0, tapstat=tapstat, baseline=baseline)


def test_a_command_that_a_killed_server_leaves_unanswered_is_failed(t):
    t.attach()
    server = memcached(t)
    agent, near = hand(t, server)
    exchange(near, b"set a 0 0 1\r\n1\r\n" * 10)
    server.process.freeze()
    near.sendall(b"get a\r\n")
    server.kill()
    try:
        near.recv(100)
    except ConnectionResetError:
        pass
    near.close()
    expected = ok(set=10, version=1)
    verify_operations(t, server.service, "server", "memcached", expected, timed=False)
    expected["get", "failed"] = 1
    verify_operations(t, agent.service, "client", "memcached", expected, timed=False)
