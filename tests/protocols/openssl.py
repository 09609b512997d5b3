"""Debian's `openssl pkeyutl` as an independent implementation of SM2."""

import re
import subprocess
from pathlib import Path

from cad.protocols.sm2 import PrivateKey, PublicKey


def run(*arguments: str | Path, data: bytes = b"") -> bytes:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input=data, capture_output=True, check=True, timeout=20
    )
    return done.stdout


def knows_sm2() -> bool:
    try:
        return b"sm2" in run("list", "-public-key-algorithms").lower()
    except (OSError, subprocess.SubprocessError):
        return False


class OpenSsl:
    """A key pair made by OpenSSL, in files of its own."""

    def __init__(self, folder: Path) -> None:
        self._private, self._public = folder / "private.pem", folder / "public.pem"
        run("genpkey", "-algorithm", "SM2", "-out", self._private)
        run("pkey", "-in", self._private, "-pubout", "-out", self._public)
        self.private = PrivateKey(int(self._field("priv"), 16))
        self.public = PublicKey.parse(self._field("pub"))

    def encrypt(self, plain: bytes) -> bytes:
        return run("pkeyutl", "-encrypt", "-pubin", "-inkey", self._public, data=plain)

    def decrypt(self, data: bytes) -> bytes:
        return run("pkeyutl", "-decrypt", "-inkey", self._private, data=data)

    def public_pem(self) -> str:
        return self._public.read_text()

    def _field(self, name: str) -> str:
        """Return the hexadecimal digits that `openssl pkey -text` prints below `name:`."""
        printed = run("pkey", "-in", self._private, "-noout", "-text").decode()
        found = re.search(rf"{name}:\n((?:\s+[0-9a-f:]+\n)+)", printed)
        assert found is not None, printed
        return re.sub(r"[\s:]", "", found.group(1))
