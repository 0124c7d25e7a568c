# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Client of Python's websockets, driven by commands. Argument: URL."""

import asyncio
import sys

import peer
import websockets

connections = []


async def open_connections(n=1):
    for _ in range(n):
        connections.append(await websockets.connect(sys.argv[1], compression=None, max_size=None, ping_interval=None))


async def echo(**what):
    async def talk(connection):
        for message in peer.payloads(**what):
            peer.count_message("sent", message)
            await connection.send(message)
            peer.count_message("received", await connection.recv())

    await asyncio.gather(*map(talk, connections))


async def fragments(sizes, binary=False):
    async def talk(connection):
        parts = [bytes(size) if binary else "a" * size for size in sizes]
        peer.count_message("sent", (b"" if binary else "").join(parts))
        await connection.send(parts)
        peer.count_message("received", await connection.recv())

    await asyncio.gather(*map(talk, connections))


async def ping(n=1):
    for connection in connections:
        for i in range(n):
            peer.counts["sent.ping"] += 1
            await (await connection.ping(f"ping {i}"))
            peer.counts["received.pong"] += 1


async def close(code=1000, reason=""):
    await asyncio.gather(*(connection.close(code, reason) for connection in connections))
    connections.clear()


asyncio.run(peer.serve({"open": open_connections, "echo": echo, "fragments": fragments, "ping": ping, "close": close}))
