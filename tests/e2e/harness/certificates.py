# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An authority of this run's own and its certificate for this host, made by the openssl command, and how each kind of
software is told of them: most by variables of the environment, so that peers open TLS as their users would."""

import dataclasses
import os
import pathlib
import shutil
import ssl
import subprocess

from .processes import Failure
from .toolchain import need

KEYSTORE_PASSWORD = "changeit"  # Java has none without one
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]  # a kind that all peers take


@dataclasses.dataclass(frozen=True)
class Certificates:
    """Where the files of a run are."""

    directory: pathlib.Path

    @property
    def authority(self):
        return self.directory / "authority.pem"

    @property
    def certificate(self):
        return self.directory / "server.pem"

    @property
    def key(self):
        return self.directory / "server.key"

    @property
    def both(self):
        """Key and certificate in one file."""
        return self.directory / "both.pem"

    @property
    def keystore(self):
        """The same in PKCS #12."""
        return self.directory / "server.p12"

    def own(self, directory, user):
        """(certificate, key) as copies that belong to this user: servers refuse keys that others may read."""
        copies = [pathlib.Path(shutil.copy(path, directory)) for path in (self.certificate, self.key)]
        for copy in copies:
            shutil.chown(copy, user, user)
            copy.chmod(0o600)
        return copies

    def client(self):
        """A context of Python's ssl that trusts the authority."""
        return ssl.create_default_context(cafile=self.authority)

    def trust(self):
        """The variables by which OpenSSL (and so Python and curl), Node, Go and libpq trust the authority."""
        return dict.fromkeys(
            ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "PGSSLROOTCERT"), str(self.authority)
        )


def certificates(directory):
    """Those of the run that has this directory, made at the first call."""
    made = Certificates(pathlib.Path(directory) / "certificates")
    if not made.directory.exists():
        need("openssl")
        making = Certificates(made.directory.with_suffix(".new"))
        shutil.rmtree(making.directory, ignore_errors=True)
        making.directory.mkdir()
        _make(making)
        making.directory.rename(made.directory)
    return made


def _make(files):
    authority_key = files.directory / "authority.key"
    _openssl("req", "-x509", *_KEY, "-subj", "/CN=tapstat tests", "-keyout", authority_key, "-out", files.authority)
    signed = ["-CA", files.authority, "-CAkey", authority_key, "-subj", "/CN=localhost"]
    for extension in (
        "basicConstraints=critical,CA:FALSE",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "extendedKeyUsage=serverAuth",
    ):
        signed += ["-addext", extension]
    _openssl("req", "-x509", *_KEY, *signed, "-keyout", files.key, "-out", files.certificate)
    files.both.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
    pair = ["-inkey", files.key, "-in", files.certificate]
    _openssl("pkcs12", "-export", *pair, "-passout", f"pass:{KEYSTORE_PASSWORD}", "-out", files.keystore)
    os.chmod(files.authority, 0o644)  # database servers and their clients run as other users


def _openssl(*arguments):
    result = subprocess.run(
        ["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if result.returncode:
        raise Failure(f"openssl {arguments[0]}: {result.stderr.decode(errors='replace')[-300:]}")
