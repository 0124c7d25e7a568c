# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Finds the tests, runs them one after the other, and tells how each ended.

A test is a function test_…(t) of a file test_*.py; t is a context.Context. `@cases` makes one test of each row of
a table, `@also_inside_tls` a second one with the same traffic inside TLS, `@options` sets a time limit or has the test run beside all others from the first moment on.
"""

import argparse
import importlib
import json
import os
import pathlib
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback

from .context import Context, Module, short_name
from .processes import Failure, Skip
from .tapstat import BINARY

DEFAULT_TIMEOUT = int(os.environ.get("TEST_SECONDS", 60))  # more in emulated guests, where loading takes minutes


class TimedOut(BaseException):
    """The test took too long; not an Exception, so that no test's own handling swallows it."""


def options(timeout=DEFAULT_TIMEOUT, background=False):
    """Of a test: seconds that it may take, and whether it waits most of its time and so runs beside the others."""

    def mark(function):
        function.timeout, function.background = timeout, background
        return function

    return mark


def cases(rows):
    """One test of each row {name: argument}; the function takes (t, argument)."""

    def mark(function):
        function.rows = rows
        return function

    return mark


def also_inside_tls(function=None, rows=None):
    """A second test of the same scene, called with `tls=True`; `rows`: only for these of the table."""

    def mark(marked):
        marked.inside_tls = True if rows is None else set(rows)
        return marked

    return mark(function) if function else mark


class Test:
    """One test function with the argument of its row."""

    def __init__(self, module, function, row=None, tls=False):
        self.module = module
        stem = module.__name__.removeprefix("test_")
        self.name = f"{stem}.{function.__name__.removeprefix('test_')}"
        if row or tls:
            self.name += f"[{', '.join(filter(None, (row, 'TLS' if tls else '')))}]"
        self.timeout = getattr(function, "timeout", DEFAULT_TIMEOUT)
        self.background = getattr(function, "background", False)
        self._function = function
        self._arguments = [function.rows[row]] if row else []
        self._keywords = {"tls": True} if tls else {}

    def run(self, shared, directory):
        """(status, reason): `ok`, `FAIL` or `skip`."""
        context = None
        path = pathlib.Path(directory) / short_name(self.name)
        path.mkdir()
        try:
            signal.signal(signal.SIGALRM, self._on_alarm)
            signal.alarm(self.timeout)
            shared.next_test()
            context = Context(self.name, shared, path)
            self._function(context, *self._arguments, **self._keywords)
            context.check_quiet()
            return "ok", ""
        except Skip as skip:
            return "skip", str(skip)
        except TimedOut:
            return "FAIL", f"not done after {self.timeout} s, at {_place(sys.exc_info()[2])}"
        except Failure as failure:
            told = f"{failure} ({_place(sys.exc_info()[2])})"
            skipped = context.skipped_runs() if context and os.environ.get("E2E_PREEMPTIBLE") else 0
            if skipped:
                return "skip", f"the kernel left out {skipped} runs of the hooks, which tapstat counted: {told}"
            return "FAIL", told
        except Exception as error:  # the runner reports whatever a test lets through
            return "FAIL", f"{type(error).__name__}: {error} ({_place(sys.exc_info()[2])})"
        finally:
            signal.alarm(0)
            if context:
                context.close()

    def _on_alarm(self, _number, _frame):
        raise TimedOut


def _place(trace):
    """The line of the test function."""
    places = [frame for frame in traceback.extract_tb(trace) if pathlib.Path(frame.filename).name.startswith("test_")]
    return f"{pathlib.Path(places[0].filename).name}:{places[0].lineno}" if places else "outside the test"


def discover(directory, filters):
    """The tests whose name contains one of the filters, or all."""
    found = []
    for path in sorted(directory.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, function in vars(module).items():
            if name.startswith("test_") and callable(function) and function.__module__ == path.stem:
                found += _tests_of(module, function)
    return [test for test in found if not filters or any(text in test.name for text in filters)]


def _tests_of(module, function):
    rows = list(getattr(function, "rows", [None]))
    secure = getattr(function, "inside_tls", set())
    plain = [Test(module, function, row) for row in rows]
    return plain + [Test(module, function, row, tls=True) for row in rows if secure is True or row in secure]


class Background:
    """A test in a process of its own, beside the others."""

    def __init__(self, test, directory, with_tapstat):
        self.test = test
        self.started = time.monotonic()
        self._read, write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._read)
            try:
                shared = Module(directory, with_tapstat)
                result = test.run(shared, directory)
                shared.end()
                os.write(write, json.dumps(result).encode())
            finally:
                os._exit(0)
        os.close(write)

    def result(self):
        """Waits for its end."""
        data = b""
        while True:
            select.select([self._read], [], [])
            more = os.read(self._read, 65536)
            if not more:
                break
            data += more
        os.close(self._read)
        os.waitpid(self._pid, 0)
        return tuple(json.loads(data)) if data else ("FAIL", "its process died")


class Report:
    """The lines that people and CI read."""

    WORDS = {"ok": "passed", "FAIL": "failed", "skip": "skipped"}

    def __init__(self):
        self.numbers = dict.fromkeys(self.WORDS, 0)

    def add(self, test, result, seconds):
        status, reason = result
        self.numbers[status] += 1
        print(
            f"{status} {test.name}" + (f": {reason}" if reason else "") + f" ({seconds:.1f} s)" * (status != "skip"),
            flush=True,
        )

    def end(self):
        print(", ".join(f"{self.numbers[status]} {word}" for status, word in self.WORDS.items()), flush=True)
        return 1 if self.numbers["FAIL"] else 0


def run_all(tests, directory, with_tapstat):
    """Runs the tests; returns the exit status."""
    report = Report()
    background = [Background(test, directory, with_tapstat) for test in tests if test.background]
    shared, current = None, None
    try:
        for test in tests:
            if test.background:
                continue
            if shared is None or (test.module is not current and not os.environ.get("E2E_ONE_TAPSTAT")):
                if shared:
                    shared.end()
                shared, current = Module(directory, with_tapstat), test.module
            began = time.monotonic()
            report.add(test, test.run(shared, directory), time.monotonic() - began)
    finally:
        if shared:
            shared.end()
    for running in background:
        result = running.result()
        report.add(running.test, result, time.monotonic() - running.started)
    return report.end()


def main(suite):
    parser = argparse.ArgumentParser(description="End-to-end tests of tapstat.", epilog="Without FILTER: all tests.")
    parser.add_argument("filters", nargs="*", metavar="FILTER", help="run only tests whose name contains one of these")
    parser.add_argument("--list", action="store_true", help="print the names and run nothing")
    parser.add_argument("--keep", action="store_true", help="leave the logs and captures and say where")
    parser.add_argument("--without-tapstat", action="store_true", help="compare only the peers with the dissector")
    arguments = parser.parse_args()
    sys.path.insert(0, str(suite))
    tests = discover(suite, arguments.filters)
    if arguments.list:
        print("\n".join(test.name for test in tests))
        return 0
    if not tests:
        print("no test has such a name", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("the end-to-end tests need root", file=sys.stderr)
        return 1
    if not arguments.without_tapstat and not BINARY.exists():
        print(f"{BINARY} is missing: run make first", file=sys.stderr)
        return 1
    directory = tempfile.mkdtemp(prefix="tapstat-e2e-")
    os.chmod(directory, 0o755)  # peers that run as other users read their scripts here
    try:
        return run_all(tests, directory, not arguments.without_tapstat)
    finally:
        if arguments.keep:
            print(f"logs and captures: {directory}", file=sys.stderr)
        else:
            shutil.rmtree(directory, ignore_errors=True)
