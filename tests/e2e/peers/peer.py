# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the Python peers share: JSON commands by line, JSON answers, and counts of what a peer itself saw."""

import asyncio
import collections
import json
import os
import ssl
import sys
import traceback

counts = collections.Counter()


def count_message(direction, message):
    binary = not isinstance(message, str)
    counts[f"{direction}.{'binary' if binary else 'text'}"] += 1
    counts[f"bytes.{direction}"] += len(message) if binary else len(message.encode())


def say(answer):
    print(json.dumps(answer), flush=True)


def payloads(texts=(), binaries=(), rounds=1):
    """The payloads of an echo command."""
    for _ in range(rounds):
        for size in texts:
            yield "x" * size
        for size in binaries:
            yield bytes(size)


def server_context():
    """What a server needs to serve TLS, None unless the suite gives it a certificate."""
    if "E2E_CERTIFICATE" not in os.environ:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.environ["E2E_CERTIFICATE"])
    return context


async def serve(handlers):
    """Answers commands with the results of handlers[command["do"]](**rest) until standard input ends."""

    async def report():
        return dict(counts)

    handlers = {"counts": report, **handlers}
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command = json.loads(line)
        try:
            say(await handlers[command.pop("do")](**command) or {})
        except Exception:  # the suite reports it
            say({"error": traceback.format_exc()})
