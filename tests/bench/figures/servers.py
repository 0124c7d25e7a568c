# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real servers and the load for them: each in a directory of its own, on the CPU for what is measured, with the load
on the other; how many requests there were, as the server or the load itself counted them."""

import dataclasses
import glob
import http.client
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

from .machine import Unmeasured, cpus
from .programs import BENCH, Child

RUN_SECONDS = 0.8
PIPELINE = 16
FILE_BYTES = 1024
CONNECTIONS = {"redis": 50, "nginx": 16, "postgres": 4}


@dataclasses.dataclass
class Run:
    rate: float  # requests a second
    requests: int
    share: float  # of the server's CPU that was in use


def need(*commands):
    for command in commands:
        if not shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
            raise Unmeasured(f"{command} is not installed: scripts/install-missing test")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def _answers(port, child):
    """Waits until the server takes connections."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and child.process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.02)
    raise Unmeasured(f"{child.name} does not listen")


def _children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _directory(stack, mode=0o755):
    directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tapstat-bench-")))
    directory.chmod(mode)
    return directory


def _busy_and_all():
    """Ticks of the server's CPU: in use, and all of them."""
    with open("/proc/stat", encoding="ascii") as file:
        words = next(line.split()[1:9] for line in file if line.startswith(f"cpu{cpus()[0]} "))
    ticks = list(map(int, words))
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


def output_of(*argv):
    """What a load prints. It runs on the CPU for what drives."""
    command = ["taskset", "-c", str(cpus()[1]), *map(str, argv)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as load:
        try:
            output, _ = load.communicate(timeout=120)
        except BaseException:
            load.kill()
            raise
    if load.returncode:
        raise Unmeasured(f"{argv[0]}: {output.strip()[-300:]}")
    return output


def _shared(run):
    """What the function returns, and the share of the server's CPU that was in use meanwhile."""
    busy, total = _busy_and_all()
    result = run()
    busy_then, total_then = _busy_and_all()
    return result, (busy_then - busy) / max(1, total_then - total)


def _number(pattern, output):
    found = re.search(pattern, output, re.MULTILINE)
    if not found:
        raise Unmeasured(f"the load prints no rate: {output.strip()[-300:]}")
    return float(found.group(1))


class Redis:
    """redis-server, and redis-benchmark with this many requests in a write."""

    operations = ("get", "set")

    def __init__(self, stack, pipeline=1):
        need("redis-server", "redis-benchmark")
        self.port, self._pipeline = free_port(), pipeline
        keep = ["--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir", _directory(stack)]
        listen = ["--bind", "127.0.0.1", "--port", self.port]
        self._child = Child(stack, "redis-server", *listen, *keep, cpu=cpus()[0])
        _answers(self.port, self._child)
        self.selectors = [f"--pid={self._child.pid}"]
        script = "redis.bt" if pipeline == 1 else "redis-pipeline.bt"
        self.script = [BENCH / "bpftrace" / script, self._child.pid]
        self._requests = dict.fromkeys(self.operations, 20000 * pipeline)
        for operation, run in self.load().items():
            self._requests[operation] = max(1000, int(run.rate * RUN_SECONDS)) // pipeline * pipeline

    def benchmark(self, operation, requests, *options):
        """The output of redis-benchmark."""
        return output_of(
            *("redis-benchmark", "-p", self.port, "-t", operation, "-n", requests, "-c", CONNECTIONS["redis"]),
            *("--csv", *options),
        )

    def calls(self, operation):
        """How often the server itself says that it was called."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(b"INFO commandstats\r\nQUIT\r\n")
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()
        found = re.search(rf"^cmdstat_{operation}:calls=(\d+)", answer, re.MULTILINE)
        return int(found.group(1)) if found else 0

    def load(self):
        return {operation: self._load(operation) for operation in self.operations}

    def _load(self, operation):
        before = self.calls(operation)
        requests = self._requests[operation]
        output, share = _shared(lambda: self.benchmark(operation, requests, "-P", self._pipeline))
        return Run(_number(r'^"[GS]ET","([\d.]+)"', output), self.calls(operation) - before, share)

    @staticmethod
    def counter(operation):
        """The sample that counts it, as a name and labels."""
        return "storage_operations_total", {"role": "server", "backend": "redis", "operation": operation}

    @staticmethod
    def traced(requests, operation):
        """Of what the bpftrace script counted."""
        return requests.get(operation.upper(), 0)


class Nginx:
    """nginx with one worker, and wrk on connections that stay, for a file of 1 KB; over TLS where that is wanted."""

    operations = ("file",)

    _CONFIGURATION = """
        daemon off; worker_processes 1; user root; pid nginx.pid; error_log stderr error;
        events { worker_connections 1024; }
        http {
            access_log off; sendfile on; keepalive_requests 1000000000;
            client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            server {
                listen 127.0.0.1:%d; root .; %s
                location = /status { stub_status; }
                location /none/ { return 204; }
            }
        }
    """

    def __init__(self, stack, tls=False):
        need("nginx", "wrk")
        self.port, directory = free_port(), _directory(stack)
        self._address, encrypted = f"http://127.0.0.1:{self.port}", ""
        if tls:
            port = free_port()
            self._address, encrypted = f"https://127.0.0.1:{port}", self._certified(directory, port)
        (directory / "nginx.conf").write_text(self._CONFIGURATION % (self.port, encrypted))
        (directory / "index.html").write_bytes(b"x" * FILE_BYTES)
        nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        child = Child(stack, nginx, "-p", directory, "-c", directory / "nginx.conf", cpu=cpus()[0])
        _answers(self.port, child)
        workers = _children(child.pid)
        if len(workers) != 1:
            raise Unmeasured(f"nginx has {len(workers)} workers")
        self.selectors = ["--exe=*/nginx"] if tls else [f"--pid={workers[0]}"]
        self.script = None if tls else [BENCH / "bpftrace" / "nginx.bt", workers[0]]
        self.load()

    @staticmethod
    def _certified(directory, port):
        """Makes a certificate; what the configuration says of it and of the port."""
        need("openssl")
        key, certificate = directory / "key.pem", directory / "certificate.pem"
        kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        output_of("openssl", "req", "-x509", *kind, "-keyout", key, "-out", certificate)
        return f"listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};"

    def requests(self):
        """How many there were so far, this one included."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/status")
        status = connection.getresponse().read().decode()
        connection.close()
        return int(status.splitlines()[2].split()[2])

    def load(self):
        """wrk ends with requests under way: the server answers them all."""
        before = self.requests()
        address = f"{self._address}/index.html"
        output, share = _shared(lambda: output_of("wrk", "-t1", f"-c{CONNECTIONS['nginx']}", "-d1s", address))
        if "Non-2xx" in output or "Socket errors" in output:
            raise Unmeasured(f"wrk: {output.strip()[-300:]}")
        time.sleep(0.05)
        return {"file": Run(_number(r"^Requests/sec:\s+([\d.]+)", output), self.requests() - before - 1, share)}

    @staticmethod
    def counter(_):
        return "http_requests_total", {"role": "server", "endpoint": "/index.html"}

    @staticmethod
    def traced(requests, _):
        return requests.get("GET /index.html ", 0)


class Postgres:
    """postgres, and pgbench's selects, prepared, over TCP or AF_UNIX. Its processes come with the connections, so
    that they are selected by name."""

    operations = ("select",)
    _OF_ITS_OWN = 2  # selects by which pgbench looks for its tables

    def __init__(self, stack, unix=False):
        need("pgbench", "setpriv")
        places = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not places:
            raise Unmeasured("postgresql is not installed: scripts/install-missing test")
        self._directory, self.port, self._unix = _directory(stack, 0o700), free_port(), unix
        shutil.chown(self._directory, "postgres", "postgres")
        data = self._directory / "data"
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        output_of(*user, f"{places[-1]}/initdb", "-D", data, "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8")
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._directory,
            "shared_buffers": "64MB",
            "max_connections": 20,
            "autovacuum": "off",
            "fsync": "off",
            "log_min_messages": "panic",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        child = Child(stack, *user, f"{places[-1]}/postgres", "-D", data, "-p", self.port, *options, cpu=cpus()[0])
        _answers(self.port, child)
        self._pgbench("-i", "-q")
        self.selectors = ["--comm=postgres"] + ([] if unix else [f"--port={self.port}"])
        self.script = [BENCH / "bpftrace" / "postgres.bt"]
        self._transactions = 2000
        self._transactions = max(100, int(self.load()["select"].rate * RUN_SECONDS) // CONNECTIONS["postgres"])

    def _pgbench(self, *options):
        host = self._directory if self._unix else "127.0.0.1"
        return output_of("pgbench", "-h", host, "-p", self.port, "-U", "postgres", *options, "postgres")

    def load(self):
        clients = CONNECTIONS["postgres"]
        options = ["-S", "-M", "prepared", "-n", "-c", clients, "-t", self._transactions]
        output, share = _shared(lambda: self._pgbench(*options))
        done = int(_number(r"^number of transactions actually processed: (\d+)", output))
        rate = _number(r"^tps = ([\d.]+)", output)
        return {"select": Run(rate, done + self._OF_ITS_OWN, share)}

    @staticmethod
    def counter(operation):
        return "storage_operations_total", {"role": "server", "backend": "postgresql", "operation": operation}

    @staticmethod
    def traced(requests, operation):
        return sum(count for verb, count in requests.items() if verb.lower() == operation)
