import os
from pathlib import Path

import pytest

from cad.control.store.directory import DataDirectoryError, held


async def test_it_is_made_at_the_first_start(tmp_path: Path) -> None:
    async with held(tmp_path / "a" / "b") as box:
        sealed = box.encrypt("secret")

    async with held(tmp_path / "a" / "b") as box:
        assert box.decrypt(sealed) == "secret"


async def test_a_second_daemon_is_refused(tmp_path: Path) -> None:
    async with held(tmp_path):
        with pytest.raises(DataDirectoryError, match="another cadd holds it"):
            async with held(tmp_path):
                pass


async def test_it_is_free_again_afterwards(tmp_path: Path) -> None:
    async with held(tmp_path):
        pass
    async with held(tmp_path):
        pass


async def test_a_path_that_is_no_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DataDirectoryError, match=r"machine\.data_dir .*/file: "):
        async with held(tmp_path / "file"):
            pass


async def test_the_key_of_the_service_manager_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "cad-secret-key").write_bytes(os.urandom(32))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))

    async with held(tmp_path / "data"):
        assert not (tmp_path / "data" / "secret.key").exists()
