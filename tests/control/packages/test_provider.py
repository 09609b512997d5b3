"""What workers run on something else than it was prepared for is prepared anew."""

import hashlib
from pathlib import Path

import pytest

from cad.base.errors import CadError
from cad.control.packages.service import PackageService
from cad.domain.ids import FilePackageId
from cad.domain.packages import (
    FilePackageState,
    OperationState,
    PackageState,
    PushOrder,
)
from tests.control.packages.archives import CODE, package_archive
from tests.control.packages.servers import serving
from tests.control.packages.world import World, until

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return package_archive(tmp_path_factory.mktemp("archive")).read_bytes()


@pytest.fixture
async def world(tmp_path: Path, archive: bytes) -> World:
    """A package was prepared for a card."""
    world = World(tmp_path, accelerator="auto")
    world.compiler.provider = CUDA
    async with serving(archive) as server, world.service() as service:
        md5 = hashlib.md5(archive, usedforsecurity=False).hexdigest()
        await service.push(PushOrder(file_package_id=FilePackageId(1), url=server.url, md5=md5))
        await until(lambda: service.file_package(1).state is FilePackageState.AVAILABLE)
        await service.install(CODE)
        await until(lambda: service.package(CODE).operation is OperationState.DONE)
    return world


def provider(service: PackageService) -> str:
    prepared = service.package(CODE).prepared
    return prepared.provider if prepared else ""


async def test_a_card_that_is_gone_has_the_package_prepared_for_what_is_there(
    world: World,
) -> None:
    world.compiler.provider = world.workers.provider = CPU
    async with world.service() as service:
        await until(lambda: provider(service) == CPU)
        await until(lambda: service.package(CODE).operation is OperationState.DONE)
        served = world.workers.served[service.package(CODE).code].prepared
    assert (served.provider, len(world.compiler.requests)) == (CPU, 2)
    assert [path.name for path in (world.data_dir / "compiled" / CODE).iterdir()] == [
        Path(served.compiled_dir).name
    ]


async def test_what_is_still_there_is_not_prepared_anew(world: World) -> None:
    world.workers.provider = CUDA
    async with world.service() as service:
        await until(lambda: service.package(CODE).operation is OperationState.DONE)
    assert len(world.compiler.requests) == 1


async def test_preparing_that_does_not_help_is_not_repeated(world: World) -> None:
    world.workers.provider = CPU
    world.compiler.failures = [CadError("out of memory")]
    async with world.service() as service:
        await until(lambda: service.package(CODE).reason == "out of memory")
        package = service.package(CODE)
        await until(lambda: not world.compiler.failures)
    assert (package.state, provider(service)) == (PackageState.RUNNING, CUDA)
    assert len(world.compiler.requests) == 2
