# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is told of a service whatever it does: its CPU time, memory, peers and messages, each against another source."""

import os
import time

from harness.conversation import BINARY, PING, TEXT, Conversation, encode
from harness.peers import CLIENTS, SERVERS
from harness.processes import Failure, wait_until
from test_privileges import granted, hiding

TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGESIZE")


def stat(pid):
    """The fields of /proc/PID/stat behind the name, from field 3 on."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def cpu_seconds(pid):
    fields = stat(pid)
    return (int(fields[14 - 3]) + int(fields[15 - 3])) * TICK


def resident_bytes(pid):
    return int(stat(pid)[24 - 3]) * PAGE


def check(condition, what):
    if not condition:
        raise Failure(what)


def eventually(t, name, expected, **labels):
    """Waits until a sample has this value."""
    latest = []

    def is_so():
        latest[:] = [t.tapstat.scrape().value(name, **labels)]
        return latest[0] == expected

    try:
        wait_until(is_so, name, 5)
    except Failure:
        raise Failure(f"{name}{labels} is {latest[0]}, expected {expected}") from None


def pair(t):
    return t.agent("server"), t.agent("client")


def usage(t, service):
    return t.tapstat.scrape().value("process_cpu_usage", service=service)


def test_cpu_usage_is_the_cpu_time_between_two_scrapes(t):
    t.attach()
    server, client = pair(t)
    talk = Conversation.opened(server, client).exchange()
    pids = {server.service: server.process.pid, client.service: client.process.pid}
    before = t.tapstat.scrape()
    check(before.value("process_cpu_usage", service=server.service) is not None, "no CPU usage at the first sight")
    server.begin(server, "burn", 5)
    time.sleep(1.2)
    readings = []
    for _ in range(2):
        begun = time.monotonic()
        used = {service: cpu_seconds(pid) for service, pid in pids.items()}
        scrape = t.tapstat.scrape()
        readings.append((begun, used, scrape))
        time.sleep(2)
    server.finish()
    elapsed = readings[1][0] - readings[0][0]
    for service in pids:
        expected = (readings[1][1][service] - readings[0][1][service]) / elapsed
        found = readings[1][2].value("process_cpu_usage", service=service)
        check(abs(found - expected) < 0.05, f"{service} uses {found} cores, by /proc {expected:.3f}")
    burnt = readings[1][2].value("process_cpu_usage", service=server.service)
    check(burnt > 0.5, f"a busy loop uses {burnt} cores")
    check(burnt < 1.05, f"one thread uses {burnt} cores")
    talk.close()


def test_scrapes_within_a_second_show_the_same_cpu_usage(t):
    t.attach()
    server, client = pair(t)
    talk = Conversation.opened(server, client).exchange()
    usage(t, server.service)
    server.begin(server, "burn", 1.2)
    server.finish()
    first = usage(t, server.service)
    begun = time.monotonic()
    others = [usage(t, server.service) for _ in range(3)]
    if time.monotonic() - begun < 0.9:
        check(first > 0.3 and others == [first] * 3, f"{first}, then {others} within a second")
    talk.close()


def test_memory_is_what_proc_shows(t):
    t.attach()
    server, client = pair(t)
    talk = Conversation.opened(server, client).exchange()
    before = t.tapstat.scrape().value("process_memory_bytes", service=server.service)
    server.hold(64 << 20)
    for agent in (server, client):
        found = t.tapstat.scrape().value("process_memory_bytes", service=agent.service)
        expected = resident_bytes(agent.process.pid)
        check(abs(found - expected) <= expected * 0.02, f"{agent.service} holds {found}, by /proc {expected}")
    after = t.tapstat.scrape().value("process_memory_bytes", service=server.service)
    check(abs(after - before - (64 << 20)) < 4 << 20, f"64 MiB more took the service from {before} to {after}")
    talk.close()


def test_processes_of_one_name_add_up(t):
    t.attach()
    servers = [t.agent("server") for _ in range(3)]
    client = t.agent("client")
    talks = [Conversation.opened(server, client).exchange() for server in servers]
    found = t.tapstat.scrape().value("process_memory_bytes", service=servers[0].service)
    expected = sum(resident_bytes(server.process.pid) for server in servers)
    check(abs(found - expected) <= expected * 0.02, f"three processes hold {found}, by /proc {expected}")
    for talk in talks:
        talk.close()


def test_a_service_that_ended_uses_nothing_and_stays(t):
    t.attach()
    server, client = pair(t)
    Conversation.opened(server, client).exchange().close()
    check(t.tapstat.scrape().value("process_memory_bytes", service=server.service) > 0, "no memory while it runs")
    server.stop()
    for name in ("process_memory_bytes", "process_cpu_usage", "agent_peers_connected"):
        eventually(t, name, 0, service=server.service)


def test_peers_are_the_established_connections(t):
    t.attach()
    server, client = pair(t)
    talks = [Conversation.opened(server, client) for _ in range(5)]
    eventually(t, "agent_peers_connected", 5, service=server.service)
    eventually(t, "agent_peers_connected", 5, service=client.service)
    talks[0].close()
    eventually(t, "agent_peers_connected", 4, service=server.service)
    eventually(t, "agent_peers_connected", 4, service=client.service)
    talks[1].ends["client"].close()  # the server's end waits for its own close
    eventually(t, "agent_peers_connected", 3, service=server.service)
    eventually(t, "agent_peers_connected", 3, service=client.service)


def test_peers_of_both_roles_add_up(t):
    t.attach()
    middle, other = t.agent("middle"), t.agent("other")
    talks = [Conversation.opened(middle, other), Conversation.opened(middle, other), Conversation.opened(other, middle)]
    eventually(t, "agent_peers_connected", 3, service=middle.service)
    eventually(t, "agent_peers_connected", 3, service=other.service)
    for talk in talks:
        talk.close()


def test_unix_sockets_are_no_peers(t):
    t.attach()
    server, client = pair(t)
    talk = Conversation.opened(server, client, address=str(t.tmp / "socket")).exchange()
    eventually(t, "messages_received_total", 1, service=server.service, status="success")
    eventually(t, "agent_peers_connected", 0, service=server.service)
    talk.close()


def test_messages_are_the_data_messages_of_both_roles(t):
    t.attach()
    one, other = t.agent("one"), t.agent("other")
    first, second = Conversation.opened(one, other), Conversation.opened(other, one)
    first.exchange(3).exchange(2, opcode=BINARY).send("client", PING, b"x")  # one received 5 and sent 5
    second.exchange(4).send("client", TEXT, b"a", fin=False).send("client", 0, b"b")  # one sent 5 more, received 4
    for talk in (first, second):
        talk.close()
    for service, received, sent in ((one.service, 9, 10), (other.service, 10, 9)):
        eventually(t, "messages_received_total", received, service=service, status="success")
        eventually(t, "messages_sent_total", sent, service=service, status="success")
        eventually(t, "messages_received_total", 0, service=service, status="failed")
        eventually(t, "messages_sent_total", 0, service=service, status="failed")
    eventually(t, "message_processing_duration_seconds_count", 5, service=one.service)
    eventually(t, "message_processing_duration_seconds_count", 4, service=other.service)


def test_what_can_not_be_decoded_is_a_failed_message(t):
    t.attach()
    t.allow_unparsed("decode")
    server, client = pair(t)
    talk = Conversation.opened(server, client).exchange()
    talk.transfer("client", encode(TEXT, b"bad", masked=False))
    eventually(t, "messages_received_total", 1, service=server.service, status="failed")
    eventually(t, "messages_received_total", 1, service=server.service, status="success")
    talk.end()


def test_real_peers_have_their_own_counts_and_sizes(t):
    server = SERVERS["websockets"](t)
    t.attach()
    client = CLIENTS["websockets"](t, server.url)
    client.ask("open", n=3)
    client.ask("echo", texts=[10, 300], binaries=[4000], rounds=20)
    for running in (server, client):
        report = running.report()
        for direction in ("received", "sent"):
            expected = report[f"{direction}.text"] + report[f"{direction}.binary"]
            eventually(t, f"messages_{direction}_total", expected, service=running.service, status="success")
        eventually(t, "agent_peers_connected", 3, service=running.service)
        found = t.tapstat.scrape().value("process_memory_bytes", service=running.service)
        expected = resident_bytes(running.process.pid)
        check(abs(found - expected) <= expected * 0.05, f"{running.service} holds {found}, by /proc {expected}")
    eventually(t, "message_processing_duration_seconds_count", 180, service=server.service)
    eventually(t, "message_processing_duration_seconds_count", 0, service=client.service)
    client.ask("close")


def test_an_ordinary_user_with_the_capabilities_reads_what_processes_use(t):
    tapstat = t.own_tapstat(prefix=granted("bpf", "perfmon"))
    check(not tapstat.logged("hidepid"), "a warning without a reason")
    server, client = pair(t)
    talk = Conversation.opened(server, client).exchange()
    found = tapstat.scrape().value("process_memory_bytes", service=server.service)
    expected = resident_bytes(server.process.pid)
    check(found and abs(found - expected) <= expected * 0.02, f"{server.service} holds {found}, by /proc {expected}")
    talk.close()


def test_where_proc_hides_processes_tapstat_says_so_and_the_rest_counts(t):
    # Root's group is let through: gid= of that option is 0 by default.
    prefix = [*hiding("-t proc -o hidepid=invisible proc /proc"), *granted("bpf", "perfmon")]
    tapstat = t.own_tapstat(prefix=prefix)
    check(tapstat.logged(r"level=warn .*hidepid"), f"no warning: {tapstat.process.errors()[-400:]}")
    server, client = pair(t)
    talk = Conversation.opened(server, client).exchange()
    scrape = tapstat.settled((server.service, "server"))
    check(scrape.value("messages_received_total", service=server.service, status="success") == 1, "no messages")
    check(scrape.value("agent_peers_connected", service=server.service) == 1, "no peers")
    for name in ("process_cpu_usage", "process_memory_bytes"):
        check(not scrape.samples(name), f"{name} is shown")
        check(name in scrape.types, f"{name} has no TYPE")
    talk.close()
