# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Echo server of aiohttp. Argument: PORT."""

import asyncio
import sys

import peer
from aiohttp import WSMsgType, web


async def echo(request):
    connection = web.WebSocketResponse(max_msg_size=0, compress=False)
    await connection.prepare(request)
    async for message in connection:
        peer.count_message("received", message.data)
        peer.count_message("sent", message.data)
        if message.type == WSMsgType.TEXT:
            await connection.send_str(message.data)
        else:
            await connection.send_bytes(message.data)
    return connection


async def main():
    port = int(sys.argv[1])
    application = web.Application()
    application.add_routes([web.get("/", echo)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=peer.server_context()).start()
    peer.say({"listening": port})
    await peer.serve({})


asyncio.run(main())
