# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real servers of HTTP and of key-value stores: each on a free port or a socket in the test's directory, under a
service name of the test's own, ready when the function returns. Each knows how to ask the server for its own counts.
"""

import collections
import dataclasses
import os
import re
import shutil
import signal
import socket
import subprocess

from .certificates import Certificates
from .processes import Failure, Process, accepts, free_port, wait_until
from .toolchain import PEERS, PYTHON, need


@dataclasses.dataclass
class Server:
    """A started server."""

    process: Process
    service: str
    port: int = 0
    path: str = ""  # of its AF_UNIX socket
    certificates: Certificates | None = None  # of one that serves TLS

    def connect(self, timeout=20.0):
        """A connection of the test's own process, inside TLS if the server serves that."""
        if self.path:
            near = socket.socket(socket.AF_UNIX)
            near.settimeout(timeout)
            near.connect(self.path)
            return near
        near = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        return self.certificates.client().wrap_socket(near, server_hostname="localhost") if self.certificates else near

    def kill(self):
        self.process.signal(signal.SIGKILL)
        self.process.wait()


def command(t, program, label, *arguments, given=b"", timeout=60.0, check=True):
    """Runs an installed program to its end as the service `label`; returns its output."""
    need(program)
    result = subprocess.run(
        [str(word) for word in (t.copy(shutil.which(program), label), *arguments)],
        input=given,
        capture_output=True,
        timeout=timeout,
        check=False,
        cwd=t.tmp,
        env={**os.environ, **t.environment},
    )
    if check and result.returncode:
        said = (result.stderr or result.stdout).decode(errors="replace")[-300:]
        raise Failure(f"{program} ends with {result.returncode}: {said}")
    return result.stdout


def peer(t, script, label, *arguments):
    """A peer that takes commands, peers/*.py or *.js, as the service `label`."""
    return t.node(script, label, *arguments) if script.endswith(".js") else t.python(script, label, *arguments)


# ---- Redis ---------------------------------------------------------------------------------------------------


class RedisError(Exception):
    """An error reply."""


class Resp:
    """A connection that speaks RESP by hand: pipelines, pushes and inline commands are bytes here, not methods."""

    def __init__(self, near):
        self.socket = near
        self._stream = near.makefile("rb")

    @staticmethod
    def encode(*words):
        """A command as an array of bulk strings."""
        data = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data)

    def send(self, *words):
        self.socket.sendall(self.encode(*words))

    def reply(self):
        """The next reply or push; an error is returned, not raised."""
        line = self._stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ends")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            return RedisError(rest.decode())
        if kind in b":#":
            return rest == b"t" if kind == b"#" else int(rest)
        if kind in b"$=":
            return None if rest == b"-1" else self._stream.read(int(rest) + 2)[:-2]
        if kind in b"*~>":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        if kind == b"%":
            return {str(self.reply()): self.reply() for _ in range(int(rest))}
        return None if kind == b"_" else rest

    def call(self, *words):
        """One command's reply; an error is raised."""
        self.send(*words)
        reply = self.reply()
        if isinstance(reply, RedisError):
            raise reply
        return reply

    def close(self):
        self._stream.close()
        self.socket.close()


class Redis(Server):
    """redis-server."""

    @property
    def where(self):
        """How redis-cli and redis-benchmark are told of it."""
        secure = ["--tls", "--cacert", self.certificates.authority] if self.certificates else []
        return ["-p", self.port, *secure]

    def resp(self):
        return Resp(self.connect())

    def information(self, *sections):
        """INFO as {key: text}: one connection and one command more for the server, INFO, not in its own answer."""
        connection = self.resp()
        try:
            text = connection.call("INFO", *sections).decode()
        finally:
            connection.close()
        return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)

    def operations(self):
        """{(operation, status): count} as INFO tells, and the INFO that asked.

        A subcommand belongs to its command. Replies with an error that no command accounts for are those to names
        that Redis doesn't know."""
        told = self.information("commandstats", "stats")
        counts = collections.Counter({("info", "success"): 1})
        errors = int(told["total_error_replies"])
        for key, text in told.items():
            if not key.startswith("cmdstat_"):
                continue
            name = key.removeprefix("cmdstat_").split("|")[0]
            fields = dict(field.split("=") for field in text.split(","))
            calls, failed, rejected = (int(fields[word]) for word in ("calls", "failed_calls", "rejected_calls"))
            counts[name, "success"] += calls - failed
            counts[name, "failed"] += failed + rejected
            errors -= failed + rejected
        counts["other", "failed"] += errors
        return +counts

    def keyspace(self):
        """(hits, misses) as INFO tells."""
        told = self.information("stats")
        return int(told["keyspace_hits"]), int(told["keyspace_misses"])


def redis(t, *options, label="server", unix=False, tls=False):
    """redis-server without persistence; `unix`: on a socket in the test's directory alone."""
    need("redis-server")
    port, path = (0, str(t.tmp / f"{label}.redis")) if unix else (free_port(), "")
    where = ["--unixsocket", path, "--port", 0] if unix else ["--bind", "127.0.0.1", "--port", port]
    certificates = t.secure(port) if tls else None
    if tls:
        where = ["--bind", "127.0.0.1", "--port", 0, "--tls-port", port, "--tls-auth-clients", "no"]
        where += ["--tls-cert-file", certificates.certificate, "--tls-key-file", certificates.key]
        where += ["--tls-ca-cert-file", certificates.authority]
    directory = t.tmp / f"{label}-redis"
    directory.mkdir()
    process = t.start(
        [t.copy("/usr/bin/redis-server", label), *where, "--save", "", "--dir", directory, *options],
        label,
    )
    server = Redis(process, t.service(label), port, path, certificates)

    def ready():
        try:
            connection = server.resp()
            connection.close()
            return True
        except OSError:
            return False

    wait_until(ready, "redis-server listens", 15, every=0.02)
    t.settle()
    return server


# ---- memcached -----------------------------------------------------------------------------------------------


class Memcached(Server):
    """memcached."""

    def statistics(self):
        """What `stats` tells, as {name: text}: one `stats` more for the server."""
        with self.connect() as near:
            near.sendall(b"stats\r\n")
            data = b""
            while not data.endswith(b"END\r\n"):
                more = near.recv(65536)
                if not more:
                    raise Failure("memcached ends its statistics early")
                data += more
        return dict(line.split(" ", 2)[1:] for line in data.decode().splitlines() if line.startswith("STAT "))


def memcached(t, *options, label="server", unix=False):
    """memcached with one thread; `unix`: on a socket in the test's directory."""
    need("memcached")
    port, path = (0, str(t.tmp / f"{label}.memcached")) if unix else (free_port(), "")
    where = ["-s", path] if unix else ["-l", "127.0.0.1", "-p", port]
    process = t.start([t.copy("/usr/bin/memcached", label), "-u", "root", "-U", 0, *where, *options], label)
    server = Memcached(process, t.service(label), port, path)

    def ready():
        try:
            server.connect().close()
            return True
        except OSError:
            return False

    wait_until(ready, "memcached listens", 10, every=0.02)
    t.callback(process.signal, signal.SIGKILL)  # it takes a second to end by SIGTERM
    return server


# ---- HTTP ----------------------------------------------------------------------------------------------------

_NGINX = """
user root;
daemon off;
worker_processes {workers};
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
    uwsgi_temp_path {directory}; scgi_temp_path {directory};
    types {{ text/plain txt; }}
    default_type text/plain;
    sendfile {sendfile};
    server {{
        listen {listen};
        root {directory}/files;
        location = /basic_status {{ stub_status; }}
        {locations}
    }}
}}
"""


class Nginx(Server):
    """nginx; its files are those in `files`."""

    files = None

    def requests(self):
        """How many requests it has had, this one included: stub_status."""
        with self.connect() as near:
            near.sendall(b"GET /basic_status HTTP/1.0\r\n\r\n")
            data = b""
            while more := near.recv(65536):
                data += more
        return int(re.search(rb"\n ?\d+ \d+ (\d+)", data).group(1))


def nginx(t, locations="", label="server", workers=1, unix=False, tls=False, sendfile=True):
    """nginx with static files and these further directives in its server block."""
    need("nginx")
    port, path = (0, str(t.tmp / f"{label}.nginx")) if unix else (free_port(), "")
    certificates = t.secure(port) if tls else None
    directory = t.tmp / f"{label}-nginx"
    (directory / "files").mkdir(parents=True)
    configuration = directory / "nginx.conf"
    listen = f"unix:{path}" if unix else f"127.0.0.1:{port} backlog=512"
    if tls:
        listen += f" ssl; ssl_certificate {certificates.certificate}; ssl_certificate_key {certificates.key}"
    configuration.write_text(
        _NGINX.format(
            directory=directory,
            listen=listen,
            locations=locations,
            workers=workers,
            sendfile="on" if sendfile else "off",
        ),
        "ascii",
    )
    process = t.start([t.copy("/usr/sbin/nginx", label), "-e", "stderr", "-c", configuration, "-p", directory], label)
    server = Nginx(process, t.service(label), port, path, certificates)
    server.files = directory / "files"

    def ready():
        try:
            server.connect().close()
            return True
        except OSError:
            return False

    wait_until(ready, "nginx listens", 10, every=0.02)
    t.settle()
    return server


def node_http(t, label="server", unix=False, tls=False):
    """peers/http_server.js."""
    where = str(t.tmp / f"{label}.node") if unix else free_port()
    process = t.node("http_server.js", label, where, env=t.serve_secure(where, tls))
    process.answer()
    server = Server(process, t.service(label), *((0, where) if unix else (where, "")))
    server.certificates = t.secure() if tls else None
    return server


def python_http(t, label="server", tls=False):
    """`python3 -m http.server`: its service is http.server in every test; `tls`: peers/https_server.py."""
    port = free_port()
    directory = t.tmp / f"{label}-files"
    directory.mkdir()
    if tls:
        process = t.python("https_server.py", label, port, directory, env=t.serve_secure(port))
    else:
        argv = [PYTHON, "-m", "http.server", "--bind", "127.0.0.1", "--directory", directory, port]
        process = t.start(argv, label)
    wait_until(lambda: accepts(port), "http.server listens", 15, every=0.02)
    server = Server(process, t.service(label) if tls else "http.server", port)
    server.certificates = t.secure() if tls else None
    server.files = directory
    return server
