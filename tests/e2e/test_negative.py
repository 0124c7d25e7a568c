# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What is not WebSocket is never taken for it: real HTTP, TLS, Redis and PostgreSQL, and random bytes, seen from
their beginning or from the middle."""

import os
import pwd
import random
import shutil
import subprocess
import time

from harness.metrics import Scrape
from harness.processes import Failure, Skip, accepts, free_port, wait_until
from harness.runner import cases, options
from harness.toolchain import PYTHON, need

RANDOM_STREAMS = 400


def run(argv, timeout=60, **more):
    result = subprocess.run(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
        **more,
    )
    if result.returncode:
        raise Failure(f"{argv[0]} ends with {result.returncode}: {result.stderr.decode(errors='replace')[-300:]}")
    return result.stdout


class Services:
    """Starts the real services; each method returns a function that makes traffic, once and again."""

    def __init__(self, t):
        self.t = t

    def http(self):
        need("curl")
        port = free_port()
        files = self.t.tmp / "files"
        files.mkdir()
        (files / "small").write_bytes(b"small")
        (files / "large").write_bytes(random.Random(1).randbytes(3_000_000))
        self.t.start([PYTHON, "-m", "http.server", "--bind", "127.0.0.1", "--directory", files, port], "http")
        wait_until(lambda: accepts(port), "the HTTP server listens")
        urls = [f"http://127.0.0.1:{port}/{name}" for name in ("small", "large", "absent") * 5]
        return lambda: run(["curl", "-sS", *[word for url in urls for word in ("-o", os.devnull, url)]])

    def tls(self):
        need("openssl", "curl")
        port = free_port()
        key, certificate = self.t.tmp / "key.pem", self.t.tmp / "certificate.pem"
        run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-keyout",
                key,
                "-out",
                certificate,
                "-days",
                "1",
                "-subj",
                "/CN=localhost",
            ]
        )
        (self.t.tmp / "blob").write_bytes(os.urandom(3_000_000))
        self.t.start(
            [
                "openssl",
                "s_server",
                "-quiet",
                "-WWW",
                "-accept",
                f"127.0.0.1:{port}",
                "-key",
                key,
                "-cert",
                certificate,
            ],
            "tls",
            cwd=self.t.tmp,
        )
        wait_until(lambda: accepts(port), "the TLS server listens")
        return lambda: [run(["curl", "-sSk", "-o", os.devnull, f"https://127.0.0.1:{port}/blob"]) for _ in range(3)]

    def redis(self):
        need("redis-server", "redis-benchmark")
        port = free_port()
        self.t.start(
            ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", self.t.tmp], "redis"
        )
        wait_until(lambda: accepts(port), "redis listens")
        return lambda: run(
            [
                "redis-benchmark",
                "-p",
                port,
                "-q",
                "-n",
                "4000",
                "-c",
                "8",
                "-d",
                "130",
                "-P",
                "8",
                "-t",
                "set,get,lpush,lrange_100",
            ]
        )

    def postgresql(self):
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            raise Skip("there is no user postgres") from None
        versions = sorted(os.listdir("/usr/lib/postgresql")) if os.path.isdir("/usr/lib/postgresql") else []
        if not versions:
            raise Skip("postgresql is not installed")
        programs = f"/usr/lib/postgresql/{versions[-1]}/bin"
        port, data = free_port(), self.t.tmp / "postgresql"
        data.mkdir()
        shutil.chown(data, user.pw_name, user.pw_gid)
        self.t.tmp.chmod(0o755)
        run([f"{programs}/initdb", "-D", data, "-A", "trust", "-N"], user=user.pw_uid, group=user.pw_gid, cwd=data)
        server = self.t.start(
            [
                f"{programs}/postgres",
                "-D",
                data,
                "-p",
                port,
                "-c",
                "fsync=off",
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "unix_socket_directories=",
            ],
            "postgres",
            user=user.pw_uid,
            cwd=data,
        )
        self.t.callback(server.signal, 2)  # fast shutdown, which ends the backends in their own sessions, too
        client = ["-h", "127.0.0.1", "-p", port, "-U", "postgres"]
        wait_until(lambda: accepts(port), "postgres listens", 20)
        wait_until(
            lambda: subprocess.run([f"{programs}/pg_isready", "-q", *map(str, client)], check=False).returncode == 0,
            "postgres is ready",
            20,
        )
        run([f"{programs}/pgbench", "-i", "-q", *client, "postgres"])
        return lambda: run([f"{programs}/pgbench", "-n", "-c", "4", "-t", "100", *client, "postgres"])

    def streams(self):
        """Streams by agents, of random bytes and of binary protocols that begin like SSH or with length prefixes."""
        server, client = self.t.agent("server"), self.t.agent("client")
        listener = server.listen()
        source = random.Random(7)
        connections = []
        for i in range(RANDOM_STREAMS):
            near = client.connect(listener.getsockname())
            far, _ = listener.accept()
            greeting = (b"SSH-2.0-OpenSSH_9.2\r\n", b"\x10\x1e\0\4MQTT\4\2\0<\0\4test", b"", b"")[i % 4]
            if greeting:
                near.sendall(greeting)
                far.receive(len(greeting))
            connections.append((near, far))

        def traffic():
            for number, (near, far) in enumerate(connections):
                for sender, receiver in ((near, far), (far, near)):
                    data = _almost_frames(source) if number % 2 else source.randbytes(source.randrange(1, 2000))
                    sender.sendall(data)
                    receiver.receive(len(data), source.choice((1, 7, 4096)) if len(data) < 300 else 4096)

        return traffic


def _almost_frames(source):
    """Bytes that look like a frame's header now and then, as length-prefixed binary protocols do."""
    data = bytearray()
    for _ in range(source.randrange(1, 12)):
        length = source.randrange(0, 60)
        data += bytes((source.choice((0x81, 0x82, 0x01, 0x80, 0x16, 0x00, 0x30)), length)) + source.randbytes(length)
        data += source.randbytes(source.randrange(1, 3))
    return bytes(data)


def websocket_names(scrape: Scrape):
    """Every service that tapstat has taken to speak WebSocket."""
    return {
        (dict(labels)["service"], dict(labels)["role"])
        for family in (
            "ws_connections_total",
            "ws_connections_joined_total",
            "ws_messages_received_total",
            "ws_messages_sent_total",
            "ws_frames_received_total",
            "ws_frames_sent_total",
            "ws_errors_total",
            "ws_handshakes_refused_total",
        )
        for labels, value in scrape.select(family).items()
        if value
    }


def assert_none(before, after):
    found = websocket_names(after) - websocket_names(before)
    if found:
        raise Failure(f"taken for WebSocket: {sorted(found)}")
    grown = (after.value("tapstat_connections_joined_total", protocol="websocket") or 0) - (
        before.value("tapstat_connections_joined_total", protocol="websocket") or 0
    )
    if grown:
        raise Failure(f"tapstat_connections_joined_total of websocket rose by {grown:g}")


KINDS = {kind: kind for kind in ("http", "tls", "redis", "postgresql", "streams")}


@cases(KINDS)
@options(timeout=120)
def test_never_taken_for_websocket(t, kind):
    tapstat = t.tapstat
    before = tapstat.scrape()
    traffic = getattr(Services(t), kind)()
    for _ in range(2):
        traffic()
    time.sleep(0.5)
    assert_none(before, tapstat.scrape())


@cases(KINDS)
@options(timeout=120)
def test_never_taken_for_websocket_in_mid_stream(t, kind):
    """A second tapstat comes while the connections are open and busy."""
    t.require_tapstat()
    traffic = getattr(Services(t), kind)()
    traffic()
    if kind == "streams":
        tapstat = t.own_tapstat()
        before = tapstat.scrape()
        for _ in range(4):
            traffic()
    else:
        busy = os.fork()
        if busy == 0:
            try:
                for _ in range(3):
                    traffic()
            finally:
                os._exit(0)
        tapstat = t.own_tapstat()
        before = tapstat.scrape()
        os.waitpid(busy, 0)
    time.sleep(0.5)
    assert_none(before, tapstat.scrape())
