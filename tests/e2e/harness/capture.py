# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The independent truth: loopback traffic captured by dumpcap and dissected by tshark.

What is not left to chance: the capture runs before the traffic and holds all of it (a datagram of our own is
found in the file at its beginning and at its end), nothing was dropped, several frames in one packet come as
comma-separated values, and the port is dissected as HTTP whatever its number, from where the handshake leads the
dissector to WebSocket. The same holds for HTTP itself, Redis and memcached. Inside TLS it reads with the session keys
that the peers note.
"""

import collections
import re
import socket
import subprocess

from . import expect
from .processes import Failure, Process, free_port, wait_until
from .toolchain import need

_FIELDS = [
    "frame.time_epoch",
    "tcp.stream",
    "tcp.srcport",
    "tcp.dstport",
    "http.response.code",
    "http.upgrade",
    "websocket.fin",
    "websocket.opcode",
    "websocket.mask",
    "websocket.payload_length",
    "websocket.payload_length_ext_16",
    "websocket.payload_length_ext_64",
    "websocket.payload.close.status_code",
    "websocket.payload.ping",
    "websocket.payload.pong",
    "_ws.malformed",
]
# tshark gives a packet up at 500 layers, and each frame is one.
_LIMITS = ["gui.max_tree_depth:1000000", "gui.max_tree_items:100000000"]
_TRUE = {"1", "True"}
_UNIT = "\x1f"  # separates values that may hold commas
BUFFER_MEBIBYTES = 64


class Capture:
    """A running capture of these TCP ports on the loopback interface; `keys` is the file of session keys for those that
    are also in `secure`."""

    def __init__(self, directory, ports, secure=(), keys=None, interface="lo"):
        need("dumpcap", "tshark")
        self.ports = list(ports)
        self._secure, self._keys = secure, keys
        self.file = directory / f"capture-{self.ports[0]}.pcapng"
        self._marker = free_port()
        ports_filter = " or ".join(f"tcp port {port}" for port in self.ports)
        self._process = Process(
            [
                "dumpcap",
                "-q",
                "-i",
                interface,
                "-B",
                BUFFER_MEBIBYTES,
                "-s",
                0,
                "-w",
                self.file,
                "-f",
                f"{ports_filter} or udp port {self._marker}",
            ],
            directory / f"dumpcap-{self.ports[0]}.log",
        )
        try:
            self._mark(b"tapstat-e2e-begin")
        except Failure:
            self._process.stop()
            raise

    def _mark(self, text):
        """Sends the text as datagrams until it is in the file."""

        def seen():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(text, ("127.0.0.1", self._marker))
            return self.file.exists() and text in self._tail()

        wait_until(seen, f"dumpcap captures; it says {self._process.errors()[-300:]!r}", 15)

    def _tail(self, size=65536):
        with open(self.file, "rb") as capture:
            end = capture.seek(0, 2)
            capture.seek(max(0, end - size))
            return capture.read()

    def stop(self):
        """Ends the capture once it holds everything sent until now."""
        if self._process.exit_status() is not None:
            return
        self._mark(b"tapstat-e2e-end")
        self._process.stop()
        dropped = re.search(r"received/dropped on interface .*: (\d+)/(\d+)", self._process.errors())
        if not dropped or int(dropped.group(2)):
            raise Failure(f"dumpcap dropped packets: {self._process.errors()[-300:]!r}")

    def abandon(self):
        """Ends the capture whatever it holds."""
        if self._process.exit_status() is None:
            self._process.stop()

    def is_secure(self):
        """Whether it takes session keys to read it."""
        return any(port in self._secure for port in self.ports)

    def connections(self, port=None, since=0.0):
        """The WebSocket connections to one of the ports, as expect.Connection in the order of their streams.

        `since`: only the frames from this moment on, in seconds since the epoch."""
        port = port or self.ports[0]
        options = ["websocket.decompress:FALSE", "tcp.reassemble_out_of_order:TRUE"]
        lines = self._fields(f"tcp.port=={port} && (websocket || http)", _FIELDS, port, "http", options)
        return _connections(lines, port, since)

    def _decode_as(self, port, protocol):
        if port not in self._secure:
            return ["-d", f"tcp.port=={port},{protocol}"]
        return [
            "-d",
            f"tcp.port=={port},tls",
            "-d",
            f"tls.port=={port},{protocol}",
            "-o",
            f"tls.keylog_file:{self._keys}",
        ]

    def _fields(self, display_filter, fields, port, protocol, options=(), aggregator=","):
        """The fields of every packet that the filter lets pass, one line each, separated by tabs."""
        self.stop()
        arguments = ["tshark", "-n", "-r", self.file, *self._decode_as(port, protocol)]
        arguments += ["-Y", display_filter, "-T", "fields"]
        arguments += ["-E", "separator=/t", "-E", "occurrence=a", "-E", f"aggregator={aggregator}"]
        for preference in (*options, *_LIMITS):
            arguments += ["-o", preference]
        for field in fields:
            arguments += ["-e", field]
        result = subprocess.run(
            [str(word) for word in arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
        if result.returncode:
            raise Failure(f"tshark: {result.stderr.decode()[-400:]}")
        return result.stdout.decode(errors="replace").split("\n")[:-1]

    def http(self, port=None):
        """The exchanges of HTTP at one of the ports: {(method, target, status): count}.

        Responses answer the requests of their connection in order; 1xx other than 101 answer none."""
        port = port or self.ports[0]
        fields = ["tcp.stream", "tcp.dstport", "http.request.method", "http.request.uri", "http.response.code"]
        options = ["tcp.reassemble_out_of_order:TRUE"]
        streams = {}
        for line in self._fields(f"tcp.port=={port} && http", fields, port, "http", options, _UNIT):
            stream, target_port, methods, targets, codes = line.split("\t")
            asked, answered = streams.setdefault(stream, ([], []))
            if int(target_port) == port:
                asked += zip(filter(None, methods.split(_UNIT)), targets.split(_UNIT))
            else:
                answered += [code for code in codes.split(_UNIT) if code and (code == "101" or code[0] != "1")]
        counts = collections.Counter()
        for asked, answered in streams.values():
            if len(answered) > len(asked):
                raise Failure(f"tshark sees {len(answered)} responses to {len(asked)} requests")
            answered += ["none"] * (len(asked) - len(answered))
            counts.update((method, target, code) for (method, target), code in zip(asked, answered))
        return counts

    def bytes(self, port=None):
        """What each connection to one of the ports carried: [(from the client, from the server)]."""
        port = port or self.ports[0]
        fields = ["tcp.stream", "tcp.dstport", "tcp.seq", "tcp.payload"]
        streams = {}
        for line in self._fields(f"tcp.port=={port} && tcp.len>0", fields, port, "data"):
            stream, target_port, sequence, payload = line.split("\t")
            directions = streams.setdefault(stream, (bytearray(), bytearray()))
            data = directions[int(target_port) != port]
            again = len(data) + 1 - int(sequence)  # of what was sent already
            if again < 0:
                raise Failure(f"a hole of {-again} bytes in the capture")
            data += bytes.fromhex(payload)[again:]
        return [(bytes(client), bytes(server)) for client, server in streams.values()]

    def redis(self, port=None):
        """{command in lower case: count} of RESP and inline commands, read from the reassembled bytes, and compared
        with what the dissector finds wherever its packets hold whole commands (it loses its place at others)."""
        port = port or self.ports[0]
        counts = collections.Counter()
        for client, _ in self.bytes(port):
            counts.update(word.lower() for word in _resp_commands(client))
        dissected = self._dissected_redis(port)
        if dissected is not None and dissected != counts:
            raise Failure(f"the dissector sees {dict(dissected)}, in the bytes are {dict(counts)}")
        return counts

    def _dissected_redis(self, port):
        """The same by the dissector alone, None if a packet holds part of a command."""
        fields = ["resp.array.length", "resp.bulk_string.length", "resp.bulk_string.value", "resp.string"]
        counts = collections.Counter()
        for line in self._fields(f"tcp.dstport=={port} && resp", fields, port, "resp", (), _UNIT):
            lengths, sizes, values, inline = (
                [value for value in column.split(_UNIT) if value] for column in line.split("\t")
            )
            values = iter(values)
            words = [bytes.fromhex(next(values, "")) if int(size) > 0 else b"" for size in sizes]
            if inline or sum(map(int, lengths)) != len(words):
                return None
            at = 0
            for length in map(int, lengths):
                counts[words[at].decode(errors="replace").lower()] += 1
                at += length
        return counts

    def memcached(self, port=None):
        """{command: count} of the text protocol, meta commands included, and the binary one, in the bytes."""
        counts = collections.Counter()
        for client, _ in self.bytes(port):
            counts.update(_memcached_commands(client))
        return counts

    def dissected_memcached(self, port=None):
        """The same by the dissector, which knows no meta commands and one text command in a packet."""
        port = port or self.ports[0]
        fields = ["memcache.command", "memcache.opcode"]
        counts = collections.Counter()
        for line in self._fields(f"tcp.dstport=={port} && memcache", fields, port, "memcache", (), _UNIT):
            commands, opcodes = (column.split(_UNIT) for column in line.split("\t"))
            counts.update(filter(None, commands))
            counts.update(BINARY_OPERATIONS.get(int(opcode), "other") for opcode in opcodes if opcode)
        return counts


# Opcodes of memcached's binary protocol by the names of the text protocol, quiet ones included.
BINARY_OPERATIONS = {
    **{0x00: "get", 0x01: "set", 0x02: "add", 0x03: "replace", 0x04: "delete", 0x05: "incr", 0x06: "decr"},
    **{0x07: "quit", 0x08: "flush_all", 0x09: "get", 0x0A: "noop", 0x0B: "version", 0x0C: "get", 0x0D: "get"},
    **{0x0E: "append", 0x0F: "prepend", 0x10: "stats", 0x11: "set", 0x12: "add", 0x13: "replace", 0x14: "delete"},
    **{0x15: "incr", 0x16: "decr", 0x17: "quit", 0x18: "flush_all", 0x19: "append", 0x1A: "prepend"},
    **{0x1B: "verbosity", 0x1C: "touch", 0x1D: "gat", 0x1E: "gat"},
}
_STORING = {b"set", b"add", b"replace", b"append", b"prepend", b"cas"}


def _resp_commands(data):
    """The names of the commands in a client's bytes; a last one that is cut off is none."""
    at = 0
    while (end := data.find(b"\r\n" if data[at : at + 1] == b"*" else b"\n", at)) >= 0:
        if data[at : at + 1] != b"*":
            words = data[at:end].split()
            at = end + 1
        else:
            words, count, at = [], int(data[at + 1 : end]), end + 2
            for _ in range(count):
                end = data.find(b"\r\n", at)
                size = int(data[at + 1 : end]) if end >= 0 else len(data)
                if end < 0 or end + 4 + size > len(data):
                    return
                words.append(data[end + 2 : end + 2 + size])
                at = end + 4 + size
        if words:
            yield words[0].decode(errors="replace")


def _memcached_commands(data):
    """The names of the commands in a client's bytes."""
    at = 0
    while at < len(data):
        if data[at] == 0x80:
            yield BINARY_OPERATIONS.get(data[at + 1], "other")
            at += 24 + int.from_bytes(data[at + 8 : at + 12], "big")
            continue
        end = data.find(b"\n", at)
        if end < 0:
            return
        words = data[at:end].split()
        at = end + 1
        if not words:
            continue
        if words[0] in _STORING and len(words) > 4:
            at += int(words[4]) + 2
        elif words[0] == b"ms" and len(words) > 2:
            at += int(words[2]) + 2
        yield words[0].decode(errors="replace")


def _connections(lines, port, since):
    streams = {}
    for line in lines:
        packet = dict(zip(_FIELDS, line.split("\t")))
        connection = streams.get(packet["tcp.stream"])
        if packet["http.upgrade"] and int(packet["tcp.dstport"]) == port:
            connection = streams[packet["tcp.stream"]] = expect.Connection(opened=False, refused="none")
        if not connection:
            continue
        for code in filter(None, packet["http.response.code"].split(",")):
            connection.opened = code == "101"
            connection.refused = "" if connection.opened else code
        if float(packet["frame.time_epoch"]) >= since:
            connection.frames += _frames(packet, by_client=int(packet["tcp.dstport"]) == port)
    return list(streams.values())


def _frames(packet, by_client):
    """The frames of one packet; optional fields are there only for the frames that have them."""
    values = {field: iter(packet[field].split(",")) for field in _FIELDS if field.startswith("websocket.")}
    frames = []
    if packet["_ws.malformed"]:
        raise Failure("tshark finds a packet malformed")
    if not packet["websocket.opcode"]:
        return frames
    for opcode in map(int, packet["websocket.opcode"].split(",")):
        fin = next(values["websocket.fin"]) in _TRUE
        masked = next(values["websocket.mask"]) in _TRUE
        if masked != by_client:
            raise Failure(f"tshark: a frame from the {'client' if by_client else 'server'} is masked: {masked}")
        length = int(next(values["websocket.payload_length"]))
        if length == 126:
            length = int(next(values["websocket.payload_length_ext_16"]))
        elif length == 127:
            length = int(next(values["websocket.payload_length_ext_64"]))
        payload = b""
        if length and opcode == expect.CLOSE:
            payload = int(next(values["websocket.payload.close.status_code"])).to_bytes(2, "big")
        elif length and opcode in (expect.PING, expect.PONG):
            name = "ping" if opcode == expect.PING else "pong"
            payload = bytes.fromhex(next(values[f"websocket.payload.{name}"]))
        frames.append(expect.Frame(by_client, opcode, length, fin, payload))
    return frames
