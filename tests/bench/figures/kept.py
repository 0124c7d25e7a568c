# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What real servers keep of their throughput while they are watched: by tapstat, one process or all of them, and by a
bpftrace script that makes the same counts. Each run of the load has connections of its own and lies between two
without anything attached."""

import contextlib
import json
import os
import shutil
import signal
import statistics
import time

from .machine import Row, Unmeasured, bpftool, quartiles
from .programs import Child, Tapstat, samples
from .servers import PIPELINE, Nginx, Postgres, Redis, need

SHORT = bool(os.environ.get("BENCH_SHORT"))
PAIRS, FEWEST_PAIRS, MOST_ROUNDS = (2, 1, 2) if SHORT else (15, 8, 40)
STEADY = 0.06  # by how much the rates before and after may differ
COST_OF_BPFTRACE = 1 / 3  # what tapstat may cost of it
SERVER, EVERYTHING, BPFTRACE = "", "all", "bpftrace"  # who watches what


def counted(found, family, labels):
    """The sum of a family's samples with these labels."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return int(
        sum(
            value
            for name, value in found.items()
            if name.startswith(f"{family}{{") and all(pair in name for pair in wanted)
        )
    )


class _ByTapstat:
    def __init__(self, own, programs, server, selectors):
        self._tapstat, self._server = Tapstat(own, programs, *selectors), server

    def counts(self):
        """{operation: how many}"""
        time.sleep(0.05)
        found = samples(self._tapstat.scrape())
        return {operation: counted(found, *self._server.counter(operation)) for operation in self._server.operations}


class _ByBpftrace:
    """It looks for the tracepoints where debugfs usually is: mounted there for its eyes only."""

    def __init__(self, own, server):
        need("bpftrace", "unshare")
        script, *arguments = server.script
        self._server = server
        shell = 'mount -t debugfs debugfs /sys/kernel/debug && exec bpftrace -f json "$@"'
        self._child = Child(own, "unshare", "--mount", "sh", "-c", shell, "sh", script, *arguments)
        probes = script.read_text().count("\ntracepoint:")
        deadline = time.monotonic() + 30
        while sum(shown["pid"] == self._child.pid for shown in bpftool("perf", "show")) < probes:
            if self._child.process.poll() is not None or time.monotonic() > deadline:
                words = self._child.process.stderr.read().decode() if self._child.process.poll() is not None else ""
                raise Unmeasured(f"bpftrace: {words.strip()[-300:] or 'not attached'}")
            time.sleep(0.05)

    def counts(self):
        self._child.process.send_signal(signal.SIGINT)
        requests = {}
        for line in self._child.rest().splitlines():
            answer = json.loads(line) if line else {}
            if answer.get("type") == "map":
                requests.update(answer["data"].get("@requests", {}))
        return {operation: self._server.traced(requests, operation) for operation in self._server.operations}


def _usable(measured):
    """The pairs whose rates before and after are alike."""
    return [
        (before, run, after, count)
        for before, run, after, count in measured
        if SHORT or abs(before.rate - after.rate) < STEADY * max(before.rate, after.rate)
    ]


def _rounds(server, watchers):
    """{(watcher, operation): [(run before, run watched, run after, requests counted)]}, until enough can be used."""
    measured = {(name, operation): [] for name in watchers for operation in server.operations}
    before = server.load()
    for turn in range(MOST_ROUNDS):
        names = list(watchers)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            with contextlib.ExitStack() as own:
                watcher = watchers[name](own)
                runs = server.load()
                counts = watcher.counts()
            after = server.load()
            for operation in server.operations:
                measured[name, operation].append(
                    (before[operation], runs[operation], after[operation], counts[operation])
                )
            before = after
        if min(len(_usable(pairs)) for pairs in measured.values()) >= PAIRS:
            break
    return measured


def _kept_row(name, pairs, target, wanted):
    """The row, and the median of what was kept."""
    first, middle, third = quartiles([2 * run.rate / (before.rate + after.rate) for before, run, after, _ in pairs])
    bare = statistics.median(before.rate for before, _, _, _ in pairs)
    busy = [statistics.median(pair[place].share for pair in pairs) for place in (0, 1)]
    wish = f", wanted {wanted}" if wanted else ""
    row = Row(
        name,
        f"{middle:.3f} [{first:.3f}..{third:.3f}] of {bare:.0f}/s, {len(pairs)} pairs, server CPU "
        f"{busy[0]:.2f}, {busy[1]:.2f}",
        f">= {target}{wish}" if target else "",
        middle >= target if target else None,
    )
    return row, middle


def _counts_row(name, measured):
    """Only tapstat's counts have to be exact. One sum could hide two differences: each run is compared."""
    texts, exact = [], True
    for watcher, pairs in measured.items():
        made, found = sum(run.requests for _, run, _, _ in pairs), sum(count for _, _, _, count in pairs)
        wrong = sum(run.requests != count for _, run, _, count in pairs)
        differ = f" ({wrong} of {len(pairs)} runs differ)" if wrong else ""
        texts.append(f"{watcher or 'server'} {found} of {made}{differ}")
        exact &= watcher == BPFTRACE or not wrong
    return Row(f"{name} counts", "; ".join(texts), "exact", exact)


def _kept(programs, server, name, targets):
    """Targets: kept with the server watched, wanted of that or None, kept with everything watched."""
    alone, wanted, everything = targets
    watchers = {
        SERVER: lambda own: _ByTapstat(own, programs, server, server.selectors),
        EVERYTHING: lambda own: _ByTapstat(own, programs, server, []),
    }
    if server.script and shutil.which("bpftrace"):
        watchers[BPFTRACE] = lambda own: _ByBpftrace(own, server)
    elif server.script:
        print("  warning: bpftrace is not installed: nothing to compare with", flush=True)
    measured, unsteady = _rounds(server, watchers), []
    for operation in server.operations:
        title = f"{name} {operation}" if len(server.operations) > 1 else name
        kept = {}
        for watcher, target in {SERVER: alone, EVERYTHING: everything, BPFTRACE: None}.items():
            pairs, of = _usable(measured.get((watcher, operation), [])), f"{title} {watcher}".rstrip()
            if len(pairs) >= FEWEST_PAIRS:
                row, kept[watcher] = _kept_row(of, pairs, target, wanted if watcher == SERVER else None)
                yield row
            elif watcher in watchers:
                unsteady.append(f"{of} ({len(pairs)} of {len(measured[watcher, operation])} pairs can be used)")
        yield _counts_row(title, {watcher: measured[watcher, operation] for watcher in watchers})
        if SERVER in kept and BPFTRACE in kept:
            cost, other = 1 - kept[SERVER], 1 - kept[BPFTRACE]
            yield Row(
                f"{title} cost",
                f"tapstat {cost:.3f}, bpftrace {other:.3f} of the throughput",
                "<= a third of bpftrace",
                cost <= max(0, other) * COST_OF_BPFTRACE,
            )
    if unsteady:
        raise Unmeasured(f"the machine was too unsteady: {', '.join(unsteady)}")


def redis(programs, stack):
    return _kept(programs, Redis(stack), "redis", (0.98, None, 0.95))


def redis_pipeline(programs, stack):
    return _kept(programs, Redis(stack, PIPELINE), f"redis-P{PIPELINE}", (0.88, 0.92, 0.82))


def nginx(programs, stack):
    return _kept(programs, Nginx(stack), "nginx", (0.95, None, 0.92))


def pgbench(programs, stack):
    return _kept(programs, Postgres(stack), "pgbench", (0.98, None, 0.97))


def pgbench_unix(programs, stack):
    return _kept(programs, Postgres(stack, unix=True), "pgbench-unix", (0.98, None, 0.97))


def tls(programs, stack):
    """nginx that terminates TLS: its handshakes are few, so that calls of the library are what counts."""
    return _kept(programs, Nginx(stack, tls=True), "tls", (0.93, None, None))
