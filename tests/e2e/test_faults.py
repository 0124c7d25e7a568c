# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Protocol violations, failed sends, unanswered pings, abnormal ends and what follows them."""

import os
import shutil
import subprocess
import time

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
    encode,
    header,
)
from harness.metrics import sample
from harness.processes import Failure, Skip, wait_until
from harness.runner import also_inside_tls, cases

DECODE_ERROR = sample("ws_errors_total", error_type="decode")


def agents(t, tls=False):
    t.attach()
    return t.agent("server", tls=tls), t.agent("client", tls=tls)


def bad(opcode, payload=b"", fin=True, reserved=0, wrong_mask=False):
    """Bytes of a frame that its receiver must refuse, by the role that sends it."""
    return lambda role: encode(opcode, payload, (role == "client") != wrong_mask, fin, reserved)


def _oversized_ping(role):
    return header(PING, 126, role == "client") + bytes(126)


def _length_with_its_highest_bit(role):
    """RFC 6455 section 5.2: the most significant bit of a 64-bit length must be 0."""
    return header(BINARY, 1 << 16, role == "client").replace(b"\0\0\0\0\0\1\0\0", b"\x80\0\0\0\0\1\0\0") + bytes(64)


VIOLATIONS = {
    **{f"opcode {opcode:#x}": bad(opcode, b"data") for opcode in (*range(3, 8), *range(0xB, 0x10))},
    "wrong mask bit": bad(TEXT, b"data", wrong_mask=True),
    "RSV1 not negotiated": bad(TEXT, b"data", reserved=4),
    "RSV2": bad(TEXT, b"data", reserved=2),
    "RSV3": bad(BINARY, b"data", reserved=1),
    "RSV1 on a control frame": bad(PING, b"", reserved=4),
    "fragmented ping": bad(PING, b"", fin=False),
    "fragmented close": bad(CLOSE, close_payload(1000), fin=False),
    "control frame of 126 bytes": _oversized_ping,
    "length with its highest bit set": _length_with_its_highest_bit,
    "continuation of nothing": bad(CONTINUATION, b"data"),
    **{
        f"close code {code}": bad(CLOSE, close_payload(code))
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535)
    },
    "close payload of one byte": bad(CLOSE, b"\3"),
}


@cases(
    {
        f"{name} from the {role}": (violation, role)
        for name, violation in VIOLATIONS.items()
        for role in ("client", "server")
    }
)
def test_decode_error(t, violation_and_role):
    violation, role = violation_and_role
    t.allow_unparsed("decode")
    server, client = agents(t)
    talk = Conversation.opened(server, client).exchange(3)
    talk.transfer(role, violation(role))
    talk.transfer(role, encode(TEXT, b"not resumed", role == "client") * 3)
    other = Conversation.other(role)
    talk.send(other, TEXT, b"the other direction goes on").send(other, CLOSE, close_payload(1002)).end()
    once = {DECODE_ERROR: 1}
    t.verify([talk.book], server.service, client.service, adjust={"server": once, "client": once})


def test_new_message_within_a_fragmented_one_is_a_decode_error(t):
    t.allow_unparsed("decode")
    server, client = agents(t)
    talk = Conversation.opened(server, client).exchange(3)
    talk.send("client", TEXT, b"begin", False)
    talk.transfer("client", encode(TEXT, b"again"))
    talk.send("server", CLOSE, close_payload(1002)).end()
    once = {DECODE_ERROR: 1}
    t.verify([talk.book], server.service, client.service, adjust={"server": once, "client": once})


def test_decode_errors_once_for_each_direction(t):
    t.allow_unparsed("decode")
    server, client = agents(t)
    talk = Conversation.opened(server, client).exchange()
    for _ in range(3):
        talk.transfer("client", bad(3, b"data")("client"))
        talk.transfer("server", bad(4, b"data")("server"))
    talk.end("server", "client")
    twice = {DECODE_ERROR: 2}
    t.verify([talk.book], server.service, client.service, adjust={"server": twice, "client": twice})


def test_permessage_deflate_allows_rsv1_on_the_first_frame_of_a_message_alone(t):
    t.allow_unparsed("decode")
    server, client = agents(t)
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    talk = Conversation.connect(server, client).handshake(REQUEST[:-2] + offer, RESPONSE[:-2] + offer)
    for role in ("client", "server"):
        for reserved in (4, 0):
            talk.record(role, TEXT, b"packed")
            talk.transfer(role, encode(TEXT, b"packed", role == "client", reserved=reserved))
        talk.record(role, BINARY, b"one", False)
        talk.transfer(role, encode(BINARY, b"one", role == "client", fin=False, reserved=4))
        talk.send(role, CONTINUATION, b"two")
    talk.send("client", TEXT, b"three", False)
    talk.transfer("client", encode(CONTINUATION, b"four", reserved=4))
    talk.send("server", CLOSE, close_payload(1002)).end()
    once = {DECODE_ERROR: 1}
    t.verify([talk.book], server.service, client.service, adjust={"server": once, "client": once})


def test_offered_but_not_accepted_compression_leaves_rsv1_an_error(t):
    t.allow_unparsed("decode")
    server, client = agents(t)
    offer = b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    talk = Conversation.connect(server, client).handshake(REQUEST[:-2] + offer)
    talk.exchange().transfer("client", bad(TEXT, b"data", reserved=4)("client"))
    talk.send("server", CLOSE, close_payload(1002)).end()
    once = {DECODE_ERROR: 1}
    t.verify([talk.book], server.service, client.service, adjust={"server": once, "client": once})


def test_failed_sends_count_once_for_a_connection(t):
    server, client = agents(t)
    talk = Conversation.opened(server, client).exchange(2)
    talk.ends["client"].reset()
    failed = 0
    for _ in range(3):
        try:
            talk.ends["server"].sendall(encode(TEXT, b"to nobody", masked=False))
        except OSError:
            failed += 1
    if not failed:
        raise Failure("no send failed")
    talk.end("server")
    t.verify(
        [talk.book],
        server.service,
        client.service,
        adjust={"server": {sample("ws_errors_total", error_type="send_failed"): 1}},
    )


def test_send_that_would_block_is_no_failed_send(t):
    server, client = agents(t)
    talk = Conversation.opened(server, client)
    end = talk.ends["server"]
    end.setblocking(False)
    frame = encode(BINARY, bytes(60_000), masked=False)
    stream, sent, blocked = frame * 400, 0, False
    while sent < len(stream) and not blocked:
        try:
            sent += end.send(stream[sent : sent + 1_000_000])
        except BlockingIOError:
            blocked = True
    if not blocked:
        raise Skip("the socket took 24 MB at once")
    end.setblocking(True)
    end.agent.begin(end, "sendall", stream[sent:])
    talk.ends["client"].receive(len(stream))
    end.agent.finish()
    for _ in range(400):
        talk.record("server", BINARY, bytes(60_000))
    talk.close()
    t.verify([talk.book], server.service, client.service)


@cases({"by the server": "server", "by the client": "client"})
def test_unanswered_ping_makes_the_abnormal_end_a_timeout(t, role):
    server, client = agents(t)
    talk = Conversation.opened(server, client).exchange()
    talk.send(role, PING, b"answered").send(Conversation.other(role), PONG, b"answered")
    talk.send(role, PING, b"not answered")
    wrong_payload = Conversation.other(role)
    talk.send(wrong_payload, PONG, b"of no ping")
    scrape = t.verify([talk.book], server.service, client.service)
    if scrape:
        outstanding = scrape.value("ws_pings_outstanding", service=t.service(role), role=role)
        if outstanding != 1:
            raise Failure(f"ws_pings_outstanding is {outstanding}, expected 1")
    talk.end(role, Conversation.other(role))
    scrape = t.verify([talk.book], server.service, client.service)
    if scrape and scrape.value("ws_pings_outstanding", service=t.service(role), role=role) != 0:
        raise Failure("ws_pings_outstanding is not 0 after the end")


def test_pong_of_no_ping_does_not_answer_the_next_one(t):
    server, client = agents(t)
    talks = []
    for role in ("server", "client"):
        talk = Conversation.opened(server, client).exchange()
        talks.append(talk.send(Conversation.other(role), PONG, b"unasked").send(role, PING, b"not answered"))
    scrape = t.verify([talk.book for talk in talks], server.service, client.service)
    for agent, role in ((server, "server"), (client, "client")) if scrape else ():
        outstanding = scrape.value("ws_pings_outstanding", service=agent.service, role=role)
        if outstanding != 1:
            raise Failure(f"ws_pings_outstanding of the {role} is {outstanding}, expected 1")
    for talk in talks:
        talk.end("server", "client")
    t.verify([talk.book for talk in talks], server.service, client.service)


def test_pong_answers_its_ping_and_all_older_ones(t):
    server, client = agents(t)
    talk = Conversation.opened(server, client)
    for payload in (b"1", b"2", b"3"):
        talk.send("server", PING, payload)
    talk.send("client", PONG, b"3")
    scrape = t.verify([talk.book], server.service, client.service)
    if scrape and scrape.value("ws_pings_outstanding", service=server.service, role="server") != 0:
        raise Failure("ws_pings_outstanding is not 0 although the newest ping was answered")
    talk.end("server", "client")
    t.verify([talk.book], server.service, client.service)


def _reconnect(t, lose, reason):
    """Loses a connection twice and comes back three times: two of these are reconnections at either end."""
    server, client = agents(t)
    listener = server.listen()
    talks = []
    for _ in range(2):
        talks.append(Conversation.opened(server, client, listener=listener).exchange())
        lose(talks[-1])
        t.verify(
            [talk.book for talk in talks], server.service, client.service, adjust=_reconnections(len(talks) - 1, reason)
        )
    for _ in range(2):
        talks.append(Conversation.opened(server, client, listener=listener).exchange().close())
    t.verify([talk.book for talk in talks], server.service, client.service, adjust=_reconnections(2, reason))


def _reconnections(count, reason):
    each = {sample("ws_reconnections_total", reason=reason): count} if count else {}
    return {"server": each, "client": each}


def test_reconnection_after_a_lost_connection(t):
    _reconnect(t, lambda talk: talk.end("client", "server"), "connection_lost")


@cases({"by the client": "client", "by the server": "server"})
def test_reconnection_after_a_reset(t, role):
    _reconnect(t, lambda talk: talk.reset(role), "connection_lost")


def test_reconnection_after_a_timeout(t):
    def lose(talk):
        for role in ("server", "client"):
            talk.send(role, PING, role.encode())
        talk.end("server", "client")

    _reconnect(t, lose, "heartbeat_timeout")


def test_no_reconnection_after_a_close_frame_or_for_another_peer(t):
    server, client = agents(t)
    first, second = server.listen(), server.listen()
    talks = [
        Conversation.opened(server, client, listener=first).close(),
        Conversation.opened(server, client, listener=first).end("client", "server"),
    ]
    # Another port is another peer to the client; the server knows its peer by the address without the port.
    talks.append(Conversation.opened(server, client, listener=second, source=("127.0.0.2", 0)).close())
    t.verify([talk.book for talk in talks], server.service, client.service)


def test_no_reconnection_on_unix_sockets(t):
    server, client = agents(t)
    talks = [
        Conversation.opened(server, client, address=str(t.tmp / f"s{i}")).exchange().end("client", "server")
        for i in range(3)
    ]
    t.verify([talk.book for talk in talks], server.service, client.service)


class Namespaces:
    """Two network namespaces with a cable between them, which can be cut."""

    def __init__(self, t):
        if not shutil.which("ip"):
            raise Skip("ip is not installed")
        self.names = [f"e2e-{os.getpid()}-{side}" for side in ("near", "far")]
        t.callback(self._remove)
        near, far = self.names
        for name in self.names:
            self._ip(f"netns add {name}")
        self._ip(f"-n {near} link add cable type veth peer name cable netns {far}")
        for name, own in ((near, 1), (far, 2)):
            self._ip(f"-n {name} address add 10.203.0.{own}/24 dev cable")
            self._ip(f"-n {name} link set lo up")
            self._ip(f"-n {name} link set cable up")
        for name, other, number in ((near, far, 2), (far, near, 1)):
            address = self._ip(f"-n {other} -o link show cable").split("link/ether ")[1].split()[0]
            self._ip(f"-n {name} neighbour replace 10.203.0.{number} lladdr {address} dev cable nud permanent")

    def inside(self, index):
        """The words before a command that run it in a namespace."""
        return ["ip", "netns", "exec", self.names[index]]

    def cut(self):
        """From now on, nothing that the near end sends is taken by the far one."""
        self._ip(f"-n {self.names[1]} address del 10.203.0.2/24 dev cable")

    @staticmethod
    def _ip(words):
        result = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
        if result.returncode:
            raise Skip(f"no network namespaces here: ip {words}: {result.stderr.strip()}")
        return result.stdout

    def _remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def test_tcp_timeout_is_a_timeout(t):
    t.attach()
    namespaces = Namespaces(t)
    server, client = t.agent("server", namespaces.inside(0)), t.agent("client", namespaces.inside(1))
    talk = Conversation.opened(server, client, listener=server.listen(("10.203.0.1", 0))).exchange(2)
    talk.ends["server"].setsockopt(6, 18, 700)  # TCP_USER_TIMEOUT in milliseconds
    namespaces.cut()
    talk.ends["server"].sendall(talk.record("server", TEXT, b"never arrives"))

    def timed_out():
        try:
            talk.ends["server"].recv(1, 0x40)  # MSG_DONTWAIT
        except BlockingIOError:
            return False
        except TimeoutError:
            return True
        raise Failure("the connection ended otherwise than by ETIMEDOUT")

    wait_until(timed_out, "TCP gives up", 30)
    talk.end("server")
    talk.book.lost = "timeout"
    t.verify([talk.book], server=server.service)


@also_inside_tls
def test_end_of_a_killed_process_is_counted(t, tls=False):
    server, client = agents(t, tls)
    talk = Conversation.opened(server, client).exchange(5)
    client.process.signal(9)
    client.process.wait()
    talk.ends["server"].receive(1)
    talk.end("server")
    t.verify([talk.book], server.service, client.service)


@also_inside_tls
def test_duration_and_latency_are_what_they_were(t, tls=False):
    server, client = agents(t, tls)
    talk = Conversation.connect(server, client)
    talk.transfer("client", REQUEST)
    time.sleep(0.25)
    talk.transfer("server", RESPONSE)
    talk.book.opened = True
    for kind, naps in ((TEXT, (0.02, 0.2)), (BINARY, (0.03, 0.06, 0.12))):
        for nap in naps:
            talk.send("client", kind, b"question").send("client", kind, b"still the question")
            time.sleep(nap)
            talk.send("server", TEXT, b"answer").send("server", TEXT, b"no sample for a second answer")
    talk.send("server", PING, b"p")
    time.sleep(0.15)
    talk.send("client", PONG, b"p").send("client", PING, b"q").send("server", PONG, b"q")
    time.sleep(1.1)
    talk.close()
    scrape = t.verify([talk.book], server.service, client.service)
    if not scrape:
        return
    server_side = {"ws_message_latency_seconds": {"text": (2, 0.22), "binary": (3, 0.21), "ping": (1, 0.15)}}
    client_side = {"ws_message_latency_seconds": {"text": (2, 0.22), "binary": (3, 0.21), "ping": (1, 0.0)}}
    for service, role, families in ((server, "server", server_side), (client, "client", client_side)):
        for kind, (count, total) in families["ws_message_latency_seconds"].items():
            _near(
                scrape,
                "ws_message_latency_seconds",
                count,
                total,
                service=service.service,
                role=role,
                message_type=kind,
            )
        _near(scrape, "ws_handshake_duration_seconds", 1, 0.25, service=service.service, role=role)
        _near(scrape, "ws_connection_duration_seconds", 1, 1.68, service=service.service, role=role)


def _near(scrape, family, count, total, **labels):
    """A histogram with exactly this many samples, whose sum is at least `total` and hardly more."""
    measured = scrape.value(f"{family}_count", **labels), scrape.value(f"{family}_sum", **labels)
    if measured[0] != count or not total <= measured[1] <= total + 0.15 + 0.1 * total:
        raise Failure(f"{family}{labels}: count and sum {measured}, expected {count} and about {total}")


def test_messages_a_minute_have_one_sample_for_a_connection_of_less_than_one(t):
    server, client = agents(t)
    talks = [Conversation.opened(server, client) for _ in range(3)]
    talks[0].exchange(5)
    talks[1].send("client", TEXT, b"one way").send("server", PING, b"").send("client", PONG, b"")
    for talk in talks:
        talk.close()
    scrape = t.verify([talk.book for talk in talks], server.service, client.service)
    if not scrape:
        return
    for direction, count, messages in (("received", 2, 6), ("sent", 1, 5)):
        labels = {"service": server.service, "role": "server", "direction": direction}
        measured = (
            scrape.value("ws_connection_messages_per_minute_count", **labels),
            scrape.value("ws_connection_messages_per_minute_sum", **labels),
        )
        if measured != (count, messages):
            raise Failure(f"messages per minute, {direction}: {measured}, expected {(count, messages)}")
