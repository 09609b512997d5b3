"""Passwords that this device made for itself, encrypted with its key."""

import logging
import sqlite3

from cad.control.store.database import Database
from cad.control.store.secrets import SecretBox, SecretKeyError

logger = logging.getLogger(__name__)

API_PASSWORD = "api-password"  # noqa: S105 - the name of a row


class CredentialRepository:
    """Keeps one secret under each name."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database, self._box = database, box

    async def api_password(self) -> str | None:
        """Return the kept API password; None if there is none or the device's key was lost."""
        sealed = await self._database.read(lambda connection: _select(connection, API_PASSWORD))
        if sealed is None:
            return None
        try:
            return self._box.decrypt(sealed)
        except SecretKeyError as error:
            logger.warning("the API password is generated anew: %s", error)
            return None

    async def keep_api_password(self, password: str) -> None:
        """Keep `password` in place of the last one."""
        sealed = self._box.encrypt(password)
        await self._database.write(lambda connection: _replace(connection, API_PASSWORD, sealed))


def _select(connection: sqlite3.Connection, name: str) -> bytes | None:
    row = connection.execute("SELECT sealed FROM credential WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def _replace(connection: sqlite3.Connection, name: str, sealed: bytes) -> None:
    connection.execute(
        "INSERT INTO credential (name, sealed) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
        (name, sealed),
    )
