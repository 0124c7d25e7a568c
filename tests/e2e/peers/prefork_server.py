# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Echo server of Python's websockets with workers that are forked before any connection. Arguments: PORT WORKERS."""

import asyncio
import os
import socket
import sys

import peer
import websockets


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def work(listener):
    async with websockets.serve(echo, sock=listener, compression=None, max_size=None, ping_interval=None):
        await asyncio.Future()


def main():
    port, workers = int(sys.argv[1]), int(sys.argv[2])
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    for _ in range(workers):
        if os.fork() == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            asyncio.run(work(listener))
    peer.say({"listening": port})
    sys.stdin.read()


main()
