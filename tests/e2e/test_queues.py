# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""message_queue_depth: the lengths that a real Redis tells of the lists that the configuration calls queues."""

import shutil
import subprocess

from harness.processes import Failure, accepts, free_port, wait_until
from harness.toolchain import need

OPERATIONS = "storage_operations_total"


def check(condition, message):
    if not condition:
        raise Failure(message)


class Redis:
    """A server and a client program as services of the test."""

    def __init__(self, t):
        need("redis-server", "redis-cli")
        self.port = free_port()
        self.server = t.service("server")
        self.client = t.service("worker")
        program = t.copy(shutil.which("redis-server"), "server")
        self.cli = t.copy(shutil.which("redis-cli"), "worker")
        t.start([program, "--port", self.port, "--save", "", "--dir", t.tmp, "--daemonize", "no"], "server")
        wait_until(lambda: accepts(self.port), "Redis answers")

    def run(self, *command, text=None):
        """The answer to one command, or to those of the lines of `text`, on a connection of its own."""
        result = subprocess.run(
            [str(self.cli), "-p", str(self.port), *map(str, command)],
            input=text, capture_output=True, text=True, timeout=20, check=True,
        )
        return result.stdout.strip()


def configured(t, text):
    path = t.tmp / "queues.yml"
    path.write_text(text)
    return t.own_tapstat(f"--config.file={path}")


def depths(scrape, service):
    return {dict(labels)["queue_type"]: value for labels, value in scrape.select("message_queue_depth", service=service).items()}


def expect_depths(tapstat, service, expected):
    def told():
        return depths(tapstat.scrape(), service) == expected

    try:
        wait_until(told, "depths", timeout=5)
    except Failure:
        raise Failure(f"{service}: depths are {depths(tapstat.scrape(), service)}, expected {expected}") from None


def test_depth_is_the_last_length_told_and_of_several_keys_the_sum(t):
    t.require_tapstat()
    redis = Redis(t)
    tapstat = configured(
        t,
        "queues:\n"
        f"  - {{queue_type: nobody, key: 'jobs:*', service: 'no-such-service'}}\n"
        f"  - {{queue_type: pending, key: 'jobs:*'}}\n"
        f"  - {{queue_type: later, key: 'jobs:late'}}\n"
        f"  - {{queue_type: events, key: 'events-?', service: '{redis.client}'}}\n",
    )
    check(not depths(tapstat.scrape(), redis.server), "a depth is told before anything happened")
    redis.run("RPUSH", "jobs:a", 1, 2, 3)
    for service in (redis.server, redis.client):
        expect_depths(tapstat, service, {"pending": 3})
    redis.run("LPUSH", "jobs:late", 1, 2)
    redis.run("RPUSH", "other", 1, 2)
    redis.run("LPUSHX", "jobs:none", 1)  # there is no such list: 0
    redis.run("RPUSHX", "jobs:a", 4)
    redis.run("XADD", "events-1", "*", "k", "v")
    check(redis.run("XLEN", "events-1") == "1", "the stream does not hold one entry")
    expect_depths(tapstat, redis.server, {"pending": 6})
    expect_depths(tapstat, redis.client, {"pending": 6, "events": 1})
    redis.run("LPOP", "jobs:a", 3)
    expect_depths(tapstat, redis.server, {"pending": 6})
    redis.run("LLEN", "jobs:a")
    expect_depths(tapstat, redis.server, {"pending": 3})
    redis.run("SET", "jobs:text", "x")
    check("WRONGTYPE" in redis.run("LLEN", "jobs:text"), "LLEN of a text works")
    expect_depths(tapstat, redis.server, {"pending": 3})
    scrape = tapstat.settled((redis.server, "server"), (redis.client, "client"))
    for service, role in ((redis.server, "server"), (redis.client, "client")):
        for operation, status, number in (
            ("rpush", "success", 2),
            ("lpush", "success", 1),
            ("lpushx", "success", 1),
            ("rpushx", "success", 1),
            ("llen", "success", 1),
            ("llen", "failed", 1),
        ):
            labels = {"service": service, "role": role, "backend": "redis", "operation": operation, "status": status}
            check(scrape.value(OPERATIONS, **labels) == number, f"{labels}: {scrape.value(OPERATIONS, **labels)}, not {number}")


def test_pipelines_large_values_and_long_keys(t):
    t.require_tapstat()
    redis = Redis(t)
    tapstat = configured(t, "queues:\n  - {queue_type: work, key: '*work*'}\nendpoints: {limit: 6}\n")
    lines = "".join(f"RPUSH work:{i % 50:03} {i}\n" for i in range(1000))
    redis.run(text=lines)  # one connection, one request after the other
    expect_depths(tapstat, redis.server, {"work": 1000})
    commands = "".join(f"*3\r\n$5\r\nRPUSH\r\n$8\r\nwork:{i % 50:03}\r\n$1\r\nx\r\n" for i in range(1000))
    redis.run("--pipe", text=commands)
    expect_depths(tapstat, redis.client, {"work": 2000})
    expect_depths(tapstat, redis.server, {"work": 2000})
    # The server reads the value in many calls; it is known who serves once the first request is complete.
    redis.run("--pipe", text="*1\r\n$4\r\nPING\r\n*3\r\n$5\r\nRPUSH\r\n$8\r\nbig:work\r\n$300000\r\n" + "v" * 300_000 + "\r\n")
    expect_depths(tapstat, redis.client, {"work": 2001})
    expect_depths(tapstat, redis.server, {"work": 2001})
    key = "k" * 60 + "work" + "k" * 63
    redis.run("RPUSH", key, 1, 2)
    expect_depths(tapstat, redis.client, {"work": 2003})
    expect_depths(tapstat, redis.server, {"work": 2003})
    redis.run("RPUSH", "work" * 32, 1, 2)  # 128 bytes: too long
    redis.run("RPUSH", "work:000", 1)
    expect_depths(tapstat, redis.client, {"work": 2004})
    scrape = tapstat.settled((redis.client, "client"))
    rows = scrape.select(OPERATIONS, service=redis.client, operation="rpush")
    check(list(rows.values()) == [2004], f"rpush: {rows}, expected one label combination with 2004")


def test_keys_past_the_limit_are_counted_as_missing(t):
    t.require_tapstat()
    redis = Redis(t)
    tapstat = configured(t, f"queues:\n  - {{queue_type: many, key: 'q:*', service: '{redis.client}'}}\n")
    before = tapstat.scrape().value("tapstat_dropped_total", reason="max_queue_keys") or 0
    redis.run(text="".join(f"RPUSH q:{i} x\n" for i in range(600)))
    expect_depths(tapstat, redis.client, {"many": 512})
    dropped = tapstat.scrape().value("tapstat_dropped_total", reason="max_queue_keys") - before
    check(dropped == 600 - 512, f"{dropped} keys are told to be missing")
    total = tapstat.settled((redis.client, "client")).total(OPERATIONS, service=redis.client, operation="rpush")
    check(total == 600, f"{total} operations, expected 600")
