"""A technician's archive is copied from where it lies, and then taken like a pushed one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from cad.base.errors import RefusedError, TooLargeError
from cad.base.threads import WorkThread
from cad.control.packages import copying
from cad.control.packages.copying import check_file, copy_file
from cad.control.packages.inspect import file_digest
from cad.control.packages.service import FIRST_LOCAL_NUMBER, PackageService
from cad.domain.packages import FilePackage, FilePackageState, OperationState
from tests.control.packages.archives import CODE, package_archive
from tests.control.packages.world import World, until


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """An archive with a blank in its name, outside the data directory."""
    (tmp_path / "stick").mkdir()
    return package_archive(tmp_path / "stick", "my package")


@pytest.fixture
async def service(tmp_path: Path, stick: Path) -> AsyncIterator[PackageService]:
    (tmp_path / "data").mkdir()
    async with World(tmp_path / "data").service() as service:
        yield service


async def settled(service: PackageService, number: int = FIRST_LOCAL_NUMBER) -> FilePackage:
    ended = {FilePackageState.AVAILABLE, FilePackageState.FAILED}
    await until(lambda: service.file_package(number).state in ended)
    return service.file_package(number)


async def test_an_archive_on_the_device_is_installed_like_a_pushed_one(
    service: PackageService, stick: Path
) -> None:
    number = await service.push_file(stick)
    package = await settled(service)
    assert (number, package.state) == (FIRST_LOCAL_NUMBER, FilePackageState.AVAILABLE)
    assert package.received_bytes == package.total_bytes > 0
    await asyncio.to_thread(stick.unlink)
    await service.install(CODE)
    await until(lambda: service.package(CODE).operation is OperationState.DONE)


async def test_the_digest_of_an_archive_that_came_without_one_is_known(
    service: PackageService, stick: Path
) -> None:
    await service.push_file(stick)
    package = await settled(service)
    assert package.archive_md5 == await asyncio.to_thread(file_digest, stick, "md5")


ANOTHER = f"{CODE} has another model in file package {FIRST_LOCAL_NUMBER}"


def new_folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.fixture
def impostor(tmp_path: Path) -> Path:
    return package_archive(tmp_path, "impostor", model=b"\x08\x07other")


async def test_a_code_with_another_model_is_reported(
    service: PackageService, stick: Path, impostor: Path
) -> None:
    await service.push_file(stick)
    assert (await settled(service)).reason == ""
    package = await settled(service, await service.push_file(impostor))
    assert (package.state, package.reason) == (FilePackageState.AVAILABLE, ANOTHER)
    twin = await settled(service, await service.push_file(stick))
    assert ANOTHER.replace(str(FIRST_LOCAL_NUMBER), str(FIRST_LOCAL_NUMBER + 1)) == twin.reason


async def test_a_strict_device_takes_no_code_with_another_model(
    tmp_path: Path, stick: Path, impostor: Path
) -> None:
    data_dir = await asyncio.to_thread(new_folder, tmp_path / "strict")
    async with World(data_dir, strict=True).service() as service:
        await service.push_file(stick)
        await settled(service)
        package = await settled(service, await service.push_file(impostor))
    assert (package.state, package.reason) == (FilePackageState.FAILED, ANOTHER)


async def test_each_archive_gets_a_number_of_its_own(service: PackageService, stick: Path) -> None:
    assert [await service.push_file(stick) for _ in range(2)] == [
        FIRST_LOCAL_NUMBER,
        FIRST_LOCAL_NUMBER + 1,
    ]
    await settled(service)
    await settled(service, FIRST_LOCAL_NUMBER + 1)


@pytest.mark.parametrize("name", ["nothing", ""])
async def test_what_is_no_archive_is_refused_at_once(
    service: PackageService, stick: Path, name: str
) -> None:
    with pytest.raises(RefusedError, match=r"^path: expected an archive"):
        await service.push_file(stick.parent / name)
    assert service.file_packages() == []


def test_an_archive_that_is_too_large_is_refused(stick: Path) -> None:
    with pytest.raises(TooLargeError, match=r"^path: expected at most 10 bytes"):
        check_file(stick, 10)


class Watcher:
    """Notes that the copy has begun."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    def progressed(self, received_bytes: int, total_bytes: int) -> None:
        self.begun.set()

    def broke(self, reason: str) -> None:
        raise AssertionError(reason)


async def test_a_file_that_shrinks_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BLOCK_BYTES", 2)
    source, watcher, disk = tmp_path / "a", Watcher(), WorkThread("disk")
    await asyncio.to_thread(source.write_bytes, bytes(100_000))
    target = tmp_path / "b"
    try:
        async with asyncio.TaskGroup() as group:
            copy = group.create_task(
                refused(copy_file(source.as_uri(), target, 10**6, disk, watcher))
            )
            await watcher.begun.wait()
            await asyncio.to_thread(source.write_bytes, b"")
    finally:
        await disk.aclose()
    assert "expected a file that stays as it is" in copy.result()


async def refused(work: Awaitable[None]) -> str:
    with pytest.raises(RefusedError) as refusal:
        await work
    return str(refusal.value)
