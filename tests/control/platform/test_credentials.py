"""Where the API password comes from."""

import logging
from pathlib import Path

import pytest

from cad.base.errors import BadValueError
from cad.config.settings import ApiSettings
from cad.control.platform.credentials import api_credentials
from cad.control.store.credentials import CredentialRepository
from cad.control.store.database import Database
from cad.control.store.secrets import SecretBox

BOX = SecretBox(b"k" * 32)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_a_configured_password_is_taken(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "cad.db") as database:
        store = CredentialRepository(database, BOX)
        found = await api_credentials(ApiSettings(username="u", password="p w"), store)
        assert (found.username, found.password) == ("u", "p w")
        assert await store.api_password() is None


async def test_a_password_file_is_read_up_to_its_first_line_end(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_bytes("密码 1\r\nsecond".encode())
    async with await Database.open(tmp_path / "cad.db") as database:
        store = CredentialRepository(database, BOX)
        found = await api_credentials(ApiSettings(password_file=str(path)), store)
    assert found.password == "密码 1"


@pytest.mark.parametrize("content", [None, b"", b"\nlate", b"\xff\xfe"])
async def test_an_unusable_password_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "password"
    if content is not None:
        path.write_bytes(content)
    async with await Database.open(tmp_path / "cad.db") as database:
        store = CredentialRepository(database, BOX)
        with pytest.raises(BadValueError, match=r"api\.password_file"):
            await api_credentials(ApiSettings(password_file=str(path)), store)


@pytest.mark.row("SEC-10")
async def test_a_generated_password_outlives_a_restart_encrypted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = []
    for _ in range(2):
        async with await Database.open(tmp_path / "cad.db") as database:
            found.append(await api_credentials(ApiSettings(), CredentialRepository(database, BOX)))
    password = found[0].password
    assert found[1].password == password
    assert len(password) == 32
    assert password not in caplog.text + repr(found)
    assert password.encode() not in everything_in(tmp_path)


async def test_a_lost_device_key_gives_a_new_password(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "cad.db") as database:
        before = await api_credentials(ApiSettings(), CredentialRepository(database, BOX))
        other = CredentialRepository(database, SecretBox(b"o" * 32))
        after = await api_credentials(ApiSettings(), other)
        assert after.password != before.password
        assert await other.api_password() == after.password
