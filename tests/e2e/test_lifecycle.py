# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tapstat comes and goes a hundred times while services work: they notice nothing, and nothing stays behind."""

import json
import os
import time

from harness.kernel import BpfObjects
from harness.peers import CLIENTS, SERVERS
from harness.processes import Failure
from harness.runner import also_inside_tls, options
from harness.tapstat import Tapstat
from harness.toolchain import need

RESTARTS = 100
CLEANLY = 4  # of five ends, so many by SIGTERM, one by SIGKILL


def left_behind(before, timeout=10.0):
    """What no process holds and was not there before, once the kernel has had time to free it."""
    deadline = time.monotonic() + timeout
    while True:
        more = BpfObjects().orphans() - before
        if not more or time.monotonic() > deadline:
            return sorted(more)
        time.sleep(0.2)


@also_inside_tls
@options(timeout=600)
def test_a_hundred_restarts_under_traffic(t, tls=False):
    """Inside TLS by a shared library at the server and by one that is part of the program at the client."""
    need("bpftool")
    t.require_tapstat()
    server = SERVERS["websockets" if tls else "ws"](t, tls=tls)
    client = CLIENTS["ws"](t, server.url)
    connections, rounds = 4, 0
    client.ask("open", n=connections)
    before = BpfObjects().orphans()
    descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    during = None
    for i in range(RESTARTS):
        client.process.send_line(json.dumps({"do": "echo", "texts": [10, 200], "binaries": [3000], "rounds": 150}))
        rounds += 150
        tapstat = Tapstat(t.tmp)
        t.callback(tapstat.stop)
        tapstat.wait_ready()
        client.process.answer()
        if i == 0:
            during = BpfObjects().held(tapstat.process.pid)
            client.ask("echo", texts=[10], rounds=20)
            scrape = tapstat.settled((server.service, "server"), (client.service, "client"))
            for service, role in ((server.service, "server"), (client.service, "client")):
                if scrape.total("ws_connections_joined_total", service=service, role=role) != connections:
                    raise Failure(f"the connections of {service}/{role} have not joined")
        tapstat.process.signal(15 if i % (CLEANLY + 1) else 9)
        status = tapstat.process.wait(15)
        if status not in (0, -9):
            raise Failure(f"restart {i}: exit status {status}: {tapstat.process.errors()[-300:]}")
        if i % 10 == 0:
            left = left_behind(before)
            if left:
                raise Failure(f"after restart {i} the kernel still holds {left}")
    if not during:
        raise Failure("bpftool sees nothing of a running tapstat: this test proves nothing")
    left = left_behind(before)
    if left:
        raise Failure(f"the kernel still holds {left}")
    client.ask("close", code=1000)
    echoed = connections * (2 * rounds + 20), connections * rounds
    for report in (server.report(), client.report()):
        counted = report["received.text"], report["received.binary"]
        if counted != echoed:
            raise Failure(f"a service lost messages: {counted}, expected {echoed}")
    if len(os.listdir(f"/proc/{server.process.pid}/fd")) > descriptors:
        raise Failure("the server holds more descriptors than before")


def test_counters_begin_at_zero_and_open_connections_join_after_a_restart(t):
    t.require_tapstat()
    server = SERVERS["ws"](t)
    client = CLIENTS["ws"](t, server.url)
    first = t.own_tapstat()
    client.ask("open", n=2)
    client.ask("echo", texts=[5], rounds=20)
    if first.settled((server.service, "server")).total("ws_messages_received_total", service=server.service) != 40:
        raise Failure("the first tapstat did not count 40 messages")
    first.stop()
    second = t.own_tapstat(port=first.port)
    scrape = second.scrape()
    if scrape.total("ws_messages_received_total", service=server.service):
        raise Failure("counters do not begin at 0")
    client.ask("echo", texts=[5], rounds=20)
    scrape = second.settled((server.service, "server"))
    joined = scrape.total("ws_connections_joined_total", service=server.service, role="server")
    if joined != 2 or scrape.total("ws_connections_total", service=server.service, status="opened"):
        raise Failure(f"{joined:g} connections joined, expected 2 and none opened")


def test_counts_of_ended_processes_stay_and_go_on_with_the_next_of_their_name(t):
    server = SERVERS["ws"](t)
    t.attach()
    totals = []
    for _ in range(3):
        client = CLIENTS["ws"](t, server.url)
        client.ask("open", n=1)
        client.ask("echo", texts=[9], rounds=10)
        client.ask("close")
        client.process.stop()
        if t.module.with_tapstat:
            scrape = t.tapstat.settled((client.service, "client"))
            totals.append(
                scrape.value("ws_messages_sent_total", service=client.service, role="client", message_type="text")
            )
    if t.module.with_tapstat and totals != [10, 20, 30]:
        raise Failure(f"messages sent after each of three clients: {totals}, expected [10, 20, 30]")


def test_descriptors_and_memory_of_tapstat_do_not_grow_with_traffic(t):
    t.require_tapstat()
    server = SERVERS["ws"](t)
    client = CLIENTS["ws"](t, server.url)

    def work():
        client.ask("open", n=50)
        client.ask("echo", texts=[9], rounds=20)
        client.ask("close")

    tapstat = t.own_tapstat()
    work()

    def size():
        scrape = tapstat.settled((server.service, "server"))
        return scrape.value("process_open_fds"), scrape.value("process_resident_memory_bytes")

    for _ in range(5):
        size()
    before = size()
    for _ in range(5):
        work()
    after = size()
    if after[0] > before[0] or after[1] > before[1] + (1 << 20):
        raise Failure(f"descriptors and resident bytes rose from {before} to {after}")
