# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tapstat must show of requests: HTTP, and operations of stores, by interface.md's definitions.

The expectation comes from the servers' own counters, from the dissector or from the test's script; a baseline is
subtracted from what tapstat shows, so that services whose names tests share (http.server) can be compared, too.
"""

import collections
import time

from .expect import SIZE_BOUNDS
from .processes import Failure

# Which names the label `operation` must know. Others are allowed to be `other`: its set is closed, but longer.
NAMED = {
    "redis": set(
        "ping get set del exists expire incr decr append mget mset getset hget hset hmget hgetall hdel lpush rpush lpop"
        " rpop lrange llen blpop brpop sadd spop srem smembers zadd zrange zpopmin publish subscribe multi exec".split()
    ),
    "memcached": set("get gets set add replace append prepend cas delete incr decr touch".split()),
}


def operations(scrape, service, role, backend):
    """{(operation, status): count} of storage_operations_total."""
    return _by(scrape, "storage_operations_total", ("operation", "status"), service=service, role=role, backend=backend)


def http(scrape, service, role):
    """{(method, endpoint, status): count} of http_requests_total."""
    return _by(scrape, "http_requests_total", ("method", "endpoint", "status"), service=service, role=role)


def durations(scrape, service, role, backend=None):
    """How many samples the durations have: {(operation,): count} of a backend, else {(method, endpoint): count}."""
    if backend:
        name = "storage_operation_duration_seconds_count"
        return _by(scrape, name, ("operation",), service=service, role=role, backend=backend)
    name = "http_request_duration_seconds_count"
    return _by(scrape, name, ("method", "endpoint"), service=service, role=role)


def backends(scrape, service, role=None):
    """The backends that have operations of a service."""
    labels = {"service": service, **({"role": role} if role else {})}
    return {backend for (backend,) in _by(scrape, "storage_operations_total", ("backend",), **labels)}


def _by(scrape, name, keys, **labels):
    counts = collections.Counter()
    for own, value in scrape.select(name, **labels).items():
        own = dict(own)
        counts[tuple(own.get(key, "") for key in keys)] += int(value)
    return +counts


def fold(expected, measured, names):
    """The expectation with those operations as `other` that need no name of their own and were given none."""
    folded = collections.Counter()
    for (operation, status), count in expected.items():
        known = operation in names or (operation, status) in measured
        folded[operation if known else "other", status] += count
    return folded


def differences(expected, measured, most=10):
    """What differs, one text for each combination of labels."""
    wrong = [key for key in sorted({*expected, *measured}) if measured.get(key, 0) != expected.get(key, 0)]
    texts = [f"{'/'.join(key)} is {measured.get(key, 0)}, expected {expected.get(key, 0)}" for key in wrong[:most]]
    return texts + [f"and {len(wrong) - most} more"] * (len(wrong) > most)


def agree(what, one, other):
    """Two sources of truth, which must be equal before tapstat is asked."""
    wrong = differences(dict(one), dict(other))
    if wrong:
        raise Failure(f"{what}: " + "; ".join(wrong))


def _missing_samples(requests, samples, role):
    """Texts unless each request has its sample of duration.

    At a server all do. A client's hook for the answer can run before that for the request, which then has no
    duration: one in twenty may, and two in any case."""
    late = max(2, sum(requests.values()) // 20) if role == "client" else 0
    none_too_many = all(samples.get(key, 0) <= requests.get(key, 0) for key in {*samples, *requests})
    if none_too_many and sum(requests.values()) - sum(samples.values()) <= late:
        return []
    return [f"samples of duration: {text}" for text in differences(requests, samples)]


def _until(tapstat, wrong, who, timeout):
    """The scrape in which wrong(scrape) is empty, and still is a moment later."""
    deadline = time.monotonic() + timeout
    while texts := wrong(tapstat.scrape()):
        if time.monotonic() > deadline:
            raise Failure(f"{who}: " + "; ".join(texts))
        time.sleep(0.05)
    time.sleep(0.15)
    scrape = tapstat.scrape()
    if texts := wrong(scrape):
        raise Failure(f"{who}, right at first and then: " + "; ".join(texts))
    return scrape


def verify_http(t, service, role, expected, tapstat=None, baseline=None, timed=True, timeout=5.0):
    """Compares the requests of one side of a service, {(method, endpoint, status): count}, with tapstat's.

    Each answered request gives one sample of its duration, unless not `timed`; nothing of it may be an operation of
    a store. Returns the scrape, None without tapstat."""
    if not t.module.with_tapstat:
        return None
    before = baseline or t.baseline
    was = http(before, service, role)
    samples_before = durations(before, service, role)
    unanswered = {key[:2] for key in expected if key[2] == "none"}
    samples = collections.Counter()
    for (method, endpoint, _), count in expected.items():
        samples[method, endpoint] += count

    def wrong(scrape):
        now = http(scrape, service, role)
        now.subtract(was)
        texts = differences(expected, now)
        if not texts and timed:
            taken = durations(scrape, service, role)
            taken.subtract(samples_before)
            own = {key: count for key, count in taken.items() if key not in unanswered}
            texts = _missing_samples({key: samples[key] for key in samples if key not in unanswered}, own, role)
        if found := backends(scrape, service, role) - backends(before, service, role):
            texts.append(f"HTTP was taken for {', '.join(sorted(found))}")
        return texts

    return _until(tapstat or t.tapstat, wrong, f"{service}/{role}", timeout)


def verify_operations(t, service, role, backend, expected, tapstat=None, baseline=None, timed=True, timeout=5.0):
    """Compares the operations of one side of a service, {(operation, status): count}, with tapstat's.

    Each gives one sample of its duration, unless not `timed`; no other backend may have any. Returns the scrape,
    None without tapstat."""
    if not t.module.with_tapstat:
        return None
    before = baseline or t.baseline
    was = operations(before, service, role, backend)
    samples_before = durations(before, service, role, backend)

    def wrong(scrape):
        now = operations(scrape, service, role, backend)
        now.subtract(was)
        folded = fold(expected, now, NAMED[backend])
        texts = differences(folded, now)
        if not texts and timed:
            taken = durations(scrape, service, role, backend)
            taken.subtract(samples_before)
            samples = collections.Counter()
            for (operation, _), count in folded.items():
                samples[(operation,)] += count
            texts = _missing_samples(samples, taken, role)
        if found := backends(scrape, service, role) - {backend} - backends(before, service, role):
            texts.append(f"{backend} was taken for {', '.join(sorted(found))}")
        return texts

    return _until(tapstat or t.tapstat, wrong, f"{service}/{role}/{backend}", timeout)


def verify_values(t, expected, tapstat=None, timeout=5.0, **labels):
    """Waits until single samples, {name: value}, that have these labels have these values."""
    if not t.module.with_tapstat:
        return None

    def wrong(scrape):
        found = {(name,): scrape.total(name, **labels) for name in expected}
        return [
            f"{name} is {found[name,]:g}, expected {value:g}"
            for name, value in expected.items()
            if found[name,] != value
        ]

    return _until(tapstat or t.tapstat, wrong, str(labels), timeout)


def size_buckets(sizes):
    """{bound: count} as a histogram of these sizes must show them."""
    counts = {
        f"{bound:g}" if bound < 1e6 else str(bound): sum(size <= bound for size in sizes) for bound in SIZE_BOUNDS
    }
    return {**counts, "+Inf": len(sizes)}


def verify_sizes(t, family, sizes, **labels):
    """A histogram of body sizes: every bucket, sum and count."""

    def wrong(scrape):
        texts = []
        measured = {
            float(dict(own)["le"]): int(value) for own, value in scrape.select(f"{family}_bucket", **labels).items()
        }
        for bound, count in size_buckets(sizes).items():
            if measured.get(float(bound), 0) != count:
                texts.append(f"{family} up to {bound}: {measured.get(float(bound), 0)}, expected {count}")
        for part, value in (("sum", sum(sizes)), ("count", len(sizes))):
            if scrape.total(f"{family}_{part}", **labels) != value:
                texts.append(f"{family}_{part} is {scrape.total(f'{family}_{part}', **labels):g}, expected {value}")
        return texts

    return _until(t.tapstat, wrong, str(labels), 5.0) if t.module.with_tapstat else None
