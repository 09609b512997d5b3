"""What the platform was told is kept, sealed, for as long as it may matter."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from cad.base.errors import UnavailableError
from cad.control.platform.told import Told
from cad.control.store.credentials import CredentialRepository
from cad.control.store.database import Database
from cad.control.store.secrets import SecretBox
from cad.domain.access import Login, ToldLogins
from tests.control.platform.conftest import OneBoot
from tests.control.platform.test_credentials import everything_in

URL = "https://platform.example"
FIRST, SECOND, THIRD = (Login("admin", secret) for secret in ("p1-s3cret", "p2-s3cret", "p3"))


class FullDisk(OneBoot):
    """Refuses to keep anything."""

    @override
    async def keep_told_logins(self, told: ToldLogins) -> None:
        raise UnavailableError("disk full")


async def test_a_login_that_was_sent_counts_until_another_is_taken() -> None:
    told = Told(URL, OneBoot())
    await told.will_hear(FIRST)
    await told.will_hear(SECOND)
    assert await told.others_than(THIRD) == [SECOND, FIRST]
    await told.has_taken(SECOND)
    assert await told.others_than(THIRD) == [SECOND]
    assert await told.others_than(SECOND) == []


@pytest.mark.row("SEC-10")
async def test_it_outlives_a_restart_encrypted(tmp_path: Path) -> None:
    box = SecretBox(b"k" * 32)
    async with await Database.open(tmp_path / "cad.db") as database:
        await Told(URL, CredentialRepository(database, box)).will_hear(FIRST)
    async with await Database.open(tmp_path / "cad.db") as database:
        told = Told(URL, CredentialRepository(database, box))
        assert await told.others_than(SECOND) == [FIRST]
    assert b"p1-s3cret" not in everything_in(tmp_path)


async def test_with_another_key_it_is_forgotten_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with await Database.open(tmp_path / "cad.db") as database:
        await Told(URL, CredentialRepository(database, SecretBox(b"k" * 32))).will_hear(FIRST)
        other = CredentialRepository(database, SecretBox(b"o" * 32))
        assert await Told(URL, other).others_than(SECOND) == []
    assert "forgotten" in caplog.text


async def test_another_platform_is_told_nothing_of_it() -> None:
    store = OneBoot()
    await Told(URL, store).will_hear(FIRST)
    assert await Told("https://another.example", store).others_than(SECOND) == []


async def test_nothing_is_sent_that_could_not_be_noted() -> None:
    with pytest.raises(UnavailableError):
        await Told(URL, FullDisk()).will_hear(FIRST)


async def test_a_disk_that_refuses_to_forget_costs_no_registration(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = FullDisk()
    store.told = ToldLogins(URL, (FIRST, SECOND))
    caplog.set_level(logging.WARNING)
    told = Told(URL, store)
    await told.has_taken(SECOND)
    assert await told.others_than(SECOND) == [FIRST]
    assert "p2-s3cret" not in caplog.text


@given(st.lists(st.tuples(st.sampled_from([FIRST, SECOND, THIRD]), st.booleans())))
async def test_whatever_was_sent_last_and_perhaps_taken_is_remembered_after_a_power_cut(
    history: list[tuple[Login, bool]],
) -> None:
    store, possible = OneBoot(), set[Login]()
    for login, is_answered in history:
        told = Told(URL, store)
        await told.will_hear(login)
        possible = {login} if is_answered else possible | {login}
        if is_answered:
            await told.has_taken(login)
    assert set(await Told(URL, store).others_than(Login("admin", "new"))) == possible
