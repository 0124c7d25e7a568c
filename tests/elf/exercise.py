#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Calls much of what libraries export, in one thread: exercise.py LIBRARY... (their paths; those absent are left out)"""

import ctypes
import hashlib
import pathlib
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import zlib
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p


def function(library, name, result, *arguments):
    found = getattr(library, name)
    found.restype = result
    found.argtypes = arguments
    return found


def tls(directory):
    key, certificate = directory / "key", directory / "certificate"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate, key)
    server_context.set_alpn_protocols(["http/1.1"])
    client_context = ssl.create_default_context(cafile=certificate)
    client_context.set_alpn_protocols(["h2", "http/1.1"])
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        client_context.maximum_version = version
        up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = client_context.wrap_bio(down, up, server_hostname="localhost")
        server = server_context.wrap_bio(up, down, server_side=True)
        for side in [client, server] * 3:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
        for size in 1, 100, 16384, 50000:
            client.write(bytes(size))
            while size:
                size -= len(server.read(65536))
        assert client.selected_alpn_protocol() == "http/1.1" and server.cipher() and client.getpeercert()
        try:
            client.unwrap()
        except ssl.SSLWantReadError:
            pass


def sqlite(directory):
    with sqlite3.connect(directory / "database") as database:
        database.execute("create table t(a integer primary key, b text, c real, d blob)")
        database.create_function("twice", 1, lambda x: 2 * x)
        for i in range(200):
            database.execute("insert into t(b, c, d) values(?, ?, ?)", (f"text {i}", i / 3, bytes(i)))
        database.execute("create index i on t(b)")
        rows = database.execute("select twice(a), upper(b), round(c, 2), d from t where b like 'text 1%' order by c desc")
        assert len(rows.fetchall()) == 111
        database.execute("update t set c = c + 1 where a % 2")
        try:
            database.execute("select no_such_column from t")
        except sqlite3.OperationalError:
            pass
    database.execute("vacuum")
    list(database.iterdump())
    database.close()


def gnutls(path):
    library = ctypes.CDLL(path)
    sessions = []
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
    for flags, kind, end in ((1, "server", ends[0]), (2, "client", ends[1])):
        credentials, session = c_void_p(), c_void_p()
        assert not function(library, f"gnutls_anon_allocate_{kind}_credentials", c_int, c_void_p)(byref(credentials))
        assert not function(library, "gnutls_init", c_int, c_void_p, c_int)(byref(session), flags | 8)
        assert not function(library, "gnutls_priority_set_direct", c_int, c_void_p, c_char_p, c_void_p)(
            session, b"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ANON-ECDH", None)
        function(library, "gnutls_credentials_set", c_int, c_void_p, c_int, c_void_p)(session, 2, credentials)
        function(library, "gnutls_transport_set_int2", None, c_void_p, c_int, c_int)(session, end.fileno(), end.fileno())
        sessions.append(session)
    handshake = function(library, "gnutls_handshake", c_int, c_void_p)
    for session in sessions * 5:
        handshake(session)
    send = function(library, "gnutls_record_send", ctypes.c_ssize_t, c_void_p, c_char_p, c_size_t)
    receive = function(library, "gnutls_record_recv", ctypes.c_ssize_t, c_void_p, c_void_p, c_size_t)
    buffer = ctypes.create_string_buffer(1024)
    for size in 1, 100, 1000:
        assert send(sessions[0], bytes(size), size) == size
        assert receive(sessions[1], buffer, len(buffer)) == size
    function(library, "gnutls_bye", c_int, c_void_p, c_int)(sessions[0], 1)
    for session in sessions:
        function(library, "gnutls_deinit", None, c_void_p)(session)


def key_value(path, prefix, directory):
    """leveldb and rocksdb: one interface of C."""
    library = ctypes.CDLL(path)

    def call(name, result, *arguments):
        return function(library, f"{prefix}_{name}", result, *[type(a) for a in arguments])(*arguments)

    error = c_char_p()
    options = c_void_p(call("options_create", c_void_p))
    call("options_set_create_if_missing", None, options, ctypes.c_ubyte(1))
    database = c_void_p(call("open", c_void_p, options, c_char_p(str(directory / prefix).encode()), c_void_p(
        ctypes.addressof(error))))
    assert database and not error.value, error.value
    writing, reading = c_void_p(call("writeoptions_create", c_void_p)), c_void_p(call("readoptions_create", c_void_p))
    for i in range(50):
        key, value = c_char_p(b"key %d" % i), c_char_p(b"value %d" % i)
        call("put", None, database, writing, key, c_size_t(len(key.value)), value, c_size_t(len(value.value)), c_void_p(
            ctypes.addressof(error)))
    size = c_size_t()
    got = call("get", c_void_p, database, reading, c_char_p(b"key 7"), c_size_t(5), c_void_p(ctypes.addressof(size)),
               c_void_p(ctypes.addressof(error)))
    assert ctypes.string_at(got, size.value) == b"value 7"
    iterator = c_void_p(call("create_iterator", c_void_p, database, reading))
    call("iter_seek_to_first", None, iterator)
    n = 0
    while call("iter_valid", ctypes.c_ubyte, iterator):
        call("iter_next", None, iterator)
        n += 1
    assert n == 50
    call("iter_destroy", None, iterator)
    call("close", None, database)
    call("options_destroy", None, options)


def lmdb(path, directory):
    library = ctypes.CDLL(path)
    environment, transaction, handle = c_void_p(), c_void_p(), ctypes.c_uint()
    call = {name: function(library, f"mdb_{name}", c_int) for name in
            ("env_create", "env_open", "txn_begin", "txn_commit", "dbi_open", "put", "get", "del")}
    for name, arguments in (("env_create", [c_void_p]), ("env_open", [c_void_p, c_char_p, ctypes.c_uint, c_int]),
                            ("txn_begin", [c_void_p, c_void_p, ctypes.c_uint, c_void_p]), ("txn_commit", [c_void_p]),
                            ("dbi_open", [c_void_p, c_char_p, ctypes.c_uint, c_void_p]),
                            ("put", [c_void_p, ctypes.c_uint, c_void_p, c_void_p, ctypes.c_uint]),
                            ("get", [c_void_p, ctypes.c_uint, c_void_p, c_void_p])):
        call[name].argtypes = arguments

    class Value(ctypes.Structure):
        _fields_ = [("size", c_size_t), ("data", c_char_p)]

    (directory / "lmdb").mkdir()
    assert not call["env_create"](byref(environment))
    assert not call["env_open"](environment, str(directory / "lmdb").encode(), 0, 0o600)
    assert not call["txn_begin"](environment, None, 0, byref(transaction))
    assert not call["dbi_open"](transaction, None, 0, byref(handle))
    for i in range(50):
        key, value = Value(5, b"k%04d" % i), Value(7, b"value %d" % (i % 10))
        assert not call["put"](transaction, handle, byref(key), byref(value), 0)
    key, value = Value(5, b"k0007"), Value()
    assert not call["get"](transaction, handle, byref(key), byref(value))
    assert ctypes.string_at(value.data, 7) == b"value 7"
    assert not call["txn_commit"](transaction)
    function(library, "mdb_env_close", None, c_void_p)(environment)


def main():
    given = {pathlib.Path(path).name.split(".")[0]: path for path in sys.argv[1:]}
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        tls(directory)
        sqlite(directory)
        for algorithm in "sha1", "sha256", "sha512", "md5", "sha3_256", "blake2b":
            hashlib.new(algorithm, b"abc" * 1000).hexdigest()
        hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 100)
        assert zlib.decompress(zlib.compress(b"abc" * 10000, 9)) == b"abc" * 10000
        zlib.crc32(b"abc"), zlib.adler32(b"abc")
        if "libgnutls" in given:
            gnutls(given["libgnutls"])
        for library, prefix in (("libleveldb", "leveldb"), ("librocksdb", "rocksdb")):
            if library in given:
                key_value(given[library], prefix, directory)
        if "liblmdb" in given:
            lmdb(given["liblmdb"], directory)


if __name__ == "__main__":
    main()
