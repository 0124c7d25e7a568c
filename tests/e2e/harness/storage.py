# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Storage operations: from scrapes to {(operation, status): count}, and their comparison with what others counted.

Statements that failed carry no command tag, so under which operation they count is the protocol's matter; where a test
doesn't ask for it, they are compared in one sum, `FAILED`.
"""

import collections
import functools
import json
import re
import subprocess
import time

from .processes import Failure
from .tapstat import BINARY

SUCCESS, FAILED = "success", "failed"
SETTLING = 6.0  # seconds until the counts must be right


def operations(metrics, service, role, backend):
    """{(operation, status): count} of one side of a service, from a scrape; zeroes are left out."""
    labels = {"service": service, "role": role, "backend": backend}
    found = collections.Counter()
    for own, value in metrics.select("storage_operations_total", **labels).items():
        if value:
            found[dict(own)["operation"], dict(own)["status"]] = int(value)
    return found


def durations(metrics, service, role, backend):
    """{operation: (samples, seconds)} of one side of a service."""
    labels = {"service": service, "role": role, "backend": backend}
    name = "storage_operation_duration_seconds"
    sums = metrics.select(f"{name}_sum", **labels)
    return {
        dict(own)["operation"]: (int(count), sums.get(own, 0.0))
        for own, count in metrics.select(f"{name}_count", **labels).items()
        if count
    }


def transferred(metrics, service, role, backend):
    """{direction: bytes} of one side of a service."""
    found = collections.Counter()
    for own, value in metrics.select("storage_bytes_total", service=service, role=role, backend=backend).items():
        found[dict(own)["direction"]] += int(value)
    return found


def connections(metrics, service, backend):
    """(active, idle) connections of a service to its databases."""
    return tuple(
        int(metrics.total(f"db_connections_{state}", service=service, backend=backend)) for state in ("active", "idle")
    )


@functools.cache
def known_operations():
    """The closed set of `operation`, as the catalog tells it; None while it has no such family."""
    result = subprocess.run([BINARY, "catalog", "--format=json"], stdout=subprocess.PIPE, check=False)
    for family in json.loads(result.stdout or "[]"):
        if family["name"] == "storage_operations_total":
            values = [label.get("values") for label in family["labels"] if label["name"] == "operation"]
            return frozenset(values[0]) if values and values[0] else None
    return None


def require_known(*names):
    """Failure unless the closed set has all of these; counts of the others are compared as `other`."""
    absent = set(names) - (known_operations() or set())
    if absent:
        raise Failure(f"the catalog's operations lack {sorted(absent)}")


def folded(counts, known=None):
    """The counts with operations that are not in the closed set as `other`."""
    known = known if known is not None else known_operations()
    result = collections.Counter()
    for (operation, status), count in counts.items():
        result[operation if known is None or operation in known else "other", status] += count
    return result


def failures_together(counts):
    """The counts with one sum of what failed, whatever the operation."""
    result = collections.Counter()
    for (operation, status), count in counts.items():
        result[operation if status == SUCCESS else "*", status] += count
    return result


def by_status(counts):
    """The counts by status alone."""
    result = collections.Counter()
    for (_, status), count in counts.items():
        result["*", status] += count
    return result


def successes_together(counts):
    """One sum of what succeeded, nothing else."""
    return collections.Counter({key: count for key, count in by_status(counts).items() if key[1] == SUCCESS})


def differences(expected, measured):
    """One text for each (operation, status) that differs."""
    return [
        f"{operation} {status} is {measured.get((operation, status), 0)}, "
        f"expected {expected.get((operation, status), 0)}"
        for operation, status in sorted({*expected, *measured})
        if measured.get((operation, status), 0) != expected.get((operation, status), 0)
    ]


def compare(what, expected, measured, view=failures_together):
    """Failure with what differs, if anything does."""
    wrong = differences(view(expected), view(measured))
    if wrong:
        raise Failure(f"{what}: " + "; ".join(wrong))


def verb(statement):
    """The first word of a statement in lower case; comments and brackets before it don't count."""
    text = re.sub(r"^(\s|\(|/\*.*?\*/|--[^\n]*\n)+", "", statement, flags=re.DOTALL)
    match = re.match(r"[A-Za-z]+", text)
    return match.group().lower() if match else ""


class Watch:
    """What one tapstat counts of a backend from now on; without tapstat it has nothing to say and agrees."""

    def __init__(self, t, backend, tapstat=None):
        self.backend = backend
        self._tapstat = (tapstat or t.tapstat) if t.module.with_tapstat else None
        self.before = self._tapstat.scrape() if self._tapstat else None

    def counts(self, scrape, service, role, reader=operations):
        """What `reader` finds in the scrape beyond what it found at the beginning."""
        before = reader(self.before, service, role, self.backend)
        after = reader(scrape, service, role, self.backend)
        rose = {key: count - before.get(key, 0) for key, count in after.items()}
        return collections.Counter({key: count for key, count in rose.items() if count})

    def verify(self, expected, *sides, view=failures_together, ignored=frozenset(), timeout=SETTLING):
        """Waits until each of these sides, (service, role), has counted just these operations, then that it stays so.

        `view` says how precisely, `ignored` names operations that the test does not judge. Each operation must also
        have its sample in the histogram of durations. Returns the scrape."""
        if not self._tapstat:
            return None
        expected = view(folded(expected))

        def wrong(scrape):
            texts = []
            for service, role in sides:
                found = self.counts(scrape, service, role)
                judged = {key: count for key, count in found.items() if key[0] not in ignored}
                texts += [f"{service}/{role}: {text}" for text in differences(expected, view(judged))]
                texts += self._wrong_durations(scrape, service, role, found)
            return texts

        deadline = time.monotonic() + timeout
        while texts := wrong(scrape := self._tapstat.scrape()):
            if time.monotonic() > deadline:
                raise Failure("; ".join(texts[:10]))
            time.sleep(0.05)
        time.sleep(0.15)
        if texts := wrong(scrape := self._tapstat.scrape()):
            raise Failure("right at first and then: " + "; ".join(texts[:10]))
        return scrape

    def _wrong_durations(self, scrape, service, role, found):
        samples = self.counts(scrape, service, role, lambda *where: {
            (operation, "timed"): count for operation, (count, _) in durations(*where).items()
        })
        timed = collections.Counter()
        for (operation, status), count in found.items():
            timed[operation, "timed"] += count
            if status == "failed":  # those that no answer came for have no duration
                at = operation, "timed"
                samples[at] = max(samples.get(at, 0), min(timed[at], samples.get(at, 0) + count))
        return [f"{service}/{role}: {text}" for text in differences(timed, samples)]

    def verify_bytes(self, scrape, service, role, direction, least, most):
        """The bytes of one direction lie between what the operations need and what the connection carried."""
        if not self._tapstat:
            return
        count = self.counts(scrape, service, role, transferred)[direction]
        if not least <= count <= most:
            raise Failure(f"{service}/{role}: {count} bytes {direction}, expected {least} to {most}")

    def verify_duration(self, scrape, service, role, operation, least, most):
        """The sum of one operation's durations lies between these, in seconds."""
        if not self._tapstat:
            return
        seconds = durations(scrape, service, role, self.backend).get(operation, (0, 0.0))[1]
        seconds -= durations(self.before, service, role, self.backend).get(operation, (0, 0.0))[1]
        if not least <= seconds <= most:
            raise Failure(f"{service}/{role}: {operation} took {seconds:.4f} s, expected {least:.4f} to {most:.4f}")

    def verify_connections(self, service, active, idle, timeout=SETTLING):
        """Waits until the service has so many connections with and without a request outstanding."""
        if not self._tapstat:
            return
        deadline = time.monotonic() + timeout
        while (found := connections(self._tapstat.scrape(), service, self.backend)) != (active, idle):
            if time.monotonic() > deadline:
                raise Failure(f"{service}: active and idle connections are {found}, expected {(active, idle)}")
            time.sleep(0.05)

    def joined(self, *sides, timeout=5.0):
        """From here on counted: what the sides have counted once their figures stand still."""
        if self._tapstat:
            last = None
            deadline = time.monotonic() + timeout
            while (now := [operations(self._tapstat.scrape(), *side, self.backend) for side in sides]) != last:
                if time.monotonic() > deadline:
                    raise Failure(f"the counts of {sides} do not settle")
                last = now
                time.sleep(0.2)
            self.before = self._tapstat.scrape()
        return self

    def verify_joined(self, protocol, least):
        """So many ends of connections, at least, were recognised in mid-stream since tapstat began."""
        if not self._tapstat:
            return
        count = self._tapstat.scrape().total("tapstat_connections_joined_total", protocol=protocol)
        if count < least:
            raise Failure(f"{count:g} connections of {protocol} joined, expected at least {least}")
