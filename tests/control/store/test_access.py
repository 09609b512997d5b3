"""Keys, accounts and refresh tokens in the database."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cad.control.store.access import AccessRepository
from cad.control.store.database import Database
from cad.control.store.secrets import SecretBox
from cad.domain.access import (
    AccessRecord,
    AccessState,
    Account,
    AccountKind,
    HashedSecret,
    Moment,
    RefreshFamily,
    Scope,
    StoredSigningKey,
)

NOW = Moment("boot", 12.5, datetime(2026, 11, 22, 4, 0, 0, 123456, UTC))
LATER = Moment("boot", 99.0, NOW.wall)
BOX = SecretBox(b"k" * 32)
KEY = StoredSigningKey("kid-1", "-----PRIVATE-----", NOW, retired=LATER)
SECRETS = (HashedSecret("aa", LATER), HashedSecret("bb", NOW, retired=LATER))
ACCOUNT = Account("north", AccountKind.CLIENT, (Scope.CAD, Scope.CAP), SECRETS, NOW)
FAMILY = RefreshFamily("f", "north", (Scope.CAD,), "cc", NOW)
RECORDS: tuple[AccessRecord, ...] = (KEY, ACCOUNT, FAMILY)
ALL = AccessState(keys=[KEY], accounts=[ACCOUNT], families=[FAMILY])


async def test_everything_is_as_it_was_after_a_restart(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "cad.db") as database:
        await AccessRepository(database, BOX).apply(keep=RECORDS)
    async with await Database.open(tmp_path / "cad.db") as database:
        repository = AccessRepository(database, BOX)
        assert await repository.load() == ALL
        await repository.apply(keep=RECORDS)
        assert await repository.load() == ALL


@pytest.mark.parametrize("record", RECORDS)
async def test_what_is_forgotten_is_gone(tmp_path: Path, record: AccessRecord) -> None:
    async with await Database.open(tmp_path / "cad.db") as database:
        repository = AccessRepository(database, BOX)
        await repository.apply(keep=[record])
        await repository.apply(forget=[record])
        assert await repository.load() == AccessState(keys=[], accounts=[], families=[])


@pytest.mark.row("SEC-10")
async def test_no_private_key_is_readable_on_the_disk(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "cad.db") as database:
        await AccessRepository(database, BOX).apply(keep=[KEY])
    assert b"PRIVATE" not in content(tmp_path)


def content(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


async def test_keys_of_another_device_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with await Database.open(tmp_path / "cad.db") as database:
        await AccessRepository(database, BOX).apply(keep=RECORDS)
        state = await AccessRepository(database, SecretBox(b"x" * 32)).load()
    assert (state.keys, state.accounts) == ([], [ACCOUNT])
    assert "signing key kid-1 is lost" in caplog.text


@pytest.mark.parametrize("table", ["access_key", "access_account", "access_refresh"])
async def test_a_damaged_record_leaves_the_others_readable(tmp_path: Path, table: str) -> None:
    async with await Database.open(tmp_path / "cad.db") as database:
        repository = AccessRepository(database, BOX)
        await repository.apply(keep=RECORDS)
        await database.write(lambda c: c.execute(f"UPDATE {table} SET record = '{{'"))  # noqa: S608 - a name of the list above
        state = await repository.load()
    assert len(state.keys) + len(state.accounts) + len(state.families) == 2
