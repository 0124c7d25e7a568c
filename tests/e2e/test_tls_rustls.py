# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""rustls, whose plaintext is not seen: its connections are counted as such, whether the program has symbols or not, and
nothing is made of what they carry. The other end is seen."""

import collections

from harness.processes import Failure, free_port
from harness.requests import verify_http
from harness.runner import cases
from harness.servers import command, nginx
from harness.tls import verify_tls
from harness.toolchain import cargo_program

BUILDS = {"with symbols": False, "stripped": True}
CRATES = {"rustls": "0.20", "rustls-pemfile": "1.0"}
CONNECTIONS = 3
PATHS = ["/a", "/b", "/a", "/c"]
NOTHING = collections.Counter()
EXPECTED = collections.Counter({("GET", path, "200"): CONNECTIONS * PATHS.count(path) for path in PATHS})


def program(t, label, stripped):
    """The copy of peers/rustls_http.rs that is this test's service, and a tapstat that watches it alone."""
    t.require_tapstat()
    path = t.copy(cargo_program("rustls_http", CRATES, stripped), label)
    return path, t.own_tapstat(f"--exe={path}")


@cases(BUILDS)
def test_server(t, stripped):
    path, tapstat = program(t, "server", stripped)
    baseline = tapstat.scrape()
    t.attach()
    port = free_port()
    files = t.secure(port)
    t.start([path, "serve", port, files.certificate, files.key], "server").answer()
    t.settle()
    urls = [f"https://localhost:{port}{name}" for name in PATHS]
    for _ in range(CONNECTIONS):
        command(t, "curl", "client", "-sS", "-4", "--max-time", 30, *urls)
    verify_http(t, t.service("client"), "client", EXPECTED)
    verify_tls(tapstat, {("rustls", "no"): CONNECTIONS})
    verify_http(t, t.service("server"), "server", NOTHING, tapstat=tapstat, baseline=baseline)


@cases(BUILDS)
def test_client(t, stripped):
    path, tapstat = program(t, "client", stripped)
    baseline = tapstat.scrape()
    t.attach()
    server = nginx(t, "location / { return 200 answer; }", tls=True)
    for _ in range(CONNECTIONS):
        client = t.start([path, "get", server.port, server.certificates.authority, *PATHS], "client")
        if client.wait():
            raise Failure(f"peers/rustls_http.rs: {client.errors()[-300:]}")
    verify_http(t, server.service, "server", EXPECTED)
    verify_tls(tapstat, {("rustls", "no"): CONNECTIONS})
    verify_http(t, t.service("client"), "client", NOTHING, tapstat=tapstat, baseline=baseline)
