"""Packages in the database."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cad.control.store.database import Database
from cad.control.store.packages import LOST_ADDRESSES, PackageRepository
from cad.control.store.secrets import SecretBox
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.models import ModelInput, ModelSpec, PreparedModel
from cad.domain.packages import (
    AlgoPackage,
    AlgorithmManifest,
    Capacity,
    FilePackage,
    FilePackageState,
    JournalEntry,
    Operation,
    PackageState,
    PackageType,
    ServiceSettings,
    Step,
)

NOW = datetime(2026, 11, 22, 1, 2, 3, 456000, tzinfo=UTC)
CAPACITY = Capacity(
    vendor="NVidia",
    accelerator="A2",
    quota=0.5,
    limit=0,
    resolution="PIXELS_200W",
    stream_video_quota=6,
    stream_capture_quota=0,
    analyze_quota=0,
)
ALGORITHM = AlgorithmManifest(
    code=ServiceId("A-B-1"),
    name="人",
    version="1.0.0",
    kind=PackageType.BIN,
    cabin_name="b",
    event_types=("X",),
    model_path="m.onnx",
    model=ModelSpec(
        task="detect", decoder="nanodet", labels=("a",), input=ModelInput(width=32, height=32)
    ),
    env={"A": "1"},
    capacities=(CAPACITY,),
)
FILE = FilePackage(
    file_package_id=FilePackageId(7),
    state=FilePackageState.AVAILABLE,
    url="https://user:secret@host/x",
    created_at=NOW,
    algorithms=(ALGORITHM,),
)
PACKAGE = AlgoPackage(
    code=ServiceId("A-B-1"),
    file_package_id=FilePackageId(7),
    manifest=ALGORITHM,
    state=PackageState.RUNNING,
    settings=ServiceSettings(keep=("a",), score_threshold=0.5),
    prepared=PreparedModel(
        digest="d",
        provider="CPUExecutionProvider",
        compiled_dir="/x",
        cpu_seconds_per_frame=0.01,
        sample_boxes=2,
    ),
    created_at=NOW,
)
FILE_ENTRY = JournalEntry(
    operation=Operation.PUSH, subject=FilePackageId(7), step=Step.UNPACK, starts=2
)
ENTRY = JournalEntry(
    operation=Operation.INSTALL, subject=ServiceId("7"), step=Step.SERVE, previous=PACKAGE
)


@pytest.fixture
async def repository(tmp_path: Path) -> AsyncIterator[PackageRepository]:
    async with await Database.open(tmp_path / "cad.db") as database:
        yield PackageRepository(database, SecretBox(b"k" * 32))


async def test_records_come_back_as_they_were(repository: PackageRepository) -> None:
    await repository.apply(keep=[PACKAGE, FILE, FILE_ENTRY, ENTRY])
    assert await repository.load() == ([FILE], [PACKAGE], [FILE_ENTRY, ENTRY])


async def test_a_record_of_the_same_key_is_replaced(repository: PackageRepository) -> None:
    await repository.apply(keep=[FILE, FILE_ENTRY])
    await repository.apply(keep=[FILE])
    assert await repository.load() == ([FILE], [], [FILE_ENTRY])


async def test_what_is_forgotten_is_gone(repository: PackageRepository) -> None:
    await repository.apply(keep=[FILE, PACKAGE, ENTRY, FILE_ENTRY])
    await repository.apply(forget=[FILE, PACKAGE, ENTRY])
    assert await repository.load() == ([], [], [FILE_ENTRY])


async def test_credentials_of_urls_are_not_in_the_file(
    repository: PackageRepository, tmp_path: Path
) -> None:
    await repository.apply(keep=[FILE])
    assert b"secret" not in content_of(tmp_path)


async def load_with_another_key(folder: Path, package: FilePackage) -> FilePackage:
    async with await Database.open(folder / "cad.db") as database:
        await PackageRepository(database, SecretBox(b"k" * 32)).apply(keep=[package])
        (found,), _, _ = await PackageRepository(database, SecretBox(b"x" * 32)).load()
    return found


async def test_a_package_sealed_with_another_key_stays_without_its_addresses(
    tmp_path: Path,
) -> None:
    found = await load_with_another_key(tmp_path, FILE)
    assert found == dataclasses.replace(FILE, url="", reason=LOST_ADDRESSES)


async def test_a_download_whose_address_is_lost_has_failed(tmp_path: Path) -> None:
    coming = dataclasses.replace(FILE, state=FilePackageState.DOWNLOADING)
    found = await load_with_another_key(tmp_path, coming)
    assert (found.state, found.url) == (FilePackageState.FAILED, "")


@pytest.mark.parametrize("table", ["file_package", "algo_package", "package_journal"])
async def test_a_damaged_record_leaves_the_others_readable(
    tmp_path: Path, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with await Database.open(tmp_path / "cad.db") as database:
        repository = PackageRepository(database, SecretBox(b"k" * 32))
        await repository.apply(keep=[FILE, PACKAGE, ENTRY])
        await database.write(lambda c: c.execute(f"UPDATE {table} SET record = '{{'"))  # noqa: S608 - a name of the list above
        found = await repository.load()
    assert sum(len(records) for records in found) == 2
    assert "its record is damaged" in caplog.text


def content_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
