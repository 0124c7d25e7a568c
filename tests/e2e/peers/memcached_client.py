# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Clients of memcached, driven by commands. Arguments: library (pymemcache, pylibmc, pylibmc-binary), port or path."""

import asyncio
import sys

import peer

library, where = sys.argv[1:]


def _client():
    if library == "pymemcache":
        from pymemcache.client.base import Client

        return Client(("127.0.0.1", int(where)) if where.isdigit() else where, default_noreply=False)
    import pylibmc

    address = f"127.0.0.1:{where}" if where.isdigit() else where
    return pylibmc.Client([address], binary=library == "pylibmc-binary")


client = _client()


async def call(method, arguments=(), keywords=None, n=1):
    """A method of the library's client so many times; the last result as text."""
    result = None
    for _ in range(n):
        result = getattr(client, method)(*arguments, **(keywords or {}))
    return {"result": repr(result)}


async def close():
    global client  # pylint: disable=global-statement
    getattr(client, "disconnect_all" if library.startswith("pylibmc") else "close")()
    client = None


asyncio.run(peer.serve({"call": call, "close": close}))
