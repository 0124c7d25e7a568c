# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Child processes, each the leader of its own session, and the waiting for what they do."""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import time


class Failure(AssertionError):
    """What a test expected did not hold."""


class Skip(Exception):
    """The test cannot run here; the text says why."""


def wait_until(condition, what, timeout=10.0, every=0.05):
    """The first true value of `condition()`; Failure after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"after {timeout:g} s still waiting until {what}")
        time.sleep(every)


def free_port(host="127.0.0.1"):
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def accepts(port, host="127.0.0.1"):
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


class Process:
    """A child with pipes on standard input and output; standard error goes to a file."""

    def __init__(self, argv, log, env=None, cwd=None, user=None):
        self.argv = [str(word) for word in argv]
        self.log = log
        self._buffer = b""
        with open(log, "ab") as errors:
            self._child = subprocess.Popen(
                self.argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=cwd,
                user=user,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                bufsize=0,
            )

    @property
    def pid(self):
        return self._child.pid

    @property
    def stdin(self):
        return self._child.stdin

    @property
    def stdout(self):
        return self._child.stdout

    def errors(self):
        """What it has written to standard error."""
        with open(self.log, errors="replace") as log:
            return log.read()

    def exit_status(self):
        """The exit status, or None while it runs."""
        return self._child.poll()

    def wait(self, timeout=10.0):
        """Its exit status, once it has ended by itself."""
        try:
            return self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.argv[0]} still runs after {timeout:g} s") from None

    def send_line(self, text):
        try:
            self._child.stdin.write(text.encode() + b"\n")
        except BrokenPipeError:
            raise Failure(self._last_words("takes no input")) from None

    def read_line(self, timeout=20.0):
        """The next line of standard output."""
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._child.stdout], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self._child.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise Failure(self._last_words("ended its output" if ready else f"is silent for {timeout:g} s"))
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    def ask(self, command, timeout=60.0):
        """One JSON command, its one-line JSON answer."""
        self.send_line(json.dumps(command))
        return self.answer(timeout)

    def answer(self, timeout=60.0):
        """The next line of output, a JSON object; an "error" in it is a failure."""
        answer = json.loads(self.read_line(timeout))
        if "error" in answer:
            raise Failure(f"{self.argv[0]}: {answer['error']}")
        return answer

    def signal(self, number):
        self._child.send_signal(number)

    def freeze(self):
        """SIGSTOP, and waits until all of its threads stand still."""
        self.signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{self._child.pid}/task")

        def still():
            return all((task / "stat").read_text().rsplit(")", 1)[1].split()[0] == "T" for task in tasks.iterdir())

        wait_until(still, "the process stands still", 5)

    def stop(self, patience=5.0):
        """Ends it and all of its session's group; returns the exit status."""
        if self._child.stdin:
            self._child.stdin.close()
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._child.pid, number)
            except ProcessLookupError:
                pass
            try:
                self._child.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            if number == signal.SIGKILL or not self._group_lives():
                break
        self._child.stdout.close()
        return self._child.returncode

    def _group_lives(self):
        try:
            os.killpg(self._child.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _last_words(self, what):
        return f"{' '.join(self.argv[:3])} {what}; standard error ends: {self.errors()[-600:]!r}"
