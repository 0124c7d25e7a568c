# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Function probes as the configuration file has them, on specimens that say themselves what they did."""

import json
import pathlib
import re
import time

from .processes import Failure, wait_until
from .tapstat import Tapstat


def _configured(directory, name, probes, sections):
    path = pathlib.Path(directory) / name
    path.write_text(json.dumps({"probes": probes, **sections}))  # JSON is YAML
    return f"--config.file={path}"


class Probes:
    """A tapstat with these probes, a list like that of the configuration file, and these further options; `shared`: a
    name under which the tests of the file have one together."""

    def __init__(self, t, probes, *options, shared=None, **sections):
        self._t = t
        if shared:
            t.require_tapstat()
            directory = t.module.directory
            option = _configured(directory, f"probes-{shared}.yml", probes, sections)
            self.tapstat = t.module.keep(shared, lambda: Tapstat(directory, option, *options))
            self.tapstat.wait_ready()
        else:
            self.tapstat = t.own_tapstat(_configured(t.tmp, "probes.yml", probes, sections), *options)
        self._told = len(self.tapstat.process.errors()) if shared else 0
        self._unmatched = {probe["name"]: self._read_unmatched(probe["name"]) for probe in probes}

    def attach(self, names, *command):
        """Runs a command that waits, and holds on to it until these probes are on what it maps."""
        idle = self._t.start(command, "idle")
        self.wait_attached(*names)
        return idle

    def wait_attached(self, *names, times=1):
        """Until the log has told so often of each that it is attached; in a shared one since the test began."""

        def attached():
            told = self.tapstat.process.errors()[self._told :]
            return all(
                len(re.findall(rf'msg="function probe attached" probe="?{re.escape(name)}"? ', told)) >= times
                for name in names
            )

        wait_until(attached, f"{', '.join(names)} are attached", every=0.02)

    def scrape(self):
        return self.tapstat.scrape()

    def _read_unmatched(self, name):
        scrape = self.scrape()
        family = "tapstat_probe_unmatched_total"
        return tuple(scrape.value(family, probe=name, side=side) for side in ("entry", "return"))

    def unmatched(self, name):
        """(entries without return, returns without entry) since the test began."""
        return tuple(now - before for now, before in zip(self._read_unmatched(name), self._unmatched[name]))

    def files(self, name):
        """(files in which the probe is attached, files with any probe on)."""
        scrape = self.scrape()
        return scrape.value("tapstat_probe_files", probe=name), scrape.value("tapstat_probed_files")

    def frames(self):
        """Threads and goroutines that are remembered."""
        return self.scrape().value("tapstat_map_entries", map="frames_by_caller")


def probe(name, binary, **measures):
    """A probe on a binary whose metrics are called after it, of everything that is measured."""
    return {
        "name": name,
        "binary": str(binary),
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
