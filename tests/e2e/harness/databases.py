# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Real database servers, each in a directory of the test, under a name of its own, with what they count themselves.

Nothing is kept on disk for long, so nothing is synced. The freshly initialised directory is made once in a run of the
suite and copied for each server.
"""

import collections
import glob
import json
import os
import pathlib
import shutil
import subprocess

from .processes import Failure, Skip, accepts, free_port, wait_until
from .storage import verb
from .toolchain import need


def _run(argv, user=None, text=None):
    result = subprocess.run(
        [str(word) for word in argv],
        input=text.encode() if text else None,
        stdin=None if text else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        user=user,
        check=False,
    )
    if result.returncode:
        raise Failure(f"{argv[0]}: {result.stderr.decode(errors='replace')[-400:]}")
    return result.stdout.decode()


def _directory(t, kind, user, initialise):
    """A directory of this user with `data` in it, as initialise(path) makes it."""
    template = pathlib.Path(t.module.directory) / f"{kind}-template"
    if not template.exists():
        making = template.with_suffix(".new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        shutil.chown(making, user)
        initialise(making / "data")
        making.rename(template)
    directory = t.tmp / f"{kind}-{len(list(t.tmp.glob(f'{kind}-*')))}"
    _run(["cp", "-a", template, directory])
    return directory


class Server:
    """What both have in common: a started process with a port and a socket of AF_UNIX."""

    def __init__(self, process, service, port, directory):
        self.process = process
        self.service = service
        self.port = port
        self.directory = directory

    def kill_process(self, pid):
        """SIGKILL to one process of the server, which must be its own."""
        with open(f"/proc/{pid}/stat") as stat:
            parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        if self.process.pid not in (pid, parent):
            raise Failure(f"process {pid} is not the server's")
        os.kill(pid, 9)


class Postgresql(Server):
    """PostgreSQL on a free port of 127.0.0.1 and on a socket in its directory, with pg_stat_statements. TLS it offers if
    told so: then its clients insist on TLS, or do without it, as require_tls() says last.

    `meanwhile` is called with the port while the server starts."""

    def __init__(self, t, label="server", meanwhile=None, tls=False):
        self._environment = t.environment
        programs = self.programs()
        directory = _directory(
            t,
            "postgresql",
            "postgres",
            lambda data: _run(
                [f"{programs}/initdb", "-D", data, "-A", "trust", "-N", "--no-locale", "-E", "UTF8", "-U", "postgres"],
                "postgres",
            ),
        )
        port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "shared_buffers": "32MB",
            "autovacuum": "off",
            "log_line_prefix": "%h ",
            "log_connections": "on",
            "shared_preload_libraries": "pg_stat_statements",
            "pg_stat_statements.track_planning": "off",
            "ssl": "off",
        }
        if tls:
            certificate, key = t.secure(port).own(directory, "postgres")
            settings.update(ssl="on", ssl_cert_file=certificate, ssl_key_file=key)
            self.require_tls()
        argv = [t.copy(f"{programs}/postgres", label), "-D", directory / "data", "-p", port, "-k", directory]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        process = t.start(argv, label, user="postgres", cwd="/")
        super().__init__(process, t.service(label), port, directory)
        if meanwhile:
            meanwhile(port)
        wait_until(self._ready, f"postgres answers; it says {process.errors()[-300:]!r}", 20)
        self.sql("create extension pg_stat_statements")
        t.settle()

    def require_tls(self, required=True):
        """What clients that begin from now on insist on, those of libpq and the others, which take it from libpq."""
        self._environment["PGSSLMODE"] = "verify-full" if required else "disable"

    def logins(self):
        """How many connections by TCP there were until now: (inside TLS, plain)."""
        lines = [line for line in self.process.errors().splitlines() if line.startswith("127.0.0.1 ")]
        secure = ["SSL enabled" in line for line in lines if "connection authorized" in line]
        return secure.count(True), secure.count(False)

    @staticmethod
    def programs():
        """The directory of the newest version's programs."""
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        if not found or not os.path.exists(f"{found[-1]}/postgres"):
            raise Skip("postgresql is not installed")
        return found[-1]

    def _ready(self):
        if self.process.exit_status() is not None:
            raise Failure(f"postgres ended: {self.process.errors()[-600:]}")
        command = [f"{self.programs()}/pg_isready", "-q", "-h", self.directory, "-p", str(self.port)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0

    def target(self, unix=False):
        """Where a driver connects."""
        host = str(self.directory) if unix else "127.0.0.1"
        return {"host": host, "port": self.port, "user": "postgres", "database": "postgres"}

    @property
    def tcp(self):
        """libpq's words for a connection by TCP."""
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    @property
    def unix(self):
        return f"host={self.directory} port={self.port} user=postgres dbname=postgres"

    def sql(self, text):
        """Runs statements and returns what psql prints of rows; not to be used while tapstat watches."""
        return _run([f"{self.programs()}/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.unix, "-c", text])

    def begin(self):
        """The server's own counts begin here."""
        self.sql("select pg_stat_statements_reset()")

    def statements(self):
        """{(operation, success): calls} that pg_stat_statements has since begin(); it doesn't count failures."""
        found = collections.Counter()
        rows = self.sql(
            "select calls, replace(query, E'\\n', ' ') from pg_stat_statements where query !~ 'pg_stat_statements'"
        )
        for row in rows.splitlines():
            calls, query = row.split("|", 1)
            found[verb(query), "success"] += int(calls)
        return found


class Mariadb(Server):
    """MariaDB on a free port of 127.0.0.1 and on a socket in its directory; root has no password. TLS it offers if told
    so: then its clients insist on TLS, or do without it, as require_tls() says last."""

    def __init__(self, t, label="server", meanwhile=None, tls=False):
        need("mariadbd", "mariadb-install-db")
        directory = _directory(t, "mariadb", "mysql", self._initialise)
        port = free_port()
        argv = [
            t.copy(shutil.which("mariadbd"), label),
            "--no-defaults",
            "--basedir=/usr",
            f"--datadir={directory}/data",
            f"--socket={directory}/socket",
            f"--pid-file={directory}/pid",
            f"--port={port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--innodb-buffer-pool-size=16M",
            "--innodb-log-file-size=4M",
            "--max-allowed-packet=256M",
            "--thread-handling=one-thread-per-connection",
        ]
        self._authority = t.secure(port).authority if tls else None
        self._tls = tls
        if tls:
            certificate, key = t.secure().own(directory, "mysql")
            argv += [f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        process = t.start(argv, label, user="mysql", cwd="/")
        super().__init__(process, t.service(label), port, directory)
        if meanwhile:
            meanwhile(port)
        wait_until(self._ready, "mariadbd answers", 20)
        self._connection = None
        t.callback(self._disconnect)
        self.sql("create database test")
        if tls:
            self.require_tls()
        t.settle()

    def require_tls(self, required=True):
        """What the server insists on and clients that begin from now on ask for."""
        self._tls = required
        self.sql(f"set global require_secure_transport = {int(required)}")

    @staticmethod
    def _initialise(data):
        _run(
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={data}",
                "--user=mysql",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
                "--innodb-log-file-size=4M",
            ]
        )

    def _ready(self):
        if self.process.exit_status() is not None:
            raise Failure(f"mariadbd ended: {self.process.errors()[-600:]}")
        return os.path.exists(self.socket) and accepts(self.port)

    def target(self, unix=False):
        """Where a driver connects."""
        where = {"unix_socket": self.socket} if unix else {"host": "127.0.0.1", "port": self.port}
        if self._tls and not unix:
            where["ssl"] = {"ca": str(self._authority)}
        return {**where, "user": "root", "database": "test"}

    def options(self, unix=False):
        """The same for MariaDB's own programs."""
        where = [f"--socket={self.socket}"] if unix else ["--host=127.0.0.1", f"--port={self.port}"]
        secure = ["--ssl", f"--ssl-ca={self._authority}", "--ssl-verify-server-cert"] if self._tls else []
        return ["--user=root", *where, *secure]

    @property
    def socket(self):
        return f"{self.directory}/socket"

    def sql(self, text):
        """Runs one statement on a connection of the suite's own and returns its rows; not while tapstat watches."""
        import pymysql  # here, so that only these tests need it

        if not self._connection:
            self._connection = pymysql.connect(unix_socket=self.socket, user="root", autocommit=True)
        with self._connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall()

    def _disconnect(self):
        if self._connection:
            self._connection.close()

    def begin(self):
        """The server's own counts begin here."""
        self._before, self._looks = self._status(), 0

    def status(self):
        """What rose since begin(), {name: difference}: `Questions` and `Com_…`, without the look at them itself."""
        now = self._status()
        self._looks += 1
        now["Questions"] -= self._looks
        now["Com_show_status"] -= self._looks
        before = self._before
        return {name: value - before.get(name, 0) for name, value in now.items() if value != before.get(name)}

    def _status(self):
        rows = self.sql("show global status where variable_name like 'Com\\_%' or variable_name = 'Questions'")
        return {name: int(value) for name, value in rows}


class Driver:
    """A client library (peers/sql_client.*) as a service of its own, with the commands of that peer."""

    NODE = {"pg", "mysql2"}

    def __init__(self, t, library, target, label="client"):
        self.service = t.service(label)
        if library in self.NODE:
            self.process = t.node("sql_client.js", label, library, json.dumps(target))
        else:
            self.process = t.python("sql_client.py", label, library, json.dumps(target))

    def ask(self, do, **rest):
        return self.process.ask({"do": do, **rest})

    def run(self, sql, rows=None, errors=0, **how):
        """The answer, in which the number of errors, and of rows if told, is as expected."""
        answer = self.ask("run", sql=sql, **how)
        if len(answer["errors"]) != errors or rows not in (None, answer["rows"]):
            raise Failure(f"{sql}: {answer}, expected {errors} errors and {'any' if rows is None else rows} rows")
        return answer
