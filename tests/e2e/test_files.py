# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Files of the services that the configuration names: every call counted once, with its bytes; nobody else's.

Reading is `received` and writing `sent`, the service is the client of its files.
"""

import collections
import json

from harness.processes import Failure
from harness.runner import cases
from harness.storage import Watch, compare, transferred, require_known
from harness.toolchain import PEERS, PYTHON, c_program, need

BACKEND = "file"
ROLE = "client"
exactly = collections.Counter


def watching(t, *globs):
    """A tapstat whose configuration names these services."""
    t.require_tapstat()
    path = t.tmp / "tapstat.yml"
    path.write_text("files:\n  services:\n" + "".join(f"    - {json.dumps(glob)}\n" for glob in globs))
    return t.own_tapstat(f"--config.file={path}")


class Peer:
    """peers/files.c as a service, with a directory of its own, stopped before its first operation."""

    def __init__(self, t, label="worker", rounds=1):
        self.service = t.service(label)
        self.directory = t.tmp / f"{label}-files"
        self.directory.mkdir()
        self.process = t.start([t.copy(c_program("files"), label), self.directory, rounds], label)
        self.process.answer()

    def work(self):
        """{(operation, status): count} of what it did, and {direction: bytes}."""
        self.process.send_line("go")
        answer = self.process.answer()
        counts = {tuple(key.split(" ")): count for key, count in answer["counts"].items() if count}
        return counts, {"received": answer["read"], "sent": answer["written"]}


def verify_bytes(watched, scrape, service, expected):
    found = watched.counts(scrape, service, ROLE, transferred)
    if found != expected:
        raise Failure(f"{service}: bytes are {dict(found)}, expected {expected}")


def test_common_operations_are_in_the_closed_set(t):
    t.require_tapstat()
    require_known("open", "read", "write", "fsync", "rename", "unlink", "truncate")


def test_program_does_what_it_says(t):
    """What the C program claims is what strace sees."""
    need("strace")
    log = t.tmp / "strace"
    directory = t.tmp / "traced"
    directory.mkdir()
    argv = ["strace", "-f", "-o", log, "-e", "trace=%file,%desc,fsync,fdatasync", c_program("files"), directory, "2"]
    process = t.start(argv, "strace")
    process.answer()
    process.send_line("go")
    claimed = {tuple(key.split(" ")): count for key, count in process.answer()["counts"].items() if count}
    process.stop()
    families = {
        **dict.fromkeys(("open", "openat", "openat2", "creat"), "open"),
        **dict.fromkeys(("read", "pread64", "readv", "preadv", "preadv2"), "read"),
        **dict.fromkeys(("write", "pwrite64", "writev", "pwritev", "pwritev2"), "write"),
        **dict.fromkeys(("fsync", "fdatasync"), "fsync"),
        **dict.fromkeys(("rename", "renameat", "renameat2"), "rename"),
        **dict.fromkeys(("unlink", "unlinkat"), "unlink"),
        **dict.fromkeys(("truncate", "ftruncate"), "truncate"),
    }
    seen, working = collections.Counter(), False
    for line in log.read_text().splitlines():
        call = line.split(None, 1)[1]
        name = call.split("(")[0]
        if call.startswith('read(0, "go'):
            working = True
        elif call.startswith("write(1, "):
            working = False
        elif working and name in families:
            seen[families[name], "failed" if " = -1 " in call else "success"] += 1
    for operation in ("read", "write"):  # pipe, socket and eventfd, twice
        seen[operation, "success"] -= 6
    compare("strace against the program", claimed, seen, view=exactly)


def test_every_call_on_a_file_is_counted_once_with_its_bytes(t):
    peer = Peer(t, rounds=50)
    watched = Watch(t, BACKEND, watching(t, peer.service))
    counts, expected_bytes = peer.work()
    scrape = watched.verify(counts, (peer.service, ROLE), view=exactly)
    verify_bytes(watched, scrape, peer.service, expected_bytes)


def test_services_that_are_not_named_have_no_file_operations(t):
    named, other = Peer(t, "named"), Peer(t, "other")
    watched = Watch(t, BACKEND, watching(t, named.service))
    other.work()
    counts, _ = named.work()
    scrape = watched.verify(counts, (named.service, ROLE), view=exactly)
    services = {dict(labels)["service"] for labels in scrape.select("storage_operations_total", backend=BACKEND)}
    if services != {named.service}:
        raise Failure(f"services with file operations: {services}")


def test_without_configuration_no_service_has_file_operations(t):
    t.attach()
    peer = Peer(t)
    peer.work()
    if t.tapstat.scrape().select("storage_operations_total", backend=BACKEND):
        raise Failure("files are counted although no configuration names a service")


def test_glob_names_several_services(t):
    first, second = Peer(t, "store-1"), Peer(t, "store-2", rounds=3)
    watched = Watch(t, BACKEND, watching(t, t.service("store-*")))
    for peer in (first, second):
        counts, expected_bytes = peer.work()
        scrape = watched.verify(counts, (peer.service, ROLE), view=exactly)
        verify_bytes(watched, scrape, peer.service, expected_bytes)


def test_operations_of_a_python_service(t):
    """An interpreter's service is its script; its own reading of modules is over before the watch."""
    service = t.service("script")
    directory = t.tmp / "python-files"
    directory.mkdir()
    process = t.start([PYTHON, "-S", "-E", t.link(PEERS / "files.py", "script"), directory], "script")
    process.answer()
    watched = Watch(t, BACKEND, watching(t, service))
    process.send_line("20")
    written = process.answer()["written"]
    counts = {"open": 20, "write": 200, "fsync": 20, "rename": 20, "truncate": 20, "unlink": 20}
    scrape = watched.verify({(name, "success"): n for name, n in counts.items()}, (service, ROLE), view=exactly)
    verify_bytes(watched, scrape, service, {"sent": written})


def test_operations_of_a_killed_process_are_kept(t):
    peer = Peer(t, rounds=10)
    watched = Watch(t, BACKEND, watching(t, peer.service))
    counts, _ = peer.work()
    peer.process.signal(9)
    peer.process.wait()
    watched.verify(counts, (peer.service, ROLE), view=exactly)


@cases({"kill": 9, "end": 0})
def test_two_processes_of_one_service_add_up(t, number):
    peers = [Peer(t, rounds=5)]
    again = t.start([t.copy(c_program("files"), "worker"), peers[0].directory, 7], "worker")
    again.answer()
    watched = Watch(t, BACKEND, watching(t, peers[0].service))
    counts, _ = peers[0].work()
    if number:
        peers[0].process.signal(number)
        peers[0].process.wait()
    again.send_line("go")
    more = {tuple(key.split(" ")): n for key, n in again.answer()["counts"].items() if n}
    watched.verify(exactly(counts) + exactly(more), (peers[0].service, ROLE), view=exactly)
