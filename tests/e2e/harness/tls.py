# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tapstat says of TLS connections themselves: of which library, and whether it sees what they carry."""

import collections
import time

from .processes import Failure

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
