"""A new version takes the place of a running one, and goes back if it gives no results."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cad.base.errors import CadError, ConflictError, NotFoundError
from cad.control.packages.service import PackageService
from cad.domain.ids import FilePackageId, ServiceId, TaskId
from cad.domain.packages import (
    FilePackageState,
    OperationState,
    PackageState,
    PushOrder,
    ServiceHealth,
    TaskHealth,
)
from tests.control.packages.archives import package_archive
from tests.control.packages.servers import ArchiveServer, serving
from tests.control.packages.world import World, until

OLD, NEW, NEWEST = (ServiceId(f"OPEN-PERSON-1.{n}.0") for n in range(3))
WORKING = OperationState.WORKING
LONG = 1000.0
TASK = TaskId("t1")


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("archives")
    return [
        package_archive(
            folder, f"v{n}", code, model=b"\x08\x07" + bytes([n]), version=f"1.{n}.0"
        ).read_bytes()
        for n, code in enumerate([OLD, NEW, NEWEST])
    ]


@pytest.fixture
async def server() -> AsyncIterator[ArchiveServer]:
    async with serving(b"") as server:
        yield server


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def push_all(service: PackageService, server: ArchiveServer, archives: list[bytes]) -> None:
    for number, archive in enumerate(archives, 1):
        server.content, server.etag = archive, f'"{number}"'
        md5 = hashlib.md5(archive, usedforsecurity=False).hexdigest()
        order = PushOrder(file_package_id=FilePackageId(number), url=server.url, md5=md5)
        await service.push(order)
        await until(lambda n=number: is_available(service, n))  # type: ignore[misc]


def is_available(service: PackageService, number: int) -> bool:
    return service.file_package(number).state is FilePackageState.AVAILABLE


@pytest.fixture
async def service(
    world: World, server: ArchiveServer, archives: list[bytes]
) -> AsyncIterator[PackageService]:
    """Three versions are here, the oldest one runs with a task."""
    async with world.service() as service:
        await push_all(service, server, archives)
        await installed(service, OLD)
        world.workers.tasks[OLD] = [TASK]
        yield service


async def installed(service: PackageService, code: ServiceId, replaces: str = "") -> None:
    await service.install(code, replaces=replaces)
    await settled(service, code)


async def settled(service: PackageService, code: ServiceId) -> None:
    await until(lambda: service.package(code).operation is not WORKING)


async def on_trial(service: PackageService, code: ServiceId = NEW) -> None:
    await service.install(code)
    await until(lambda: service.package(code).step == "watch")


@pytest.mark.row("CAD-16")
async def test_a_higher_version_takes_over_when_it_has_stood_its_trial(
    service: PackageService, world: World
) -> None:
    await installed(service, NEW)
    old, new = service.package(OLD), service.package(NEW)
    assert (new.state, new.operation, old.state) == (
        PackageState.RUNNING,
        OperationState.DONE,
        PackageState.STOPPED,
    )
    assert old.reason == f"replaced by {NEW}, on which its tasks run"
    assert (world.workers.aliases, world.workers.tasks) == ({OLD: NEW}, {OLD: [TASK]})
    await until(lambda: list(world.workers.served) == [NEW])


async def test_the_old_version_is_served_until_the_watch_is_over(
    service: PackageService, world: World
) -> None:
    world.compiler.gate.clear()
    await service.install(NEW)
    await until(lambda: len(world.compiler.requests) == 2)
    assert (list(world.workers.served), world.workers.aliases) == ([OLD], {})
    world.compiler.gate.set()
    await until(lambda: service.package(NEW).step == "watch")
    assert (set(world.workers.served), world.workers.aliases) == ({OLD, NEW}, {OLD: NEW})


async def test_a_version_that_gives_no_results_is_rolled_back_saying_why(
    service: PackageService, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.workers.state = ServiceHealth(fault="session lost")
    await installed(service, NEW)
    new = service.package(NEW)
    assert (new.state, new.operation, new.step) == (
        PackageState.STOPPED,
        OperationState.FAILED,
        "watch",
    )
    expected = f"rolled back to {OLD}: a worker does not serve it: session lost"
    assert new.reason == expected
    assert expected in caplog.text
    assert (world.workers.switches, list(world.workers.served)) == ([{OLD: NEW}, {}], [OLD])
    assert service.package(OLD).state is PackageState.RUNNING


async def test_a_version_that_does_not_compile_changes_nothing(
    service: PackageService, world: World
) -> None:
    world.compiler.failures = [CadError("no such tensor")]
    await installed(service, NEW)
    assert service.package(NEW).reason == f"nothing changed for {OLD}: no such tensor"
    assert (world.workers.switches, list(world.workers.served)) == ([], [OLD])


def looked(received: int, analysed: int) -> ServiceHealth:
    return ServiceHealth(tasks={TASK: TaskHealth(received, analysed, True, 8.0, 1e9)})


async def test_a_version_too_slow_for_the_tasks_is_refused_before_the_switch(
    service: PackageService, world: World
) -> None:
    world.compiler.seconds_per_frame = 1000.0
    world.workers.states = [looked(0, 0), looked(100, 100)]
    await installed(service, NEW)
    reason = service.package(NEW).reason
    assert reason.startswith(f"nothing changed for {OLD}: it takes 1000.000 s for a picture")
    assert "pictures/s, that is" in reason
    assert (world.workers.switches, list(world.workers.served)) == ([], [OLD])


async def test_a_version_that_finds_nothing_is_refused_before_the_switch(
    service: PackageService, world: World
) -> None:
    world.compiler.sample_boxes = 0
    await installed(service, NEW)
    assert service.package(NEW).reason.startswith(
        f"nothing changed for {OLD}: it finds 0 objects on its own sample at threshold 0.4; "
        f"{OLD} finds 1 on its own at 0.4"
    )
    assert (world.workers.switches, list(world.workers.served)) == ([], [OLD])


async def test_a_version_that_finds_nothing_takes_over_what_is_named(
    service: PackageService, world: World
) -> None:
    world.compiler.sample_boxes = 0
    await installed(service, NEW, replaces=OLD)
    assert world.workers.aliases == {OLD: NEW}


async def test_a_slow_version_for_no_tasks_takes_over(
    service: PackageService, world: World
) -> None:
    world.compiler.seconds_per_frame = 1000.0
    await installed(service, NEW)
    assert service.package(OLD).replaced_by == NEW


async def test_the_same_order_during_and_after_the_trial_changes_nothing(
    service: PackageService, world: World
) -> None:
    await on_trial(service)
    await service.install(NEW)
    await service.install(OLD)
    assert service.package(NEW).step == "watch"
    await settled(service, NEW)
    await service.install(NEW)
    await service.install(OLD)
    await service.install(NEW, replaces=OLD)
    assert world.workers.switches == [{OLD: NEW}]


async def test_what_is_on_trial_or_may_come_back_is_not_touched(
    service: PackageService, world: World
) -> None:
    world.compiler.gate.clear()
    await service.install(NEW)
    for order in (
        service.stop(OLD),
        service.uninstall(OLD, force=True),
        service.install(OLD, "keep=car"),
        service.install(NEWEST),
    ):
        with pytest.raises(ConflictError, match=f"{NEW} is replacing"):
            await order


async def test_uninstalling_what_is_on_trial_ends_the_trial(
    world: World, server: ArchiveServer, archives: list[bytes]
) -> None:
    world.watch_seconds = LONG
    async with world.service() as service:
        await push_all(service, server, archives)
        await installed(service, OLD)
        world.workers.tasks[OLD] = [TASK]
        await on_trial(service)
        await service.uninstall(NEW)
        assert (world.workers.aliases, list(world.workers.served)) == ({}, [OLD])
        assert world.workers.tasks == {OLD: [TASK]}
        with pytest.raises(NotFoundError):
            service.package(NEW)


async def test_uninstalling_the_old_one_gives_its_tasks_to_the_new_one(
    service: PackageService, world: World
) -> None:
    await installed(service, NEW)
    await service.uninstall(OLD)
    assert (world.workers.aliases, world.workers.tasks) == ({}, {NEW: [TASK]})
    assert not (world.data_dir / "compiled" / OLD).exists()


async def test_tasks_of_replaced_versions_hold_the_new_one(
    service: PackageService, world: World
) -> None:
    await installed(service, NEW)
    with pytest.raises(ConflictError, match=f"1 use it: {TASK}"):
        await service.uninstall(NEW)
    await service.uninstall(NEW, force=True)
    assert (world.workers.aliases, world.workers.tasks) == ({}, {})
    assert service.package(OLD).reason == f"{NEW}, which replaced it, was uninstalled"
    await service.start(OLD)
    await settled(service, OLD)
    assert service.package(OLD).state is PackageState.RUNNING


async def test_a_chain_of_upgrades_can_lose_its_middle(
    service: PackageService, world: World
) -> None:
    await installed(service, NEW)
    await installed(service, NEWEST)
    assert world.workers.aliases == {OLD: NEWEST, NEW: NEWEST}
    await service.uninstall(NEW)
    assert world.workers.aliases == {OLD: NEWEST}


async def test_the_old_version_comes_back_only_by_name(
    service: PackageService, world: World
) -> None:
    await installed(service, NEW)
    for order in (service.start(OLD), service.install(OLD, "keep=car")):
        with pytest.raises(ConflictError, match=f"install it with replaces = {NEW}"):
            await order
    await installed(service, OLD, replaces=NEW)
    assert world.workers.aliases == {NEW: OLD}
    await until(lambda: list(world.workers.served) == [OLD])


async def test_a_package_of_another_cabin_replaces_what_it_names(
    service: PackageService, world: World
) -> None:
    with pytest.raises(NotFoundError, match="replaces"):
        await service.install(NEW, replaces="NO-SUCH-1")
    with pytest.raises(ConflictError, match="replaces"):
        await service.install(OLD, replaces=OLD)
    await installed(service, NEW, replaces=OLD)
    assert world.workers.aliases == {OLD: NEW}


async def test_a_lower_version_runs_beside_the_higher_one(
    service: PackageService, world: World
) -> None:
    await installed(service, NEWEST)
    await installed(service, NEW)
    assert world.workers.aliases == {OLD: NEWEST}
    await until(lambda: set(world.workers.served) == {NEWEST, NEW})


async def test_other_args_during_the_trial_begin_it_anew(
    service: PackageService, world: World
) -> None:
    await on_trial(service)
    await service.install(NEW, "keep=car")
    await settled(service, NEW)
    assert world.workers.switches == [{OLD: NEW}, {}, {OLD: NEW}]
    assert world.workers.served[NEW].settings.keep == ("car",)


async def test_an_alias_reports_what_its_successor_does(service: PackageService) -> None:
    await installed(service, NEW)
    known = service.algorithm(OLD)
    assert known is not None
    assert (known.version, service.algorithm(ServiceId("NO-SUCH-1"))) == ("1.0.0", None)


async def test_a_restart_during_the_trial_begins_it_again(
    world: World, server: ArchiveServer, archives: list[bytes]
) -> None:
    world.watch_seconds = LONG
    async with world.service() as service:
        await push_all(service, server, archives)
        await installed(service, OLD)
        await on_trial(service)
    world.watch_seconds = 0.01
    async with world.service() as service:
        await settled(service, NEW)
        assert service.package(OLD).replaced_by == NEW
        await until(lambda: list(world.workers.served) == [NEW])
