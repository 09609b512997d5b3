"""The licence that a push names is fetched, kept, handed over, and fetched again when told."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cad.base.errors import CadError
from cad.config.settings import PlatformSettings
from cad.control.packages.locate import locate_licence
from cad.control.packages.service import PackageService
from cad.domain.ids import FilePackageId
from cad.domain.packages import FilePackage, FilePackageState, OperationState, PushOrder
from tests.control.packages.archives import CODE, package_archive
from tests.control.packages.servers import ArchiveServer, serving
from tests.control.packages.world import World, until

NUMBER = FilePackageId(1)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return package_archive(tmp_path_factory.mktemp("archive")).read_bytes()


@pytest.fixture
async def server(archive: bytes) -> AsyncIterator[ArchiveServer]:
    async with serving(archive) as server:
        yield server


@pytest.fixture
async def licences() -> AsyncIterator[ArchiveServer]:
    """The platform: whatever is asked for is the licence."""
    async with serving(b"licence 1") as server:
        yield server


@pytest.fixture
def world(tmp_path: Path, licences: ArchiveServer) -> World:
    return World(tmp_path, platform_url=licences.url.removesuffix("/content"))


def order(server: ArchiveServer, license_file: str = "/auth_license.txt") -> PushOrder:
    md5 = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    return PushOrder(file_package_id=NUMBER, url=server.url, md5=md5, license_file=license_file)


async def pushed(service: PackageService, wanted: PushOrder) -> FilePackage:
    await service.push(wanted)
    ended = {FilePackageState.AVAILABLE, FilePackageState.FAILED}
    await until(lambda: service.file_package(NUMBER).state in ended)
    return service.file_package(NUMBER)


def content(path: str) -> bytes:
    return Path(path).read_bytes()


@pytest.mark.row("CAD-13", part="ENGINE packages, which read it")
async def test_a_licence_is_fetched_with_the_token_and_handed_over(
    world: World, server: ArchiveServer, licences: ArchiveServer
) -> None:
    async with world.service() as service:
        await pushed(service, order(server))
        await service.install(CODE)
        await until(lambda: service.package(CODE).operation is OperationState.DONE)
        environment, prepared = service.package(CODE).environment, service.package(CODE).prepared
    assert content(environment["LICENSE_FILE"]) == b"licence 1"
    assert environment["AUTH_ADDRESS"] == "127.0.0.1:8080"
    assert licences.requests[0]["Authorization"] == "Bearer token-0"
    assert prepared is not None
    assert json.loads(content(f"{prepared.compiled_dir}/environment.json")) == environment


async def test_a_named_server_goes_before_the_platforms_own(
    world: World, server: ArchiveServer
) -> None:
    named = PushOrder(
        file_package_id=NUMBER, url=server.url, md5=order(server).md5, auth_address="10.1.1.1:99"
    )
    async with world.service() as service:
        await pushed(service, named)
        await service.install(CODE)
        await until(lambda: service.package(CODE).operation is OperationState.DONE)
        assert service.package(CODE).environment == {
            "CAD_PACKAGE_CODE": CODE,
            "AUTH_ADDRESS": "10.1.1.1:99",
        }


async def test_the_same_push_again_renews_the_licence_only(
    world: World, server: ArchiveServer, licences: ArchiveServer
) -> None:
    async with world.service() as service:
        await pushed(service, order(server))
        licences.content, licences.etag = b"licence 2", '"2"'
        await service.push(order(server))
        kept = world.data_dir / "licences" / "1"
        await until(lambda: kept.read_bytes() == b"licence 2")
    assert len(server.requests) == 1


async def test_another_licence_for_an_available_package_is_fetched(
    world: World, server: ArchiveServer, licences: ArchiveServer
) -> None:
    async with world.service() as service:
        await pushed(service, order(server, license_file=""))
        await service.push(replace(order(server), auth_address="10.1.1.1:99"))
        kept = world.data_dir / "licences" / "1"
        await until(kept.exists)
        assert service.file_package(NUMBER).auth_address == "10.1.1.1:99"
    assert (len(server.requests), len(licences.requests)) == (1, 1)


async def test_a_licence_that_does_not_come_is_named(
    world: World, server: ArchiveServer, licences: ArchiveServer
) -> None:
    licences.statuses = [404, 200, 403]
    async with world.service() as service:
        package = await pushed(service, order(server))
        expected = "its licence could not be fetched: url: expected the file (given: HTTP 404"
        assert package.reason.startswith(expected)
        assert package.state is FilePackageState.AVAILABLE
        await service.push(order(server))
        await until(lambda: service.file_package(NUMBER).reason == "")
        await service.push(order(server))
        await until(lambda: "HTTP 403" in service.file_package(NUMBER).reason)
    assert (world.data_dir / "licences" / "1").read_bytes() == b"licence 1"


async def test_a_strict_device_takes_no_package_without_its_licence(
    world: World, server: ArchiveServer, licences: ArchiveServer
) -> None:
    licences.statuses, world.strict = [404], True
    async with world.service() as service:
        package = await pushed(service, order(server))
    assert package.state is FilePackageState.FAILED
    assert "its licence could not be fetched" in package.reason


async def test_a_licence_is_small(
    world: World, server: ArchiveServer, licences: ArchiveServer
) -> None:
    licences.content = bytes(2 * 1024 * 1024)
    async with world.service() as service:
        package = await pushed(service, order(server))
    assert "expected at most 1048576 bytes" in package.reason
    assert [path.name for path in world.data_dir.glob("incoming/*licence*")] == []


async def test_the_licence_goes_with_its_package(world: World, server: ArchiveServer) -> None:
    async with world.service() as service:
        await pushed(service, order(server))
        await service.delete_file_package(NUMBER)
    assert list((world.data_dir / "licences").iterdir()) == []


@pytest.mark.parametrize(
    ("given", "platform", "field"),
    [
        ("https://elsewhere/licence", "https://platform", "licenseFile"),
        ("ftp://platform/licence", "", "platform.url"),
        ("http://platform/licence", "https://platform", "licenseFile"),
        ("/auth_license.txt", "", "platform.url"),
    ],
)
def test_a_licence_comes_from_where_it_is_safe(given: str, platform: str, field: str) -> None:
    with pytest.raises(CadError, match=f"^{field}: "):
        locate_licence(given, PlatformSettings(url=platform))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/auth_license.txt", "https://platform:9443/auth_license.txt"),
        ("auth_license.txt", "https://platform:9443/auth_license.txt"),
        ("//elsewhere/x", "https://platform:9443/elsewhere/x"),
        ("https://platform/x?y=1", "https://platform/x?y=1"),
    ],
)
def test_a_relative_licence_is_the_platforms(given: str, expected: str) -> None:
    assert locate_licence(given, PlatformSettings(url="https://platform:9443/")).url == expected
