# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Go's own TLS, which no library shows: programs with symbols and without, and one of Debian's."""

import collections
import time

from harness.peers import gorilla_client, gorilla_server
from harness.processes import Failure, accepts, free_port, wait_until
from harness.requests import agree, http, verify_http, verify_sizes
from harness.runner import cases
from harness.servers import Server, command
from harness.tls import verify_tls
from harness.toolchain import go_program, need

BUILDS = {"with symbols": False, "stripped": True}
BODIES = [0, 1, 100, 5000, 16384, 16385, 70_000, 1_000_000]
PROMETHEUS_TLS = """
tls_server_config: {{cert_file: {files.certificate}, key_file: {files.key}}}
http_server_config: {{http2: false}}
"""


def watching(t, **programs):
    """A tapstat that watches just these programs, {label: path}."""
    return t.own_tapstat(*[f"--exe={t.copy(path, label)}" for label, path in programs.items()])


@cases(BUILDS)
def test_web_sockets_of_gorilla(t, stripped):
    t.require_tapstat()
    tapstat = watching(t, server=go_program("gorilla_server", stripped), client=go_program("gorilla_client", stripped))
    before = tapstat.scrape()
    server = gorilla_server(t, tls=True, stripped=stripped)
    captured = t.capture(server.port)
    client = gorilla_client(t, server.url, stripped=stripped)
    client.ask("open", n=4)
    client.ask("echo", texts=[0, 1, 126, 20_000], binaries=[3, 100_000], rounds=5)
    client.ask("fragments", sizes=[5, 0, 70_000, 1])
    client.ask("close", code=1000)
    reports = {"server": server.report(), "client": client.report()}
    t.verify(captured.connections(), server.service, client.service, reports, tapstat=tapstat, baseline=before)
    verify_tls(tapstat, {("go", "yes"): 8})


class Requests:
    """A server and a client of net/http."""

    once = collections.Counter({("POST", "/echo", "200"): len(BODIES), ("GET", "/", "400"): 10})

    def __init__(self, t, stripped):
        self.server = gorilla_server(t, tls=True, stripped=stripped)
        url = f"https://127.0.0.1:{self.server.port}"
        self._client = t.program(go_program("http_client", stripped), "client", url)
        self.sides = ((self.server.service, "server"), (t.service("client"), "client"))

    def work(self):
        """The requests of `once`."""
        for size in BODIES:
            self._client.ask({"do": "request", "path": "/echo", "method": "POST", "body": size})
        self._client.ask({"do": "request", "path": "/", "n": 10})

    def done(self):
        """What the client counted."""
        told = self._client.ask({"do": "counts"})
        return collections.Counter({tuple(key.split(" ")): count for key, count in told.items()})


@cases(BUILDS)
def test_requests_of_net_http(t, stripped):
    t.require_tapstat()
    tapstat = watching(t, server=go_program("gorilla_server", stripped), client=go_program("http_client", stripped))
    baseline = tapstat.scrape()
    requests = Requests(t, stripped)
    captured = t.capture(requests.server.port)
    requests.work()
    agree("the client and the script", requests.done(), requests.once)
    if captured:
        agree("the dissector and the script", captured.http(), requests.once)
    for service, role in requests.sides:
        verify_http(t, service, role, requests.once, tapstat=tapstat, baseline=baseline)
    verify_tls(tapstat, {("go", "yes"): 2})


@cases(BUILDS)
def test_requests_of_programs_that_ran_before(t, stripped):
    t.require_tapstat()
    requests = Requests(t, stripped)
    requests.work()
    tapstat = t.own_tapstat()
    requests.work()
    time.sleep(0.3)
    baseline = tapstat.scrape()
    for service, role in requests.sides:
        if not http(baseline, service, role):
            raise Failure(f"{service}/{role}: the connection has not joined")
    requests.work()
    for service, role in requests.sides:
        verify_http(t, service, role, requests.once, tapstat=tapstat, baseline=baseline)


def test_debian_s_prometheus(t):
    """A large program without symbols, whose clients use OpenSSL."""
    need("prometheus")
    t.attach()
    port = free_port()
    files = t.secure(port)
    (t.tmp / "prometheus.yml").write_text("scrape_configs: []\n")
    (t.tmp / "web.yml").write_text(PROMETHEUS_TLS.format(files=files))
    process = t.program(
        "/usr/bin/prometheus",
        "server",
        f"--config.file={t.tmp}/prometheus.yml",
        f"--web.config.file={t.tmp}/web.yml",
        f"--storage.tsdb.path={t.tmp}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    )
    wait_until(lambda: accepts(port), f"prometheus listens; it says {process.errors()[-300:]!r}", 20)
    server = Server(process, t.service("server"), port, certificates=files)
    captured = t.capture(port)
    paths = ["/-/healthy", "/absent", "/api/v1/query?query=1"] * 5
    command(t, "curl", "client", "-sS", "--max-time", 30, *[f"https://127.0.0.1:{port}{path}" for path in paths])
    statuses = {"/-/healthy": "200", "/absent": "404", "/api/v1/query": "200"}
    expected = collections.Counter({("GET", path, status): 5 for path, status in statuses.items()})
    if captured:
        targets = collections.Counter()
        for (method, target, status), count in captured.http().items():
            targets[method, target.split("?")[0], status] += count
        agree("the dissector and the script", targets, expected)
    verify_http(t, server.service, "server", expected)
    scrape = verify_http(t, t.service("client"), "client", expected)
    if scrape:
        verify_sizes(t, "http_request_size_bytes", [0] * 15, service=server.service, role="server")
