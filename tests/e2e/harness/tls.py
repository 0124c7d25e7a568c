# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tapstat says of TLS connections themselves: of which library, and whether it sees what they carry."""

import collections
import time

from .processes import Failure, free_port
from .toolchain import c_program

FAMILY = "tapstat_tls_connections_total"


def tls_connections(scrape):
    """{(library, visible): count}; zeroes are left out."""
    counts = collections.Counter()
    for labels, value in scrape.select(FAMILY).items():
        counts[dict(labels)["library"], dict(labels)["visible"]] += int(value)
    return +counts


def by_visibility(counts):
    """The same whatever the library: tapstat need not know which one a stripped program has."""
    sums = collections.Counter()
    for (_, visible), count in counts.items():
        sums["any", visible] += count
    return sums


def verify_tls(tapstat, expected, view=lambda counts: counts, timeout=5.0):
    """Waits until a tapstat, started for this test and its processes alone, has counted just these ends of TLS
    connections, {(library, visible): count}, then that it stays so."""
    deadline = time.monotonic() + timeout
    while (found := view(tls_connections(tapstat.scrape()))) != expected:
        if time.monotonic() > deadline:
            raise Failure(f"{FAMILY} is {dict(found)}, expected {dict(expected)}")
        time.sleep(0.05)
    time.sleep(0.2)
    if (found := view(tls_connections(tapstat.scrape()))) != expected:
        raise Failure(f"{FAMILY} is right at first and then {dict(found)}, expected {dict(expected)}")


class Program:
    """A peer in C, peers/NAME.c, that plays both ends of connections inside TLS, about to begin a scene; and a tapstat
    that watches it alone. `build`: of toolchain.c_program()."""

    def __init__(self, t, name, scene, build, attached_before=True):
        t.require_tapstat()
        self.t = t
        self.name = name
        self.service = t.service(name)
        self.port = free_port()
        certificates = t.secure(self.port)
        path = t.copy(c_program(name, **build), name)
        if attached_before:
            self.tapstat = t.own_tapstat(f"--exe={path}")
        self.process = t.start([path, self.port, certificates.both, scene], name)
        if not attached_before:
            self.tapstat = t.own_tapstat(f"--exe={path}")
        t.settle()
        self.before = self.tapstat.scrape()

    def play(self):
        """What it says that either role sent and received, as reports of both."""
        self.process.send_line("")
        report = self.process.answer()
        if self.process.wait():
            raise Failure(f"peers/{self.name}.c: {self.process.errors()[-300:]}")
        return {"server": report, "client": report}


def counted_once(program, library, connections=1):
    """Has it play: it, the dissector and tapstat count the same, on so many connections of this library."""
    t, service = program.t, program.service
    captured = t.capture(program.port)
    reports = program.play()
    dissected = captured.connections()
    if len(dissected) != connections:
        raise Failure(f"the dissector sees {len(dissected)} connections, not {connections}")
    t.verify(dissected, service, service, reports, tapstat=program.tapstat, baseline=program.before)
    verify_tls(program.tapstat, {(library, "yes"): 2 * connections})
