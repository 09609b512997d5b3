"""Signing keys, accounts and refresh tokens in the database."""

import logging
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

import msgspec

from cad.control.store.database import Database
from cad.control.store.records import read_record, read_records
from cad.control.store.secrets import SecretBox, SecretKeyError
from cad.domain.access import AccessRecord, AccessState, Account, RefreshFamily, StoredSigningKey

logger = logging.getLogger(__name__)

_KEEP_KEY = """
INSERT INTO access_key (kid, sealed, record) VALUES (?, ?, ?)
ON CONFLICT (kid) DO UPDATE SET sealed = excluded.sealed, record = excluded.record
"""
_KEEP_ACCOUNT = """
INSERT INTO access_account (name, record) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET record = excluded.record
"""
_KEEP_FAMILY = """
INSERT INTO access_refresh (family, record) VALUES (?, ?)
ON CONFLICT (family) DO UPDATE SET record = excluded.record
"""


class AccessRepository:
    """Keeps who may call; private keys are encrypted."""

    def __init__(self, database: Database, box: SecretBox) -> None:
        self._database, self._box = database, box

    async def load(self) -> AccessState:
        """Return what is kept; what is damaged, or was sealed with another key, is left out."""
        return await self._database.read(self._load)

    async def apply(
        self, *, keep: Sequence[AccessRecord] = (), forget: Sequence[AccessRecord] = ()
    ) -> None:
        """Keep records, in place of those of the same name, and forget others: all or nothing."""
        await self._database.write(lambda connection: self._apply(connection, keep, forget))

    def _load(self, connection: sqlite3.Connection) -> AccessState:
        keys = connection.execute("SELECT kid, sealed, record FROM access_key ORDER BY rowid")
        accounts = connection.execute("SELECT name, record FROM access_account ORDER BY name")
        families = connection.execute("SELECT family, record FROM access_refresh ORDER BY rowid")
        found = [self._opened(*row) for row in keys]
        return AccessState(
            keys=[key for key in found if key is not None],
            accounts=read_records(Account, accounts),
            families=read_records(RefreshFamily, families),
        )

    def _opened(self, kid: str, sealed: bytes, record: str) -> StoredSigningKey | None:
        key = read_record(StoredSigningKey, kid, record)
        if key is None:
            return None
        try:
            return replace(key, pem=self._box.decrypt(sealed))
        except SecretKeyError as error:
            logger.warning("signing key %s is lost: %s", key.kid, error)
            return None

    def _apply(
        self,
        connection: sqlite3.Connection,
        keep: Sequence[AccessRecord],
        forget: Sequence[AccessRecord],
    ) -> None:
        for record in keep:
            self._keep(connection, record)
        for record in forget:
            _forget(connection, record)

    def _keep(self, connection: sqlite3.Connection, record: AccessRecord) -> None:
        match record:
            case StoredSigningKey():
                sealed = self._box.encrypt(record.pem)
                row = (record.kid, sealed, _json(replace(record, pem="")))
                connection.execute(_KEEP_KEY, row)
            case Account():
                connection.execute(_KEEP_ACCOUNT, (record.name, _json(record)))
            case RefreshFamily():
                connection.execute(_KEEP_FAMILY, (record.family, _json(record)))
            case _:
                assert_never(record)


def _forget(connection: sqlite3.Connection, record: AccessRecord) -> None:
    match record:
        case StoredSigningKey():
            connection.execute("DELETE FROM access_key WHERE kid = ?", (record.kid,))
        case Account():
            connection.execute("DELETE FROM access_account WHERE name = ?", (record.name,))
        case RefreshFamily():
            connection.execute("DELETE FROM access_refresh WHERE family = ?", (record.family,))
        case _:
            assert_never(record)


def _json(record: AccessRecord) -> str:
    return msgspec.json.encode(record).decode()
