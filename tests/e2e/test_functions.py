# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Function probes: every call counted once, timed by the program's own clock, and nothing mixed up by what else a
program can do in the middle of a function."""

import os
import shutil

from harness.functions import Probes, expect, expect_calls, play, play_timed, probe, settle
from harness.processes import Failure
from harness.runner import cases
from harness.toolchain import c_program, cxx_program, go_program, need, rust_program

FRAMES = 16  # calls of one thread that are told apart: bpf/function_frames.h
RETURN_PROBES = 64  # that the kernel follows in one thread: MAX_URETPROBE_DEPTH
WAYS = {"address": "address", "instructions": "instructions"}  # to see returns: docs/configuration.md


# The functions of the C program.
FUNCTIONS = ("work", "descend", "plain", "jump", "leave", "replace", "split", "wait_for_line", "yield")
MEASURES = {
    "work": {
        "labels": {"shape": "round"},
        "argument": {"label": "kind", "of": "arg2:int32", "values": {0: "zero", "0x1": "one"}},
        "errors": {"name": "work_errors_total", "when": "result < 0"},
        "bytes": {"name": "work_bytes", "of": "arg3", "buckets": [10, 100, 500]},
    }
}


def attach(t, way):
    """Probes on the functions of the C program, which is this test's service; each way has a tapstat for its tests."""
    program, service = t.copy(c_program("functions"), way), t.service(way)
    settings = [probe(name, f"*-{way}", returns=way, **MEASURES.get(name, {})) for name in FUNCTIONS]
    probes = Probes(t, settings, "--log.level=debug", shared=way)
    probes.attach(FUNCTIONS, program, "idle", 1)
    return probes, program, service


@cases(WAYS)
def test_calls_of_16_threads_are_exact(t, way):
    probes, program, service = attach(t, way)
    told = play_timed(t, probes, "work", program, "threads", 400)
    scrape = probes.scrape()
    own = {"service": service, "shape": "round"}
    for kind, count in zip(("zero", "one", "other"), told["kinds"]):
        expect(f"calls of kind {kind}", scrape.value("work_calls_total", kind=kind, **own), count)
        expect(f"durations of kind {kind}", scrape.value("work_duration_seconds_count", kind=kind, **own), count)
        failed = told["failed"] if kind == "other" else 0
        expect(f"errors of kind {kind}", scrape.value("work_errors_total", kind=kind, **own), failed)
        expect(f"in flight of kind {kind}", scrape.value("work_in_flight", kind=kind, **own), 0)
    expect("bytes", scrape.total("work_bytes_sum", service=service), told["bytes"])
    expect("samples of bytes", scrape.total("work_bytes_count", service=service), told["calls"])
    expect("unmatched", probes.unmatched("work"), (0, 0))
    expect("threads remembered", probes.frames(), 0)


@cases(WAYS)
def test_recursion_is_timed_level_by_level(t, way):
    probes, program, service = attach(t, way)
    # Each level holds the probes of those below it.
    told = play_timed(t, probes, "descend", program, "recursion", FRAMES, probes_inside=FRAMES / 2, tolerance=0.01)
    expect_calls(probes.scrape(), service, "descend", told["calls"])
    expect("unmatched", probes.unmatched("descend"), (0, 0))


@cases(WAYS)
def test_recursion_too_deep_is_counted(t, way):
    """The 16 innermost calls are timed; the others are entries and returns without their counterpart."""
    probes, program, service = attach(t, way)
    play(t, program, "recursion", 20)
    expect_calls(probes.scrape(), service, "descend", 20, timed=FRAMES)
    expect("unmatched", probes.unmatched("descend"), (20 - FRAMES, 20 - FRAMES))


def test_recursion_beyond_what_the_kernel_follows(t):
    """Behind 64 levels the kernel gives no return: the 16 innermost calls end with the thread."""
    probes, program, service = attach(t, "address")
    play(t, program, "recursion", 100)
    expect_calls(probes.scrape(), service, "descend", 100, timed=0)
    expect("unmatched", probes.unmatched("descend"), (100, RETURN_PROBES))


@cases(WAYS)
def test_longjmp_disturbs_no_other_call(t, way):
    probes, program, service = attach(t, way)
    told = play_timed(t, probes, "plain", program, "longjmp", 50)
    scrape = probes.scrape()
    expect_calls(scrape, service, "plain", told["calls"])
    expect_calls(scrape, service, "jump", told["calls"], timed=0)
    expect("unmatched plain", probes.unmatched("plain"), (0, 0))
    expect("unmatched jump", probes.unmatched("jump"), (told["calls"], 0))


@cases(WAYS)
def test_end_of_a_thread_inside_a_function(t, way):
    probes, program, service = attach(t, way)
    play(t, program, "thread_exit", 30)
    expect_calls(probes.scrape(), service, "leave", 30, timed=0)
    expect("unmatched", probes.unmatched("leave"), (30, 0))
    expect("threads remembered", probes.frames(), 0)


@cases({"leader": 1, "thread": 2})
def test_exec_inside_a_function(t, who):
    probes, program, service = attach(t, "instructions")
    told = play(t, program, "exec", who)
    scrape = probes.scrape()
    expect_calls(scrape, service, "replace", 1, timed=0)
    expect("unmatched", probes.unmatched("replace"), (1, 0))
    expect_calls(scrape, service, "plain", told["calls"])
    expect("threads remembered", probes.frames(), 0)


@cases(WAYS)
def test_fork_inside_a_function_returns_twice(t, way):
    probes, program, service = attach(t, way)
    play(t, program, "fork", 20)
    expect_calls(probes.scrape(), service, "split", 20)
    expect("unmatched", probes.unmatched("split"), (0, 20))


@cases(WAYS)
def test_calls_in_flight(t, way):
    probes, program, service = attach(t, way)
    running = [t.start([program, "waiting", 2], "specimen") for _ in range(3)]

    def in_flight():
        return probes.scrape().value("wait_for_line_in_flight", service=service)

    settle(lambda: in_flight() == 3, "three calls are in flight")
    running[0].send_line("on")  # ... to its second call
    settle(lambda: probes.scrape().value("wait_for_line_calls_total", service=service) == 4, "it waits again")
    expect("in flight", in_flight(), 3)
    running[1].signal(9)
    running[1].wait()
    settle(lambda: in_flight() == 2, "the killed one is gone")
    for process in (running[0], running[2], running[2]):
        process.send_line("on")
    settle(lambda: in_flight() == 0, "none is in flight")
    expect("unmatched", probes.unmatched("wait_for_line"), (1, 0))


def test_coroutines_return_in_any_order(t):
    probes, program, service = attach(t, "instructions")
    # Each call holds the probes of the others that ran while it was left.
    told = play_timed(t, probes, "yield", program, "coroutines", 50, probes_inside=7)
    expect_calls(probes.scrape(), service, "yield", told["calls"])
    expect("unmatched", probes.unmatched("yield"), (0, 0))


@cases(WAYS)
def test_processes_that_are_not_selected_leave_no_trace(t, way):
    """Both are the same file, under two names: a probe goes into both."""
    wanted, other = t.tmp / t.service("wanted"), t.tmp / t.service("other")
    shutil.copy2(c_program("functions"), wanted)
    os.link(wanted, other)
    probes = Probes(t, [probe("split", wanted, returns=way)], f"--exe={wanted}")
    probes.attach(["split"], wanted, "idle", 1)
    play(t, other, "fork", 5)
    expect("calls", probes.scrape().select("split_calls_total"), {})
    expect("unmatched", probes.unmatched("split"), (0, 0))
    play(t, wanted, "fork", 3)
    expect_calls(probes.scrape(), wanted.name, "split", 3)
    expect("unmatched", probes.unmatched("split"), (0, 3))


def test_jumps_to_functions_that_return_in_place_of_the_caller(t):
    """Timed until the jump, which a result does not come with; parts that the compiler moved away belong to it."""
    failed = {"errors": {"name": "hand_over_errors_total", "when": "result < 0"}}
    program, service = t.copy(c_program("functions"), "specimen"), t.service("specimen")
    probes = Probes(t, [probe("hand_over", program, **failed), probe("guard", program)])
    probes.attach(["hand_over", "guard"], program, "idle", 1)
    told = play_timed(t, probes, "hand_over", program, "tail_calls", 60)
    scrape = probes.scrape()
    expect_calls(scrape, service, "hand_over", told["calls"])
    expect("errors", scrape.value("hand_over_errors_total", service=service), told["failed"])
    expect_calls(scrape, service, "guard", told["calls"])
    expect("unmatched", (probes.unmatched("hand_over"), probes.unmatched("guard")), ((0, 0), (0, 0)))


def attach_writer(t, program, names, language):
    """Probes on the two functions of the specimens in other languages."""
    path, service = t.copy(program, "specimen"), t.service("specimen")
    failed = {"go": "result2:int64 != 0", "rust": "result:int64 == 1", "c++": "result:int64 > 1000"}[language]
    errors = {"name": "append_errors_total", "when": failed}
    sizes = {"name": "append_bytes_total", "of": {"go": "arg3", "rust": "arg3", "c++": "result:int64"}[language]}
    probes = Probes(
        t,
        [
            {**probe("append", path, errors=errors, bytes=sizes), "function": names["append"]},
            {**probe("refuse", path), "function": names["refuse"]},
        ],
    )
    probes.attach(["append", "refuse"], path, "idle")
    return probes, path, service


def verify_writer(scrape, service, told):
    expect_calls(scrape, service, "append", told["calls"])
    expect("refuse: calls", scrape.value("refuse_calls_total", service=service), told["calls"])
    returned = scrape.value("refuse_duration_seconds_count", service=service)
    expect("refuse: returned", returned, told["calls"] - told["caught"])
    expect("refuse: in flight", scrape.value("refuse_in_flight", service=service), 0)


def test_cxx_methods_and_exceptions(t):
    names = {"append": "store::Writer::append", "refuse": "store::Writer::refuse"}
    probes, path, service = attach_writer(t, cxx_program("functions"), names, "c++")
    told = play_timed(t, probes, "append", path, 100)
    scrape = probes.scrape()
    verify_writer(scrape, service, told)
    expect("bytes", scrape.value("append_bytes_total", service=service), told["bytes"])
    expect("unmatched", (probes.unmatched("append"), probes.unmatched("refuse")), ((0, 0), (told["caught"], 0)))
    expect("threads remembered", probes.frames(), 0)


def test_rust_methods_and_panics(t):
    names = {"append": "functions::Writer::append", "refuse": "functions::Writer::refuse"}
    probes, path, service = attach_writer(t, rust_program("functions"), names, "rust")
    told = play_timed(t, probes, "append", path, 100)
    scrape = probes.scrape()
    verify_writer(scrape, service, told)
    expect("errors", scrape.value("append_errors_total", service=service), told["failed"])
    expect("bytes", scrape.value("append_bytes_total", service=service), told["calls"] * len("some data"))
    expect("unmatched", (probes.unmatched("append"), probes.unmatched("refuse")), ((0, 0), (told["caught"], 0)))
    expect("threads remembered", probes.frames(), 0)


def test_go_methods_on_stacks_that_move(t):
    need("go")
    names = {"append": "main.(*writer).append", "refuse": "main.(*writer).refuse"}
    probes, path, service = attach_writer(t, go_program("functions"), names, "go")
    told = play_timed(t, probes, "append", path, 100)
    scrape = probes.scrape()
    verify_writer(scrape, service, told)
    expect("errors", scrape.value("append_errors_total", service=service), told["failed"])
    expect("bytes", scrape.value("append_bytes_total", service=service), told["calls"] * len("some data"))
    expect("unmatched", (probes.unmatched("append"), probes.unmatched("refuse")), ((0, 0), (told["caught"], 0)))
    expect("goroutines remembered", probes.frames(), 0)


def test_end_of_a_go_program_gives_up_the_calls_of_its_goroutines(t):
    need("go")
    names = {"append": "main.(*writer).append", "refuse": "main.(*writer).refuse"}
    probes, path, service = attach_writer(t, go_program("functions"), names, "go")
    process = t.start([path, 100000], "specimen")
    settle(lambda: probes.scrape().total("append_calls_total", service=service) > 1000, "goroutines call")
    process.signal(9)
    process.wait()
    settle(lambda: probes.frames() == 0, "no goroutine is remembered")
    scrape = probes.scrape()
    calls = scrape.value("append_calls_total", service=service)
    timed = scrape.value("append_duration_seconds_count", service=service)
    expect_calls(scrape, service, "append", calls, timed)
    left = calls - timed  # where each goroutine was killed: asleep in append
    expect("unmatched", probes.unmatched("append"), (left, 0))
    if not 1 <= left <= 64:
        raise Failure(f"{left} calls of 64 goroutines were under way")
