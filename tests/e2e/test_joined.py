# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Connections that were open before tapstat: recognised from their frames alone, then counted exactly."""

from harness.conversation import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Conversation, close_payload, encode
from harness.metrics import sample
from harness.processes import Failure
from harness.runner import also_inside_tls, cases

ENOUGH = 24  # messages each way after which a connection must have been recognised


def agents(t, tls=False):
    t.require_tapstat()
    return t.agent("server", tls=tls), t.agent("client", tls=tls)


def joined(t, tapstat, server, client, talks):
    """The scrape at which all of these have joined at both ends; Failure if they have not."""
    sides = ((server.service, "server"), (client.service, "client"))
    scrape = tapstat.settled(*sides)
    for service, role in sides:
        count = scrape.total("ws_connections_joined_total", service=service, role=role)
        if count != len(talks):
            raise Failure(f"{service}/{role}: {count:g} of {len(talks)} connections joined")
    for talk in talks:
        talk.book.frames.clear()
        talk.book.opened = False
    return scrape


def left(number):
    """How the gauge moves when joined connections end."""
    return {role: {"ws_active_connections": -number} for role in ("server", "client")}


def _small_messages(talk):
    talk.exchange(ENOUGH)


def _one_burst(talk):
    for role in ("client", "server"):
        talk.frames(role, [(TEXT, b"m" * n) for n in range(ENOUGH)])


def _large_messages(talk):
    for _ in range(ENOUGH):
        talk.send("client", BINARY, bytes(100_000)).send("server", BINARY, bytes(70_000))


def _heartbeats(talk):
    for i in range(ENOUGH):
        talk.send("server", PING, b"%d" % i).send("client", PONG, b"%d" % i)


def _empty_heartbeats(talk):
    for _ in range(ENOUGH):
        talk.send("server", PING, b"").send("client", PONG, b"")


def _fragments(talk):
    for _ in range(ENOUGH):
        for role in ("client", "server"):
            talk.frames(role, [(TEXT, b"begin", False), (CONTINUATION, b"end")])


def _byte_by_byte(talk):
    pieces = {
        "write": lambda socket, data: socket.send_pieces(data, 1),
        "read": lambda socket, count: socket.receive(count, 1),
    }
    for _ in range(ENOUGH):
        talk.send("client", TEXT, b"hello", **pieces).send("server", TEXT, b"hello", **pieces)


TRAFFIC = {
    "small messages": _small_messages,
    "a burst in one write": _one_burst,
    "large messages": _large_messages,
    "heartbeats": _heartbeats,
    "empty heartbeats": _empty_heartbeats,
    "fragments": _fragments,
    "single bytes": _byte_by_byte,
}


@also_inside_tls
@cases(TRAFFIC)
def test_recognised_by(t, traffic, tls=False):
    server, client = agents(t, tls)
    talks = [Conversation.opened(server, client).exchange(2) for _ in range(2)]
    tapstat = t.own_tapstat()
    for talk in talks:
        traffic(talk)
    baseline = joined(t, tapstat, server, client, talks)
    for talk in talks:
        traffic(talk)
        talk.exchange(5).send("server", PING, b"1").send("client", PONG, b"1").close()
    t.verify(
        [talk.book for talk in talks],
        server.service,
        client.service,
        adjust=left(2),
        tapstat=tapstat,
        baseline=baseline,
    )


@also_inside_tls
def test_recognised_although_tapstat_came_in_the_middle_of_a_large_frame(t, tls=False):
    server, client = agents(t, tls)
    talk = Conversation.opened(server, client).exchange()
    frame = encode(BINARY, bytes(300_000), masked=True)
    talk.transfer("client", frame[:100_000])
    tapstat = t.own_tapstat()
    talk.transfer("client", frame[100_000:])
    _small_messages(talk)
    baseline = joined(t, tapstat, server, client, [talk])
    talk.exchange(10).close()
    t.verify([talk.book], server.service, client.service, adjust=left(1), tapstat=tapstat, baseline=baseline)


def test_recognised_on_a_unix_socket(t):
    server, client = agents(t)
    talks = [Conversation.opened(server, client, address=str(t.tmp / f"s{i}")).exchange() for i in range(3)]
    tapstat = t.own_tapstat()
    for talk in talks:
        _small_messages(talk)
    baseline = joined(t, tapstat, server, client, talks)
    for talk in talks:
        talk.exchange(7)
    talks[0].end("client", "server")
    talks[1].close()
    talks[2].close()
    t.verify(
        [talk.book for talk in talks],
        server.service,
        client.service,
        adjust=left(3),
        tapstat=tapstat,
        baseline=baseline,
    )


@also_inside_tls
def test_lost_after_joining_is_an_error_and_gives_no_duration(t, tls=False):
    server, client = agents(t, tls)
    listener = server.listen()
    talk = Conversation.opened(server, client, listener=listener)
    tapstat = t.own_tapstat()
    _small_messages(talk)
    baseline = joined(t, tapstat, server, client, [talk])
    talk.reset("client")
    again = Conversation.opened(server, client, listener=listener)
    reconnected = {sample("ws_reconnections_total", reason="connection_lost"): 1, "ws_active_connections": -1}
    t.verify(
        [talk.book, again.book],
        server.service,
        client.service,
        adjust={"server": reconnected, "client": reconnected},
        tapstat=tapstat,
        baseline=baseline,
    )


@also_inside_tls
def test_compressed_frames_are_taken_as_negotiated_before(t, tls=False):
    server, client = agents(t, tls)
    talk = Conversation.opened(server, client)
    tapstat = t.own_tapstat()

    def compressed(rounds):
        for _ in range(rounds):
            for role in ("client", "server"):
                talk.record(role, TEXT, b"packed")
                talk.transfer(role, encode(TEXT, b"packed", role == "client", reserved=4))

    compressed(ENOUGH)
    baseline = joined(t, tapstat, server, client, [talk])
    compressed(10)
    talk.close()
    t.verify([talk.book], server.service, client.service, adjust=left(1), tapstat=tapstat, baseline=baseline)


@also_inside_tls
def test_close_frames_end_a_joined_connection_as_closed(t, tls=False):
    server, client = agents(t, tls)
    talk = Conversation.opened(server, client)
    tapstat = t.own_tapstat()
    _small_messages(talk)
    baseline = joined(t, tapstat, server, client, [talk])
    talk.send("server", CLOSE, close_payload(1012)).end("server", "client")
    t.verify([talk.book], server.service, client.service, adjust=left(1), tapstat=tapstat, baseline=baseline)
