# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""System calls that no agent makes, and processes of odd shapes."""

import json

from harness.expect import BINARY, CLOSE, TEXT, Connection, Frame, peer_samples, side_counts
from harness.metrics import sample
from harness.peers import CLIENTS, SERVERS, Running
from harness.processes import Failure, Skip, free_port
from harness.runner import options
from harness.toolchain import c_program


def report(t, name, *arguments, libraries=()):
    """What a C peer says when it is done."""
    port = free_port()
    program = t.copy(c_program(name, libraries), name)
    captured = t.capture(port)
    process = t.start([program, port, *arguments], name)
    answer = json.loads(process.read_line(60))
    process.wait()
    return answer, t.service(name), captured


def test_sendmmsg_and_recvmmsg(t):
    t.attach()
    counts, service, captured = report(t, "mmsg")
    reports = {"server": counts, "client": counts}
    if captured:
        t.verify(captured.connections(), service, service, reports)
    else:
        t.verify_reports(1, service, service, reports)


@options(timeout=120)
def test_eight_threads_on_shared_sockets(t):
    t.require_tapstat()
    t.attach()
    frames = 30_000
    port = free_port()
    process = t.start([t.copy(c_program("threads"), "threads"), port, frames], "threads")
    did = json.loads(process.read_line(100))
    service = t.service("threads")
    expected = {"server": {}, "client": {}}
    for role, other in (("server", "client"), ("client", "server")):
        closes = side_counts([Connection([Frame(True, CLOSE, 0), Frame(False, CLOSE, 0)])] * did["connections"], role)
        own = {
            **peer_samples(
                {
                    "received.binary" if role == "server" else "sent.binary": did["to_server"]["binary"],
                    "sent.text" if role == "server" else "received.text": did["to_client"]["text"],
                }
            )
        }
        expected[role] = {**closes, **own}
    scrape = t.tapstat.settled((service, "server"), (service, "client"), timeout=30)
    wrong = []
    for role in expected:
        side = scrape.side(service, role)
        inward, outward = ("received", "sent") if role == "server" else ("sent", "received")
        wanted = dict(expected[role])
        wanted[sample("message_size_bytes_sum", direction=inward)] = did["to_server"]["bytes"]
        wanted[sample("message_size_bytes_sum", direction=outward)] = did["to_client"]["bytes"]
        wrong += [
            f"{role} {name} is {side.get(name, 0):g}, expected {value:g}"
            for name, value in wanted.items()
            if side.get(name, 0) != value
        ]
    if wrong:
        raise Failure("; ".join(wrong))


def test_io_uring_is_counted_as_unparsed_and_makes_no_errors(t):
    t.require_tapstat()
    t.allow_unparsed("io_uring", "out_of_step")
    t.attach()
    before = t.baseline
    did, service, _ = report(t, "uring", libraries=["uring"])
    if "unsupported" in did:
        raise Skip(did["unsupported"])
    scrape = t.tapstat.settled((service, "server"), (service, "client"))
    unseen = scrape.value("tapstat_unparsed_bytes_total", reason="io_uring") - before.value(
        "tapstat_unparsed_bytes_total", reason="io_uring"
    )
    for role in ("server", "client"):
        side = scrape.side(service, role)
        if side.get(sample("ws_connections_total", status="opened")) != 1 or side.get("ws_active_connections") != 0:
            raise Failure(f"{role}: the connection is not counted as opened and ended")
        if side.get(sample("ws_errors_total", error_type="decode")):
            raise Failure(f"{role}: a decode error for bytes that could not be seen")
        if side.get(sample("ws_messages_sent_total", message_type="text")):
            raise Failure(f"{role}: a text message, of which none was sent: a stale system call was read")
        for direction in ("sent", "received"):
            if side.get(sample(f"ws_messages_{direction}_total", message_type="binary"), 0) > did["messages"]:
                raise Failure(f"{role}: more messages {direction} than there were")
    binary = sum(
        scrape.side(service, role).get(sample("message_size_bytes_count", direction=direction), 0)
        for role in ("server", "client")
        for direction in ("sent", "received")
    )
    if unseen == 0 and binary != 4 * did["messages"]:
        raise Failure(f"of {did['bytes']} bytes by io_uring neither all were parsed nor any was counted as unparsed")


def test_workers_forked_before_accept_are_one_service(t):
    t.attach()
    port = free_port()
    server = t.python("prefork_server.py", "server", port, 4)
    server.answer()
    captured = t.capture(port)
    running = Running(server, t.service("server"), port)
    clients = [CLIENTS["websockets"](t, running.url, f"client{i}") for i in range(2)]
    for client in clients:
        client.ask("open", n=6)
        client.ask("echo", texts=[1, 200], binaries=[5], rounds=5)
    for client in clients:
        client.ask("close")
    t.verify(captured.connections(), running.service)


@options(timeout=120)
def test_hundreds_of_megabytes_in_one_message(t):
    t.attach()
    server = SERVERS["ws"](t)
    client = CLIENTS["ws"](t, server.url)
    size, rounds = 200 << 20, 2
    client.ask("open", n=1)
    client.ask("echo", binaries=[size], rounds=rounds)
    client.ask("echo", texts=[5])
    client.ask("fragments", sizes=[size // 2, 7, size // 4], binary=True)
    client.ask("close", code=1001)
    sizes = [size] * rounds + [5, size // 2 + 7 + size // 4]
    counts = {
        f"{direction}.{kind}": count
        for direction in ("sent", "received")
        for kind, count in (("text", 1), ("binary", rounds + 1))
    }
    counts.update({f"bytes.{direction}": sum(sizes) for direction in ("sent", "received")})
    for report_of in (server.report(), client.report()):
        if report_of != counts:
            raise Failure(f"a peer reports {report_of}, expected {counts}")
    frames = []
    for by_client in (True, False):
        frames += [Frame(by_client, BINARY, size)] * rounds + [Frame(by_client, TEXT, 5)]
    parts = [Frame(True, BINARY, size // 2, False), Frame(True, 0, 7, False), Frame(True, 0, size // 4)]
    frames += parts + [Frame(False, BINARY, sizes[-1])]
    frames += [Frame(by_client, CLOSE, 2, payload=(1001).to_bytes(2, "big")) for by_client in (True, False)]
    t.verify([Connection(frames)], server.service, client.service)
