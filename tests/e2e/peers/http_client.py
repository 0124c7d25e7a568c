# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""http.client of Python's library, driven by commands: one connection, kept open. Arguments: host, port,
`https` if it is inside TLS."""

import asyncio
import http.client
import sys
import time

import peer

kind = http.client.HTTPSConnection if "https" in sys.argv else http.client.HTTPConnection
connection = kind(sys.argv[1], int(sys.argv[2]), timeout=30)


async def request(path, method="GET", n=1, body=0, chunks=()):
    """The same request so many times; the seconds that each took. `chunks`: sizes of a chunked body's pieces."""
    seconds = []
    for _ in range(n):
        headers = {"Transfer-Encoding": "chunked"} if chunks else {}
        data = (b"c" * size for size in chunks) if chunks else b"b" * body or None
        began = time.monotonic()
        connection.request(method, path, data, headers, encode_chunked=bool(chunks))
        response = connection.getresponse()
        response.read()
        seconds.append(time.monotonic() - began)
        peer.counts[f"{method} {path} {response.status}"] += 1
    return {"seconds": seconds}


asyncio.run(peer.serve({"request": request}))
