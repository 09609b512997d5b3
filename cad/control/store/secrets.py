"""Secrets at rest: a key outside the database, what it encrypts, and names it makes stable."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cad.base.errors import CadError

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_FILE = "secret.key"


class SecretKeyError(CadError):
    """The key file is unusable, or it is not the one that encrypted what is there."""


class SecretBox:
    """Encrypts and decrypts text under this device's key. Any thread may use it."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(_derive(key, b"cad secret box"))
        self._mac_key = _derive(key, b"cad stable names")

    @classmethod
    def open(cls, data_dir: Path, credential: Path | None = None) -> Self:
        """Read the key from `credential`, else from `data_dir/secret.key`, which is made if absent.

        Blocks; meant for the start of the daemon. `credential` is the file that the service manager
        provides (`$CREDENTIALS_DIRECTORY/cad-secret-key`).

        Raises:
            SecretKeyError: the file is too short to be a key.
        """
        path = credential or data_dir / KEY_FILE
        if credential is None and not path.exists():
            _make_key(path)
        key = path.read_bytes()
        if len(key) < KEY_BYTES:
            raise SecretKeyError(f"{path}: {len(key)} bytes, expected at least {KEY_BYTES}")
        return cls(key)

    def encrypt(self, text: str) -> bytes:
        """Return `text` encrypted (AES-256-GCM: nonce, then ciphertext and tag)."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), None)

    def decrypt(self, sealed: bytes) -> str:
        """Return the text that `encrypt` sealed.

        Raises:
            SecretKeyError: another key sealed it, or it was changed.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
        except (InvalidTag, ValueError) as error:
            raise SecretKeyError("a stored secret was not made with this device's key") from error

    def mac(self, text: str) -> str:
        """Return a name for `text` that is stable on this device and tells nothing of it (hex)."""
        return hmac.new(self._mac_key, text.encode(), hashlib.sha256).hexdigest()


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)


def _make_key(path: Path) -> None:
    """Write a new key so that a power cut leaves either none or a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
