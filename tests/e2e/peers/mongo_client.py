# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""pymongo, driven by commands. Argument: the port. Compressors and further options come with `open`."""

import asyncio
import sys
import time

import peer
import pymongo

client = None


def database():
    return client["test"]


def command(name, **rest):
    database().command(name, **rest)


def insert(n=1, size=10, first=0, w=1):
    items = database().get_collection("item", write_concern=pymongo.WriteConcern(w=w))
    documents = [{"_id": first + i, "kind": i % 3, "text": "x" * size} for i in range(n)]
    if n == 1:
        items.insert_one(documents[0])
    else:
        items.insert_many(documents)


def burst(n, first=0):
    """Unacknowledged writes one right behind the other."""
    for i in range(n):
        insert(first=first + i, w=0)


def find(batch=0, **query):
    return len(list(database().item.find(query, batch_size=batch)))


def update(n=1):
    for i in range(n):
        database().item.update_one({"_id": i}, {"$set": {"text": "changed"}})


def delete(n=1):
    for i in range(n):
        database().item.delete_one({"_id": i})


def aggregate():
    return list(database().item.aggregate([{"$match": {"kind": 1}}, {"$count": "n"}]))


def drop():
    database().item.drop()


def stop():
    client.close()


WORK = {function.__name__: function for function in (command, insert, burst, find, update, delete, aggregate, drop)}


async def connect(**options):
    global client
    client = pymongo.MongoClient("127.0.0.1", int(sys.argv[1]), maxPoolSize=8, serverSelectionTimeoutMS=5000, **options)
    await asyncio.to_thread(client.admin.command, "ping")


async def run(work, times=1, **arguments):
    errors, result = [], None
    began = time.perf_counter()
    for _ in range(times):
        try:
            result = await asyncio.to_thread(WORK[work], **arguments)
        except pymongo.errors.PyMongoError as error:
            errors.append(type(error).__name__)
    seconds = time.perf_counter() - began
    return {"errors": errors, "result": result if isinstance(result, int) else None, "seconds": seconds}


async def close():
    await asyncio.to_thread(stop)


asyncio.run(peer.serve({"open": connect, "run": run, "close": close}))
