# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Python's SQL drivers, driven by commands. Arguments: driver, where to connect as JSON (host, port, user, database).

Every command names its connection by number; `start` runs a statement in the background until `finish`.
"""

import asyncio
import json
import sys
import time

import peer

CHUNK = b"x" * 99 + b"\n"


class Blocking:
    """A driver of Python's DB API; everything runs in a thread of its own."""

    errors = (Exception,)
    own_transactions = False

    def __init__(self, target):
        self.target = target

    async def connect(self):
        return await asyncio.to_thread(self.open)

    async def run(self, connection, sql, params=None, **how):
        return await asyncio.to_thread(self.execute, connection, sql, params, **how)

    async def close(self, connection):
        await asyncio.to_thread(connection.close)

    def execute(self, connection, sql, params=None):
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return self.rows(cursor)

    @staticmethod
    def rows(cursor):
        return len(cursor.fetchall()) if cursor.description else cursor.rowcount


class Psycopg2(Blocking):
    def open(self):
        import psycopg2

        target = {"dbname" if key == "database" else key: value for key, value in self.target.items()}
        connection = psycopg2.connect(**target)
        connection.autocommit = True
        return connection

    def copy_in(self, connection, table, count):
        import io

        with connection.cursor() as cursor:
            cursor.copy_expert(f"copy {table} from stdin", io.BytesIO(CHUNK * count))
            return cursor.rowcount

    def copy_out(self, connection, table):
        import io

        out = io.BytesIO()
        with connection.cursor() as cursor:
            cursor.copy_expert(f"copy {table} to stdout", out)
        return out.tell()

    def cancel(self, connection):
        connection.cancel()


class Psycopg(Blocking):
    """psycopg 3, which alone has libpq's pipeline mode."""

    def open(self):
        import psycopg

        target = {"dbname" if key == "database" else key: value for key, value in self.target.items()}
        return psycopg.connect(**target, autocommit=True)

    def execute(self, connection, sql, params=None, prepare=None):
        with connection.cursor() as cursor:
            cursor.execute(sql, params, prepare=prepare)
            return self.rows(cursor)

    def pipeline(self, connection, groups):
        """Each group of (sql, params) is sent at once and ends with one Sync; tells which groups failed."""
        failed = []
        for number, group in enumerate(groups):
            try:
                with connection.pipeline() as pipeline:
                    for sql, params in group:
                        connection.execute(sql, params, prepare=False)
                    pipeline.sync()
            except Exception as error:
                failed.append([number, type(error).__name__])
        return failed


class Asyncpg:
    def __init__(self, target):
        self.target = target

    async def connect(self):
        import asyncpg

        return await asyncpg.connect(**self.target)

    async def run(self, connection, sql, params=None, how="fetch"):
        """`execute` without parameters is a simple query; `fetchval` has the portal suspended after one row."""
        if how == "prepared":
            statement = await connection.prepare(sql)
            return len(await statement.fetch(*params or ()))
        result = await getattr(connection, how)(sql, *params or ())
        return len(result) if isinstance(result, list) else 1

    async def cursor(self, connection, sql, prefetch):
        async with connection.transaction():
            return len([row async for row in connection.cursor(sql, prefetch=prefetch)])

    async def close(self, connection):
        await connection.close()


class Pymysql(Blocking):
    def open(self):
        import pymysql
        from pymysql.constants import CLIENT

        return pymysql.connect(**self.target, autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS)

    def execute(self, connection, sql, params=None):
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            count = self.rows(cursor)
            while cursor.nextset():
                count += self.rows(cursor)
            return count

    def ping(self, connection):
        connection.ping(reconnect=False)


class Mysqldb(Pymysql):
    def open(self):
        import MySQLdb

        return MySQLdb.connect(**self.target, autocommit=True)


DRIVERS = {"psycopg2": Psycopg2, "psycopg": Psycopg, "asyncpg": Asyncpg, "pymysql": Pymysql, "MySQLdb": Mysqldb}
driver = DRIVERS[sys.argv[1]](json.loads(sys.argv[2]))
connections = []
started = {}


async def execute(c, sql, times, **how):
    """What became of it: rows, the errors by class, the seconds that it took."""
    rows, errors = 0, []
    began = time.perf_counter()
    for _ in range(times):
        try:
            rows += await driver.run(connections[c], sql, **how)
        except Exception as error:
            errors.append(type(error).__name__)
    return {"rows": rows, "errors": errors, "seconds": time.perf_counter() - began}


async def open_connections(n=1):
    for _ in range(n):
        connections.append(await driver.connect())


async def run(sql, c=0, times=1, **how):
    # The suite reads "error" as a failure of the peer; an error of the database is an answer.
    return await execute(c, sql, times, **how)


async def start(sql, c=0, **how):
    started[c] = asyncio.create_task(execute(c, sql, 1, **how))
    await asyncio.sleep(0)


async def finish(c=0):
    return await started.pop(c)


async def call(method, c=0, **arguments):
    """A method that only this driver has."""
    function = getattr(driver, method)
    if asyncio.iscoroutinefunction(function):
        return {"result": await function(connections[c], **arguments)}
    return {"result": await asyncio.to_thread(function, connections[c], **arguments)}


async def close():
    while connections:
        await driver.close(connections.pop())


asyncio.run(
    peer.serve({"open": open_connections, "run": run, "start": start, "finish": finish, "call": call, "close": close})
)
