# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""BPF objects in the kernel and who holds them: by a descriptor, or through one that has it; and what it can do."""

import errno
import json
import pathlib
import re
import socket
import subprocess

_TCP_ULP = 31  # linux/tcp.h
_HELD = re.compile(r"^(prog|map|link)_id:\s+(\d+)$", re.MULTILINE)


def _shown(kind):
    """{id: what bpftool shows} of all objects of a kind."""
    output = subprocess.run(
        ["bpftool", "--json", kind, "show"], stdin=subprocess.DEVNULL, capture_output=True, check=True
    ).stdout
    return {entry["id"]: entry for entry in json.loads(output or "[]")}


def _held_by_descriptors(pid):
    """{(kind, id)} of the objects that this process, or any for "*", has open."""
    held = set()
    for path in pathlib.Path("/proc").glob(f"{'[0-9]*' if pid == '*' else pid}/fdinfo/*"):
        try:
            held |= {(kind, int(number)) for kind, number in _HELD.findall(path.read_text())}
        except OSError:  # closed in the meantime
            continue
    return held


class BpfObjects:
    """The programs, maps and links of one moment."""

    def __init__(self):
        self._links, self._programs, self._maps = _shown("link"), _shown("prog"), _shown("map")

    def held(self, pid="*"):
        """{(kind, id)} of what lives because of this process, or of any: links have programs, programs have maps."""
        found = _held_by_descriptors(pid)
        for link in [self._links[number] for kind, number in found if kind == "link" and number in self._links]:
            found.add(("prog", link["prog_id"]))
            if "map_id" in link:
                found.add(("map", link["map_id"]))
        for program in [
            self._programs[number] for kind, number in found if kind == "prog" and number in self._programs
        ]:
            found |= {("map", number) for number in program.get("map_ids", [])}
        return found

    def orphans(self):
        """{(kind, id, name)} of what no process holds."""
        held = self.held()
        return {
            (kind, number, entry.get("name") or entry.get("type"))
            for kind, entries in (("link", self._links), ("prog", self._programs), ("map", self._maps))
            for number, entry in entries.items()
            if (kind, number) not in held
        }


def has_tls():
    """Whether it can make the records of TLS itself (CONFIG_TLS)."""
    with socket.socket() as near:
        try:
            near.setsockopt(socket.IPPROTO_TCP, _TCP_ULP, b"tls")
        except OSError as error:
            return error.errno == errno.ENOTCONN  # else ENOENT
    return True


def tls_senders():
    """Sockets so far for which it made them."""
    table = pathlib.Path("/proc/net/tls_stat").read_text(encoding="ascii")
    return sum(int(number) for number in re.findall(r"^TlsTx(?:Sw|Device)\s+(\d+)", table, re.MULTILINE))
