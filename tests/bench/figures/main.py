# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Which figures there are, and their table."""

import contextlib
import pathlib
import signal
import sys
import time

from . import cost, counts, exporter, flood, kept, tls
from .machine import Unmeasured, foreign_hooks, wait_alone
from .programs import Programs

# In the order of docs/performance.md: name, what measures it. Each yields rows.
FIGURES = {
    "call": cost.call,
    "batch": cost.batch,
    "echo-c": cost.echo_c,
    "echo-node": cost.echo_node,
    "socketless": cost.socketless,
    "redis": kept.redis,
    "redis-pipeline": kept.redis_pipeline,
    "nginx": kept.nginx,
    "pgbench": kept.pgbench,
    "pgbench-unix": kept.pgbench_unix,
    "tls": kept.tls,
    "tls_write": tls.write,
    "attach": tls.attach,
    "connections": counts.connections,
    "threads": counts.threads,
    "flood-http": flood.flood_http,
    "flood-redis": flood.flood_redis,
    "exporter": exporter.exporter,
    "start": exporter.start,
    "verifier": exporter.verifier,
}


def _print(row):
    verdict = {True: "pass", False: "MISS", None: ""}[row.passed]
    print(f"{row.name:<24} {row.result:<92} {row.target:<22} {verdict}".rstrip(), flush=True)


def _measure(name, programs):
    """Prints the rows of one figure; whether it could be measured."""
    if obstacle := wait_alone():
        print(f"  warning: {obstacle}", flush=True)
    try:
        with contextlib.ExitStack() as stack:
            for row in FIGURES[name](programs, stack):
                _print(row)
    except Unmeasured as reason:
        print(f"{name:<24} not measured: {reason}", flush=True)
        return False
    if foreign_hooks():
        print(f"  warning: other tapstat hooks came while {name} was measured: measure again", flush=True)
    return True


def main(arguments):
    if not arguments:
        print("usage: tests/bench/run BUILD [NAME…]", file=sys.stderr)
        return 2
    build, words = pathlib.Path(arguments[0]).resolve(), [word for word in arguments[1:] if word]
    chosen = [name for name in FIGURES if not words or any(word in name for word in words)]
    if not chosen:
        print(f"no such figure; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # stops what was started
    begin = time.monotonic()
    try:
        programs = Programs(build)
    except Unmeasured as reason:
        print(f"not measured: {reason}")
        return 1
    results = [_measure(name, programs) for name in chosen]
    print(f"{len(chosen)} figures in {time.monotonic() - begin:.0f} s")
    return 0 if all(results) else 1
