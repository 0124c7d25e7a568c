# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A pool of python3-redis, driven by commands. Arguments: port or path, number of connections, `tls` if inside TLS."""

import asyncio
import os
import sys

import peer
import redis

where, size = sys.argv[1], int(sys.argv[2])
options = {"port": int(where)} if where.isdigit() else {"unix_socket_path": where}
if "tls" in sys.argv:
    options |= {"ssl": True, "ssl_ca_certs": os.environ["SSL_CERT_FILE"]}
clients = []


async def open_connections():
    for _ in range(size):
        clients.append(redis.Redis(single_connection_client=True, **options))


async def call(commands, n=1):
    """Each of the commands, lists of words, so many times on every connection."""
    failed = 0
    for _ in range(n):
        for client in clients:
            for words in commands:
                peer.counts[f"commands.{words[0].lower()}"] += 1
                try:
                    client.execute_command(*words)
                except redis.ResponseError:
                    failed += 1
    return {"failed": failed}


async def pipeline(commands, n=1, transaction=False):
    """All of it in one write."""
    pipe = clients[0].pipeline(transaction=transaction)
    for _ in range(n):
        for words in commands:
            pipe.execute_command(*words)
    return {"failed": sum(isinstance(result, Exception) for result in pipe.execute(raise_on_error=False))}


async def close():
    for client in clients:
        client.close()
    clients.clear()


asyncio.run(peer.serve({"open": open_connections, "call": call, "pipeline": pipeline, "close": close}))
