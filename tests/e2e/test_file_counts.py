# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Operations on files: a known number of each system call, and whose are counted."""

import subprocess

from harness.metrics import sample
from harness.processes import Failure
from harness.runner import cases
from harness.tapstat import BINARY
from harness.toolchain import c_program

# What peers/file_calls.c does: (success, failed) by operation.
OPERATIONS = {
    "open": (8, 3),
    "write": (10, 1),
    "read": (12, 1),
    "fsync": (4, 0),
    "truncate": (3, 1),
    "rename": (4, 1),
    "unlink": (2, 1),
}
BYTES = {"sent": 4 * 500 + 300 + 10 + 300 + 300 + 2 * 100, "received": 3 * 500 + 30 + 40 + 30 + 30 + 2 * 100 + 50}


def check(condition, message):
    if not condition:
        raise Failure(message)


def peer(t, label):
    """The program, started and waiting; it loads its libraries before, which are files, too."""
    directory = t.tmp / f"{label}-files"
    directory.mkdir()
    process = t.start([t.copy(c_program("file_calls"), label), directory], label)
    check(process.read_line() == "ready", "the peer is not ready")
    return process


def work(process):
    process.send_line("go")
    check(process.read_line() == "done", "the peer did not end its work")


def storage(scrape, service):
    """{sample: value} of what a service did with files."""
    side = scrape.side(service, "client")
    return {name: value for name, value in side.items() if name.startswith("storage_") and 'backend="file"' in name}


def expected():
    counts = {}
    for operation, (success, failed) in OPERATIONS.items():
        labels = {"backend": "file", "operation": operation}
        counts[sample("storage_operations_total", status="success", **labels)] = success
        if failed:
            counts[sample("storage_operations_total", status="failed", **labels)] = failed
        counts[sample("storage_operation_duration_seconds_count", **labels)] = success + failed
    for direction, n in BYTES.items():
        counts[sample("storage_bytes_total", backend="file", direction=direction)] = n
    return counts


def verify(tapstat, service, before):
    now, then = storage(tapstat.settled((service, "client")), service), storage(before, service)
    told = {
        name: value - then.get(name, 0)
        for name, value in now.items()
        if not name.startswith(("storage_operation_duration_seconds_bucket", "storage_operation_duration_seconds_sum"))
    }
    told = {name: value for name, value in told.items() if value}
    check(told == expected(), f"counted {told}, expected {expected()}")
    return now


def configured(t, text):
    path = t.tmp / "files.yml"
    path.write_text(text)
    return t.own_tapstat(f"--config.file={path}")


@cases({"a pattern of the configuration": True, "--files and a selector": False})
def test_every_system_call_on_files_counts_once(t, row):
    t.require_tapstat()
    service = t.service("named")
    if row:
        tapstat = configured(t, f'files: {{services: ["no-such-*", "{service[:-2]}*"]}}\n')
    else:
        tapstat = t.own_tapstat("--files", f"--service={service}", f"--service={t.service('absent')}")
    named, unnamed = peer(t, "named"), peer(t, "unnamed")
    before = tapstat.scrape()
    work(unnamed)
    work(named)
    samples = verify(tapstat, service, before)
    check(not storage(tapstat.scrape(), t.service("unnamed")), "files of a service that nobody named are counted")
    for operation, (success, failed) in OPERATIONS.items():
        total = samples[sample("storage_operation_duration_seconds_sum", backend="file", operation=operation)]
        check(0 < total < 60, f"{operation}: {success + failed} operations took {total} s")
    check(tapstat.scrape().value("tapstat_hook_attached", hook="files") == 1, "the hook is not told of")


def test_files_are_not_hooked_unless_somebody_asks(t):
    check(t.tapstat.scrape().value("tapstat_hook_attached", hook="files") is None, "the hook on files is there")


def test_a_rule_s_name_is_the_one_that_patterns_of_files_and_selectors_see(t):
    t.require_tapstat()
    path = t.tmp / "rules.yml"
    first, second = t.service("first"), t.service("second")
    path.write_text(
        "services:\n"
        f"  - {{name: {t.service('nobody')}, exe: '{t.tmp}/*', comm: 'no-such-name'}}\n"
        f"  - {{name: {t.service('ruled')}, exe: '{t.tmp}/*', comm: '{first[:10]}*', service: '{first[:-1]}?'}}\n"
        f"  - {{name: {t.service('late')}, service: '{first}'}}\n"
        f"files: {{services: ['*']}}\n"
    )
    tapstat = t.own_tapstat(f"--config.file={path}", f"--service={t.service('ruled')}", f"--service={second}")
    peers = [peer(t, label) for label in ("first", "second")]
    before = tapstat.scrape()
    for process in peers:
        work(process)
    verify(tapstat, t.service("ruled"), before)
    verify(tapstat, second, before)
    for label in ("nobody", "first", "late"):
        check(not storage(tapstat.scrape(), t.service(label)), f"{label} has counts")


def test_services_past_the_configured_limit_are_other(t):
    t.require_tapstat()
    path = t.tmp / "limits.yml"
    path.write_text(f"limits: {{services: 2}}\nendpoints: {{limit: 3}}\nfiles: {{services: ['{t.service('')}*']}}\n")
    tapstat = t.own_tapstat(f"--config.file={path}")
    peers = [peer(t, f"s{i}") for i in range(4)]
    for process in peers:
        work(process)
    scrape = tapstat.settled(("other", "client"))
    names = scrape.labels("storage_operations_total", "service")
    check(len(names) == 3 and "other" in names, f"services: {names}")
    one = next(name for name in names if name != "other")
    combinations = [labels for labels in scrape.select("storage_operations_total", service=one)]
    named = [labels for labels in combinations if dict(labels)["operation"] != "other"]
    check(len(named) == 3, f"{len(named)} label combinations beside `other`, expected 3: {combinations}")


@cases(
    {
        "nobody is selected": ([], "--exe=NAME"),
        "a port is no file's": (["--port=80", "--exe=a"], "--port matches no operation"),
    }
)
def test_files_option_is_refused_where(t, row):
    options, said = row
    t.require_tapstat()
    result = subprocess.run([str(BINARY), "serve", "--files", *options], capture_output=True, text=True, timeout=20, check=False)
    check(result.returncode == 2 and said in result.stderr, f"exit status {result.returncode}: {result.stderr}")
