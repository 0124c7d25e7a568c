# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The independent truth: loopback traffic captured by dumpcap and dissected by tshark.

What is not left to chance: the capture runs before the traffic and holds all of it (a datagram of our own is
found in the file at its beginning and at its end), nothing was dropped, several frames in one packet come as
comma-separated values, and the port is dissected as HTTP whatever its number, from where the handshake leads the
dissector to WebSocket.
"""

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
BUFFER_MEBIBYTES = 64


class Capture:
    """A running capture of these TCP ports on the loopback interface."""

    def __init__(self, directory, ports, interface="lo"):
        need("dumpcap", "tshark")
        self.ports = list(ports)
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

    def connections(self, port=None, since=0.0):
        """The WebSocket connections to one of the ports, as expect.Connection in the order of their streams.

        `since`: only the frames from this moment on, in seconds since the epoch."""
        self.stop()
        port = port or self.ports[0]
        arguments = [
            "tshark",
            "-n",
            "-r",
            self.file,
            "-d",
            f"tcp.port=={port},http",
            "-o",
            "websocket.decompress:FALSE",
            "-o",
            "tcp.reassemble_out_of_order:TRUE",
            "-Y",
            f"tcp.port=={port} && (websocket || http)",
            "-T",
            "fields",
            "-E",
            "separator=/t",
            "-E",
            "occurrence=a",
            "-E",
            "aggregator=,",
        ]
        for preference in _LIMITS:
            arguments += ["-o", preference]
        for field in _FIELDS:
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
        return _connections(result.stdout.decode().splitlines(), port, since)


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
