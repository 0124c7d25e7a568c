# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""From connections and their frames to the counts that tapstat must show, by interface.md's definitions.

Nothing here knows tapstat: the frames come from the dissector (capture.py) or from a test's own script
(conversation.py), and both are turned into counts by the same rules.
"""

import collections
import dataclasses
import re

from .metrics import sample

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OPCODES = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
SIZE_BOUNDS = [16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216]
REGISTERED_CODES = {1000, 1001, 1002, 1003, *range(1007, 1015)}

# The samples whose counts follow from the frames alone.
_COUNTED = re.compile(
    r"^(ws_connections_total|ws_connections_joined_total|ws_active_connections|ws_messages_(sent|received)_total"
    r"|ws_frames_(sent|received)_total|ws_closes_total|ws_errors_total|ws_handshakes_refused_total"
    r"|ws_reconnections_total|message_size_bytes_(count|sum|bucket)|ws_handshake_duration_seconds_count"
    r"|ws_connection_duration_seconds_count)(\{|$)"
)


@dataclasses.dataclass
class Frame:
    """One frame as on the wire."""

    by_client: bool
    opcode: int
    length: int
    fin: bool = True
    payload: bytes = b""  # of control frames

    @property
    def close_code(self):
        if self.length < 2:
            return "none"
        number = int.from_bytes(self.payload[:2], "big")
        return str(number) if number in REGISTERED_CODES else "other"


@dataclasses.dataclass
class Connection:
    """One connection from its request to its end."""

    frames: list = dataclasses.field(default_factory=list)
    opened: bool = True  # a complete 101 was seen
    joined: bool = False  # recognised in mid-stream
    ended: bool = True
    refused: str = ""  # the code of the answer that was no 101
    lost: str = ""  # forces "timeout" or "connection_lost" where the frames do not tell


def size_samples(direction, lengths):
    """The samples of message_size_bytes for messages of these sizes."""
    counts = collections.Counter()
    if not lengths:
        return counts
    counts[sample("message_size_bytes_count", direction=direction)] = len(lengths)
    counts[sample("message_size_bytes_sum", direction=direction)] = sum(lengths)
    for bound in SIZE_BOUNDS:
        counts[sample("message_size_bytes_bucket", direction=direction, le=bound)] = sum(
            length <= bound for length in lengths
        )
    counts[sample("message_size_bytes_bucket", direction=direction, le="+Inf")] = len(lengths)
    return counts


def _frame_samples(frames, direction):
    counts = collections.Counter()
    lengths = []
    started, size = None, 0
    for frame in frames:
        name = OPCODES[frame.opcode]
        counts[sample(f"ws_frames_{direction}_total", opcode=name)] += 1
        if frame.opcode >= CLOSE:
            counts[sample(f"ws_messages_{direction}_total", message_type=name)] += 1
            if frame.opcode == CLOSE:
                counts[sample("ws_closes_total", direction=direction, code=frame.close_code)] += 1
            continue
        if frame.opcode != CONTINUATION:
            started, size = name, 0
        size += frame.length
        if frame.fin:
            counts[sample(f"ws_messages_{direction}_total", message_type=started)] += 1
            lengths.append(size)
    return counts, lengths


def _unanswered_ping(frames, by_client):
    """Whether a ping of that end is left without a pong: a pong answers its ping and all older ones."""
    waiting = []
    for frame in frames:
        if frame.opcode == PING and frame.by_client == by_client:
            waiting.append(frame.payload)
        elif frame.opcode == PONG and frame.by_client != by_client and frame.payload in waiting:
            newest = len(waiting) - 1 - waiting[::-1].index(frame.payload)
            del waiting[: newest + 1]
    return bool(waiting)


def side_counts(connections, role):
    """{sample: count} of the service that is in this role at all of these connections; zeroes are left out."""
    is_client = role == "client"
    counts = collections.Counter()
    lengths = {"sent": [], "received": []}
    for connection in connections:
        if connection.refused:
            counts[sample("ws_handshakes_refused_total", code=connection.refused)] += 1
            continue
        for direction, by_client in (("sent", is_client), ("received", not is_client)):
            own = [frame for frame in connection.frames if frame.by_client == by_client]
            more, sizes = _frame_samples(own, direction)
            counts += more
            lengths[direction] += sizes
        if connection.opened:
            counts[sample("ws_connections_total", status="opened")] += 1
            counts["ws_handshake_duration_seconds_count"] += 1
        if connection.joined:
            counts["ws_connections_joined_total"] += 1
        if not connection.ended:
            counts["ws_active_connections"] += 1
            continue
        if connection.opened:
            counts["ws_connection_duration_seconds_count"] += 1
        if any(frame.opcode == CLOSE for frame in connection.frames):
            counts[sample("ws_connections_total", status="closed")] += 1
        else:
            counts[sample("ws_connections_total", status="error")] += 1
            timeout = connection.lost or (
                "timeout" if _unanswered_ping(connection.frames, is_client) else "connection_lost"
            )
            counts[sample("ws_errors_total", error_type=timeout)] += 1
    for direction, sizes in lengths.items():
        counts += size_samples(direction, sizes)
    return counts


def counts(side):
    """Of Scrape.side(): the samples that this module gives counts for."""
    return {name: value for name, value in side.items() if _COUNTED.match(name)}


def subtract(after, before):
    return {name: value - before.get(name, 0) for name, value in after.items()}


def differences(expected, measured, most=10):
    """What differs, one text for each sample; the buckets of histograms only where nothing else does."""
    wrong = [name for name in sorted({*expected, *measured}) if measured.get(name, 0) != expected.get(name, 0)]
    telling = [name for name in wrong if "_bucket{" not in name] or wrong
    texts = [f"{name} is {measured.get(name, 0):g}, expected {expected.get(name, 0):g}" for name in telling[:most]]
    return texts + [f"and {len(telling) - most} more"] * (len(telling) > most)


def peer_samples(report):
    """The counts that a peer reports of itself ({"sent.text": 3, "bytes.sent": 9}) as samples."""
    samples = {}
    for key, value in report.items():
        kind, what = key.split(".")
        if kind == "bytes":
            samples[sample("message_size_bytes_sum", direction=what)] = value
        else:
            samples[sample(f"ws_messages_{kind}_total", message_type=what)] = value
    return samples
