# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A process whose sockets a test works by remote control: pickled calls on standard input, answers on output.

Argument: `tls`, if it is to talk inside TLS."""

import array
import io
import os
import pickle
import socket
import sys
import time


class Stream:
    """Ways of doing I/O on a connection, plain or inside TLS, that the standard socket has no method for."""

    def send_pieces(self, data, size):
        """One write for every `size` bytes."""
        for at in range(0, len(data), size):
            self.sendall(data[at : at + size])

    def receive(self, count, piece=65536, flags=0):
        """Exactly `count` bytes in reads of at most `piece`; what there was, if the stream ends before."""
        data = bytearray()
        while len(data) < count:
            more = self.recv(min(piece, count - len(data)), flags)
            if not more:
                break
            data += more
        return bytes(data)

    def receive_rest(self):
        """Everything until the end of the stream."""
        data = bytearray()
        while True:
            more = self.recv(65536)
            if not more:
                return bytes(data)
            data += more

    def reset(self):
        """Ends the connection with a reset."""
        self.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.close()


class Socket(Stream, socket.socket):
    """The standard socket with all of its ways."""

    def accept(self):
        descriptor, address = self._accept()
        accepted = Socket(self.family, self.type, self.proto, fileno=descriptor)
        accepted.setblocking(True)
        return accepted, address

    def dup(self):
        return Socket(self.family, self.type, self.proto, fileno=os.dup(self.fileno()))

    def secure_server(self, certificate):
        """The same connection inside TLS, once the client has shaken hands."""
        return secure(self, "server", certificate)

    def secure_client(self, authority):
        return secure(self, "client", authority)

    def send_all_vector(self, pieces, system_call="sendmsg"):
        """One sendmsg or writev of all these pieces."""
        sent = self.sendmsg(pieces) if system_call == "sendmsg" else os.writev(self.fileno(), pieces)
        if sent != sum(map(len, pieces)):
            raise OSError(0, f"short write of {sent} bytes")

    def send_file(self, path, count):
        """The file's first bytes by sendfile."""
        with open(path, "rb") as source:
            offset = 0
            while offset < count:
                offset += os.sendfile(self.fileno(), source.fileno(), offset, count - offset)

    def receive_vector(self, sizes, system_call="recvmsg"):
        """One recvmsg or readv into buffers of these sizes."""
        buffers = [bytearray(size) for size in sizes]
        if system_call == "recvmsg":
            count = self.recvmsg_into(buffers)[0]
        else:
            count = os.readv(self.fileno(), buffers)
        return b"".join(buffers)[:count]

    def send_socket(self, other):
        """Passes another socket on over this AF_UNIX one."""
        self.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [other.fileno()]))])

    def receive_socket(self, family=socket.AF_INET):
        _, ancillary, _, _ = self.recvmsg(1, socket.CMSG_LEN(4))
        return Socket(family, socket.SOCK_STREAM, fileno=array.array("i", ancillary[0][2])[0])


def secure(plain, role, trusted):
    """A connection inside TLS on this one: what a server shows or a client trusts is in the file."""
    import ssl  # not by agents that never do TLS, so that they have no library of it for tapstat to find

    class SecureSocket(Stream, ssl.SSLSocket):
        pass

    if role == "server":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(trusted)
        context.num_tickets = 0  # a client that closes with tickets unread would reset the connection
    else:
        context = ssl.create_default_context(cafile=trusted)
    context.keylog_filename = os.environ.get("SSLKEYLOGFILE")  # which Python leaves alone with -E
    context.sslsocket_class = SecureSocket
    return context.wrap_socket(
        plain, server_side=role == "server", server_hostname=None if role == "server" else "localhost"
    )


class Toolbox:
    """What is not done on a socket."""

    def socket(self, family=socket.AF_INET):
        return Socket(family, socket.SOCK_STREAM)

    def pair(self):
        """A connected AF_UNIX pair, both in this process."""
        return tuple(Socket(end.family, end.type, fileno=end.detach()) for end in socket.socketpair())

    def listen(self, address=("127.0.0.1", 0), backlog=1024):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        listener = Socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET:  # accepted sockets inherit it
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(backlog)
        return listener

    def connect(self, address, source=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        connection = Socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind(source)
        connection.connect(address)
        return connection

    def burn(self, seconds):
        """Computes for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass

    def hold(self, count):
        """Keeps so many bytes of memory, each page written to."""
        self._held = bytearray(b"x") * count


class References:
    """Sockets stay here; the test holds their numbers."""

    def __init__(self):
        self._objects = [Toolbox()]

    def load(self, data):
        unpickler = pickle.Unpickler(io.BytesIO(data))
        unpickler.persistent_load = self._objects.__getitem__
        return unpickler.load()

    def dump(self, value):
        stream = io.BytesIO()
        pickler = pickle.Pickler(stream)
        pickler.persistent_id = self._number
        pickler.dump(value)
        return stream.getvalue()

    def _number(self, value):
        if not isinstance(value, Stream):
            return None
        self._objects.append(value)
        return len(self._objects) - 1


def main():
    if "tls" in sys.argv:
        import ssl  # noqa: F401  before there is any traffic, as in other programs
    references = References()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        header = requests.read(4)
        if len(header) < 4:
            return
        target, method, arguments, keywords = references.load(requests.read(int.from_bytes(header, "big")))
        try:
            answer = references.dump(("value", getattr(target, method)(*arguments, **keywords)))
        except OSError as error:
            answer = references.dump(("error", error))
        answers.write(len(answer).to_bytes(4, "big") + answer)
        answers.flush()


if __name__ == "__main__":
    main()
