# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What `tapstat serve` takes: memory, time to start, time of a scrape; and the work of the verifier."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from .machine import Row, Unmeasured, bpftool
from .programs import Child, Hooks, Tapstat, samples

MIB = 1 << 20
RESIDENT_KB, START_SECONDS, SCRAPE_MS = 16 * 1000, 1.5, 20
KERNEL_MIB, KERNEL_MIB_64, MANY_CPUS = 24, 128, 64
SAMPLE_LINES, MAX_SERVICES = 10000, 126
MESSAGES, GROWTH_KB = 1000000, 64
INSTRUCTIONS = 50000
HASH_ELEMENT_BYTES = 48  # the kernel's struct htab_elem


def _round_up(bytes_):
    return (bytes_ + 7) // 8 * 8


def _more_for_cpus(pid, more):
    """The bytes that the maps of a process would take for so many more possible CPUs: per-CPU values, and the spare
    element for each CPU of a hash that is allocated in advance."""
    numbers = set()
    for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            numbers.update(map(int, re.findall(r"^map_id:\s+(\d+)$", path.read_text(), re.MULTILINE)))
    added = 0
    for shown in bpftool("map", "show"):
        if shown["id"] not in numbers:
            continue
        if shown["type"].startswith("percpu_array"):
            added += more * shown["max_entries"] * _round_up(shown["bytes_value"])
        elif shown["type"] == "hash":
            added += more * (HASH_ELEMENT_BYTES + _round_up(shown["bytes_key"]) + _round_up(shown["bytes_value"]))
        elif shown["type"].startswith("percpu"):
            raise Unmeasured(f"how map type {shown['type']} grows with the CPUs is not known here")
    return added


def _possible_cpus():
    return int(pathlib.Path("/sys/devices/system/cpu/possible").read_text().strip().rsplit("-", 1)[-1]) + 1


def _timed_scrape(tapstat):
    """Milliseconds of one request, as a scraper over a new connection sees it, and the bytes of its body."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", tapstat.port), timeout=20) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        size = 0
        while piece := connection.recv(1 << 20):
            size += len(piece)
    return (time.monotonic() - begin) * 1000, size


def _many_services(programs, tapstat, directory):
    """One short conversation of each of as many services as make enough sample lines; their number, the lines."""
    lines = 0
    for number in range(1, MAX_SERVICES + 1):
        program = pathlib.Path(directory) / f"service-{number:03}"
        shutil.copy2(programs.path("crowd"), program)
        subprocess.run([program, "1", "1"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        if number % 8 == 0:
            lines = len(samples(tapstat.scrape()))
            if lines >= SAMPLE_LINES:
                return number, lines
    raise Unmeasured(f"{MAX_SERVICES} services give only {lines} sample lines")


def exporter(programs, stack):
    tapstat = Tapstat(stack, programs)
    ceiling = samples(tapstat.scrape())["tapstat_memory_ceiling_bytes"]
    memory = tapstat.memory()
    yield Row(
        "exporter resident",
        f"{memory['VmRSS']} kB once attached, peak while loading {memory['VmHWM']} kB; "
        f"both processes {tapstat.proportional_kb()} kB (PSS)",
        f"<= {RESIDENT_KB} kB",
        max(memory.values()) <= RESIDENT_KB,
    )
    here = _possible_cpus()
    at_64 = ceiling + _more_for_cpus(tapstat.pid, MANY_CPUS - here)
    yield Row(
        "exporter maps",
        f"ceiling {ceiling / MIB:.1f} MiB on {here} CPUs, computed {at_64 / MIB:.1f} MiB on {MANY_CPUS}",
        f"<= {KERNEL_MIB}, <= {KERNEL_MIB_64} MiB",
        ceiling <= KERNEL_MIB * MIB and at_64 <= KERNEL_MIB_64 * MIB,
    )

    directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="tapstat-bench-"))
    services, lines = _many_services(programs, tapstat, directory)
    timed = [_timed_scrape(tapstat) for _ in range(40)]
    times = [milliseconds for milliseconds, _ in timed]
    yield Row(
        "exporter scrape",
        f"{statistics.median(times):.1f} ms [{min(times):.1f}..{max(times):.1f}] for {lines} samples of {services} "
        f"services, {timed[0][1]} bytes",
        f"<= {SCRAPE_MS} ms",
        statistics.median(times) <= SCRAPE_MS,
    )

    frames = Child(stack, programs.path("frames"))
    frames.ask("open tcp")
    frames.ask("one 6400")
    tapstat.scrape()
    before = tapstat.memory()["VmRSS"]
    for _ in range(10):
        frames.ask(f"one {MESSAGES // 10}")
        tapstat.scrape()
    after = tapstat.memory()
    yield Row(
        "exporter growth",
        f"{after['VmRSS'] - before:+} kB resident over {MESSAGES} messages ({before} kB before, peak {after['VmHWM']} kB)",
        f"none (<= {GROWTH_KB} kB)",
        after["VmRSS"] - before <= GROWTH_KB,
    )


def start(programs, _):
    """From the start of the process to the last byte of the first scrape."""
    times = []
    for _ in range(7):
        with contextlib.ExitStack() as own:
            begin = time.monotonic()
            Tapstat(own, programs).scrape()
            times.append(time.monotonic() - begin)
    yield Row(
        "start",
        f"{statistics.median(times):.2f} s [{min(times):.2f}..{max(times):.2f}] to the end of the first scrape",
        f"<= {START_SECONDS} s",
        max(times) <= START_SECONDS,
    )


def verifier(programs, stack):
    words = Hooks(stack, programs).ask("programs").split()
    counts = dict(zip(words[::2], map(int, words[1::2])))
    if not counts:
        raise Unmeasured(f"no program was loaded on {os.uname().release}")
    for name, instructions in counts.items():
        yield Row(
            f"verifier {name}", f"{instructions} instructions", f"<= {INSTRUCTIONS}", instructions <= INSTRUCTIONS
        )
