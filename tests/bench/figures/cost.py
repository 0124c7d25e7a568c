# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the hooks cost a call, a frame, a service: with them and without, in turn."""

import bisect
import statistics
import sys
import threading
import time

from .machine import Row, Unmeasured, cpus, quartiles, shown
from .programs import BENCH, ROOT, Child, Hooks

CALL_NS, CALL_WANTED_NS, FRAME_NS = 400, 300, 30
UNDISTURBED = 1.06  # of the shortest time seen for the same work
TRIES = 40
CONNECTIONS = 16
STEADY = 0.06  # by how much the rates before and after may differ
SATURATED = 0.85  # of a CPU that the server must have had: else it waited, or another process had it


class Frames:
    """Bench program `frames`, which repeats what ran while the CPU was slowed down by something else."""

    def __init__(self, stack, programs):
        self._child = Child(stack, programs.path("frames"), cpu=cpus()[0])
        self._best = min(self._pause_and_speed() for _ in range(100))
        self.disturbed = 0

    def _pause_and_speed(self):
        time.sleep(0.01)
        return self._speed()

    def _speed(self):
        return self._child.numbers("speed 20")[0]

    def measure(self, family, command):
        """What the command answers, with a new connection of this family if any."""
        for _ in range(TRIES):
            before = self._speed()
            if family:
                self._child.ask(f"open {family}")
            answer = self._child.numbers(command)
            after = self._speed()
            self._best = min(self._best, before, after)
            if max(before, after) < self._best * UNDISTURBED:
                return answer
        self.disturbed += 1
        return answer


def _paired(programs, stack, tests, rounds):
    """{test: [(what it answers without hooks, with them)]}"""
    hooks, frames = Hooks(stack, programs), Frames(stack, programs)
    pairs = {test: [] for test in tests}
    for turn in range(rounds):
        answers = {}
        for on in (False, True) if turn % 2 else (True, False):
            if on:
                hooks.set(True)
            for test in tests:
                answers[test, on] = frames.measure(*test)
            if on:
                hooks.set(False)
        for test in tests:
            pairs[test].append((answers[test, False], answers[test, True]))
    if frames.disturbed > rounds * len(tests) / 2:
        print(f"  warning: the machine was busy all the time: {frames.disturbed} readings disturbed", flush=True)
    return pairs


def _added(pairs, position, divisor=1):
    return [(on[position] - off[position]) / divisor for off, on in pairs]


def call(programs, stack):
    """One frame a call, on a connection seen from its handshake."""
    tests = [("tcp", "one 6400"), ("unix", "one 6400")]
    pairs = _paired(programs, stack, tests, 40)
    for test in tests:
        send, receive = _added(pairs[test], 0), _added(pairs[test], 1)
        worst = max(statistics.median(send), statistics.median(receive))
        bare = [statistics.median(off[position] for off, _ in pairs[test]) for position in (0, 1)]
        yield Row(
            f"call {test[0]}",
            f"send {shown(send)} ns, receive {shown(receive)} ns (bare {bare[0]:.0f}, {bare[1]:.0f})",
            f"<= {CALL_NS}, wanted {CALL_WANTED_NS}",
            worst <= CALL_NS,
        )


def batch(programs, stack):
    """Many frames a call."""
    shapes = [(64, 64), (1000, 64), (1000, 16)]
    tests = {(frames, size): ("tcp", f"batch {frames} {size} 200") for frames, size in shapes}
    pairs = _paired(programs, stack, list(tests.values()), 25)
    for (frames, size), test in tests.items():
        send, receive = (_added(pairs[test], position, frames) for position in (0, 1))
        worst = max(statistics.median(send), statistics.median(receive))
        yield Row(
            f"batch {frames}x{size}",
            f"send {shown(send, '{:+.1f}')} ns a frame, receive {shown(receive, '{:+.1f}')}",
            f"<= {FRAME_NS}",
            worst <= FRAME_NS,
        )


def socketless(programs, stack):
    """Calls that have nothing to do with sockets: no difference that stands out of the noise."""
    tests = {"getppid": (None, "getppid 6400"), "pread": (None, "file 6400"), "pipe": (None, "pipe 6400")}
    pairs = _paired(programs, stack, list(tests.values()), 40)
    for name, test in tests.items():
        added = _added(pairs[test], 0)
        first, middle, third = quartiles(added)
        bare = statistics.median(off[0] for off, _ in pairs[test])
        yield Row(
            f"socketless {name}",
            f"{shown(added, '{:+.1f}')} ns (bare {bare:.0f})",
            "within noise or 1 %",
            first <= 0 <= third or abs(middle) < bare / 100,
        )


# ---- Echo at saturation ---------------------------------------------------------------------------------------


def _phases(hooks, seconds, settle, measured, running):
    """[(on, from, to)]: the hooks off and on in turn, each left to settle and then measured."""
    phases, on = [], False
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and running():
        time.sleep(settle)
        begin = time.monotonic()
        time.sleep(measured)
        phases.append((on, begin, time.monotonic()))
        on = not on
        hooks.set(on)
    if on:
        hooks.set(False)
    return phases


def _rates(slices, phases):
    """[(on, messages a second, share of a CPU that the server used)] of the phases."""
    times, rates = [at for at, _, _ in slices], []
    for on, begin, end in phases:
        first, last = bisect.bisect_left(times, begin), bisect.bisect_left(times, end) - 1
        if last - first < 4:
            continue
        pieces = [
            (after[1] - before[1]) / (after[0] - before[0])
            for before, after in zip(slices[first:last], slices[first + 1 : last + 1])
        ]
        span = slices[last][0] - slices[first][0]
        rates.append((on, statistics.median(pieces), (slices[last][2] - slices[first][2]) / span))
    return rates


def _echo(programs, stack, name, server, seconds, settle, measured, target):
    """The connections stay while the hooks come and go: seen from the handshake, since they are on when it happens."""
    cpu, other = cpus()
    echo = Child(stack, *server, cpu=cpu)
    port = echo.line()
    hooks = Hooks(stack, programs, echo.pid)
    hooks.set(True)
    load = Child(stack, programs.path("load"), port, echo.pid, CONNECTIONS, int((seconds + 1) * 1000), cpu=other)
    output = []
    reader = threading.Thread(target=lambda: output.append(load.rest()))
    reader.start()
    deadline = time.monotonic() + 20
    while hooks.counts()[0] < 100 * CONNECTIONS and time.monotonic() < deadline:
        time.sleep(0.1)
    hooks.set(False)
    sent, _, joined, _ = hooks.counts()
    phases = _phases(hooks, seconds, settle, measured, reader.is_alive)
    reader.join()
    counted = hooks.counts()[0] - sent
    slices = [tuple(map(float, line.split())) for line in output[0].splitlines()]
    rates = _rates(slices, phases)
    ratios = []
    for before, middle, after in zip(rates, rates[1:], rates[2:]):
        steady = abs(before[1] - after[1]) < STEADY * max(before[1], after[1])
        saturated = min(before[2], middle[2], after[2]) > SATURATED
        if middle[0] and not before[0] and not after[0] and steady and saturated:
            ratios.append(2 * middle[1] / (before[1] + after[1]))
    if len(ratios) < 20:
        raise Unmeasured(f"the machine was too unsteady: {len(ratios)} of {len(phases) // 2} pairs can be used")
    traced = sum(rate * (measured + settle) for on, rate, _ in rates if on)
    if joined or counted < 0.5 * traced:
        raise Unmeasured(f"the hooks counted {counted} messages of some {traced:.0f}, {joined} connections joined")
    bare = statistics.median(rate for on, rate, _ in rates if not on)
    busy = [statistics.median(share for on, _, share in rates if on is state) for state in (False, True)]
    first, middle, third = quartiles(ratios)
    yield Row(
        name,
        f"{middle:.3f} [{first:.3f}..{third:.3f}] of {bare:.0f} messages/s, {len(ratios)} pairs, server CPU {busy[0]:.2f}, {busy[1]:.2f}",
        f">= {target}",
        middle >= target,
    )


def echo_c(programs, stack):
    """A bare epoll echo in C. Each phase is left time for the 64 calls by which a direction is sure of a gap."""
    return _echo(programs, stack, "echo-c", [programs.path("echo")], 25, 0.03, 0.08, 0.88)


def echo_node(programs, stack):
    """Node's `ws`, from the npm packages of the end-to-end tests."""
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    from harness.processes import Skip  # pylint: disable=import-outside-toplevel
    from harness.toolchain import node_modules  # pylint: disable=import-outside-toplevel

    try:
        modules = node_modules()
    except Skip as reason:
        raise Unmeasured(reason) from None
    return _echo(programs, stack, "echo-node", ["node", BENCH / "echo.js", modules], 60, 0.1, 0.15, 0.96)
