"""The card that `xpuType` of an installation's args selects."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cad.base.errors import BadValueError
from cad.control.packages.service import PackageService
from cad.domain.ids import FilePackageId
from cad.domain.packages import FilePackageState, OperationState, PushOrder
from cad.packaging.archive import build_archive
from tests.control.packages.archives import CODE, manifest, package_folder
from tests.control.packages.servers import serving
from tests.control.packages.world import World, until

A2 = {
    "quota": 0.5,
    "vendor": "NVidia",
    "accelerator": "A2",
    "resolution": "PIXELS_200W",
    "capacities": {"stream_video_quota": 6},
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A package that says on which card it runs."""
    folder = tmp_path_factory.mktemp("archive")
    source = package_folder(folder / "package")
    text = manifest()
    text["algoPackages"][0]["algo_runtime"] = {"gpu": [A2]}
    (source / "manifest.json").write_text(json.dumps(text))
    build_archive(source, folder / "package.tar.gz")
    return (folder / "package.tar.gz").read_bytes()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def service(world: World, archive: bytes) -> AsyncIterator[PackageService]:
    async with serving(archive) as server, world.service() as service:
        md5 = hashlib.md5(archive, usedforsecurity=False).hexdigest()
        await service.push(PushOrder(file_package_id=FilePackageId(1), url=server.url, md5=md5))
        await until(lambda: service.file_package(1).state is FilePackageState.AVAILABLE)
        yield service


async def installed(service: PackageService, args: str) -> str:
    """Install with `args`; return the card that was selected."""
    await service.install(CODE, args)
    await until(lambda: service.package(CODE).operation is not OperationState.WORKING)
    return service.package(CODE).settings.xpu_type


@pytest.mark.row("CAD-17", part="one kind of card for each device")
async def test_a_card_of_the_manifest_is_taken_in_any_style(service: PackageService) -> None:
    assert await installed(service, "xpuType=NVIDIA_A2") == "NVIDIA_A2"
    assert await installed(service, 'xpuType="Nvidia A2"') == "Nvidia A2"


async def test_another_card_is_reported(
    service: PackageService, caplog: pytest.LogCaptureFixture
) -> None:
    assert await installed(service, "xpuType=NVIDIA_T4") == "NVIDIA_T4"
    assert "args.xpuType: expected one of the cards of its manifest: NVidia A2" in caplog.text


async def test_another_card_is_refused_by_a_strict_device(world: World, archive: bytes) -> None:
    world.strict = True
    async with serving(archive) as server, world.service() as service:
        md5 = hashlib.md5(archive, usedforsecurity=False).hexdigest()
        await service.push(PushOrder(file_package_id=FilePackageId(1), url=server.url, md5=md5))
        await until(lambda: service.file_package(1).state is FilePackageState.AVAILABLE)
        with pytest.raises(BadValueError, match=r"args\.xpuType"):
            await service.install(CODE, "xpuType=NVIDIA_T4")
