# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Client of aiohttp, driven by commands. Argument: URL."""

import asyncio
import sys

import aiohttp
import peer

connections = []


async def main():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def open_connections(n=1):
            for _ in range(n):
                connections.append(await session.ws_connect(sys.argv[1], max_msg_size=0))

        async def echo(**what):
            async def talk(connection):
                for message in peer.payloads(**what):
                    peer.count_message("sent", message)
                    if isinstance(message, str):
                        await connection.send_str(message)
                    else:
                        await connection.send_bytes(message)
                    peer.count_message("received", (await connection.receive()).data)

            await asyncio.gather(*map(talk, connections))

        async def close(code=1000, reason=""):
            await asyncio.gather(*(connection.close(code=code, message=reason.encode()) for connection in connections))
            connections.clear()

        await peer.serve({"open": open_connections, "echo": echo, "close": close})


asyncio.run(main())
