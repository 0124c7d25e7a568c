# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tshark's dissectors of PostgreSQL, MySQL and MongoDB see, as counts of operations by interface.md's definitions.

Nothing here knows tapstat. A capture (capture.py) gives the packets; the rules of what an operation is are here.
"""

import collections
import subprocess
from xml.etree import ElementTree

from .processes import Failure
from .storage import FAILED, SUCCESS, verb

_SEPARATOR = "\x1f"  # between the values of one field; no statement of these tests has it


def dissect(capture, port, protocol, fields, display=None, since=0.0):
    """The packets of one port, each {field: [values]}, in their order."""
    capture.stop()
    names = ["frame.time_epoch", "tcp.stream", "tcp.dstport", *fields]
    argv = ["tshark", "-n", "-r", capture.file, "-d", f"tcp.port=={port},{protocol}"]
    argv += ["-o", "tcp.reassemble_out_of_order:TRUE", "-o", "gui.max_tree_items:100000000"]
    argv += ["-Y", f"tcp.port=={port} && {display or protocol}", "-T", "fields"]
    argv += ["-E", "separator=/t", "-E", "occurrence=a", "-E", f"aggregator={_SEPARATOR}"]
    for name in names:
        argv += ["-e", name]
    result = subprocess.run(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    if result.returncode:
        raise Failure(f"tshark: {result.stderr.decode()[-400:]}")
    packets = []
    for line in result.stdout.decode(errors="replace").splitlines():
        packet = {name: value.split(_SEPARATOR) if value else [] for name, value in zip(names, line.split("\t"))}
        if float(packet["frame.time_epoch"][0]) >= since:
            packet["stream"] = packet["tcp.stream"][0]
            packet["by_client"] = packet["tcp.dstport"][0] == str(port)
            packets.append(packet)
    return packets


def payload_bytes(capture, port):
    """{direction as the client sees it: bytes} that TCP carried, by its sequence numbers: packets of two CPUs may be
    captured in another order, which tshark takes for retransmissions."""
    first, behind = {}, {}
    for packet in dissect(capture, port, "data", ["tcp.seq", "tcp.len"], "tcp.len > 0"):
        way = packet["stream"], "sent" if packet["by_client"] else "received"
        begin, length = int(packet["tcp.seq"][0]), int(packet["tcp.len"][0])
        first[way] = min(begin, first.get(way, begin))
        behind[way] = max(begin + length, behind.get(way, 0))
    found = collections.Counter()
    for way, end in behind.items():
        found[way[1]] += end - first[way]
    return found


# ---- PostgreSQL ------------------------------------------------------------------------------------------------------


def pgsql_messages(capture, port, since=0.0):
    """(stream, by the client, type, further value) of every message; the value is a tag or the text of a statement."""
    carriers = {
        "Command completion": "pgsql.tag",
        "Simple query": "pgsql.query",
        "Parse": "pgsql.query",
        "Ready for query": "pgsql.status",
    }
    fields = ["pgsql.type", "pgsql.tag", "pgsql.query", "pgsql.status"]
    messages = []
    for packet in dissect(capture, port, "pgsql", fields, since=since):
        values = {field: iter(packet[field]) for field in fields}
        for kind in packet["pgsql.type"]:
            value = next(values[carriers[kind]], "") if kind in carriers else ""
            messages.append((packet["stream"], packet["by_client"], kind, value))
    return messages


_REQUESTS = {"Simple query", "Parse", "Bind", "Describe", "Execute", "Close", "Sync", "Function call"}


class _PgsqlStream:
    """One connection: an operation is one portal that ran, whether it completed, stopped at its limit, or failed.

    A portal suspended and then executed further is one operation, as it is one call for pg_stat_statements. An error
    counts if a request is outstanding, which leaves out those of the start of a session and of the server's end."""

    def __init__(self):
        self.counts = collections.Counter()
        self.outstanding = False
        self.suspended = False
        self.statement = ""

    def take(self, by_client, kind, value):
        if by_client:
            self.outstanding |= kind in _REQUESTS
            if kind == "Simple query":  # destroys the unnamed portal
                self.end_portal()
            if kind in ("Simple query", "Parse"):
                self.statement = value
            return
        if kind == "Command completion":
            self.suspended = False
            self.counts[value.split(" ")[0].lower(), SUCCESS] += 1
        elif kind == "Empty query":
            self.counts["other", SUCCESS] += 1
        elif kind == "Error" and self.outstanding:
            self.suspended = False
            self.counts[verb(self.statement) or "other", FAILED] += 1
        elif kind == "Bind completion":
            self.end_portal()
        elif kind == "Portal suspended":
            self.suspended = True
        elif kind == "Ready for query":
            self.outstanding = False
            if value == str(ord("I")):  # portals end with their transaction
                self.end_portal()

    def end_portal(self):
        if self.suspended:
            self.counts[verb(self.statement) or "other", SUCCESS] += 1
        self.suspended = False


def pgsql_operations(capture, port, since=0.0):
    """{(operation, status): count}; failures count under the first word of the latest statement's text."""
    streams = collections.defaultdict(_PgsqlStream)
    for stream, by_client, kind, value in pgsql_messages(capture, port, since):
        streams[stream].take(by_client, kind, value)
    total = collections.Counter()
    for stream in streams.values():
        stream.end_portal()
        total += stream.counts
    return total


# ---- MySQL -----------------------------------------------------------------------------------------------------------

COM_QUIT, COM_INIT_DB, COM_QUERY, COM_PING, COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_CLOSE = 1, 2, 3, 14, 22, 23, 25
_OK, _END = "0x00", "0xfe"


class _MysqlStream:
    """One connection; it is strictly request by request. An operation is one result: OK, a result set, or an error.

    A request has one result, COM_QUERY one for each of its statements until one fails. Preparing, pinging and the like
    are counted as commands only. Statements of these tests have no semicolon but between them."""

    def __init__(self):
        self.counts = collections.Counter()
        self.prepared = {}
        self.request(None, "", None)

    def request(self, command, text, statement):
        self.command = command
        self.verbs = [verb(part) or "other" for part in text.split(";") if part.strip()] or ["other"]
        if command == COM_STMT_EXECUTE:
            self.verbs = [self.prepared[statement]]
        self.codes, self.failed = collections.Counter(), False

    def response(self, codes, errors, statement):
        self.codes.update(codes)
        self.failed |= bool(errors)
        if self.command == COM_STMT_PREPARE and statement:
            self.prepared[statement] = self.verbs[0]

    def end_request(self):
        if self.command == COM_QUERY:
            results = self.codes[_OK] + self.codes[_END] // 2
        elif self.command == COM_STMT_EXECUTE:
            results = 0 if self.failed else int(bool(self.codes))
        else:
            return
        for name in self.verbs[:results]:
            self.counts[name, SUCCESS] += 1
        if self.failed:
            self.counts[self.verbs[min(results, len(self.verbs) - 1)], FAILED] += 1


def mysql_operations(capture, port, since=0.0):
    """({(operation, status): count}, {command: number of requests})."""
    streams, commands = collections.defaultdict(_MysqlStream), collections.Counter()
    fields = ["mysql.command", "mysql.query", "mysql.response_code", "mysql.error_code", "mysql.stmt_id"]
    for packet in dissect(capture, port, "mysql", fields, since=since):
        stream = streams[packet["stream"]]
        statement = (packet["mysql.stmt_id"] or [None])[0]
        if not packet["by_client"]:
            stream.response(packet["mysql.response_code"], packet["mysql.error_code"], statement)
            continue
        texts = iter(packet["mysql.query"])
        for command in map(int, packet["mysql.command"]):
            commands[command] += 1
            stream.end_request()
            text = next(texts, "") if command in (COM_QUERY, COM_STMT_PREPARE) else ""
            stream.request(command, text, statement)
    total = collections.Counter()
    for stream in streams.values():
        stream.end_request()
        total += stream.counts
    return total, commands


# ---- MongoDB ---------------------------------------------------------------------------------------------------------


_MONGO_FIELDS = [
    "mongo.request_id",
    "mongo.response_to",
    "mongo.opcode",
    "mongo.element.name",
    "mongo.msg.flags.moretocome",
]


def _one_by_one(capture, port, frames):
    """{frame: [fields of each message]} of packets with several messages, whose fields would come in one list."""
    argv = ["tshark", "-n", "-r", capture.file, "-d", f"tcp.port=={port},mongo"]
    argv += ["-o", "tcp.reassemble_out_of_order:TRUE", "-Y", f"frame.number in {{{','.join(frames)}}}", "-T", "pdml"]
    result = subprocess.run(list(map(str, argv)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    messages = collections.defaultdict(list)
    for packet in ElementTree.fromstring(result.stdout).iter("packet"):
        frame = packet.find("./proto[@name='frame']/field[@name='frame.number']").get("show")
        for layer in packet.iterfind("./proto[@name='mongo']"):
            values = collections.defaultdict(list)
            for field in layer.iter("field"):
                values[field.get("name")].append(field.get("show"))
            messages[frame].append({name: values[name] for name in _MONGO_FIELDS})
    return messages


def mongo_messages(capture, port, since=0.0):
    """One dictionary for each message: stream, by_client, request, response_to, opcode, command (its first element in
    lower case), failed (it has an errmsg), more_to_come."""
    packets = dissect(capture, port, "mongo", ["frame.number", *_MONGO_FIELDS], since=since)
    several = [packet["frame.number"][0] for packet in packets if len(packet["mongo.opcode"]) > 1]
    apart = _one_by_one(capture, port, several) if several else {}
    messages = []
    for packet in packets:
        for message in apart.get(packet["frame.number"][0], [packet]):
            names = message["mongo.element.name"]
            messages.append(
                {
                    "stream": packet["stream"],
                    "by_client": packet["by_client"],
                    "request": message["mongo.request_id"][0],
                    "response_to": message["mongo.response_to"][0],
                    "opcode": int(message["mongo.opcode"][0]),
                    "command": names[0].lower() if names else "",
                    "failed": "errmsg" in names,
                    "more_to_come": message["mongo.msg.flags.moretocome"][:1] in (["1"], ["True"]),
                }
            )
    return messages


def mongo_operations(capture, port, since=0.0):
    """{(operation, status): count} of requests with their replies, failed by an errmsg, or that ask for none."""
    waiting, counts = {}, collections.Counter()
    for message in mongo_messages(capture, port, since):
        if message["by_client"]:
            if message["more_to_come"]:
                counts[message["command"], SUCCESS] += 1
            else:
                waiting[message["stream"], message["request"]] = message["command"]
            continue
        command = waiting.pop((message["stream"], message["response_to"]), None)
        if command:
            counts[command, FAILED if message["failed"] else SUCCESS] += 1
    return counts
