# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A small server of MongoDB's wire protocol. It is no MongoDB: none is packaged for Debian, nor to be had from npm.

It keeps documents in memory and answers what the drivers of these tests ask: hello and isMaster (by OP_MSG and the
legacy OP_QUERY), ping, buildInfo, insert, find, getMore, killCursors, update, delete, aggregate, count, drop,
endSessions. Filters compare for equality; updates know $set and $inc; aggregation knows $match and $count. `sleep`
takes its `millis`. Unknown commands fail as MongoDB's do, with code 59. The codec is pymongo's. Argument: the port.

Told on standard input to count, it answers with {"command": [succeeded, failed]} of what it was asked.
"""

import collections
import json
import socketserver
import struct
import sys
import threading
import time

import bson

HEADER = struct.Struct("<iiii")
OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
MORE_TO_COME = 2
BATCH = 101

counts = collections.defaultdict(lambda: [0, 0])
collections_by_name = collections.defaultdict(list)
cursors = {}
lock = threading.Lock()


class CommandError(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def matches(document, query):
    return all(document.get(key) == value for key, value in query.items())


def hello(_):
    return {
        "ismaster": True,
        "isWritablePrimary": True,
        "helloOk": True,
        "maxBsonObjectSize": 16 << 20,
        "maxMessageSizeBytes": 48_000_000,
        "maxWriteBatchSize": 100_000,
        "minWireVersion": 0,
        "maxWireVersion": 9,
        "readOnly": False,
    }


def insert(command):
    held = collections_by_name[command["insert"]]
    written, errors = 0, []
    for index, document in enumerate(command["documents"]):
        if any(document["_id"] == other["_id"] for other in held[-1000:]):
            errors.append({"index": index, "code": 11000, "errmsg": "E11000 duplicate key"})
            if command.get("ordered", True):
                break
        else:
            held.append(document)
            written += 1
    return {"n": written, **({"writeErrors": errors} if errors else {})}


def first_batch(name, documents, size):
    size = BATCH if size is None else size
    number = 0
    if len(documents) > size:
        number = len(cursors) + 1000
        cursors[number] = documents[size:]
    return {"cursor": {"id": bson.Int64(number), "ns": f"test.{name}", "firstBatch": documents[:size]}}


def find(command):
    for key in command.get("filter", {}):
        if key.startswith("$"):
            raise CommandError(2, f"unknown top level operator: {key}")
    found = [d for d in collections_by_name[command["find"]] if matches(d, command.get("filter", {}))]
    if command.get("limit"):
        found = found[: abs(command["limit"])]
        return first_batch(command["find"], found, len(found))
    return first_batch(command["find"], found, command.get("batchSize"))


def get_more(command):
    number = int(command["getMore"])
    if number not in cursors:
        raise CommandError(43, f"cursor id {number} not found")
    documents = cursors.pop(number)
    size = command.get("batchSize") or len(documents)
    if len(documents) > size:
        cursors[number] = documents[size:]
    left = number if number in cursors else 0
    return {"cursor": {"id": bson.Int64(left), "ns": f"test.{command['collection']}", "nextBatch": documents[:size]}}


def kill_cursors(command):
    for number in command["cursors"]:
        cursors.pop(int(number), None)
    return {"cursorsKilled": command["cursors"]}


def update(command):
    changed = 0
    for one in command["updates"]:
        for document in [d for d in collections_by_name[command["update"]] if matches(d, one["q"])]:
            document.update(one["u"].get("$set", {}))
            for key, by in one["u"].get("$inc", {}).items():
                document[key] = document.get(key, 0) + by
            changed += 1
            if not one.get("multi"):
                break
    return {"n": changed, "nModified": changed}


def delete(command):
    held, removed = collections_by_name[command["delete"]], 0
    for one in command["deletes"]:
        gone = [d for d in held if matches(d, one["q"])][: one.get("limit") or None]
        for document in gone:
            held.remove(document)
        removed += len(gone)
    return {"n": removed}


def aggregate(command):
    documents = list(collections_by_name[command["aggregate"]])
    for stage in command["pipeline"]:
        if "$match" in stage:
            documents = [d for d in documents if matches(d, stage["$match"])]
        elif "$count" in stage:
            documents = [{stage["$count"]: len(documents)}]
        else:
            raise CommandError(40324, f"unrecognized pipeline stage {list(stage)}")
    return first_batch(command["aggregate"], documents, command.get("cursor", {}).get("batchSize"))


def drop(command):
    if collections_by_name.pop(command["drop"], None) is None:
        raise CommandError(26, "ns not found")
    return {}


def sleep(command):
    time.sleep(command["millis"] / 1000)
    return {}


COMMANDS = {
    "hello": hello,
    "isMaster": hello,
    "ismaster": hello,
    "ping": lambda _: {},
    "buildInfo": lambda _: {"version": "4.4.0", "versionArray": [4, 4, 0, 0]},
    "endSessions": lambda _: {},
    "insert": insert,
    "find": find,
    "getMore": get_more,
    "killCursors": kill_cursors,
    "update": update,
    "delete": delete,
    "aggregate": aggregate,
    "count": lambda command: {"n": len(collections_by_name[command["count"]])},
    "drop": drop,
    "sleep": sleep,
}


def run(command):
    """The reply to a command, whose first element names it."""
    name = next(iter(command))
    try:
        if name not in COMMANDS:
            raise CommandError(59, f"no such command: '{name}'")
        if name == "sleep":
            reply = {**sleep(command), "ok": 1.0}
        else:
            with lock:
                reply = {**COMMANDS[name](command), "ok": 1.0}
    except CommandError as error:
        reply = {"ok": 0.0, "errmsg": str(error), "code": error.code, "codeName": "Error"}
    counts[name.lower()][0 if reply["ok"] else 1] += 1
    return reply


def sections(body):
    """The command of an OP_MSG, its document sequences put where they belong."""
    command, at = None, 4
    sequences = {}
    while at < len(body):
        kind = body[at]
        (size,) = struct.unpack_from("<i", body, at + 1)
        part = body[at + 1 : at + 1 + size]
        if kind == 0:
            command = bson.BSON(part).decode()
        else:
            end = part.index(b"\0", 4)
            sequences[part[4:end].decode()] = bson.decode_all(part[end + 1 :])
        at += 1 + size
    return {**command, **sequences}


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        while True:
            header = self.receive(HEADER.size)
            if not header:
                return
            length, request, _, opcode = HEADER.unpack(header)
            body = self.receive(length - HEADER.size)
            if body is None:
                return
            if opcode == OP_MSG:
                flags = struct.unpack_from("<I", body)[0]
                if flags & 1:
                    body = body[:-4]  # a checksum
                reply = run(sections(body))
                if not flags & MORE_TO_COME:
                    self.send(OP_MSG, request, b"\0\0\0\0\0" + bson.BSON.encode(reply))
            elif opcode == OP_QUERY:
                query = body[body.index(b"\0", 4) + 1 + 8 :]
                reply = run(bson.BSON(query[: struct.unpack_from("<i", query)[0]]).decode())
                self.send(OP_REPLY, request, struct.pack("<iqii", 8, 0, 0, 1) + bson.BSON.encode(reply))
            else:
                return

    def send(self, opcode, request, body):
        self.request.sendall(HEADER.pack(HEADER.size + len(body), 1, request, opcode) + body)

    def receive(self, count):
        data = bytearray()
        while len(data) < count:
            try:
                more = self.request.recv(min(count - len(data), 1 << 20))
            except ConnectionError:
                return None
            if not more:
                return None
            data += more
        return bytes(data)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("{}", flush=True)
for _ in sys.stdin:
    print(json.dumps(counts), flush=True)
