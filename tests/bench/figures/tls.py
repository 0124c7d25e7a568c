# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What looking into TLS libraries costs: a call of one, a start beside many processes that have one mapped, and how
soon a new one is looked into."""

import contextlib
import os
import pathlib
import re
import select
import shutil
import statistics
import subprocess
import tempfile
import time

from .machine import Row, Unmeasured, cpus, quartiles, shown
from .programs import Child, Tapstat

SHORT = bool(os.environ.get("BENCH_SHORT"))
STEADY = 0.06  # by how much the times before and after may differ
PAIRS, FEWEST_PAIRS, MOST_ROUNDS = (2, 1, 2) if SHORT else (15, 8, 40)
CALLS = 6400
PROCESSES, STARTS, LIBRARIES = (500, 3, 3) if SHORT else (500, 9, 15)
WRITE_NS, WRITE_WANTED_NS = 1700, 1200
START_MS, START_KB = 1000, 2048  # that the many processes add
SPREAD = 0.5  # of the median: how far apart the quartiles of a time may lie


# ---- A call ---------------------------------------------------------------------------------------------------


def _passed(calls):
    """ns of a write and of a read, on a connection of its own, so that its beginning is seen by whoever watches."""
    calls.ask("open")
    calls.numbers(f"pass {CALLS // 10}")
    return calls.numbers(f"pass {CALLS}")


def _alike(before, after):
    return SHORT or all(abs(x - y) < STEADY * max(x, y) for x, y in zip(before, after))


def write(programs, stack):
    """SSL_write and SSL_read of 1 KB inside the body of an HTTP answer, sockets and all."""
    calls = Child(stack, programs.path("tls_write"), cpu=cpus()[0])
    pairs, rounds, before = [], 0, _passed(calls)
    while len(pairs) < PAIRS and rounds < MOST_ROUNDS:
        with contextlib.ExitStack() as own:
            tapstat = Tapstat(own, programs, "--comm=tls_write")
            watched = _passed(calls)
            seen = re.search(r'tapstat_tls_connections_total{library="openssl",visible="yes"} (\d+)', tapstat.scrape())
        if not seen or not int(seen.group(1)):
            raise Unmeasured("tapstat does not see the connection: nothing would be measured")
        after = _passed(calls)
        rounds += 1
        if _alike(before, after):
            pairs.append([watched[i] - (before[i] + after[i]) / 2 for i in (0, 1)])
        before = after
    if len(pairs) < FEWEST_PAIRS:
        raise Unmeasured(f"the machine was too unsteady: {len(pairs)} of {rounds} pairs can be used")
    writes, reads = zip(*pairs)
    yield Row(
        "tls_write",
        f"SSL_write {shown(writes)} ns, SSL_read {shown(reads)} ns "
        f"(bare {before[0]:.0f}, {before[1]:.0f}), {len(pairs)} pairs",
        f"write <= {WRITE_NS}, wanted {WRITE_WANTED_NS}",
        statistics.median(writes) <= WRITE_NS,
    )


# ---- Start ----------------------------------------------------------------------------------------------------


def _started(programs, *options):
    """Seconds to the line that says it listens; kB of its own memory of each of its processes."""
    with contextlib.ExitStack() as own:
        begin = time.monotonic()
        tapstat = Tapstat(own, programs, *options)
        took = time.monotonic() - begin
        return took, [_private_kb(pid) for pid in tapstat.pids()]


def _private_kb(pid):
    rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kb) for kb in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+) kB", rollup, re.MULTILINE))


def _starts(programs):
    """[(seconds with, seconds without)] in turn, and the memory of the last start with."""
    pairs = []
    for _ in range(STARTS):
        with_tls, memory = _started(programs)
        without, _ = _started(programs, "--tls=off")
        pairs.append((with_tls, without))
    return pairs, memory


def _steady(name, values):
    first, middle, third = quartiles(values)
    if third - first > SPREAD * abs(middle) and not SHORT:
        raise Unmeasured(f"the machine was too unsteady: {name} {shown(values, '{:.1f}')}")


# ---- A new library --------------------------------------------------------------------------------------------


def _library():
    """The file of OpenSSL that programs are linked with here."""
    for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"):
        path = pathlib.Path(folder) / "libssl.so.3"
        if path.exists():
            return path
    raise Unmeasured("libssl.so.3 is not installed")


def _log_until(tapstat, word, seconds):
    """Whether the log says so in time."""
    deadline, log, errors = time.monotonic() + seconds, b"", tapstat.child.process.stderr
    while word not in log and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([errors], [], [], left)
        log += os.read(errors.fileno(), 1 << 16) if ready else b""
    return word in log


def _attached(programs, tapstat, number):
    """Milliseconds from the start of a process to the probes on its library, which is a file of its own."""
    with tempfile.TemporaryDirectory(prefix="tapstat-bench-") as directory:
        library = pathlib.Path(shutil.copy(_library(), pathlib.Path(directory) / "libssl.so.3"))
        with library.open("ab") as file:
            file.write(b"\0" * number)
        _log_until(tapstat, b"\0", 0.2)  # what was still to be said
        begin = time.monotonic()
        with subprocess.Popen(
            [programs.path("tls_crowd"), "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "LD_LIBRARY_PATH": directory},
        ) as program:
            found = _log_until(tapstat, b'msg="a file with TLS"', 10)
            took = time.monotonic() - begin
            program.stdin.close()
    if not found:
        raise Unmeasured("the library of a new process is not looked into")
    return took * 1000


def attach(programs, stack):
    """A start beside many processes that share one library, the memory for them, and a library that comes later."""
    few, memory_few = _starts(programs)
    crowd = Child(stack, programs.path("tls_crowd"), PROCESSES)
    if crowd.line() != "ready":
        raise Unmeasured("the processes cannot be started")
    many, memory_many = _starts(programs)
    for name, pairs in (("few", few), (f"{PROCESSES} processes", many)):
        added = [(with_tls - without) * 1000 for with_tls, without in pairs]
        _steady("start", [with_tls for with_tls, _ in pairs])
        bare = statistics.median(without for _, without in pairs) * 1000
        yield Row(
            f"attach start, {name}",
            f"{shown(added)} ms (bare {bare:.0f}), {len(pairs)} pairs",
            f"<= {START_MS} ms",
            statistics.median(added) <= START_MS,
        )
    kb = [" + ".join(map(str, memory)) for memory in (memory_few, memory_many)]
    yield Row(
        "attach memory",
        f"private: {kb[0]} kB, beside {PROCESSES} processes {kb[1]} kB",
        f"<= {START_KB} kB more",
        sum(memory_many) - sum(memory_few) <= START_KB,
    )
    tapstat = Tapstat(stack, programs, "--log.level=debug")
    times = [_attached(programs, tapstat, number) for number in range(1, LIBRARIES + 1)]
    _steady("attaching", times)
    yield Row("attach new", f"{shown(times, '{:.1f}')} ms from the start of the process to the probes", "", None)
