# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Echo server of Python's websockets. Argument: PORT."""

import asyncio
import sys

import peer
import websockets


async def echo(connection):
    try:
        async for message in connection:
            peer.count_message("received", message)
            peer.count_message("sent", message)
            await connection.send(message)
    except websockets.ConnectionClosedError:
        pass


async def main():
    port = int(sys.argv[1])
    options = {"compression": None, "max_size": None, "ping_interval": None, "ssl": peer.server_context()}
    async with websockets.serve(echo, "127.0.0.1", port, **options):
        peer.say({"listening": port})
        await peer.serve({})


asyncio.run(main())
