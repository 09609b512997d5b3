"""What nobody has foreseen undoes one operation, and ends nothing else."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from cad.control.packages.service import PackageService
from cad.domain.ids import FilePackageId
from cad.domain.packages import FilePackageState, OperationState, PushOrder
from tests.control.packages.archives import CODE, package_archive, package_folder
from tests.control.packages.servers import ArchiveServer, serving
from tests.control.packages.world import World, until

NUMBER = FilePackageId(1)


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    return package_archive(tmp_path).read_bytes()


def order_of(server: ArchiveServer) -> PushOrder:
    md5 = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    return PushOrder(file_package_id=NUMBER, url=server.url, md5=md5)


async def pushed(service: PackageService, server: ArchiveServer) -> FilePackageState:
    await service.push(order_of(server))
    ended = {FilePackageState.AVAILABLE, FilePackageState.FAILED}
    await until(lambda: service.file_package(NUMBER).state in ended)
    return service.file_package(NUMBER).state


def is_at_rest(service: PackageService) -> bool:
    return service.package(CODE).operation is not OperationState.WORKING


async def test_a_bug_while_a_package_is_prepared_is_named_and_the_next_order_works(
    tmp_path: Path, archive: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path)
    world.compiler.failures.append(KeyError("a bug"))
    async with (
        serving(archive) as server,
        world.service() as service,
    ):
        await pushed(service, server)
        await service.install(CODE)
        await until(lambda: is_at_rest(service))
        assert service.package(CODE).reason == "internal error: KeyError"
        await service.install(CODE)
        await until(lambda: service.package(CODE).operation is OperationState.DONE)
    assert "KeyError: 'a bug'" in caplog.text


async def test_a_bug_while_an_operation_is_undone_ends_nothing(
    tmp_path: Path, archive: bytes
) -> None:
    world = World(tmp_path)
    world.compiler.failures.append(KeyError("a bug"))
    world.workers.withdrawals.append(KeyError("another"))
    async with (
        serving(archive) as server,
        world.service() as service,
    ):
        await pushed(service, server)
        await service.install(CODE)
        await until(lambda: not world.workers.withdrawals)
        assert service.file_package(NUMBER).state is FilePackageState.AVAILABLE


@pytest.fixture
def damaged_lzma(tmp_path: Path) -> bytes:
    """Return a package as a zip by LZMA whose first property byte is none."""
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as packed:
        for path in sorted(package_folder(tmp_path / "package").iterdir()):
            packed.write(path, path.name)
    content = bytearray(archive.read_bytes())
    content[30 + len("manifest.json") + 4] = 0xFF
    return bytes(content)


async def test_a_damaged_archive_by_an_exotic_method_fails_its_push_only(
    tmp_path: Path, damaged_lzma: bytes
) -> None:
    async with serving(damaged_lzma) as server, World(tmp_path).service() as service:
        assert await pushed(service, server) is FilePackageState.FAILED
        assert "stored or deflated" in service.file_package(NUMBER).reason
