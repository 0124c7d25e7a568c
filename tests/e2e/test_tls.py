# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""TLS itself: which connections are seen inside and which can't be, many at once, and OpenSSL's own programs.

What goes on inside is tested where it is tested in plain form: tests with TLS in brackets are the same scenes."""

import collections
import shutil

from harness.certificates import KEYSTORE_PASSWORD
from harness.conversation import PING, PONG, Conversation
from harness.kernel import has_tls, tls_senders
from harness.peers import CLIENTS, SERVERS
from harness.processes import Failure, Skip, free_port, wait_until
from harness.requests import http, verify_http
from harness.runner import cases
from harness.servers import command, nginx, peer
from harness.tls import by_visibility, verify_tls
from harness.toolchain import jar, need

MANY = 50


def test_hook_is_attached(t):
    attached = t.tapstat.scrape().value("tapstat_hook_attached", hook="tls")
    if attached != 1:
        raise Failure(f'tapstat_hook_attached{{hook="tls"}} is {attached}')


def test_fifty_connections_at_once(t):
    t.require_tapstat()
    server, client = t.agent("server", tls=True), t.agent("client", tls=True)
    tapstat = t.own_tapstat(f"--pid={server.process.pid}", f"--pid={client.process.pid}")
    listener = server.listen()
    talks = [Conversation.opened(server, client, listener=listener) for _ in range(MANY)]
    for number in range(3):
        for talk in talks:
            talk.exchange(2, b"m" * (number * 5000))
    for talk in talks:
        talk.send("server", PING, b"1").send("client", PONG, b"1")
    t.verify([talk.book for talk in talks], server.service, client.service, tapstat=tapstat)
    verify_tls(tapstat, {("openssl", "yes"): 2 * MANY})
    for talk in talks[: MANY // 2]:
        talk.close()
    for talk in talks[MANY // 2 :]:
        talk.reset("client")
    t.verify([talk.book for talk in talks], server.service, client.service, tapstat=tapstat)
    verify_tls(tapstat, {("openssl", "yes"): 2 * MANY})


def test_java_is_counted_as_not_visible(t):
    t.require_tapstat()
    port = free_port()
    files = t.secure(port)
    server_jar = t.link(jar("HttpsServer"), "server")
    argv = ["java", "-Xmx128m", "-jar", server_jar, port, files.keystore, KEYSTORE_PASSWORD]
    process = t.start(argv, "server")
    process.answer()
    tapstat = t.own_tapstat(f"--pid={process.pid}")
    for _ in range(3):
        command(t, "curl", "client", "-sS", "--max-time", 30, *[f"https://127.0.0.1:{port}/a"] * 4)
    verify_tls(tapstat, {("java", "no"): 3})
    if found := http(tapstat.scrape(), t.service("server"), "server"):
        raise Failure(f"{dict(found)} of a program that can't be seen")


def test_library_without_symbols_within_an_addon_is_counted_as_not_visible(t):
    """µWebSockets' BoringSSL, of which node knows no symbol; its clients are seen."""
    t.require_tapstat()
    server = SERVERS["uwebsockets"](t, tls=True)
    captured = t.capture(server.port)
    hidden = t.own_tapstat(f"--pid={server.process.pid}")
    t.attach()
    client = CLIENTS["ws"](t, server.url)
    client.ask("open", n=3)
    client.ask("echo", texts=[5], binaries=[70_000], rounds=2)
    client.ask("close", code=1000)
    report = client.report()
    if server.report() != report:
        raise Failure(f"server and client counted {server.report()} and {report}")
    # The session keys are those that the client notes.
    t.verify(captured.connections(), client=client.service, reports={"client": report})
    verify_tls(hidden, {("any", "no"): 3}, by_visibility)


# ---- Records that the kernel makes -------------------------------------------------------------------------------


@cases({"a kernel that can": True, "a kernel that can't": False})
def test_nginx_leaves_records_to(t, kernel_can):
    """By SSL_sendfile(), where the kernel can; else OpenSSL makes the records as ever."""
    if has_tls() != kernel_can:
        raise Skip("this kernel has CONFIG_TLS" if has_tls() else "this kernel has no CONFIG_TLS, or not its module")
    t.require_tapstat()
    senders = tls_senders() if kernel_can else 0
    server = nginx(t, "ssl_conf_command Options KTLS;", tls=True)
    tapstat = t.own_tapstat(f"--exe={t.tmp / t.service('server')}")
    baseline = tapstat.scrape()
    t.attach()
    (server.files / "small").write_bytes(bytes(10))
    (server.files / "large").write_bytes(bytes(3_000_000))
    client = peer(t, "http_client.py", "client", "127.0.0.1", server.port, "https")
    for path in ("/small", "/large", "/small", "/absent"):
        client.ask({"do": "request", "path": path, "n": 5})
    if kernel_can and tls_senders() == senders:
        raise Failure("nginx did not leave its records to the kernel")
    expected = _gets(small=10, large=5) + collections.Counter({("GET", "/absent", "404"): 5})
    verify_http(t, server.service, "server", expected, tapstat=tapstat, baseline=baseline)
    verify_http(t, t.service("client"), "client", expected)
    verify_tls(tapstat, {("openssl", "yes"): 1})


# ---- OpenSSL's own programs --------------------------------------------------------------------------------------


def _gets(**counts):
    return collections.Counter({("GET", f"/{name}", "200"): count for name, count in counts.items()})


# {option of s_server: (what it answers to, how many times each)}
S_SERVERS = {"-WWW": {"small": 3, "large": 3}, "-www": {"": 3}}


@cases({option: (option, paths) for option, paths in S_SERVERS.items()})
def test_s_server(t, case):
    """It writes through a filter of BIO and not by SSL_write."""
    option, paths = case
    need("openssl")
    t.require_tapstat()
    port = free_port()
    files = t.secure(port)
    program = t.copy(shutil.which("openssl"), "server")
    (t.tmp / "small").write_bytes(bytes(10))
    (t.tmp / "large").write_bytes(bytes(300_000))
    tapstat = t.own_tapstat(f"--exe={program}", f"--exe={t.copy(shutil.which('curl'), 'client')}")
    baseline = tapstat.scrape()
    argv = [program, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", files.certificate, "-key", files.key]
    process = t.start([*argv, "-quiet", option], "server", cwd=t.tmp)
    wait_until(lambda: _listens(port), f"s_server listens; it says {process.errors()[-300:]!r}")
    t.settle()
    for path, count in paths.items():
        for _ in range(count):  # the end of its bodies is that of the connection, which the dissector misses inside TLS
            url = f"https://127.0.0.1:{port}/{path}"
            said = command(t, "curl", "client", "-sS", "--max-time", 30, "-o", "/dev/null", "-w", "%{http_code}", url)
            if said != b"200":
                raise Failure(f"s_server answers {said!r}")
    expected = _gets(**paths)
    verify_http(t, t.service("client"), "client", expected, tapstat=tapstat, baseline=baseline)
    verify_http(t, t.service("server"), "server", expected, tapstat=tapstat, baseline=baseline)
    verify_tls(tapstat, {("openssl", "yes"): 2 * sum(paths.values())})


def _listens(port):
    """Whether something does, without a connection, which s_server would have to fail at."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(f"0100007F:{port:04X} 00000000:0000 0A" in line for line in table)


def test_s_client(t):
    need("openssl")
    t.attach()
    server = nginx(t, tls=True)
    (server.files / "small").write_bytes(bytes(10))
    request = b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /small HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    where = f"127.0.0.1:{server.port}"
    answers = command(t, "openssl", "client", "s_client", "-quiet", "-connect", where, given=request * 4 + last)
    if answers.count(b"HTTP/1.1 200") != 5:
        raise Failure(f"nginx answers {answers[:300]!r}")
    verify_http(t, t.service("client"), "client", _gets(small=5))
    verify_http(t, server.service, "server", _gets(small=5))
