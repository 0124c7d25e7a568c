# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""WebSocket by hand: bytes of frames and handshakes, and a connection between two agents that keeps the books."""

import struct

from .expect import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Connection, Frame

MASK = b"\x37\xfa\x21\x3d"  # the example of RFC 6455 section 5.7
REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def mask(payload):
    if not payload:
        return payload
    key = (MASK * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


def header(opcode, length, masked, fin=True, reserved=0):
    """The header of a frame: RFC 6455 section 5.2."""
    first = (0x80 if fin else 0) | reserved << 4 | opcode
    bit = 0x80 if masked else 0
    if length < 126:
        head = struct.pack(">BB", first, bit | length)
    elif length < 1 << 16:
        head = struct.pack(">BBH", first, bit | 126, length)
    else:
        head = struct.pack(">BBQ", first, bit | 127, length)
    return head + (MASK if masked else b"")


def encode(opcode, payload=b"", masked=True, fin=True, reserved=0):
    """A whole frame."""
    return header(opcode, len(payload), masked, fin, reserved) + (mask(payload) if masked else payload)


def close_payload(code, reason=b""):
    return struct.pack(">H", code) + reason


class Conversation:
    """A connection between two agents; `book` holds what went over it, for Context.verify()."""

    def __init__(self, server_socket, client_socket):
        self.ends = {"server": server_socket, "client": client_socket}
        self.book = Connection(opened=False, ended=False)

    @classmethod
    def connect(cls, server, client, address=None, listener=None, source=None):
        """A new connection without a handshake yet, but inside TLS between agents that talk so. `address`: a path for
        AF_UNIX."""
        own = listener or (server.listen(address) if address else server.listen())
        client_socket = client.connect(own.getsockname(), source)
        server_socket, _ = own.accept()
        if not listener:
            own.close()
        if server.certificates:
            server.begin(server_socket, "secure_server", str(server.certificates.both))
            client_socket = client_socket.secure_client(str(client.certificates.authority))
            server_socket = server.finish()
        return cls(server_socket, client_socket)

    @classmethod
    def opened(cls, server, client, **where):
        return cls.connect(server, client, **where).handshake()

    @staticmethod
    def other(role):
        return "server" if role == "client" else "client"

    def transfer(self, role, data, write=None, read=None):
        """Bytes from one end to the other by `write(socket, data)` and `read(socket, count)`."""
        source, target = self.ends[role], self.ends[self.other(role)]
        if write:
            write(source, data)
        elif source.agent is target.agent:
            source.sendall(data)
        else:  # more than the socket buffers hold needs both ends at once
            source.agent.begin(source, "sendall", data)
        received = read(target, len(data)) if read else target.receive(len(data))
        if not write and source.agent is not target.agent:
            source.agent.finish()
        if received != data:
            raise AssertionError(
                f"the {self.other(role)} received {len(received)} other bytes than the {len(data)} sent"
            )

    def handshake(self, request=REQUEST, response=RESPONSE, write=None, read=None):
        self.transfer("client", request, write, read)
        self.transfer("server", response, write, read)
        self.book.opened = True
        return self

    def frames(self, role, frames, write=None, read=None):
        """Several frames, each (opcode, payload) or (opcode, payload, fin), in one transfer."""
        self.transfer(role, b"".join(self.record(role, *frame) for frame in frames), write, read)
        return self

    def record(self, role, opcode, payload=b"", fin=True):
        """Books a frame; returns its bytes."""
        control = payload if opcode >= CLOSE else b""
        self.book.frames.append(Frame(role == "client", opcode, len(payload), fin, control))
        return encode(opcode, payload, role == "client", fin)

    def send(self, role, opcode=TEXT, payload=b"hello", fin=True, **how):
        return self.frames(role, [(opcode, payload, fin)], **how)

    def exchange(self, rounds=1, payload=b"hello", opcode=TEXT):
        """A message from the client and its echo, some times."""
        for _ in range(rounds):
            self.send("client", opcode, payload)
            self.send("server", opcode, payload)
        return self

    def close(self, code=1000, first="client"):
        """The closing handshake and the end of the connection, the server's first."""
        payload = close_payload(code) if code else b""
        self.send(first, CLOSE, payload)
        self.send(self.other(first), CLOSE, payload)
        return self.end("server", "client")

    def end(self, *roles):
        """Closes these ends' descriptors, in this order; the connection is over with the last."""
        for role in roles or ("client", "server"):
            self.ends[role].close()
        self.book.ended = True
        return self

    def reset(self, role):
        """One end resets the connection; the other finds out and closes."""
        self.ends[role].reset()
        try:
            self.ends[self.other(role)].recv(1)
        except ConnectionResetError:
            pass
        return self.end(self.other(role))


__all__ = [
    "BINARY",
    "CLOSE",
    "CONTINUATION",
    "PING",
    "PONG",
    "TEXT",
    "Conversation",
    "REQUEST",
    "RESPONSE",
    "close_payload",
    "encode",
    "header",
    "mask",
]
