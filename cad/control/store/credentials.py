"""The login of this device: what it made for itself and told its platform, encrypted."""

import logging
import sqlite3

import msgspec

from cad.control.store.database import Database
from cad.control.store.records import read_record
from cad.control.store.secrets import SecretBox, SecretKeyError
from cad.domain.access import ToldLogins

logger = logging.getLogger(__name__)

API_PASSWORD = "api-password"  # noqa: S105 - the name of a row
TOLD_LOGINS = "told-logins"


class CredentialRepository:
    """Keeps one secret under each name."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database, self._box = database, box

    async def api_password(self) -> str | None:
        """Return the kept API password; None if there is none or the device's key was lost."""
        try:
            return await self._kept(API_PASSWORD)
        except SecretKeyError as error:
            logger.warning("the API password is generated anew: %s", error)
            return None

    async def keep_api_password(self, password: str) -> None:
        """Keep `password` in place of the last one."""
        await self._keep(API_PASSWORD, password)

    async def told_logins(self) -> ToldLogins | None:
        """Return what a platform was told; None if nothing was or the device's key was lost."""
        try:
            record = await self._kept(TOLD_LOGINS)
        except SecretKeyError as error:
            logger.warning("what the platform was told is forgotten: %s", error)
            return None
        return None if record is None else read_record(ToldLogins, TOLD_LOGINS, record)

    async def keep_told_logins(self, told: ToldLogins) -> None:
        """Keep `told` in place of what was told before."""
        await self._keep(TOLD_LOGINS, msgspec.json.encode(told).decode())

    async def _kept(self, name: str) -> str | None:
        sealed = await self._database.read(lambda connection: _select(connection, name))
        return None if sealed is None else self._box.decrypt(sealed)

    async def _keep(self, name: str, secret: str) -> None:
        sealed = self._box.encrypt(secret)
        await self._database.write(lambda connection: _replace(connection, name, sealed))


def _select(connection: sqlite3.Connection, name: str) -> bytes | None:
    row = connection.execute("SELECT sealed FROM credential WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def _replace(connection: sqlite3.Connection, name: str, sealed: bytes) -> None:
    connection.execute(
        "INSERT INTO credential (name, sealed) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
        (name, sealed),
    )
