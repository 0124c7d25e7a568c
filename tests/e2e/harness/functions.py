# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Function probes at places that the test names, and what they count; the search for the places is left out."""

import json
import pathlib
import time

from .metrics import Scrape
from .processes import Failure, Skip
from .tapstat import BINARY

ATTACHER = BINARY.parent / "attach_sites"


class Probes:
    """The kernel side of tapstat with these probes, a list like that of the configuration file."""

    def __init__(self, t, probes, *selected):
        t.require_tapstat()
        if not ATTACHER.exists():
            raise Skip(f"{ATTACHER.name} is not built")
        path = pathlib.Path(t.tmp) / "probes.yml"
        path.write_text(json.dumps({"probes": probes}))  # JSON is YAML
        self.names = [probe["name"] for probe in probes]
        self._process = t.start([ATTACHER, path, *selected], "attach-sites")

    def _answer(self, command):
        self._process.send_line(command)
        lines = []
        while True:
            line = self._process.read_line()
            if line == "ok":
                return lines
            lines.append(line)

    def put(self, name, path, offset, side, language="c", moved=0):
        """Attaches the program of this side."""
        self._answer(f"site {self.names.index(name)} {side} {language} {moved} {path} {offset:x}")

    def put_address(self, name, path, function):
        """Attaches at the entry, for calls and, by their return address, for returns."""
        self.put(name, path, function.entry, "entry")
        self.put(name, path, function.entry, "return_address")

    def put_function(self, name, path, function, language="c"):
        """Attaches at the entry and at every place where this one (code.py) is left."""
        entry = function.behind_check if language == "go" else function.entry
        self.put(name, path, entry, "entry", language)
        for offset in function.returns:
            self.put(name, path, offset, "return_instruction", language)
        for offset in function.tail_calls:
            self.put(name, path, offset, "tail_call", language)

    def point(self, name, path, offset, kind, base, number, size):
        """Attaches at a USDT probe with one argument."""
        self._answer(f"point {self.names.index(name)} {path} {offset:x} {kind} {base} {number} {size}")

    def scrape(self):
        return Scrape("\n".join(self._answer("scrape")))

    def unmatched(self, name):
        """(entries without return, returns without entry)."""
        scrape = self.scrape()
        family = "tapstat_probe_unmatched_total"
        return tuple(scrape.value(family, probe=name, side=side) for side in ("entry", "return"))

    def frames(self):
        """Threads and goroutines that are remembered."""
        return self.scrape().value("tapstat_map_entries", map="frames_by_caller")


def probe(name, **measures):
    """A probe whose metrics are called after it, of everything that is measured."""
    return {
        "name": name,
        "binary": "/specimen",
        "function": name,
        "calls": {"name": f"{name}_calls_total"},
        "duration": {"name": f"{name}_duration_seconds"},
        "in_flight": {"name": f"{name}_in_flight"},
        **measures,
    }


def play(t, program, *arguments, timeout=40.0):
    """What a specimen says of itself, once it has ended."""
    process = t.start([program, *arguments], "specimen")
    told = process.answer(timeout)
    status = process.wait()
    if status:
        raise Failure(f"{program} ended with {status}: {process.errors()[-300:]}")
    return told


def expect(what, found, expected):
    if found != expected:
        raise Failure(f"{what}: found {found}, expected {expected}")


def expect_calls(scrape, service, name, calls, timed=None):
    """So many calls, none of them in flight, so many with a duration (all)."""
    expect(f"{name}: calls", scrape.value(f"{name}_calls_total", service=service), calls)
    expect(f"{name}: in flight", scrape.value(f"{name}_in_flight", service=service), 0)
    timed = calls if timed is None else timed
    expect(f"{name}: durations", scrape.value(f"{name}_duration_seconds_count", service=service), timed)


def _add(total, told):
    return {
        key: [x + y for x, y in zip(total.get(key, [0] * len(value)), value)]
        if isinstance(value, list)
        else total.get(key, 0) + value
        for key, value in told.items()
    }


def play_timed(t, probes, name, program, *arguments, probes_inside=0, tolerance=0.03, attempts=6):
    """What a specimen says of itself, whose probe must agree about the durations: the sum is that of the program's own
    clock, but for a few percent and for what probes take, at most 20 µs for that of each call and for each one
    inside it (the kernel executes instructions aside).

    On a busy machine a thread may lose its CPU between the two clocks; then the specimen runs again, and all runs
    together are what is returned. Durations that are too short are wrong at once."""

    def probed():
        return probes.scrape().total(f"{name}_duration_seconds_sum")

    total = {}
    for _ in range(attempts):
        before = probed()
        told = play(t, program, *arguments)
        total = _add(total, told)
        found, own = probed() - before, told["ns"] / 1e9
        if found < own * (1 - tolerance):
            break
        if found <= own * (1 + tolerance) + told["calls"] * (1 + probes_inside) * 20e-6:
            return total
    raise Failure(f"{name}: the probe says {found} s, the program {own} s, of {told['calls']} calls")


def settle(condition, what, timeout=5.0):
    """Waits for what ends in the background."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"still waiting until {what}")
        time.sleep(0.05)
