# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Redis: every command is counted at both ends, equal to what the server says of itself and to what was captured."""

import collections
import contextlib
import os
import time

from harness.processes import Failure, wait_until
from harness.requests import agree, operations, verify_operations, verify_values
from harness.runner import also_inside_tls, cases
from harness.servers import Resp, command, peer, redis

ENOUGH = 24  # commands after which a connection that was open before must have been recognised
HUGE = 100 << 20


def ok(**counts):
    """{(operation, "success"): count}."""
    return collections.Counter({(name, "success"): count for name, count in counts.items()})


def by_command(counts):
    """Operations without their status."""
    names = collections.Counter()
    for (name, _), count in counts.items():
        names[name] += count
    return names


def captured(capture, told):
    """The server's counts are those of the wire."""
    if not capture or capture.is_secure():  # Redis notes no session keys
        return
    agree(
        "INFO commandstats and the wire",
        {(k,): v for k, v in by_command(told).items()},
        {(k,): v for k, v in capture.redis().items()},
    )


def talk(t, server, label="client"):
    """An agent's connection to Redis, which the test works by hand: (agent, socket)."""
    agent = t.agent(label, tls=bool(server.certificates))
    return agent, agent.connect_to(server)


def pool(t, script, server, size):
    """A peer with so many connections to the server."""
    return peer(t, script, "client", server.path or server.port, size, *["tls"] * bool(server.certificates))


def exchange(near, *commands):
    """Sends whole commands, each (words…), and reads until a last PING is answered; returns all the bytes."""
    near.sendall(b"".join(Resp.encode(*words) for words in commands) + Resp.encode("PING", "the-end"))
    data = b""
    while not data.endswith(b"$7\r\nthe-end\r\n"):
        more = near.recv(1 << 20)
        if not more:
            raise Failure(f"Redis ends the connection: {data[-200:]!r}")
        data += more
    return data


def total(client):
    """What a peer says that it sent."""
    told = client.ask({"do": "counts"})
    return collections.Counter({(key.split(".")[1].lower(), "success"): n for key, n in told.items()})


@also_inside_tls
@cases({"RESP2": (), "RESP3": ("-3",)})
def test_commands_of_redis_cli_are_counted_at_both_ends(t, options, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    capture = t.capture(server.port)
    script = b"SET a 1\nGET a\nGET none\nINCR a\nHSET h f v\nHGETALL h\nLPUSH l 1 2 3\nLRANGE l 0 -1\nSADD s x\nDEL a\n"
    command(t, "redis-cli", "client", *options, *server.where, given=script * 20)
    expected = ok(set=20, get=40, incr=20, hset=20, hgetall=20, lpush=20, lrange=20, sadd=20)
    expected["del", "success"] = 20
    told = server.operations()
    if options:
        expected["hello", "success"] = 1
    rest = told - expected - ok(info=1)
    if set(by_command(rest)) - {"command", "hello", "ping"} or expected - told:
        raise Failure(f"redis-cli sent other commands: {dict(rest)}")
    captured(capture, told)
    verify_operations(t, server.service, "server", "redis", told)
    verify_operations(t, t.service("client"), "client", "redis", told - ok(info=1))


@also_inside_tls
@cases({"one at a time": 1, "16 at a time": 16})
def test_every_default_test_of_redis_benchmark(t, depth, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    command(t, "redis-benchmark", "client", *server.where, "-n", 800, "-c", 10, "-P", depth, "-q", "-d", 100)
    told = server.operations()
    for name in ("set", "get", "incr", "lpop", "rpop", "sadd", "hset", "spop", "zadd", "zpopmin", "mset", "rpush"):
        if told[name, "success"] != 800:
            raise Failure(f"redis-benchmark: {told[name, 'success']} {name}")
    scrape = verify_operations(t, server.service, "server", "redis", told)
    # Its last answers arrive behind its end of a test, which closes connections with commands outstanding.
    if scrape:
        client = operations(scrape, t.service("client"), "client", "redis")
        for name in ("set", "get", "lrange", "mset"):
            if abs(client[name, "success"] - told[name, "success"]) > 10 * depth:
                raise Failure(f"the client's {name}: {client[name, 'success']} of {told[name, 'success']}")


@also_inside_tls
@cases({"redis-py": "redis_client.py", "ioredis": "redis_client.js"})
def test_a_pool_is_counted_command_by_command(t, script, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    capture = t.capture(server.port)
    client = pool(t, script, server, 4)
    client.ask({"do": "open"})
    before = server.operations()
    commands = [
        ["SET", "k", "v"],
        ["GET", "k"],
        ["HSET", "h", "f", "1"],
        ["HGET", "h", "f"],
        ["RPUSH", "l", "x"],
        ["MGET", "k", "none"],
        ["EXPIRE", "k", "60"],
        ["DEL", "l"],
    ]
    answer = client.ask({"do": "call", "commands": commands, "n": 50})
    told = server.operations()
    since = {key: count for key, count in (told - before).items() if key[0] != "info"}
    agree("the client and INFO commandstats", total(client), since)
    if answer["failed"]:
        raise Failure(f"{answer['failed']} commands failed")
    captured(capture, told)
    verify_operations(t, server.service, "server", "redis", told)
    own = collections.Counter({key: n for key, n in told.items() if key[0] != "info"})
    verify_operations(t, t.service("client"), "client", "redis", own)


@also_inside_tls
def test_errors_are_failed_and_unknown_names_are_other(t, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    agent, near = talk(t, server)
    answer = exchange(
        near,
        ("SET", "text", "x"),
        *[("LPUSH", "text", "1")] * 3,
        *[("NOSUCHCOMMAND", "a")] * 5,
        ("GET",),
        ("INCR", "text"),
        ("GET", "text"),
        ("gEt", "text"),
    )
    if answer.count(b"\r\n-") != 10 or answer.count(b"-WRONGTYPE") != 3 or answer.count(b"-ERR unknown command") != 5:
        raise Failure(f"Redis answers {answer!r}")
    expected = ok(set=1, get=2, ping=1) + collections.Counter(
        {("lpush", "failed"): 3, ("other", "failed"): 5, ("get", "failed"): 1, ("incr", "failed"): 1}
    )
    told = server.operations()
    agree("INFO and the script", told, expected + ok(info=1))
    verify_operations(t, server.service, "server", "redis", told)
    verify_operations(t, agent.service, "client", "redis", expected)


@also_inside_tls
def test_a_value_that_looks_like_an_error_is_none(t, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    agent, near = talk(t, server)
    for value in (b"-ERR no\r\n", b"-ERR x\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", b"", b"\r\n", bytes(range(256)) * 300):
        exchange(near, ("SET", "k", value), ("GET", "k"), ("LPUSH", "l", value), ("LRANGE", "l", 0, -1))
    expected = ok(set=5, get=5, lpush=5, lrange=5, ping=5)
    agree("INFO and the script", server.operations(), expected + ok(info=1))
    verify_operations(t, server.service, "server", "redis", expected + ok(info=1))
    verify_operations(t, agent.service, "client", "redis", expected)


def test_a_transaction_counts_its_commands_and_its_exec(t):
    """A queued command is a success: QUEUED is its answer; an EXEC that Redis refuses is a failure."""
    t.attach()
    server = redis(t)
    agent, near = talk(t, server)
    for _ in range(10):
        exchange(near, ("MULTI",), ("SET", "a", 1), ("INCR", "a"), ("MGET", "a", "b"), ("EXEC",))
    answer = exchange(near, ("MULTI",), ("NOSUCHCOMMAND",), ("EXEC",))
    if b"-EXECABORT" not in answer:
        raise Failure(f"Redis answers {answer!r}")
    expected = ok(multi=11, set=10, incr=10, mget=10, exec=10, ping=11)
    expected.update({("other", "failed"): 1, ("exec", "failed"): 1})
    told = server.operations()
    agree("INFO and the script", told, expected + ok(info=1))
    verify_operations(t, server.service, "server", "redis", told)
    verify_operations(t, agent.service, "client", "redis", expected)


@also_inside_tls
def test_a_pipeline_of_1000_mixed_commands(t, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    client = pool(t, "redis_client.py", server, 1)
    client.ask({"do": "open"})
    commands = [
        ["SET", "k", "v" * 700],
        ["GET", "k"],
        ["INCR", "n"],
        ["LPUSH", "s", "x"],
        ["GET", "none"],
        ["MSET", "a", "1", "b", ""],
        ["MGET", "a", "b", "c"],
        ["LPUSH", "k", "wrong"],
        ["PING"],
        ["HSET", "h", "f", ""],
    ]
    answer = client.ask({"do": "pipeline", "commands": commands, "n": 100})
    if answer["failed"] != 100:
        raise Failure(f"{answer['failed']} failed, not 100")
    told = server.operations()
    expected = ok(set=100, get=200, incr=100, lpush=100, mset=100, mget=100, ping=100, hset=100, info=1)
    expected["lpush", "failed"] = 100
    agree("INFO and the script", told, expected)
    verify_operations(t, server.service, "server", "redis", told)
    verify_operations(t, t.service("client"), "client", "redis", told - ok(info=1))


@also_inside_tls
@cases({"RESP2": False, "RESP3": True})
def test_messages_pushed_to_a_subscriber_are_no_operations(t, third, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    subscriber, near = talk(t, server, "subscriber")
    hello = exchange(near, ("HELLO", 3)) if third else b""
    near.sendall(Resp.encode("SUBSCRIBE", "one", "two"))
    answer = b""
    while answer.count(b"subscribe") < 2:
        answer += near.recv(4096)
    publisher, out = talk(t, server, "publisher")
    exchange(out, *[("PUBLISH", "one", f"message {i}") for i in range(200)])
    data = b""
    while data.count(b"message ") < 200:
        data += near.recv(65536)
    expected = ok(subscribe=1) + (ok(hello=1, ping=1) if hello else ok())
    if third:  # which allows any command on that connection
        exchange(near, ("GET", "none"))
        expected += ok(get=1, ping=1)
    published = ok(publish=200, ping=1)
    agree("INFO and the script", server.operations(), expected + published + ok(info=1))
    verify_operations(t, server.service, "server", "redis", expected + published + ok(info=1))
    verify_operations(t, publisher.service, "client", "redis", published)
    verify_operations(t, subscriber.service, "client", "redis", expected)


def test_an_invalidation_pushed_between_answers_is_none(t):
    t.attach()
    server = redis(t)
    agent, near = talk(t, server)
    exchange(near, ("HELLO", 3), ("CLIENT", "TRACKING", "ON"))
    other = server.resp()
    for i in range(20):
        exchange(near, ("GET", "k"))
        other.call("SET", "k", i)
    data = exchange(near, ("GET", "k"))
    other.close()
    if b"invalidate" not in data:
        raise Failure(f"Redis pushed no invalidation: {data!r}")
    expected = ok(hello=1, client=1, get=21, ping=22)
    agree("INFO and the script", server.operations(), expected + ok(set=20, info=1))
    verify_operations(t, server.service, "server", "redis", expected + ok(set=20, info=1))
    verify_operations(t, agent.service, "client", "redis", expected)


@also_inside_tls
def test_a_blocking_command_lasts_until_its_answer(t, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    agent, near = talk(t, server)
    began = time.monotonic()
    near.sendall(Resp.encode("BLPOP", "queue", 5))
    time.sleep(0.7)
    verify_values(t, {"db_connections_active": 1, "db_connections_idle": 0}, service=agent.service, backend="redis")
    other = server.resp()
    other.call("RPUSH", "queue", "job")
    near.recv(4096)
    took = time.monotonic() - began
    other.close()
    near.sendall(Resp.encode("BLPOP", "queue", "0.3"))
    near.recv(4096)
    expected = ok(blpop=2)
    agree("INFO and the script", server.operations(), expected + ok(rpush=1, info=1))
    verify_operations(t, server.service, "server", "redis", expected + ok(rpush=1, info=1))
    scrape = verify_operations(t, agent.service, "client", "redis", expected)
    if scrape:
        seconds = scrape.total("storage_operation_duration_seconds_sum", service=agent.service, operation="blpop")
        if not took + 0.3 - 0.05 <= seconds <= took + 0.3 + 0.3:
            raise Failure(f"two BLPOP took {seconds:.3f} s, the client waited {took + 0.3:.3f} s")
        verify_values(t, {"db_connections_active": 0, "db_connections_idle": 1}, service=agent.service, backend="redis")


def test_inline_commands_are_commands(t):
    t.attach()
    server = redis(t)
    agent, near = talk(t, server)
    for line in (
        b"PING\r\n",
        b"SET a 1\r\nGET a\r\n",
        b"get a\n",
        b'SET b "two words"\r\n',
        b"   \r\nPING\r\n",
        b"BOGUS x\r\n",
    ):
        near.sendall(line)
        time.sleep(0.02)
    exchange(near)
    expected = ok(ping=3, set=2, get=2)
    expected["other", "failed"] = 1
    agree("INFO and the script", server.operations(), expected + ok(info=1))
    verify_operations(t, server.service, "server", "redis", expected + ok(info=1))
    verify_operations(t, agent.service, "client", "redis", expected)


@also_inside_tls
def test_hits_and_misses_are_those_of_the_keyspace(t, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    agent, near = talk(t, server)
    exchange(near, ("MSET", "a", 1, "b", 2, "empty", ""), ("HSET", "h", "f", "v"))
    exchange(
        near,
        *[("GET", "a")] * 30,
        ("GET", "empty"),
        *[("GET", "none")] * 11,
        *[("MGET", "a", "none", "b", "none")] * 10,
        *[("HGET", "h", "f")] * 7,
        *[("HGET", "none", "f")] * 3,
        *[("HMGET", "h", "f")] * 4,
        ("GETDEL", "b"),
        ("GETDEL", "b"),
    )
    hits, misses = server.keyspace()
    if (hits, misses) != (30 + 1 + 20 + 7 + 4 + 1, 11 + 20 + 3 + 1):
        raise Failure(f"Redis counts {hits} hits and {misses} misses")
    expected = {"redis_cache_hits_total": hits, "redis_cache_misses_total": misses}
    for service in (server.service, agent.service):
        verify_values(t, expected, service=service)


@also_inside_tls
@cases({"redis-py": "redis_client.py", "ioredis": "redis_client.js"})
def test_a_pool_that_was_open_before_is_joined_and_then_counted_to_the_unit(t, script, tls=False):
    server = redis(t, tls=tls)
    client = pool(t, script, server, 3)
    client.ask({"do": "open"})
    some = [["SET", "k", "v"], ["GET", "k"], ["LPUSH", "k", "wrong"], ["MGET", "k", "none"]]
    client.ask({"do": "call", "commands": some, "n": 5})
    if not t.module.with_tapstat:
        return
    tapstat = t.own_tapstat()
    client.ask({"do": "call", "commands": some, "n": ENOUGH // 4})
    time.sleep(0.3)
    baseline = tapstat.scrape()
    joined = baseline.total("tapstat_connections_joined_total", protocol="redis")
    if joined < 2 * 3:
        raise Failure(f"{joined:g} connections joined, not the 6 ends of 3")
    client.ask({"do": "call", "commands": some, "n": 50})
    expected = ok(set=150, get=150, mget=150)
    expected["lpush", "failed"] = 150
    for service, role in ((server.service, "server"), (t.service("client"), "client")):
        verify_operations(t, service, role, "redis", expected, tapstat=tapstat, baseline=baseline)


def test_over_a_unix_socket(t):
    t.attach()
    server = redis(t, unix=True)
    client = pool(t, "redis_client.py", server, 2)
    client.ask({"do": "open"})
    client.ask({"do": "call", "commands": [["SET", "k", "v" * 5000], ["GET", "k"], ["LPUSH", "k", "1"]], "n": 40})
    expected = ok(set=80, get=80)
    expected["lpush", "failed"] = 80
    told = server.operations()
    agree("INFO and the script", told, expected + ok(info=1))
    verify_operations(t, server.service, "server", "redis", told)
    verify_operations(t, t.service("client"), "client", "redis", expected)


@also_inside_tls
def test_commands_that_a_killed_server_leaves_unanswered_are_failed(t, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    agents = [talk(t, server, f"client{i}") for i in range(3)]
    for _, near in agents:
        exchange(near, *[("SET", "k", "v")] * 10)
        near.sendall(Resp.encode("BLPOP", "never", 0))
    wait_until(lambda: server.information("clients")["blocked_clients"] == "3", "three clients wait")
    asked = server.operations()["info", "success"]
    server.kill()
    for _, near in agents:
        with contextlib.suppress(ConnectionResetError):
            near.recv(100)
        near.close()
    expected = ok(set=10, ping=1) + collections.Counter({("blpop", "failed"): 1})
    for agent, _ in agents:
        verify_operations(t, agent.service, "client", "redis", expected, timed=False)
    everything = ok(set=30, ping=3, info=asked)
    everything["blpop", "failed"] = 3
    verify_operations(t, server.service, "server", "redis", everything, timed=False)


@also_inside_tls
def test_values_of_100_megabytes(t, tls=False):
    t.attach()
    server = redis(t, tls=tls)
    (t.tmp / "value").write_bytes(os.urandom(1 << 20) * (HUGE >> 20))
    with open(t.tmp / "value", "rb") as value:
        command(t, "redis-cli", "client", *server.where, "-x", "SET", "big", given=value.read())
    command(t, "redis-cli", "client", *server.where, "GET", "big")
    told = server.operations()
    expected = ok(set=1, get=1)
    agree("INFO and the script", told - (told - expected), expected)
    if set(by_command(told - expected)) - {"info", "command"}:
        raise Failure(f"Redis counts {dict(told)}")
    scrape = verify_operations(t, server.service, "server", "redis", told)
    verify_operations(t, t.service("client"), "client", "redis", told - ok(info=1))
    if not scrape:
        return
    for service, role in ((server.service, "server"), (t.service("client"), "client")):
        for direction in ("sent", "received"):
            count = scrape.total(
                "storage_bytes_total", service=service, role=role, backend="redis", direction=direction
            )
            if not HUGE <= count <= HUGE + 4096 * 32:
                raise Failure(f"{service}/{role} {direction} {count:g} bytes, a value has {HUGE}")


def test_commands_without_a_reply_are_counted_and_shift_no_answer(t):
    t.attach()
    server = redis(t)
    agent, near = talk(t, server)
    near.sendall(Resp.encode("CLIENT", "REPLY", "OFF"))
    near.sendall(Resp.encode("SET", "a", 1) * 20)
    near.sendall(Resp.encode("CLIENT", "REPLY", "ON"))
    exchange(near, ("LPUSH", "a", 1), ("GET", "a"))
    near.sendall(Resp.encode("CLIENT", "REPLY", "SKIP") + Resp.encode("INCR", "a"))
    exchange(near, ("GET", "a"))
    expected = ok(client=3, set=20, get=2, incr=1, ping=2)
    expected["lpush", "failed"] = 1
    agree("INFO and the script", server.operations(), expected + ok(info=1))
    verify_operations(t, server.service, "server", "redis", expected + ok(info=1), timed=False)
    verify_operations(t, agent.service, "client", "redis", expected, timed=False)


def test_what_a_monitor_is_told_is_no_operation(t):
    t.attach()
    server = redis(t)
    watcher, near = talk(t, server, "watcher")
    near.sendall(Resp.encode("MONITOR"))
    near.receive(5)
    agent, other = talk(t, server)
    exchange(other, *[("SET", "k", "v")] * 50)
    data = b""
    while data.count(b'"SET"') < 50 or b"the-end" not in data:
        data += near.recv(65536)
    expected = ok(set=50, ping=1)
    agree("INFO and the script", server.operations(), expected + ok(monitor=1, info=1))
    verify_operations(t, server.service, "server", "redis", expected + ok(monitor=1, info=1))
    verify_operations(t, watcher.service, "client", "redis", ok(monitor=1))
    verify_operations(t, agent.service, "client", "redis", expected)


def test_a_replica_is_no_client_of_what_its_master_streams_to_it(t):
    """Its handshake's commands are operations; the stream behind is not, and never turns the roles around."""
    t.allow_unparsed("hidden", "replication")  # the stream: no requests, no answers
    t.attach()
    master = redis(t, "--repl-diskless-sync-delay", 0, label="master")
    replica = redis(t, "--replicaof", "127.0.0.1", master.port, label="replica")
    wait_until(lambda: replica.information("replication")["master_link_status"] == "up", "the replica follows", 20)
    agent, near = talk(t, master)
    exchange(near, *[("SET", f"k{i}", "v" * 50) for i in range(300)])
    exchange(near, ("WAIT", 1, 5000))
    keys = replica.resp()
    if keys.call("DBSIZE") != 300:
        raise Failure("the replica has not got all keys")
    keys.close()
    told = {server.service: server.operations() for server in (master, replica)}
    if told[master.service]["set", "success"] != 300:
        raise Failure(f"the master counts {told[master.service]}")
    verify_operations(t, agent.service, "client", "redis", ok(set=300, wait=1, ping=2))
    if not t.module.with_tapstat:
        return
    time.sleep(1.5)  # a REPLCONF ACK or two
    scrape = t.tapstat.scrape()
    if wrong := operations(scrape, master.service, "client", "redis"):
        raise Failure(f"the master as a client: {dict(wrong)}")
    as_server = operations(scrape, master.service, "server", "redis")
    if as_server["set", "success"] != 300 or as_server["set", "failed"]:
        raise Failure(f"the master as a server: {dict(as_server)}")
    streamed = operations(scrape, replica.service, "server", "redis") + operations(
        scrape, replica.service, "client", "redis"
    )
    if streamed["set", "success"] or streamed["set", "failed"]:
        raise Failure(f"the stream to the replica was counted: {dict(streamed)}")


def test_connections_of_a_pool_are_active_or_idle(t):
    t.attach()
    server = redis(t)
    agent = t.agent("client")
    pool = [agent.connect(("127.0.0.1", server.port)) for _ in range(6)]
    for near in pool:
        exchange(near)
    labels = {"service": agent.service, "backend": "redis"}
    verify_values(t, {"db_connections_active": 0, "db_connections_idle": 6}, **labels)
    for near in pool[:2]:
        near.sendall(Resp.encode("BLPOP", "queue", 0))
    wait_until(lambda: server.information("clients")["blocked_clients"] == "2", "two clients wait")
    verify_values(t, {"db_connections_active": 2, "db_connections_idle": 4}, **labels)
    filler = server.resp()
    filler.call("RPUSH", "queue", "1", "2")
    for near in pool[:2]:
        near.recv(4096)
    filler.close()
    verify_values(t, {"db_connections_active": 0, "db_connections_idle": 6}, **labels)
    for near in pool:
        near.close()
    verify_values(t, {"db_connections_active": 0, "db_connections_idle": 0}, **labels)
