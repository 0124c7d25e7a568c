# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What peers can make tapstat grow by: a million paths, a million keys, tens of thousands of client ports."""

import os

from .kept import counted
from .machine import Row
from .programs import Tapstat, settled
from .servers import PIPELINE, Nginx, Redis, output_of

MANY = 100000 if os.environ.get("BENCH_SHORT") else 1000000
PORTS = MANY // 50
GROWTH_KB = 1000


class _Growth:
    """tapstat and what it takes: at first, after a tenth of the flood, and at the end."""

    def __init__(self, stack, programs, port):
        self.tapstat, self._states = Tapstat(stack, programs, f"--port={port}"), []
        self.look()

    def look(self):
        """The samples, once they rest."""
        found = settled(self.tapstat, ("http_", "storage_"))
        memory = self.tapstat.memory()["VmRSS"]
        self._states.append((len(found), memory, found["tapstat_memory_ceiling_bytes"]))
        return found

    def row(self, name):
        lines, memory, ceilings = zip(*self._states)
        grown = memory[-1] - memory[0]
        return Row(
            f"{name} growth",
            f"samples {', '.join(map(str, lines))}; resident {grown:+} kB of {memory[0]}; ceiling "
            f"{ceilings[-1] - ceilings[0]:+.0f} of {ceilings[0]:.0f} bytes",
            f"<= {GROWTH_KB} kB, no more",
            lines[-1] == lines[1] and grown < GROWTH_KB and len(set(ceilings)) == 1,
        )


def _counts_row(name, what, found, made, family, labels):
    value = counted(found, family, labels)
    return Row(f"{name} counts", f"{value} of {made} {what}", "exact", value == made)


def flood_http(programs, stack):
    """Every path is another; the sum stays exact whatever is folded."""
    server = Nginx(stack)
    growth = _Growth(stack, programs, server.port)
    first = server.requests()
    for requests in (MANY // 10, MANY - MANY // 10):
        _, connections = map(int, output_of(programs.path("paths"), server.port, requests).split())
        found = growth.look()
    made = server.requests() - first  # with the first question itself, without the last: as tapstat sees them
    yield growth.row("flood-http")
    what = f"requests, {connections} client ports"
    yield _counts_row("flood-http", what, found, made, "http_requests_total", {"role": "server"})


def flood_redis(programs, stack):
    """Keys at random on connections that stay, then a connection for each request."""
    server = Redis(stack)
    growth = _Growth(stack, programs, server.port)
    before = {operation: server.calls(operation) for operation in server.operations}
    for requests in (MANY // 10, MANY - MANY // 10):
        server.benchmark("set", requests // PIPELINE * PIPELINE, "-P", PIPELINE, "-r", MANY)
        server.benchmark("get", max(1, PORTS * requests // MANY), "-k", 0, "-r", MANY)
        found = growth.look()
    yield growth.row("flood-redis")
    for operation in server.operations:
        made = server.calls(operation) - before[operation]
        what = f"{operation}s" + (f", {made} client ports" if operation == "get" else "")
        yield _counts_row(f"flood-redis {operation}", what, found, made, *server.counter(operation))
