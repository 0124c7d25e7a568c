# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The table of real WebSocket software: how each server and client starts, and under which service name it counts.

Every client takes the same commands (peers/peer.js), so that one scenario runs against all of them.
"""

import dataclasses
import typing

from .processes import Process, accepts, free_port, wait_until
from .toolchain import TOMCAT_JARS, go_program, jar, need


@dataclasses.dataclass
class Running:
    """A started peer."""

    process: Process
    service: str
    port: int = 0
    path: str = "/"
    counts: bool = True  # whether it can tell its own counts
    limits: dict = dataclasses.field(default_factory=dict)
    tls: bool = False

    @property
    def url(self):
        return f"{'wss' if self.tls else 'ws'}://127.0.0.1:{self.port}{self.path}"

    def ask(self, do, **rest):
        return self.process.ask({"do": do, **rest})

    def report(self):
        """Its own counts, or None."""
        return self.ask("counts") if self.counts else None


def _node_server(script, *options, **more):
    def start(t, label="server", tls=False):
        port = free_port()
        process = t.node(script, label, port, *options, env=t.serve_secure(port, tls))
        process.answer()
        return Running(process, t.service(label), port, tls=tls, **more)

    return start


def _python_server(script):
    def start(t, label="server", tls=False):
        port = free_port()
        process = t.python(script, label, port, env=t.serve_secure(port, tls))
        process.answer()
        return Running(process, t.service(label), port, tls=tls)

    return start


def gorilla_server(t, label="server", tls=False, stripped=False):
    port = free_port()
    process = t.program(go_program("gorilla_server", stripped), label, port, env=t.serve_secure(port, tls))
    process.answer()
    return Running(process, t.service(label), port, tls=tls)


def _tomcat_server(t, label="server"):
    port = free_port()
    base = t.tmp / "tomcat"
    base.mkdir()
    process = t.start(["java", "-Xmx256m", "-jar", t.link(jar("TomcatServer", TOMCAT_JARS), label), port, base], label)
    process.answer()
    return Running(process, t.service(label), port)


def _listening(t, argv, service, port, label="server", **more):
    process = t.start(argv, label)
    wait_until(lambda: accepts(port), f"{argv[0]} listens", 15)
    t.settle()
    return Running(process, service, port, counts=False, **more)


def _websocketd(t, label="server", tls=False):
    need("websocketd")
    port = free_port()
    secure = []
    if tls:
        files = t.secure(port)
        secure = ["--ssl", f"--sslcert={files.certificate}", f"--sslkey={files.key}"]
    return _listening(
        t,
        ["websocketd", "--address=127.0.0.1", f"--port={port}", *secure, "cat"],
        "websocketd",
        port,
        limits={"binaries": [], "texts": [0, 1, 125, 126, 4000]},
        tls=tls,
    )


def _libwebsockets(t, label="server", tls=False):
    need("libwebsockets-test-server")
    port = free_port()
    secure = []
    if tls:
        files = t.secure(port)
        secure = ["--ssl", "-C", files.certificate, "-K", files.key, "-A", files.authority]
    return _listening(
        t,
        ["libwebsockets-test-server", "-p", port, "-i", "lo", "-d", "0", *secure],
        "libwebsockets-test-server",
        port,
        limits={"binaries": [], "texts": [1, 125, 126, 1000], "n": 1},
        tls=tls,
    )


SERVERS: dict[str, typing.Callable] = {
    "ws": _node_server("ws_server.js"),
    "ws with deflate": _node_server("ws_server.js", "deflate", counts=False),
    "ws in a cluster": _node_server("ws_server.js", "cluster", counts=False),
    "socket.io": _node_server("socketio_server.js", counts=False),
    "uwebsockets": _node_server("uwebsockets_server.js"),
    "websockets": _python_server("websockets_server.py"),
    "aiohttp": _python_server("aiohttp_server.py"),
    "gorilla": gorilla_server,
    "tomcat": _tomcat_server,
    "websocketd": _websocketd,
    "libwebsockets": _libwebsockets,
}


def _node_client(script, *options, **more):
    def start(t, url, label="client"):
        return Running(t.node(script, label, url, *options), t.service(label), **more)

    return start


def _python_client(script):
    def start(t, url, label="client"):
        return Running(t.python(script, label, url), t.service(label))

    return start


def gorilla_client(t, url, label="client", stripped=False):
    return Running(t.program(go_program("gorilla_client", stripped), label, url), t.service(label))


def _java_client(t, url, label="client"):
    return Running(
        t.start(["java", "-Xmx256m", "-jar", t.link(jar("JavaClient"), label), url], label), t.service(label)
    )


CLIENTS: dict[str, typing.Callable] = {
    "ws": _node_client("ws_client.js"),
    "ws with deflate": _node_client("ws_client.js", "deflate", counts=False),
    "ws for libwebsockets": _node_client("ws_client.js", "protocol=lws-mirror-protocol"),
    "socket.io": _node_client("socketio_client.js", counts=False),
    "socket.io with upgrade": _node_client("socketio_client.js", "upgrade", counts=False),
    "websockets": _python_client("websockets_client.py"),
    "aiohttp": _python_client("aiohttp_client.py"),
    "gorilla": gorilla_client,
    "java": _java_client,
}

# What a client can do beside open, echo and close.
ABILITIES = {
    "ws": {"fragments", "ping"},
    "ws with deflate": {"fragments", "ping"},
    "websockets": {"fragments", "ping"},
    "gorilla": {"fragments", "ping"},
    "java": {"ping"},
}
