# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""GnuTLS: its own programs and wget, against servers that use OpenSSL and the other way round; and every way in which a
program may call it: peers/tls_gnutls.c says what it sent, the dissector reads the same, and tapstat counts it once."""

import collections

from harness.processes import Failure, accepts, free_port, wait_until
from harness.requests import verify_http, verify_sizes
from harness.runner import cases
from harness.servers import command, nginx, node_http
from harness.tls import Program, counted_once, verify_tls
from harness.toolchain import need

LARGE = 300_000
SHARED = {"libraries": ["gnutls"]}

# Of peers/tls_gnutls.c.
SCENES = ["plain", "padded", "range", "corked", "file", "numbered", "packet", "retry", "null", "uncork"]


def gets(**counts):
    return collections.Counter({("GET", f"/{name}", "200"): count for name, count in counts.items()})


def urls(server, *paths):
    return [f"https://127.0.0.1:{server.port}{path}" for path in paths]


def wget(t, server, *arguments, **options):
    trust = f"--ca-certificate={server.certificates.authority}"
    return command(t, "wget", "client", "-q", trust, "-O", "-", "--tries=1", *arguments, **options)


def test_downloads_of_wget(t):
    need("wget")
    t.require_tapstat()
    tapstat = t.own_tapstat(f"--exe={t.copy('/usr/bin/wget', 'client')}")
    baseline = tapstat.scrape()
    t.attach()
    server = nginx(t, tls=True)
    (server.files / "small").write_bytes(bytes(10))
    (server.files / "large").write_bytes(bytes(LARGE))
    for _ in range(3):
        data = wget(t, server, *urls(server, "/small", "/large", "/small"))
        if len(data) != LARGE + 20:
            raise Failure(f"wget got {len(data)} bytes")
    wget(t, server, *urls(server, "/absent"), check=False)
    expected = gets(small=6, large=3) + collections.Counter({("GET", "/absent", "404"): 1})
    verify_http(t, server.service, "server", expected)
    verify_http(t, t.service("client"), "client", expected, tapstat=tapstat, baseline=baseline)
    verify_tls(tapstat, {("gnutls", "yes"): 4})


def test_upload_of_wget_across_many_records(t):
    need("wget")
    t.attach()
    server = node_http(t, tls=True)
    (t.tmp / "body").write_bytes(bytes(LARGE))
    for _ in range(3):
        if len(wget(t, server, f"--post-file={t.tmp / 'body'}", *urls(server, "/echo"))) != LARGE:
            raise Failure("the body did not come back")
    expected = collections.Counter({("POST", "/echo", "200"): 3})
    for service, role in ((server.service, "server"), (t.service("client"), "client")):
        if verify_http(t, service, role, expected):
            for family in ("http_request_size_bytes", "http_response_size_bytes"):
                verify_sizes(t, family, [LARGE] * 3, service=service, role=role)


class Client:
    """gnutls-cli with a connection that stays open."""

    def __init__(self, t, server):
        need("gnutls-cli")
        program = t.copy("/usr/bin/gnutls-cli", "client")
        trust = f"--x509cafile={server.certificates.authority}"
        argv = [
            program,
            "--logfile=/dev/null",
            trust,
            "--verify-hostname=localhost",
            f"--port={server.port}",
            "127.0.0.1",
        ]
        self.process = t.start(argv, "client")
        self.service = t.service("client")
        t.settle()

    def get(self, path, count):
        """Requests at once, and their answers."""
        self.process.stdin.write(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode() * count)
        lines = 0
        while lines < count:
            lines += "HTTP/1.1 200" in self.process.read_line()


def test_requests_of_gnutls_cli(t):
    t.attach()
    server = node_http(t, tls=True)
    client = Client(t, server)
    for path in ("/a", "/b"):
        client.get(path, 20)
    for service, role in ((server.service, "server"), (client.service, "client")):
        verify_http(t, service, role, gets(a=20, b=20))


def test_requests_of_a_gnutls_cli_that_ran_before(t):
    t.require_tapstat()
    server = node_http(t, tls=True)
    client = Client(t, server)
    client.get("/before", 5)
    tapstat = t.own_tapstat()
    for _ in range(4):
        client.get("/joining", 2)
    baseline = tapstat.settled((client.service, "client"))
    client.get("/after", 20)
    for service, role in ((server.service, "server"), (client.service, "client")):
        verify_http(t, service, role, gets(after=20), tapstat=tapstat, baseline=baseline)


def test_answers_of_gnutls_serv(t):
    need("gnutls-serv")
    t.require_tapstat()
    program = t.copy("/usr/bin/gnutls-serv", "server")
    tapstat = t.own_tapstat(f"--exe={program}")
    baseline = tapstat.scrape()
    t.attach()
    port = free_port()
    files = t.secure(port)
    pair = [f"--x509certfile={files.certificate}", f"--x509keyfile={files.key}"]
    t.start([program, "--http", "--disable-client-cert", "--quiet", f"--port={port}", *pair], "server")
    wait_until(lambda: accepts(port), "gnutls-serv listens")
    t.settle()
    for _ in range(5):  # the end of its bodies is that of the connection, which the dissector misses inside TLS
        said = command(t, "curl", "client", "-sS", "-i", "--max-time", 30, f"https://127.0.0.1:{port}/page")
        if b" 200 OK" not in said:
            raise Failure(f"gnutls-serv answers {said[:100]!r}")
    verify_http(t, t.service("client"), "client", gets(page=5))
    verify_http(t, t.service("server"), "server", gets(page=5), tapstat=tapstat, baseline=baseline)


@cases({scene: scene for scene in SCENES})
def test_calls(t, scene):
    counted_once(Program(t, "tls_gnutls", scene, SHARED), "gnutls")


@cases({scene: scene for scene in ("plain", "corked")})
def test_calls_of_a_program_that_ran_before(t, scene):
    counted_once(Program(t, "tls_gnutls", scene, SHARED, attached_before=False), "gnutls")
