# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where function probes go: which files and processes, when they come and when they vanish. What they count of a
function: test_functions.py."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

from harness.functions import Probes, expect, expect_calls, play, probe
from harness.processes import Failure, wait_until
from harness.runner import cases, options
from harness.toolchain import PYTHON, c_program, cxx_program, need

LINGER = 10  # seconds that probes stay behind the last process: RELEASE_AFTER_NS in user/attacher.c


def calls_of(name, where, **keys):
    """A probe that counts calls alone; `where`: its binary, or keys instead."""
    return {"name": name, "binary": str(where), "function": name, "calls": {"name": f"{name}_calls_total"}, **keys}


def of_service(probe_, service):
    """The same of a service."""
    return {**{key: value for key, value in probe_.items() if key != "binary"}, "service": service}


def expect_logged(probes, pattern):
    wait_until(lambda: probes.tapstat.logged(pattern), f"the log has {pattern}", 5)


def code_of(program, function):
    """The address of a function."""
    need("nm")
    lines = subprocess.run(["nm", str(program)], capture_output=True, text=True, check=True).stdout.splitlines()
    return next(line.split()[0] for line in lines if line.split()[-1] == function)


# ---- Files ------------------------------------------------------------------------------------------------------


def test_program_in_another_root_is_found_by_its_path_there(t):
    """Of a mount namespace and root directory of its own, as in a container; started before tapstat and after."""
    need("unshare", "chroot")
    root, service = t.tmp / "root", t.service("specimen")
    (root / "opt").mkdir(parents=True)
    shutil.copy2(c_program("functions", variant="static", options=["-static"]), root / "opt" / service)
    command = ["unshare", "-m", "chroot", root, f"/opt/{service}"]
    before = t.start([*command, "waiting", 1], "before")
    wait_until(lambda: os.readlink(f"/proc/{before.pid}/exe").endswith(service), "the program runs")
    probes = Probes(t, [probe("wait_for_line", f"/opt/{service}"), probe("plain", service)])
    probes.wait_attached("wait_for_line", "plain")
    after = t.start([*command, "waiting", 2], "after")
    wait_until(lambda: os.readlink(f"/proc/{after.pid}/exe").endswith(service), "the program runs")
    for _ in range(2):
        after.send_line("on")
    expect("calls of the program", after.answer()["calls"], 2)
    told = play(t, *command, "plain", 5)
    scrape = probes.scrape()
    expect_calls(scrape, service, "wait_for_line", 2)
    expect_calls(scrape, service, "plain", told["calls"])


def test_file_that_is_deleted_while_it_runs(t):
    program, service = t.copy(c_program("functions"), "specimen"), t.service("specimen")
    running = t.start([program, "waiting", 3], "specimen")
    running.send_line("on")
    wait_until(lambda: pathlib.Path(f"/proc/{running.pid}/wchan").read_text() != "0", "it waits again")
    program.unlink()
    probes = Probes(t, [probe("wait_for_line", program)])
    probes.wait_attached("wait_for_line")
    for _ in range(2):
        running.send_line("on")
    expect("calls of the program", running.answer()["calls"], 3)
    expect("calls", probes.scrape().value("wait_for_line_calls_total", service=service), 1)


def test_program_that_is_replaced_while_it_runs(t):
    """The old file and the new one count, each once."""
    program, service = t.copy(c_program("functions"), "specimen"), t.service("specimen")
    probes = Probes(t, [probe("plain", program)])
    probes.attach(["plain"], program, "idle", 1)
    first = play(t, program, "plain", 3)
    fresh = t.tmp / "fresh"
    shutil.copy2(c_program("functions"), fresh)
    fresh.rename(program)
    t.start([program, "idle", 1], "second")
    probes.wait_attached("plain", times=2)
    second = play(t, program, "plain", 4)
    expect_calls(probes.scrape(), service, "plain", first["calls"] + second["calls"])


def test_program_that_is_written_over_between_two_runs(t):
    """The same file with other code in it: what was probed before lies elsewhere."""
    program, service = t.copy(c_program("functions"), "specimen"), t.service("specimen")
    probes = Probes(t, [probe("plain", program)])
    idle = probes.attach(["plain"], program, "idle", 1)
    first = play(t, program, "plain", 3)
    idle.signal(signal.SIGKILL)
    idle.wait()
    other = c_program("functions", variant="other", options=["-O1", "-falign-functions=64"])
    if code_of(other, "plain") == code_of(program, "plain"):
        raise Failure("both programs have the function at one address")
    shutil.copyfile(other, program)  # into the same inode, seconds before the probes would vanish by themselves
    expect_logged(probes, "a file was written to")
    t.start([program, "idle", 1], "second")
    probes.wait_attached("plain", times=2)
    second = play(t, program, "plain", 4)
    expect_calls(probes.scrape(), service, "plain", first["calls"] + second["calls"])


def test_library_that_a_running_program_opens(t):
    script = """
import ctypes, sys
sys.stdin.readline()
library = ctypes.CDLL("liblmdb.so.0")
print("open", flush=True)
sys.stdin.readline()
for _ in range(5):
    library.mdb_strerror(0)
print("called", flush=True)
"""
    probes = Probes(t, [probe("mdb_strerror", "liblmdb.so.0")])
    expect_logged(probes, 'msg="function probe waits for a process" probe=mdb_strerror')
    running = t.start([PYTHON, "-c", script], "python")
    for told in ("open", "called"):
        running.send_line("on")
        expect("told", running.read_line(), told)
        probes.wait_attached("mdb_strerror")  # the file is called liblmdb.so.0.0.0
    expect("calls", probes.scrape().total("mdb_strerror_calls_total"), 5)
    expect("returned", probes.scrape().total("mdb_strerror_duration_seconds_count"), 5)


def _links(tapstat):
    """How many links of BPF the process of tapstat's that attaches holds."""
    children = pathlib.Path(f"/proc/{tapstat.process.pid}/task/{tapstat.process.pid}/children").read_text().split()
    links = 0
    for entry in (entry for child in children for entry in pathlib.Path(f"/proc/{child}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):  # of a file that was just looked at
            links += any(kind in os.readlink(entry) for kind in ("bpf_link", "perf_event"))
    return links


@options(background=True, timeout=90)
def test_probes_vanish_some_seconds_after_the_last_process(t):
    program = t.copy(c_program("functions"), "specimen")
    probes = Probes(t, [probe("plain", program)], "--tls=off")
    before = _links(probes.tapstat)
    expect("files before", probes.files("plain"), (0, 0))
    for turn in range(2):
        idle = probes.attach([], program, "idle", 1)
        wait_until(lambda: _links(probes.tapstat) > before, "the probe is on", 5)
        expect("files", probes.files("plain"), (1, 1))
        idle.signal(signal.SIGKILL)
        idle.wait()
        time.sleep(LINGER / 2)
        if _links(probes.tapstat) == before:
            raise Failure(f"turn {turn}: the probe is off {LINGER / 2} s after the end")
        wait_until(lambda: _links(probes.tapstat) == before, "the probe is off", LINGER)
        expect("files after", probes.files("plain"), (0, 0))
    expect("failures", probes.scrape().value("tapstat_probe_failures_total"), 0)


# ---- Services ---------------------------------------------------------------------------------------------------


@cases({"program": None, "rule": "renamed"})
def test_executable_of_a_service(t, rule):
    """Another service is the same file under another name: its calls don't count."""
    wanted, other = t.copy(c_program("functions"), "wanted"), t.tmp / t.service("other")
    os.link(wanted, other)
    service = f"{t.service('wanted')}-{rule}" if rule else wanted.name
    rules = [{"name": service, "exe": f"*/{wanted.name}", "comm": wanted.name[:15]}] if rule else []
    named = of_service(probe("plain", ""), service[:-1] + "?")
    probes = Probes(t, [named, probe("split", wanted)], services=rules)
    probes.attach(["plain", "split"], wanted, "idle", 1)
    play(t, other, "plain", 7)
    play(t, other, "fork", 2)
    told = play(t, wanted, "plain", 3)
    scrape = probes.scrape()
    expect("services", {dict(labels)["service"] for labels in scrape.select("plain_calls_total")}, {service})
    expect_calls(scrape, service, "plain", told["calls"])
    expect_calls(scrape, other.name, "split", 2)
    expect("unmatched", probes.unmatched("plain"), (0, 0))


def test_script_of_a_service(t):
    """The interpreter is probed, whose probe has a semaphore; another script does not count. Full collections are
    those of generation 2; Python starts with others."""
    lines = "import gc, sys\nfor line in sys.stdin:\n    gc.collect()\n    print('collected', flush=True)\n"
    peers, names = [], [t.service(label) for label in ("wanted", "other")]
    for name in names:
        (t.tmp / f"{name}.py").write_text(lines)
    point = {"name": "gc", "service": names[0], "usdt": "python:gc__start", "calls": {"name": "collections_total"}}
    point["argument"] = {"label": "generation", "of": "arg1", "values": {"2": "full"}}
    probes = Probes(t, [point])
    peers = [t.start([PYTHON, t.tmp / f"{name}.py"], "python") for name in names]
    probes.wait_attached("gc")
    for peer, times in zip(peers, (3, 8)):
        for _ in range(times):
            peer.send_line("on")
            peer.read_line()
    scrape = probes.scrape()
    expect("services", {dict(labels)["service"] for labels in scrape.select("collections_total")}, {names[0]})
    expect("collections", scrape.value("collections_total", service=names[0], generation="full"), 3)


# ---- USDT -------------------------------------------------------------------------------------------------------


def usdt(name, binary, point):
    return {
        "name": name,
        "binary": str(binary),
        "usdt": point,
        "calls": {"name": f"{name}_total"},
        "argument": {"label": "kind", "of": "arg1", "values": {-1: "minus one", 0: "zero", 1: "one"}},
        "bytes": {"name": f"{name}_bytes_total", "of": "arg2"},
    }


def expect_points(probes, service, name, times, of_kind):
    for kind in ("minus one", "zero", "one", "other"):
        labels = {"service": service, "kind": kind}
        expect(f"{name}: {kind}", probes.scrape().value(f"{name}_total", **labels), times / 4)
        expect(f"{name}: bytes of {kind}", probes.scrape().value(f"{name}_bytes_total", **labels), of_kind[kind])


def test_usdt_probe_with_a_semaphore(t):
    """It is raised while the probe is on, in processes from before and after, and falls when tapstat ends."""
    program, service = t.copy(c_program("usdt"), "specimen"), t.service("specimen")
    running = t.start([program], "specimen")
    expect("semaphore before", running.ask(4)["semaphore"], 0)
    probes = Probes(t, [usdt("guarded", program, "specimen:guarded")])
    probes.wait_attached("guarded")
    later = t.start([program], "specimen")
    expect("semaphore", [running.ask(20)["semaphore"], later.ask(20)["semaphore"]], [1, 1])
    tens = {kind: 2 * sum(range(at, 20, 4)) * 10 for at, kind in enumerate(("minus one", "zero", "one", "other"))}
    expect_points(probes, service, "guarded", 40, tens)
    probes.tapstat.stop()
    expect("semaphore after", [running.ask(1)["semaphore"], later.ask(1)["semaphore"]], [0, 0])


def test_usdt_probe_at_two_places(t):
    program, service = t.copy(c_program("usdt_plain"), "specimen"), t.service("specimen")
    probes = Probes(t, [usdt("passed", program, "specimen:passed")])
    running = probes.attach(["passed"], program)
    expect_logged(probes, 'probe=passed .*functions=2 places=2')
    running.ask(40)
    tens = {kind: sum(range(at, 40, 4)) * 10 for at, kind in enumerate(("minus one", "zero", "one", "other"))}
    expect_points(probes, service, "passed", 40, {**tens, "minus one": 70, "one": 70})


def test_usdt_probe_of_the_cxx_runtime(t):
    """It tells of every exception."""
    point = {"name": "throw", "binary": "libstdc++.so.6*", "usdt": "libstdcxx:throw"}
    probes = Probes(t, [{**point, "calls": {"name": "exceptions_total"}}])
    program, service = t.copy(cxx_program("functions"), "specimen"), t.service("specimen")
    probes.attach(["throw"], program, "idle")
    told = play(t, program, 30)
    expect("exceptions", probes.scrape().value("exceptions_total", service=service), told["caught"])


# ---- What can't be ----------------------------------------------------------------------------------------------


def test_probes_that_cannot_be_are_told_and_the_others_count(t):
    program, service = t.copy(c_program("functions"), "specimen"), t.service("specimen")
    probes = Probes(
        t,
        [
            calls_of("missing", program, function="no_such_function"),
            calls_of("several", program, function="pl?in*"),
            calls_of("both", program, function="[s"),
            calls_of("crowd", "libstdc++.so.6*", function="*::*"),
            {**usdt("point", program, "specimen:none")},
            calls_of("nowhere", "/nowhere/at/all"),
            calls_of("inside", program, function="0x1"),
        ],
    )
    probes.attach(["several"], program, "idle", 1)
    t.start([cxx_program("functions"), "idle"], "cxx")
    for name, reason in {
        "missing": "it has no such function",
        "both": "it has no such function",
        "crowd": "[0-9]+ functions match, more than 64",
        "point": "it has no such USDT probe",
        "inside": "it has no such function",
    }.items():
        told = f'level=warn msg="a function probe is not attached" probe={name} file=.* reason="{reason}"'
        expect_logged(probes, told)
    expect_logged(probes, 'level=info msg="function probe waits for a process" probe=nowhere')
    told = play(t, program, "plain", 5)
    expect("calls", probes.scrape().value("several_calls_total", service=service), told["calls"])
    expect("failed", probes.tapstat.logged("level=error"), None)


def test_probes_without_tls_and_tls_without_probes(t):
    program, service = t.copy(c_program("functions"), "specimen"), t.service("specimen")
    probes = Probes(t, [probe("plain", program)], "--tls=off")
    probes.attach(["plain"], program, "idle", 1)
    told = play(t, program, "plain", 5)
    expect_calls(probes.scrape(), service, "plain", told["calls"])
    hooks = {dict(labels)["hook"]: n for labels, n in probes.scrape().select("tapstat_hook_attached").items()}
    expect("hooks", (hooks.get("probes"), hooks.get("tls")), (1, None))
    hooks = {dict(labels)["hook"]: n for labels, n in t.tapstat.scrape().select("tapstat_hook_attached").items()}
    expect("hooks", (hooks.get("probes"), hooks.get("tls")), (None, 1))


def test_changed_probes_wait_for_a_restart(t):
    program, service = t.copy(c_program("functions"), "specimen"), t.service("specimen")
    probes = Probes(t, [probe("plain", program)])
    probes.attach(["plain"], program, "idle", 1)
    (t.tmp / "probes.yml").write_text(json.dumps({"probes": [probe("split", program)]}))
    probes.tapstat.process.signal(signal.SIGHUP)
    expect_logged(probes, 'msg="a changed setting waits for a restart" setting=probes')
    told = play(t, program, "plain", 5)
    expect_calls(probes.scrape(), service, "plain", told["calls"])
