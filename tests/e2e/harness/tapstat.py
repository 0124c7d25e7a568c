# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""tapstat itself: started, scraped, compared, stopped."""

import http.client
import itertools
import os
import pathlib
import re
import time

from . import expect
from .metrics import Scrape
from .processes import Failure, Process, free_port, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("TAPSTAT", ROOT / "build" / "tapstat"))
OPTIONS = os.environ.get("TAPSTAT_OPTIONS", "").split()  # of every `tapstat serve`, behind the test's own


def fetch(port, path="/metrics", headers=None, method="GET", timeout=10.0):
    """(status, headers, body) of one request to this port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


class Tapstat:
    """`tapstat serve` with these further options; `prefix` is a command that runs it."""

    _numbers = itertools.count(1)

    def __init__(self, directory, *options, port=None, prefix=(), binary=BINARY):
        self.port = port or free_port()
        log = pathlib.Path(directory) / f"tapstat-{next(self._numbers)}.log"
        arguments = [f"--web.listen-address=127.0.0.1:{self.port}", *options, *OPTIONS]
        self.process = Process([*prefix, binary, "serve", *arguments], log)
        self.ready = False

    def wait_ready(self, timeout=150.0):  # an emulated guest verifies the programs for up to two minutes
        """Returns itself once it has logged that it listens."""

        def listening():
            if self.process.exit_status() is not None:
                raise Failure(f"tapstat ended with {self.process.exit_status()}: {self.process.errors()[-800:]}")
            return 'msg="listening"' in self.process.errors()

        wait_until(listening, "tapstat listens", timeout, every=0.02)
        self.ready = True
        return self

    def logged(self, pattern):
        return re.search(pattern, self.process.errors())

    def scrape(self):
        status, _, body = fetch(self.port)
        if status != 200:
            raise Failure(f"GET /metrics answers {status}")
        return Scrape(body.decode())

    def settled(self, *sides, timeout=5.0):
        """A scrape in which these sides, (service, role), are as they were a moment before."""
        last = self.scrape()
        deadline = time.monotonic() + timeout
        while True:
            time.sleep(0.2)
            now = self.scrape()
            if all(expect.counts(now.side(*side)) == expect.counts(last.side(*side)) for side in sides):
                return now
            if time.monotonic() > deadline:
                raise Failure(f"the counts of {sides} do not settle")
            last = now

    def verify(self, service, role, expected, baseline=None, timeout=8.0):
        """Waits until one side of a service has exactly these counts, then that they stay.

        `expected` maps samples (expect.py) to counts above `baseline`, an earlier scrape; a sample that is absent
        from it must be 0. Returns the scrape."""
        before = expect.counts(baseline.side(service, role)) if baseline else {}
        deadline = time.monotonic() + timeout
        while True:
            scrape = self.scrape()
            wrong = expect.differences(expected, expect.subtract(expect.counts(scrape.side(service, role)), before))
            if not wrong:
                break
            if time.monotonic() > deadline:
                raise Failure(f"{service}/{role}: " + "; ".join(wrong))
            time.sleep(0.05)
        time.sleep(0.15)
        scrape = self.scrape()
        wrong = expect.differences(expected, expect.subtract(expect.counts(scrape.side(service, role)), before))
        if wrong:
            raise Failure(f"{service}/{role}, right at first and then: " + "; ".join(wrong))
        return scrape

    def stop(self):
        return self.process.stop(patience=15.0)
