# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What many connections take, and whether counts stay exact under load."""

import re
import subprocess
import time

from .machine import Row, Unmeasured, bpftool
from .programs import Child, Tapstat, samples, settled

CONNECTIONS, FRAMES = 10000, 3
STATE_BYTES = 440
RATE, SECONDS = 100000, 10


def _slabs():
    """{cache: (objects in use, bytes of one)} of the kernel's general caches that are charged to a process."""
    found = {}
    with open("/proc/slabinfo", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0].startswith("kmalloc-cg-"):
                found[words[0]] = int(words[1]), int(words[3])
    return found


def _crowd(programs, stack, while_open):
    """Opens the crowd and closes it; by how many objects each cache grew for it."""
    before = _slabs()
    crowd = Child(stack, programs.path("crowd"), CONNECTIONS, FRAMES)
    if crowd.line() != "open":
        raise Unmeasured("the connections could not be opened")
    time.sleep(1)
    after = _slabs()
    while_open()
    crowd.process.stdin.close()
    crowd.process.wait()
    time.sleep(1)
    return {cache: (count - before[cache][0], size) for cache, (count, size) in after.items()}


def _quiet(found):
    """Samples of what was lost, other than 0."""
    lost = ("tapstat_dropped_total", "tapstat_unparsed_bytes_total")
    return {name: value for name, value in found.items() if name.startswith(lost) and value}


def _differences(found, expected):
    return [
        f"{name} {found.get(name, 0):.0f} for {want}" for name, want in expected.items() if found.get(name, 0) != want
    ]


def _sample(name, service, role, label, value):
    return f'{name}{{service="{service}",role="{role}",{label}="{value}"}}'


def _exact_row(name, what, found, expected):
    wrong, lost = _differences(found, expected), _quiet(found)
    recursion = found.get('tapstat_dropped_total{reason="recursion"}', 0)
    unparsed = sum(value for sample, value in found.items() if sample.startswith("tapstat_unparsed_bytes_total"))
    yield Row(
        name,
        f"{what}: {'counts differ' if wrong else 'exact'}, recursion misses {recursion:.0f}, "
        f"bytes not parsed {unparsed:.0f}",
        "exact",
        not wrong,
    )
    for line in wrong + [f"{sample} {value:.0f}" for sample, value in lost.items()]:
        print(f"  {line}", flush=True)


def connections(programs, stack):
    """Ten thousand connections, both ends on this host: twice as many sockets with state."""
    _crowd(programs, stack, lambda: None)
    without = _crowd(programs, stack, lambda: None)
    tapstat, seen = Tapstat(stack, programs), {}
    grown = _crowd(programs, stack, lambda: seen.update(samples(tapstat.scrape())))
    more = {cache: (count - without.get(cache, (0, 0))[0], size) for cache, (count, size) in grown.items()}
    sockets = 2 * CONNECTIONS
    objects = sorted((size for count, size in more.values() if count > sockets * 0.9), reverse=True)
    total = sum(count * size for count, size in more.values() if count > sockets * 0.1) / sockets
    states = [shown for shown in bpftool("map", "show") if shown.get("name") == "conns"]
    value = states[0]["bytes_value"] if states else 0
    if not value or not objects:
        raise Unmeasured("no cache grew with the connections: /proc/slabinfo tells nothing")
    yield Row(
        "connections state",
        f"{value} bytes; with the kernel's records {total:.0f} ({' + '.join(map(str, objects))})",
        f"<= {STATE_BYTES}",
        value <= STATE_BYTES,
    )
    expected = {}
    for role in ("server", "client"):
        for way in ("received", "sent"):
            counter = f"ws_messages_{way}_total"
            expected[_sample(counter, "crowd", role, "message_type", "text")] = CONNECTIONS * FRAMES
            expected[_sample(counter, "crowd", role, "message_type", "close")] = CONNECTIONS
        expected[_sample("ws_connections_total", "crowd", role, "status", "opened")] = CONNECTIONS
        expected[_sample("ws_connections_total", "crowd", role, "status", "closed")] = CONNECTIONS
        expected[f'ws_active_connections{{service="crowd",role="{role}"}}'] = 0
    found = settled(tapstat, "ws_")
    for role in ("server", "client"):
        gauge = f'ws_active_connections{{service="crowd",role="{role}"}}'
        found[f"{gauge} while open"], expected[f"{gauge} while open"] = seen.get(gauge, 0), CONNECTIONS
    yield from _exact_row(
        "connections counts", f"{CONNECTIONS} connections, {FRAMES} messages each way", found, expected
    )


def threads(programs, stack):
    """Eight threads on shared sockets, without a lock, moving over the CPUs."""
    tapstat = Tapstat(stack, programs)
    ran = subprocess.run(
        [programs.path("threads"), str(RATE), str(SECONDS)], capture_output=True, text=True, check=False, timeout=120
    )
    if ran.returncode or not re.fullmatch(r"\d+ \d+ \d+ 0\n", ran.stdout):
        raise Unmeasured(f"threads: {ran.stderr.strip() or 'a read got a part of a frame'}")
    to_servers, to_clients, rate = map(int, ran.stdout.split()[:3])
    expected = {
        _sample("ws_messages_sent_total", "threads", "client", "message_type", "text"): to_servers,
        _sample("ws_messages_received_total", "threads", "server", "message_type", "text"): to_servers,
        _sample("ws_messages_sent_total", "threads", "server", "message_type", "binary"): to_clients,
        _sample("ws_messages_received_total", "threads", "client", "message_type", "binary"): to_clients,
    }
    found = settled(tapstat, "ws_messages")
    yield from _exact_row("threads", f"{to_servers + to_clients} messages, {rate}/s", found, expected)
