"""A power cut at any write to the journal leaves the old or the new state.

A store that photographs the whole data directory before and after each write gives every state that
a crash can leave at those moments; a new service is started from each.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cad.control.packages.ports import PackageStore
from cad.control.packages.service import PackageService
from cad.domain.ids import FilePackageId
from cad.domain.packages import (
    FilePackageState,
    OperationState,
    PackageState,
    PushOrder,
)
from tests.control.packages.archives import CODE, package_archive
from tests.control.packages.servers import ArchiveServer, serving
from tests.control.packages.world import PhotographingStore, World, until

Change = Callable[[PackageService], Awaitable[None]]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return package_archive(tmp_path_factory.mktemp("archive")).read_bytes()


@pytest.fixture
async def server(archive: bytes) -> AsyncIterator[ArchiveServer]:
    async with serving(archive) as server:
        yield server


@pytest.fixture
def push(server: ArchiveServer) -> Change:
    md5 = hashlib.md5(server.content, usedforsecurity=False).hexdigest()

    async def change(service: PackageService) -> None:
        await service.push(PushOrder(file_package_id=FilePackageId(1), url=server.url, md5=md5))
        await until(lambda: at_rest(service))

    return change


def at_rest(service: PackageService) -> bool:
    ended = {FilePackageState.AVAILABLE, FilePackageState.FAILED}
    return all(file.state in ended for file in service.file_packages()) and all(
        package.operation is not OperationState.WORKING for package in service.packages()
    )


async def install(service: PackageService) -> None:
    await service.install(CODE, "keep=car")
    await until(lambda: at_rest(service))


async def install_otherwise(service: PackageService) -> None:
    await service.install(CODE, "keep=person")
    await until(lambda: at_rest(service))


async def uninstall(service: PackageService) -> None:
    await service.uninstall(CODE)


async def delete(service: PackageService) -> None:
    await service.delete_file_package(1)


async def photographs(tmp_path: Path, before: list[Change], change: Change) -> list[Path]:
    """Do `before`, then `change`, and return what a crash at each write of it would leave."""
    world = World(tmp_path / "data")
    make(world.data_dir)
    async with world.service() as service:
        for earlier in before:
            await earlier(service)
        await until(lambda: at_rest(service))
    cameras: list[PhotographingStore] = []

    def wrap(store: PackageStore) -> PackageStore:
        cameras.append(PhotographingStore(store, world.data_dir, tmp_path / "pictures"))
        return cameras[0]

    world.wrap = wrap
    async with world.service() as service:
        await until(lambda: at_rest(service))
        settled = len(cameras[0].taken)
        await change(service)
        return cameras[0].taken[settled:]


def make(folder: Path) -> None:
    folder.mkdir()


State = tuple[list[tuple[int, str]], list[tuple[str, str, str]], set[str], dict[str, object]]


async def recovered(picture: Path) -> State:
    """Start a service from `picture`, and return what it comes to."""
    world = World(picture)
    async with world.service() as service:
        await until(lambda: at_rest(service) and not any(picture.glob("incoming/*")))
        running = {package.code for package in service.packages(PackageState.RUNNING)}
        await until(lambda: world.workers.served.keys() == running)
    return (
        [(file.file_package_id, file.state.name) for file in service.file_packages()],
        [(package.code, package.state, package.args) for package in service.packages()],
        files(picture),
        {code: order.settings.keep for code, order in world.workers.served.items()},
    )


def files(data_dir: Path) -> set[str]:
    """Return the files of packages, compiled ones without their fingerprints."""
    paths = (path.relative_to(data_dir) for path in data_dir.rglob("*") if path.is_file())
    kept = [path for path in paths if path.parts[0] in {"incoming", "packages", "compiled"}]
    return {f"{path.parts[0]}/{path.name}" for path in kept}


FILES = {"packages/manifest.json", "packages/model.onnx", "packages/sample.jpg"}
NOTHING: State = ([], [], set(), {})
PUSHED: State = ([(1, "AVAILABLE")], [], FILES, {})
RUNNING = PackageState.RUNNING
COMPILED = FILES | {"compiled/engine", "compiled/environment.json"}
INSTALLED: State = ([(1, "AVAILABLE")], [(CODE, RUNNING, "keep=car")], COMPILED, {CODE: ("car",)})
CHANGED: State = (
    [(1, "AVAILABLE")],
    [(CODE, RUNNING, "keep=person")],
    COMPILED,
    {CODE: ("person",)},
)


async def expect(pictures: list[Path], old: State, new: State) -> None:
    """Expect old states first, then new ones, and at least one of each."""
    states = [await recovered(picture) for picture in pictures]
    assert all(state in (old, new) for state in states), states
    assert (states[0], states[-1]) == (old, new)
    assert states == sorted(states, key=lambda state: state == new)


async def test_a_push_that_is_cut_off_anywhere(tmp_path: Path, push: Change) -> None:
    await expect(await photographs(tmp_path, [], push), NOTHING, PUSHED)


async def test_an_installation_that_is_cut_off_anywhere(tmp_path: Path, push: Change) -> None:
    await expect(await photographs(tmp_path, [push], install), PUSHED, INSTALLED)


async def test_a_change_of_args_that_is_cut_off_anywhere(tmp_path: Path, push: Change) -> None:
    pictures = await photographs(tmp_path, [push, install], install_otherwise)
    await expect(pictures, INSTALLED, CHANGED)


async def test_a_removal_that_is_cut_off_anywhere(tmp_path: Path, push: Change) -> None:
    pictures = await photographs(tmp_path, [push, install], uninstall)
    await expect(pictures, INSTALLED, PUSHED)


async def test_a_deletion_that_is_cut_off_anywhere(tmp_path: Path, push: Change) -> None:
    await expect(await photographs(tmp_path, [push], delete), PUSHED, NOTHING)


NEXT = "OPEN-PERSON_DETECT-1.1.0"
BOTH = [(1, "AVAILABLE"), (2, "AVAILABLE")]
OLD_ONE: State = (BOTH, [(CODE, RUNNING, "keep=car")], COMPILED, {CODE: ("car",)})
NEW_ONE: State = (
    BOTH,
    [(CODE, PackageState.STOPPED, "keep=car"), (NEXT, RUNNING, "")],
    COMPILED,
    {NEXT: None},
)


async def upgrade(service: PackageService) -> None:
    await service.install(NEXT)
    await until(lambda: at_rest(service))


@pytest.fixture
def push_next(tmp_path: Path, server: ArchiveServer) -> Change:
    archive = package_archive(tmp_path, "next", NEXT, version="1.1.0").read_bytes()
    md5 = hashlib.md5(archive, usedforsecurity=False).hexdigest()

    async def change(service: PackageService) -> None:
        server.content, server.etag = archive, '"2"'
        await service.push(PushOrder(file_package_id=FilePackageId(2), url=server.url, md5=md5))
        await until(lambda: at_rest(service))

    return change


async def test_an_upgrade_that_is_cut_off_anywhere(
    tmp_path: Path, push: Change, push_next: Change
) -> None:
    pictures = await photographs(tmp_path, [push, install, push_next], upgrade)
    await expect(pictures, OLD_ONE, NEW_ONE)


async def test_leftovers_of_nobody_are_removed_at_the_start(tmp_path: Path, push: Change) -> None:
    world = World(tmp_path)
    async with world.service() as service:
        await push(service)
        await install(service)
    scatter(tmp_path, "incoming/9.part", "incoming/9.content/x", "packages/77/x", "packages/note")
    scatter(tmp_path, f"compiled/{CODE}/old/engine", f"compiled/{CODE}/draft/x", "compiled/X-1/a/b")
    assert await recovered(tmp_path) == INSTALLED


def scatter(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"rubbish")


async def test_a_device_that_goes_down_while_preparing_gives_up_in_the_end(
    tmp_path: Path, push: Change
) -> None:
    pictures = await photographs(tmp_path, [push], install)
    picture = pictures[1]
    for generation in range(3):
        picture = await crashed_while_preparing(picture, tmp_path / f"crash{generation}")
    world = World(picture)
    async with world.service() as service:
        package = service.package(CODE)
    assert (package.state, package.operation) == (PackageState.STOPPED, OperationState.FAILED)
    assert "went down 3 times" in package.reason


async def crashed_while_preparing(data_dir: Path, picture: Path) -> Path:
    """Start from `data_dir`, and return what is on the disk while the model is being prepared."""
    world = World(data_dir)
    world.compiler.gate.clear()
    cameras: list[PhotographingStore] = []

    def wrap(store: PackageStore) -> PackageStore:
        cameras.append(PhotographingStore(store, data_dir, picture))
        return cameras[0]

    world.wrap = wrap
    async with world.service() as service:
        if service.package(CODE).operation is OperationState.WORKING:
            await until(lambda: len(world.compiler.requests) == 1)
        await cameras[0].take()
        return cameras[0].taken[-1]
