# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real WebSocket software against each other: tapstat, the dissector and the peers' own counts agree to the unit."""

import time

from harness.peers import ABILITIES, CLIENTS, SERVERS
from harness.processes import Failure, Skip
from harness.runner import also_inside_tls, cases, options

TEXTS = [0, 1, 125, 126, 127, 1000, 65535, 65536]
BINARIES = [0, 5, 126, 70000]

# (server, client): each server and each client at least once.
PAIRS = {
    "ws": ("ws", "ws"),
    "ws with deflate": ("ws with deflate", "ws with deflate"),
    "ws in a cluster": ("ws in a cluster", "ws"),
    "socket.io": ("socket.io", "socket.io"),
    "socket.io with upgrade": ("socket.io", "socket.io with upgrade"),
    "uwebsockets": ("uwebsockets", "ws"),
    "websockets": ("websockets", "websockets"),
    "aiohttp": ("aiohttp", "aiohttp"),
    "gorilla": ("gorilla", "gorilla"),
    "tomcat and java": ("tomcat", "java"),
    "websocketd": ("websocketd", "ws"),
    "libwebsockets": ("libwebsockets", "ws for libwebsockets"),
}


# Those whose TLS tapstat can see. socket.io's is that of ws; for µWebSockets' and Java's, see test_tls.py.
INSIDE_TLS = (
    "ws",
    "ws with deflate",
    "ws in a cluster",
    "websockets",
    "aiohttp",
    "gorilla",
    "websocketd",
    "libwebsockets",
)


def echo_arguments(server, **more):
    return {"texts": server.limits.get("texts", TEXTS), "binaries": server.limits.get("binaries", BINARIES), **more}


@also_inside_tls(rows=INSIDE_TLS)
@cases(PAIRS)
@options(timeout=90)
def test_attached_before(t, pair, tls=False):
    t.attach()
    server = SERVERS[pair[0]](t, **{"tls": True} if tls else {})
    captured = t.capture(server.port)
    client = CLIENTS[pair[1]](t, server.url)
    connections = server.limits.get("n", 3)
    client.ask("open", n=connections)
    client.ask("echo", **echo_arguments(server, rounds=3))
    abilities = ABILITIES.get(pair[1], set())
    if "fragments" in abilities and not server.limits:
        client.ask("fragments", sizes=[5, 0, 70000, 1])
        client.ask("fragments", sizes=[1, 1], binary=True)
    if "ping" in abilities:
        client.ask("ping", n=2)
    client.ask("close", code=1000)
    reports = {"server": server.report(), "client": client.report()}
    if captured:
        t.verify(captured.connections(), server.service, client.service, reports)
    else:
        t.verify_reports(connections, server.service, client.service, reports)


@also_inside_tls(rows=INSIDE_TLS)
@cases(PAIRS)
@options(timeout=90)
def test_attached_in_the_middle(t, pair, tls=False):
    """Traffic first, then tapstat; once all connections have joined, every count is exact from there on."""
    t.require_tapstat()
    server = SERVERS[pair[0]](t, **{"tls": True} if tls else {})
    client = CLIENTS[pair[1]](t, server.url)
    connections = server.limits.get("n", 3)
    captured = t.capture(server.port)
    client.ask("open", n=connections)
    client.ask("echo", **echo_arguments(server))
    tapstat = t.own_tapstat()
    client.ask("echo", **{**echo_arguments(server), "texts": [3, 120], "rounds": 10})
    sides = ((server.service, "server"), (client.service, "client"))
    baseline = tapstat.settled(*sides)
    for service, role in sides:
        joined = baseline.total("ws_connections_joined_total", service=service, role=role)
        if joined != connections:
            raise Failure(f"{service}/{role}: {joined:g} of {connections} connections joined after 10 rounds")
    start, before = time.time(), client.report()
    client.ask("echo", **echo_arguments(server, rounds=2))
    client.ask("close", code=1000)
    dissected = captured.connections(since=start)
    for connection in dissected:
        connection.opened = False
    reports = {"client": since(before, client.report())}
    left = {"ws_active_connections": -connections}
    t.verify(dissected, server.service, client.service, reports, {"server": left, "client": left}, tapstat, baseline)


def since(before, after):
    """What a peer counted between two reports."""
    return {key: value - before.get(key, 0) for key, value in after.items()} if after else None


@also_inside_tls
def test_server_that_pings_and_closes_and_client_that_vanishes(t, tls=False):
    t.attach()
    server = SERVERS["ws"](t, tls=tls)
    captured = t.capture(server.port)
    client = CLIENTS["ws"](t, server.url)
    client.ask("open", n=3)
    server.ask("ping", n=2)
    server.ask("close", code=1012, reason="restart")
    client.ask("forget")
    client.ask("open", n=2)
    client.ask("echo", texts=[7])
    client.ask("terminate")
    dissected = captured.connections()
    if len(dissected) != 5:
        raise Failure(f"the dissector sees {len(dissected)} connections, not 5")
    reports = {"server": server.report(), "client": client.report()}
    t.verify(dissected, server.service, client.service, reports)


def test_tungstenite(t):
    """Rust's tungstenite is packaged from Debian 13 on."""
    raise Skip("librust-tungstenite-dev is not in Debian 12")
