# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every way in which frames and handshakes can travel, between two agents that work their sockets by hand.

The books that the agents keep, the dissector and tapstat must agree.
"""

from harness.conversation import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    REQUEST,
    RESPONSE,
    TEXT,
    Conversation,
    close_payload,
)
from harness.expect import differences, side_counts
from harness.metrics import sample
from harness.processes import Failure
from harness.runner import also_inside_tls, cases

LENGTHS = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537]


def with_books(t, connections, server, client, captured=None):
    """Compares the books with the dissector, where there was a capture, and both with tapstat."""
    books = [connection.book for connection in connections]
    if captured:
        dissected = captured.connections()
        for role in ("server", "client"):
            wrong = differences(side_counts(books, role), side_counts(dissected, role))
            if wrong:
                raise Failure(f"books and dissector differ for the {role}: " + "; ".join(wrong))
    return t.verify(books, server.service, client.service)


def agents(t, tls=False):
    t.attach()
    return t.agent("server", tls=tls), t.agent("client", tls=tls)


def captured_listener(t, server):
    listener = server.listen()
    port = listener.getsockname()[1]
    if server.certificates:
        t.secure(port)
    return listener, t.capture(port)


def in_pieces(size):
    return {"write": lambda socket, data: socket.send_pieces(data, size)}


def read_in_pieces(size):
    return {"read": lambda socket, count: socket.receive(count, size)}


def as_vector(system_call, pieces):
    """One call with `pieces` segments, as even as they go."""

    def write(socket, data):
        count = min(pieces, len(data))
        cuts = [len(data) * i // count for i in range(count + 1)]
        socket.send_all_vector([data[a:b] for a, b in zip(cuts, cuts[1:])], system_call)

    return {"write": write}


def into_vector(system_call, size):
    """One call that scatters into segments of this size."""

    def read(socket, count):
        data = b""
        while len(data) < count:
            left = count - len(data)
            sizes = [min(size, left - at) for at in range(0, left, size)][:1024]
            data += socket.receive_vector(sizes, system_call)
        return data

    return {"read": read}


def peeking(socket, count):
    """Looks at the data twice before reading it, and reads it in two calls."""
    socket.receive(count, 65536, 2)  # MSG_PEEK
    first = socket.receive(min(3, count), 65536, 2)
    data = socket.receive(min(3, count))
    if data != first:
        raise Failure("MSG_PEEK showed other bytes")
    return data + socket.receive(count - len(data))


PIECEWISE = {
    "plain": {},
    "1-byte writes": in_pieces(1),
    "1-byte reads": read_in_pieces(1),
    "1-byte writes and reads": {**in_pieces(1), **read_in_pieces(1)},
    "7-byte writes, 5-byte reads": {**in_pieces(7), **read_in_pieces(5)},
}
HOW = {
    **PIECEWISE,
    "sendmsg of 2": as_vector("sendmsg", 2),
    "sendmsg of 16": as_vector("sendmsg", 16),
    "sendmsg of 17": as_vector("sendmsg", 17),
    "sendmsg of 1024": as_vector("sendmsg", 1024),
    "writev of 3": as_vector("writev", 3),
    "writev of 1024": as_vector("writev", 1024),
    "recvmsg into 1-byte segments": into_vector("recvmsg", 1),
    "recvmsg into 13-byte segments": into_vector("recvmsg", 13),
    "readv into 1-byte segments": into_vector("readv", 1),
    "readv into 100-byte segments": into_vector("readv", 100),
    "MSG_PEEK": {"read": peeking},
}


def _converse(server, client, listener, how):
    """The same conversation whatever the way of writing and reading."""
    talk = Conversation.connect(server, client, listener=listener).handshake(**how)
    burst = [(TEXT, b"a" * n) for n in (0, 1, 5, 125, 126, 200)] + [(PING, b"p"), (BINARY, b"\0" * 130)]
    talk.frames("client", burst, **how).send("server", PONG, b"p", **how)
    talk.frames("server", burst, **how).send("client", PONG, b"p", **how)
    talk.frames(
        "client", [(TEXT, b"one", False), (PING, b""), (CONTINUATION, b"", False), (CONTINUATION, b"two")], **how
    )
    talk.send("server", PONG, b"", **how)
    return talk.close()


@also_inside_tls(rows=PIECEWISE)
@cases(HOW)
def test_same_counts_however_the_bytes_are_written_and_read(t, how, tls=False):
    server, client = agents(t, tls)
    with_books(t, [_converse(server, client, server.listen(), how)], server, client)


def test_same_counts_as_the_dissector_in_all_of_these_ways(t):
    server, client = agents(t)
    listener, captured = captured_listener(t, server)
    with_books(t, [_converse(server, client, listener, how) for how in HOW.values()], server, client, captured)


@also_inside_tls
def test_every_length_and_opcode(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talk = Conversation.opened(server, client, listener=listener)
    for role in ("client", "server"):
        for opcode in (TEXT, BINARY):
            for length in LENGTHS:
                talk.send(role, opcode, b"z" * length)
        for opcode in (PONG, PING):
            for length in (0, 1, 124, 125):
                talk.send(role, opcode, b"c" * length)
    for role in ("client", "server"):
        for length in (0, 1, 124, 125):
            talk.send(role, PONG, b"c" * length)
    talk.close()
    with_books(t, [talk], server, client, captured)


@also_inside_tls
def test_fragmented_messages_with_control_frames_between(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talk = Conversation.opened(server, client, listener=listener)
    for role in ("client", "server"):
        for count in (2, 3, 50):
            talk.send(role, BINARY, b"first", False)
            for i in range(count - 2):
                talk.send(role, CONTINUATION, b"m" * i, False).send(role, PONG, b"unasked")
                talk.send(Conversation.other(role), TEXT, b"other way")
            talk.send(role, CONTINUATION, b"")
        talk.frames(role, [(TEXT, b"", False), (CONTINUATION, b"", False), (CONTINUATION, b"")])
    talk.close()
    with_books(t, [talk], server, client, captured)


@also_inside_tls
def test_thousands_of_frames_in_one_write_and_read(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talk = Conversation.opened(server, client, listener=listener)
    for role in ("client", "server"):
        talk.frames(role, [(TEXT, b"tiny")] * 5000 + [(BINARY, b"")] * 3000)
        talk.frames(role, [(TEXT, b"x" * 60)] * 2000)
    talk.close()
    with_books(t, [talk], server, client, captured)


@also_inside_tls
def test_megabytes_in_one_frame_and_a_sum_past_32_bits_of_header(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talk = Conversation.opened(server, client, listener=listener)
    for role in ("client", "server"):
        talk.send(role, BINARY, bytes(8 << 20))
        talk.frames(role, [(TEXT, b"after")] * 3)
        talk.frames(role, [(BINARY, bytes(3 << 20), False), (PING, b""), (CONTINUATION, bytes(1 << 20))])
        talk.send(Conversation.other(role), PONG, b"")
    talk.close()
    with_books(t, [talk], server, client, captured)


def _headers(*lines):
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


REQUESTS = {
    "lower case": REQUEST.replace(
        b"Upgrade: websocket\r\nConnection: Upgrade", b"upgrade: WebSocket\r\nconnection: upgrade"
    ),
    "upper case": REQUEST.replace(b"Upgrade: websocket", b"UPGRADE: WEBSOCKET"),
    "Connection list": REQUEST.replace(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade"),
    "no blanks": REQUEST.replace(b": ", b":").replace(b"Host:localhost", b"Host: localhost"),
    "many blanks": REQUEST.replace(b"Upgrade: websocket", b"Upgrade:  \t websocket \t"),
    "other order": _headers(
        "GET /a?b=c HTTP/1.1",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Host: localhost",
    ),
    "large headers": REQUEST.replace(b"Upgrade: websocket", b"Cookie: " + b"c" * 3000 + b"\r\nUpgrade: websocket"),
    "long target": REQUEST.replace(b"/chat", b"/" + b"segment/" * 200),
}
RESPONSES = {
    "lower case 101": RESPONSE.replace(
        b"Upgrade: websocket\r\nConnection: Upgrade", b"upgrade: websocket\r\nconnection: upgrade"
    ),
    "other order 101": _headers(
        "HTTP/1.1 101 Web Socket Protocol Handshake",
        "Date: today",
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "Connection: keep-alive, upgrade",
        "Server: by hand",
        "Upgrade: WebSocket",
    ),
    "101 without a reason": RESPONSE.replace(b"101 Switching Protocols", b"101 "),
}


HANDSHAKES = {
    **{name: (request, RESPONSE) for name, request in REQUESTS.items()},
    **{name: (REQUEST, response) for name, response in RESPONSES.items()},
}


@cases(HANDSHAKES)
def test_handshake(t, messages):
    server, client = agents(t)
    talk = Conversation.connect(server, client).handshake(*messages)
    talk.exchange(2).close()
    with_books(t, [talk], server, client)


@also_inside_tls
def test_handshakes_as_the_dissector_sees_them(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    with_books(
        t,
        [
            Conversation.connect(server, client, listener=listener).handshake(*messages).exchange().close()
            for messages in HANDSHAKES.values()
        ],
        server,
        client,
        captured,
    )


@also_inside_tls
def test_handshake_split_at_every_byte(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talks = []
    for at in range(1, max(len(REQUEST), len(RESPONSE)), 3):
        halves = {
            "write": lambda socket, data, cut=at: [socket.sendall(part) for part in (data[:cut], data[cut:]) if part],
            "read": lambda socket, count, cut=at: socket.receive(min(cut, count)) + socket.receive(max(0, count - cut)),
        }
        talks.append(Conversation.connect(server, client, listener=listener).handshake(**halves).exchange().close())
    with_books(t, talks, server, client, captured)


@also_inside_tls
def test_first_frames_in_the_segment_of_the_101(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talks = []
    for read in ({}, read_in_pieces(1), read_in_pieces(64)):
        talk = Conversation.connect(server, client, listener=listener)
        talk.transfer("client", REQUEST)
        talk.transfer(
            "server", RESPONSE + talk.record("server", TEXT, b"welcome") + talk.record("server", PING, b"1"), **read
        )
        talk.book.opened = True
        talks.append(talk.send("client", PONG, b"1").exchange().close())
    with_books(t, talks, server, client, captured)


@also_inside_tls
def test_upgrade_after_ordinary_requests_on_the_connection(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talk = Conversation.connect(server, client, listener=listener)
    for body in (b"", b"hello", b"b" * 70000):
        talk.transfer(
            "client", b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        talk.transfer("server", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    talk.transfer("client", b"GET /list HTTP/1.1\r\nHost: localhost\r\n\r\n")
    talk.transfer("server", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
    talk.handshake().exchange(3).close()
    with_books(t, [talk], server, client, captured)


@also_inside_tls
def test_refused_by_code(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talks = []
    for code in ("200", "301", "400", "401", "403", "404", "426", "500", "503", "403", "404", "404"):
        talk = Conversation.connect(server, client, listener=listener)
        talk.transfer("client", REQUEST)
        talk.transfer("server", f"HTTP/1.1 {code} No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno".encode())
        talk.book.refused = code
        talks.append(talk.end())
    with_books(t, talks, server, client, captured)


@also_inside_tls
def test_refused_without_an_answer(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talk = Conversation.connect(server, client, listener=listener)
    talk.transfer("client", REQUEST)
    talk.book.refused = "none"
    talk.end()
    with_books(t, [talk], server, client, captured)


@also_inside_tls
def test_refused_then_accepted_on_the_same_connection(t, tls=False):
    server, client = agents(t, tls)
    listener = server.listen()
    talk = Conversation.connect(server, client, listener=listener)
    talk.transfer("client", REQUEST)
    talk.transfer("server", b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
    talk.handshake().exchange().close()
    refused = Conversation(None, None)
    refused.book.refused = "401"
    with_books(t, [refused, talk], server, client)


@also_inside_tls
def test_close_codes(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    codes = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3999, 4000, 4999, None]
    talks = [
        Conversation.opened(server, client, listener=listener).close(code, first)
        for code in codes
        for first in ("client", "server")
    ]
    with_books(t, talks, server, client, captured)


@also_inside_tls
def test_close_reason_and_two_close_frames_at_once(t, tls=False):
    server, client = agents(t, tls)
    listener, captured = captured_listener(t, server)
    talk = Conversation.opened(server, client, listener=listener)
    talk.send("client", CLOSE, close_payload(1000, b"r" * 123)).send("server", CLOSE, close_payload(1001, b"bye"))
    talk.end()
    with_books(t, [talk], server, client, captured)


def _close_frame_one_way(talk):
    talk.send("server", CLOSE, close_payload(1001)).end()


def _half_close_after_close_frames(talk):
    talk.send("client", CLOSE, close_payload(1000))
    talk.ends["client"].shutdown(1)
    talk.frames("server", [(TEXT, b"late"), (CLOSE, close_payload(1000))])
    talk.end("server", "client")


def _half_close_without_a_close_frame(talk):
    talk.ends["client"].shutdown(1)
    talk.send("server", TEXT, b"still here").end("server", "client")


def _reset_after_close_frames(talk):
    talk.send("client", CLOSE, close_payload(1000)).send("server", CLOSE, close_payload(1000)).reset("client")


def _last_frames_and_end_in_one_read(talk, *frames):
    """The read that takes the last bytes finds the end of the stream, too."""
    for frame in frames or [(TEXT, b"last words")]:
        talk.ends["client"].sendall(talk.record("client", *frame))
    talk.ends["client"].close()
    talk.ends["server"].receive_rest()
    talk.end("server")


# A half-closed socket is none of TLS.
HALF_CLOSED = {
    "half-closed after Close frames": _half_close_after_close_frames,
    "half-closed without a Close frame": _half_close_without_a_close_frame,
    "shutdown of both directions": lambda talk: (talk.ends["server"].shutdown(2), talk.end("server", "client")),
}
WHOLE_ENDS = {
    "last frame and end in one read": _last_frames_and_end_in_one_read,
    "Close frame and end in one read": lambda talk: _last_frames_and_end_in_one_read(
        talk, (TEXT, b"last words"), (CLOSE, close_payload(1000))
    ),
    "a Close frame one way": _close_frame_one_way,
    "reset after Close frames": _reset_after_close_frames,
    "reset by the client": lambda talk: talk.reset("client"),
    "reset by the server": lambda talk: talk.reset("server"),
    "closed by the client without a Close frame": lambda talk: talk.end("client", "server"),
    "closed by the server without a Close frame": lambda talk: talk.end("server", "client"),
    "in the middle of a frame": lambda talk: (
        talk.transfer("client", b"\x81\xfe\x10\0abcdefgh"),
        talk.end("client", "server"),
    ),
}


@also_inside_tls(rows=WHOLE_ENDS)
@cases({**WHOLE_ENDS, **HALF_CLOSED})
def test_end(t, end, tls=False):
    server, client = agents(t, tls)
    listener = server.listen()
    talk = Conversation.opened(server, client, listener=listener).exchange(2)
    end(talk)
    with_books(t, [talk], server, client)


def test_connection_is_active_until_its_last_descriptor_is_closed(t):
    server, client = agents(t)
    talk = Conversation.opened(server, client).exchange()
    copies = [talk.ends["server"].dup() for _ in range(3)]
    talk.ends["server"].close()
    talk.ends["server"] = copies[0]
    talk.exchange(2)
    copies[1].close()
    talk.ends["server"] = copies[2]
    copies[0].close()
    talk.exchange(3)
    with_books(t, [talk], server, client)
    talk.close()
    with_books(t, [talk], server, client)


def test_passed_descriptor_stays_with_the_service_of_its_handshake(t):
    server, client = agents(t)
    worker = t.agent("worker")
    path = str(t.tmp / "pass")
    listener = worker.listen(path)
    outlet = server.connect(path)
    inlet, _ = listener.accept()
    talk = Conversation.opened(server, client).exchange()
    outlet.send_socket(talk.ends["server"])
    passed = inlet.receive_socket()
    talk.ends["server"].close()
    talk.ends["server"] = passed
    talk.exchange(5).close()
    scrape = with_books(t, [talk], server, client)
    if scrape and scrape.side(worker.service, "server"):
        raise Failure("the process that was passed the socket is counted, too")


def test_sendfile_moves_a_payload_past_user_memory(t):
    t.allow_unparsed("splice")
    server, client = agents(t)
    listener, captured = captured_listener(t, server)
    talk = Conversation.opened(server, client, listener=listener)
    payload = t.tmp / "payload"
    payload.write_bytes(bytes(100_000))
    for _ in range(3):
        frame = talk.record("server", BINARY, bytes(100_000))
        talk.ends["server"].sendall(frame[:10])
        talk.ends["server"].send_file(str(payload), 100_000)
        talk.ends["client"].receive(len(frame))
    talk.exchange(2).close()
    with_books(t, [talk], server, client, captured)


UNIX = {
    "closed": lambda talk: talk.close(),
    "closed one way": _close_frame_one_way,
    "lost by the client": lambda talk: talk.end("client", "server"),
    "lost by the server": lambda talk: talk.end("server", "client"),
}


@cases(UNIX)
def test_unix_socket(t, end):
    server, client = agents(t)
    talks = [Conversation.opened(server, client, address=str(t.tmp / f"socket{i}")) for i in range(3)]
    for talk in talks:
        talk.exchange(4).frames("client", [(PING, b"1"), (BINARY, bytes(70000))], **read_in_pieces(4096))
        talk.send("server", PONG, b"1")
    with_books(t, talks, server, client)
    for talk in talks:
        end(talk)
    with_books(t, talks, server, client)


def test_unix_socket_pair_within_one_process(t):
    t.attach()
    both = t.agent("both")
    talk = Conversation(*both.pair()).handshake().exchange(5).close()
    t.verify([talk.book], both.service, both.service)


def test_many_connections_at_once_and_their_peers(t):
    server, client = agents(t)
    listener = server.listen(("0.0.0.0", 0))
    port = listener.getsockname()[1]
    talks = []
    for host in range(1, 6):
        for _ in range(host):
            near = client.connect(("127.0.0.1", port), (f"127.0.0.{host}", 0))
            accepted, _ = listener.accept()
            talks.append(Conversation(accepted, near).handshake().exchange())
    scrape = with_books(t, talks, server, client)
    if scrape:
        peers = (
            scrape.value("ws_active_peers", service=server.service, role="server"),
            scrape.value("ws_active_peers", service=client.service, role="client"),
        )
        if peers != (5, 1):
            raise Failure(f"ws_active_peers of server and client {peers}, expected (5, 1)")
    for talk in talks:
        talk.close()
    scrape = with_books(t, talks, server, client)
    if scrape and scrape.value("ws_active_peers", service=server.service, role="server") != 0:
        raise Failure("ws_active_peers is not 0 after the last connection")


def test_families_of_a_service_seen_once_are_exposed_at_0(t):
    server, client = agents(t)
    talk = Conversation.opened(server, client).close()
    scrape = with_books(t, [talk], server, client)
    if not scrape:
        return
    kinds = ("text", "binary", "ping", "pong", "close")
    expected = [
        sample("ws_errors_total", error_type=kind) for kind in ("timeout", "decode", "send_failed", "connection_lost")
    ]
    expected += [sample("ws_connections_total", status=status) for status in ("opened", "closed", "error")]
    for way in ("sent", "received"):
        expected += [sample(f"ws_messages_{way}_total", message_type=kind) for kind in kinds]
        expected += [sample(f"ws_frames_{way}_total", opcode=opcode) for opcode in (*kinds, "continuation")]
        expected += [sample("message_size_bytes_count", direction=way), sample("message_size_bytes_sum", direction=way)]
    expected += [sample("ws_reconnections_total", reason=reason) for reason in ("connection_lost", "heartbeat_timeout")]
    expected += [
        "ws_active_connections",
        "ws_connections_joined_total",
        "ws_pings_outstanding",
        "ws_idle_connections",
        "ws_active_peers",
        "ws_handshake_duration_seconds_count",
        "ws_connection_duration_seconds_count",
    ]
    for agent, role in ((server, "server"), (client, "client")):
        absent = [name for name in expected if name not in scrape.side(agent.service, role)]
        if absent:
            raise Failure(f"{role}: not exposed: {absent}")
