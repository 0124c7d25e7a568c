# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""OpenSSL 1.1, which is a part of Node 16: WebSocket and HTTP between peers that run in it."""

import collections
import os
import subprocess

import test_peers
from harness.processes import Failure
from harness.requests import agree, verify_http, verify_sizes
from harness.runner import cases, options
from harness.servers import node_http, peer
from harness.tls import verify_tls
from harness.toolchain import node16

BODY = 200_000
REQUESTS = 40
CONNECTIONS = 4  # at most, of peers/http_client.js


def use_node16(t):
    """The test's Node peers run in it from now on."""
    t.environment["PATH"] = f"{node16()}:{os.environ['PATH']}"
    argv = [node16() / "node", "-p", "process.versions.openssl"]
    version = subprocess.run(argv, capture_output=True, check=True, text=True).stdout
    if not version.startswith("1.1."):
        raise Failure(f"Node 16 has OpenSSL {version}")


@cases({"before": test_peers.test_attached_before, "in the middle": test_peers.test_attached_in_the_middle})
@options(timeout=90)
def test_websocket_attached(t, scene):
    use_node16(t)
    scene(t, test_peers.PAIRS["ws"], tls=True)


def test_requests_over_connections_kept_open(t):
    t.attach()
    use_node16(t)
    server = node_http(t, tls=True)
    client = peer(t, "http_client.js", "client", f"https://127.0.0.1:{server.port}")
    tapstat = t.own_tapstat(f"--pid={server.process.pid}", f"--pid={client.pid}")
    capture = t.capture(server.port)
    client.ask({"do": "agent", "paths": ["/page"], "n": REQUESTS})
    client.ask({"do": "agent", "paths": ["/echo"], "n": REQUESTS, "method": "POST", "body": BODY})
    expected = collections.Counter({("GET", "/page", "200"): REQUESTS, ("POST", "/echo", "200"): REQUESTS})
    if capture:
        agree("the dissector and the script", capture.http(), expected)
    for service, role in ((server.service, "server"), (t.service("client"), "client")):
        verify_http(t, service, role, expected)
        verify_sizes(t, "http_request_size_bytes", [0] * REQUESTS + [BODY] * REQUESTS, service=service, role=role)
    verify_tls(tapstat, {("openssl", "yes"): 2 * CONNECTIONS})
