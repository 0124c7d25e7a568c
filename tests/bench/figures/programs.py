# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The bench programs: built, started, asked, ended; and tapstat itself."""

import http.client
import os
import pathlib
import re
import select
import socket
import subprocess
import time

from .machine import Unmeasured

BENCH = pathlib.Path(__file__).resolve().parents[1]
ROOT = BENCH.parents[1]
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-pthread"]


class Child:
    """A process that answers a line with a line, until it is stopped at the end of the figure."""

    def __init__(self, stack, *argv, cpu=None):
        pinned = ["taskset", "-c", str(cpu)] if cpu is not None else []
        self.name = pathlib.Path(argv[0]).name
        self.process = subprocess.Popen(
            [*pinned, *map(str, argv)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.pid = self.process.pid
        self._buffer = b""
        stack.callback(self.stop)

    def line(self, timeout=60.0):
        """The next line of its output."""
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], timeout)
            piece = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
            if not piece:
                self.process.kill()
                words = self.process.stderr.read().decode(errors="replace").strip()
                raise Unmeasured(f"{self.name}: {words[-300:] or 'no answer'}")
            self._buffer += piece
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    def ask(self, command):
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()
        return self.line()

    def numbers(self, command):
        return [float(word) for word in self.ask(command).split()]

    def rest(self):
        """What it still prints, once it has ended."""
        while piece := os.read(self.process.stdout.fileno(), 1 << 20):
            self._buffer += piece
        self.process.wait()
        return self._buffer.decode()

    def stop(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Hooks(Child):
    """tapstat's hooks in bench program `hooks`, off at first. Connections keep their state while they are off."""

    def __init__(self, stack, programs, *arguments):
        super().__init__(stack, programs.path("hooks"), *arguments)
        self.line()

    def set(self, on):
        if self.ask("attach" if on else "detach") != "ok":
            raise Unmeasured("the hooks cannot be attached")

    def counts(self):
        """Messages sent, messages received, connections joined, bytes not parsed."""
        return [int(number) for number in self.numbers("counts")]


class Tapstat:
    """`tapstat serve` until the end of the figure."""

    def __init__(self, stack, programs, *options):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self.child = Child(stack, programs.tapstat, "serve", f"--web.listen-address=127.0.0.1:{self.port}", *options)
        self.pid = self.child.pid
        log, errors = b"", self.child.process.stderr
        while b'msg="listening"' not in log:
            ready, _, _ = select.select([errors], [], [], 30)
            piece = os.read(errors.fileno(), 1 << 16) if ready else b""
            if not piece:
                raise Unmeasured(f"tapstat serve: {log.decode()[-300:]}")
            log += piece

    def scrape(self):
        """The text of /metrics, uncompressed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", "/metrics")
        body = connection.getresponse().read()
        connection.close()
        return body.decode()

    def pids(self):
        """Of its processes, the one that attaches probes the last."""
        return [self.pid, *pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def proportional_kb(self):
        """Memory of its processes, what they share counted once (PSS)."""
        rollups = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.pids())
        return sum(int(re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE).group(1)) for rollup in rollups)

    def memory(self):
        """{VmRSS and VmHWM: kB}"""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return {name: int(kb) for name, kb in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE)}


def samples(text):
    """{name and labels: value} of a scrape."""
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def settled(tapstat, prefix):
    """Samples, once those that begin so stay as they are."""
    last = None
    for _ in range(50):
        now = samples(tapstat.scrape())
        if last == {name: value for name, value in now.items() if name.startswith(prefix)}:
            break
        last = {name: value for name, value in now.items() if name.startswith(prefix)}
        time.sleep(0.2)
    return now


class Programs:
    """tapstat of a build directory and the bench programs, built beside it."""

    def __init__(self, build):
        self.tapstat = build / "tapstat"
        self._build = build
        self._directory = build / "bench"
        if os.geteuid():
            raise Unmeasured("it needs root")
        if not self.tapstat.exists():
            raise Unmeasured(f"{self.tapstat} is not built")
        built = self.tapstat.stat().st_mtime
        for part in ("bpf", "include", "user"):
            for source in (ROOT / part).rglob("*.[ch]"):
                if source.stat().st_mtime > built:
                    raise Unmeasured(f"{source.relative_to(ROOT)} is newer than the build: run make")
        self._directory.mkdir(exist_ok=True)
        for source in sorted(BENCH.glob("*.c")):
            self._compile(source)

    def _compile(self, source):
        more = []
        if source.stem == "hooks":
            more = [f"-I{ROOT}/include", f"-I{ROOT}/user", f"-I{self._build}"]
            objects = (self._build / "user").glob("*.o")
            more += [path for path in objects if path.stem != "main" and not path.stem.startswith("cmd_")]
            more += ["-levent", "-lbpf", "-lelf", "-lz", "-lcap", "-ljansson", "-lyaml", "-lcapstone", "-liberty"]
        if source.stem.startswith("tls_"):
            more = ["-lssl", "-lcrypto"]
        made = subprocess.run(
            ["cc", *FLAGS, "-o", self.path(source.stem), source, *more], capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise Unmeasured(f"{source.name} does not compile: {made.stderr[-500:]}")

    def path(self, name):
        return self._directory / name
