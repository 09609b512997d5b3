"""The service of packages, from order to result."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cad.base.errors import BadValueError, CadError, ConflictError, NotFoundError
from cad.control.packages.jobs import UnfinishedError
from cad.control.packages.service import PackageService
from cad.domain.ids import FilePackageId, ServiceId, TaskId
from cad.domain.packages import (
    FilePackageState,
    OperationState,
    PackageState,
    PushOrder,
)
from tests.control.packages.archives import CODE, package_archive
from tests.control.packages.servers import ArchiveServer, serving
from tests.control.packages.world import World, until, worker_busy

ID = FilePackageId(1)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return package_archive(tmp_path_factory.mktemp("archive")).read_bytes()


@pytest.fixture
async def server(archive: bytes) -> AsyncIterator[ArchiveServer]:
    async with serving(archive) as server:
        yield server


@pytest.fixture
async def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def service(world: World) -> AsyncIterator[PackageService]:
    async with world.service() as service:
        yield service


def order(server: ArchiveServer, number: int = 1) -> PushOrder:
    md5 = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    return PushOrder(file_package_id=FilePackageId(number), url=server.url, md5=md5)


async def pushed(service: PackageService, server: ArchiveServer) -> None:
    await service.push(order(server))
    await settled_file(service)


async def settled_file(service: PackageService) -> None:
    ended = {FilePackageState.AVAILABLE, FilePackageState.FAILED}
    await until(lambda: service.file_package(ID).state in ended)


async def installed(service: PackageService, server: ArchiveServer, args: str = "") -> None:
    await pushed(service, server)
    await service.install(CODE, args)
    await settled(service)


async def settled(service: PackageService) -> None:
    await until(lambda: service.package(CODE).operation is not OperationState.WORKING)


def entries(folder: Path, *names: str) -> set[str]:
    found = [folder / name for name in names or ("incoming", "packages", "compiled")]
    return {str(p.relative_to(folder)) for f in found if f.exists() for p in f.iterdir()}


@pytest.mark.row("CAD-12")
async def test_a_pushed_package_becomes_available(
    service: PackageService, server: ArchiveServer, world: World, archive: bytes
) -> None:
    await pushed(service, server)
    (package,) = service.file_packages()
    assert (package.state, package.name) == (FilePackageState.AVAILABLE, "person-detect")
    assert package.received_bytes == package.total_bytes == len(archive)
    assert [algorithm.code for algorithm in package.algorithms] == [CODE]
    await until(lambda: entries(world.data_dir) == {"packages/1"})


async def test_the_log_tells_bytes_now_and_then(
    service: PackageService, server: ArchiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.breaks = [100, 100, 100]
    with caplog.at_level(logging.INFO):
        await pushed(service, server)
    lines = [line for line in caplog.messages if line.endswith("MB are here")]
    assert lines == ["file package 1: 0.0 of 0.0 MB are here"]


async def test_the_order_is_taken_before_the_download_starts(
    service: PackageService, server: ArchiveServer
) -> None:
    await service.push(order(server))
    assert service.file_package(ID).state is FilePackageState.DOWNLOADING
    assert server.requests == []


@pytest.mark.row("COM-12", part="Annexes A to F, which this version does not serve")
async def test_the_same_order_again_changes_nothing(
    service: PackageService, server: ArchiveServer
) -> None:
    await pushed(service, server)
    await service.push(order(server))
    assert len(server.requests) == 1


@pytest.mark.row("COM-12", part="Annexes A to F, which this version does not serve")
async def test_another_content_under_the_same_number_is_a_conflict(
    service: PackageService, server: ArchiveServer
) -> None:
    await pushed(service, server)
    with pytest.raises(ConflictError, match=r"algoFilePackageId.*given: 1"):
        await service.push(PushOrder(file_package_id=ID, url=server.url, md5="0" * 32))


async def test_the_same_digest_under_a_newly_signed_url_changes_nothing(
    service: PackageService, server: ArchiveServer
) -> None:
    given = order(server)
    await service.push(replace(given, url=f"{server.url}?sig=A"))
    await settled_file(service)
    await service.push(replace(given, url=f"{server.url}?sig=B", md5=given.md5.upper()))
    assert len(server.requests) == 1


async def test_a_wrong_md5_fails_the_push_and_leaves_nothing(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await service.push(PushOrder(file_package_id=ID, url=server.url, md5="0" * 32))
    await settled_file(service)
    assert "the MD5 of" in service.file_package(ID).reason
    await until(lambda: entries(world.data_dir) == set())


async def test_a_failed_push_can_be_ordered_again_differently(
    service: PackageService, server: ArchiveServer
) -> None:
    await service.push(PushOrder(file_package_id=ID, url=server.url, md5="0" * 32))
    await settled_file(service)
    await pushed(service, server)
    assert service.file_package(ID).state is FilePackageState.AVAILABLE


async def test_a_broken_archive_fails_the_push_with_its_reason(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    server.content = server.content[:200]
    await pushed(service, server)
    assert "expected an intact archive" in service.file_package(ID).reason
    await until(lambda: entries(world.data_dir) == set())


async def test_the_reason_of_a_pause_is_seen_while_it_lasts(
    service: PackageService, server: ArchiveServer
) -> None:
    server.statuses = [503] * 1000
    await service.push(order(server))
    await until(lambda: "HTTP 503" in service.file_package(ID).reason)
    assert service.file_package(ID).state is FilePackageState.DOWNLOADING


@pytest.mark.parametrize(
    ("url", "md5", "field"),
    [
        ("http://10.0.0.1/x", "0" * 32, "url"),
        ("ftp://127.0.0.1/x", "0" * 32, "url"),
        ("http://127.0.0.1/x", "", "md5"),
        ("http://127.0.0.1/x", "no digest", "md5"),
        ("", "0" * 32, "url"),
    ],
)
async def test_an_order_that_cannot_be_is_refused_at_once(
    service: PackageService, url: str, md5: str, field: str
) -> None:
    with pytest.raises(CadError, match=f"^{field}: "):
        await service.push(PushOrder(file_package_id=ID, url=url, md5=md5))
    assert service.file_packages() == []


async def test_an_installed_package_is_served(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server, "score_threshold=0.7")
    package = service.package(CODE)
    assert (package.state, package.operation) == (PackageState.RUNNING, OperationState.DONE)
    assert world.workers.served[package.code].settings.score_threshold == 0.7
    assert service.packages(PackageState.RUNNING) == [package]
    assert service.packages(PackageState.STOPPED) == []


async def test_the_model_and_its_sample_are_handed_to_the_compiler(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server)
    (request,) = world.compiler.requests
    assert request.model_path == str(world.data_dir / "packages/1/model.onnx")
    assert request.sample_path == str(world.data_dir / "packages/1/sample.jpg")
    assert (request.spec.decoder, request.accelerator) == ("nanodet", "cpu")


async def test_an_unknown_code_is_refused(service: PackageService) -> None:
    with pytest.raises(NotFoundError, match="algoPackageCode"):
        await service.install("NO-SUCH-1")


async def test_bad_args_are_refused_at_once(service: PackageService, server: ArchiveServer) -> None:
    await pushed(service, server)
    with pytest.raises(BadValueError, match=r"args\.keep"):
        await service.install(CODE, "keep=dog")
    assert service.packages() == []


@pytest.mark.row("COM-12", part="Annexes A to F, which this version does not serve")
async def test_installing_again_with_the_same_args_changes_nothing(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server)
    world.workers.served.clear()
    await service.install(CODE)
    assert service.package(CODE).operation is OperationState.DONE


async def test_other_args_restart_it_without_compiling_again(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server)
    await service.install(CODE, "keep=car")
    await settled(service)
    assert world.workers.served[ServiceId(CODE)].settings.keep == ("car",)
    assert len(world.compiler.requests) == 1


async def test_a_model_that_is_refused_leaves_the_reason_and_no_files(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    world.compiler.failures = [CadError("no tensor of that shape")]
    await installed(service, server)
    package = service.package(CODE)
    assert (package.state, package.operation) == (PackageState.STOPPED, OperationState.FAILED)
    assert (package.step, package.reason) == ("prepare", "no tensor of that shape")
    await until(lambda: entries(world.data_dir) == {"packages/1"})


async def test_a_failed_installation_can_be_tried_again(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    world.compiler.failures = [CadError("no memory")]
    await installed(service, server)
    await service.install(CODE)
    await settled(service)
    assert service.package(CODE).state is PackageState.RUNNING


async def test_args_that_cannot_be_served_bring_back_the_former_ones(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server, "keep=car")
    world.workers.failures = [CadError("out of video memory")]
    await service.install(CODE, "max_batch=64")
    await settled(service)
    package = service.package(CODE)
    assert (package.state, package.args) == (PackageState.RUNNING, "keep=car")
    assert package.reason == "out of video memory"
    assert world.workers.served[package.code].settings.keep == ("car",)


async def test_a_worker_that_is_busy_is_waited_for(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    world.workers.failures = [worker_busy(), worker_busy()]
    await installed(service, server)
    assert service.package(CODE).state is PackageState.RUNNING


async def test_newer_args_take_the_place_of_an_installation_under_way(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await pushed(service, server)
    world.compiler.gate.clear()
    await service.install(CODE)
    await until(lambda: len(world.compiler.requests) == 1)
    await service.install(CODE, "keep=person")
    world.compiler.gate.set()
    await settled(service)
    assert service.package(CODE).settings.keep == ("person",)


async def test_a_package_with_tasks_is_not_uninstalled(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server)
    world.workers.tasks[ServiceId(CODE)] = [TaskId("t-1")]
    with pytest.raises(ConflictError, match="1 use it: t-1"):
        await service.uninstall(CODE)
    assert service.package(CODE).state is PackageState.RUNNING


@pytest.mark.row("CAD-21")
async def test_force_uninstalls_with_the_tasks_and_frees_everything(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server)
    world.workers.tasks[ServiceId(CODE)] = [TaskId("t-1")]
    await service.uninstall(CODE, force=True)
    assert service.packages() == []
    assert (world.workers.served, world.workers.tasks) == ({}, {})
    await until(lambda: entries(world.data_dir) == {"packages/1"})


async def test_uninstalling_ends_an_installation_under_way(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await pushed(service, server)
    world.compiler.gate.clear()
    await service.install(CODE)
    await until(lambda: len(world.compiler.requests) == 1)
    await service.uninstall(CODE)
    assert service.packages() == []
    await until(lambda: entries(world.data_dir) == {"packages/1"})


@pytest.mark.row("CAD-14")
async def test_a_file_package_in_use_is_not_deleted(
    service: PackageService, server: ArchiveServer
) -> None:
    await installed(service, server)
    with pytest.raises(ConflictError, match=CODE):
        await service.delete_file_package(1)


@pytest.mark.row("CAD-14")
async def test_a_file_package_is_deleted_with_all_its_files(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server)
    await service.uninstall(CODE)
    await service.delete_file_package(1)
    assert service.file_packages() == []
    await until(lambda: entries(world.data_dir) == set())
    with pytest.raises(NotFoundError):
        await service.delete_file_package(1)


async def test_a_failed_installation_does_not_hold_its_file_package(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    world.compiler.failures = [CadError("no")]
    await installed(service, server)
    await service.delete_file_package(1)
    assert (service.packages(), service.file_packages()) == ([], [])


async def test_deleting_ends_a_download(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    server.statuses = [503] * 1000
    await service.push(order(server))
    await until(lambda: len(server.requests) > 1)
    await service.delete_file_package(1)
    assert service.file_packages() == []
    await until(lambda: entries(world.data_dir) == set())


@pytest.mark.row("CAD-20")
async def test_a_package_is_stopped_and_started(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server, "keep=car")
    await service.stop(CODE)
    assert service.package(CODE).state is PackageState.STOPPED
    assert world.workers.served == {}
    await service.start(CODE)
    await settled(service)
    assert service.package(CODE).state is PackageState.RUNNING
    assert world.workers.served[ServiceId(CODE)].settings.keep == ("car",)


async def test_after_a_restart_what_ran_is_served_again(
    world: World, server: ArchiveServer
) -> None:
    async with world.service() as service:
        await installed(service, server, "keep=car")
    world.workers.failures = [worker_busy()] * 8
    async with world.service() as service:
        await settled(service)
        assert service.package(CODE).state is PackageState.RUNNING
        assert world.workers.served[ServiceId(CODE)].settings.keep == ("car",)
    assert len(world.compiler.requests) == 1


async def test_after_a_restart_what_was_stopped_stays_stopped(
    world: World, server: ArchiveServer
) -> None:
    async with world.service() as service:
        await installed(service, server)
        await service.stop(CODE)
    async with world.service() as service:
        assert service.package(CODE).state is PackageState.STOPPED
    assert world.workers.served == {}


@pytest.mark.parametrize("change", ["lost", "accelerator"])
async def test_what_no_longer_fits_is_compiled_again_at_the_start(
    world: World, server: ArchiveServer, change: str
) -> None:
    async with world.service() as service:
        await installed(service, server)
    if change == "lost":
        lose(world.data_dir / "compiled")
    else:
        world.accelerator = "cuda"
    async with world.service() as service:
        await settled(service)
        assert service.package(CODE).state is PackageState.RUNNING
    assert len(world.compiler.requests) == 2


def lose(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


async def test_a_download_goes_on_after_a_restart(world: World, server: ArchiveServer) -> None:
    server.statuses = [503] * 3
    async with world.service() as service:
        await service.push(order(server))
    async with world.service() as service:
        await settled_file(service)
        assert service.file_package(ID).state is FilePackageState.AVAILABLE


async def test_orderly_stops_do_not_count_as_crashes(world: World, server: ArchiveServer) -> None:
    async with world.service() as service:
        await pushed(service, server)
        world.compiler.gate.clear()
        await service.install(CODE)
    for _ in range(5):
        async with world.service() as service:
            assert service.package(CODE).operation is OperationState.WORKING
    world.compiler.gate.set()
    async with world.service() as service:
        await settled(service)
        assert service.package(CODE).state is PackageState.RUNNING


async def test_the_latest_file_package_serves_a_code_that_several_hold(
    service: PackageService, server: ArchiveServer
) -> None:
    await pushed(service, server)
    await service.push(order(server, 2))
    await until(lambda: service.file_package(2).state is FilePackageState.AVAILABLE)
    await service.install(CODE)
    assert service.package(CODE).file_package_id == 2


async def test_a_removal_that_is_stuck_says_so_and_goes_on_when_ordered_again(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server)
    world.workers.withdrawals = [worker_busy()]
    with pytest.raises(UnfinishedError, match=r"uninstall of .* at the step withdraw"):
        await service.uninstall(CODE)
    with pytest.raises(ConflictError, match="being removed"):
        await service.install(CODE)
    await service.uninstall(CODE)
    assert service.packages() == []


async def test_a_removal_that_is_stuck_goes_on_at_the_next_start(
    world: World, server: ArchiveServer
) -> None:
    async with world.service() as service:
        await installed(service, server)
        world.workers.withdrawals = [worker_busy()]
        with pytest.raises(UnfinishedError):
            await service.uninstall(CODE)
    async with world.service() as service:
        await until(lambda: not service.packages())


async def test_a_package_at_work_is_not_stopped(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await pushed(service, server)
    world.compiler.gate.clear()
    await service.install(CODE)
    with pytest.raises(ConflictError, match="at rest"):
        await service.stop(CODE)
    world.compiler.gate.set()
    await settled(service)


async def test_what_was_never_installed_takes_no_tasks(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    world.compiler.failures = [CadError("a bad model")]
    await installed(service, server)
    with pytest.raises(ConflictError, match=r"STOPPED, its installation failed at .*a bad model"):
        service.algorithm(ServiceId(CODE))
    await service.install(CODE)
    assert service.algorithm(ServiceId(CODE)) is not None  # its tasks wait for it
    await settled(service)
    await service.stop(CODE)
    assert service.algorithm(ServiceId(CODE)) is not None


async def test_what_is_being_removed_takes_no_tasks(
    service: PackageService, server: ArchiveServer, world: World
) -> None:
    await installed(service, server)
    world.workers.withdrawals.append(CadError("stuck"))
    with pytest.raises(UnfinishedError):
        await service.uninstall(CODE)
    with pytest.raises(ConflictError, match="being removed"):
        service.algorithm(ServiceId(CODE))
    await service.uninstall(CODE)
    assert service.algorithm(ServiceId(CODE)) is None


async def test_no_task_slips_in_while_a_removal_begins(
    service: PackageService, server: ArchiveServer
) -> None:
    await installed(service, server)
    async with asyncio.TaskGroup() as group:
        group.create_task(service.uninstall(CODE))
        while service.packages():
            await asyncio.sleep(0)
            if service.packages():
                with pytest.raises(ConflictError, match="being removed"):
                    service.algorithm(ServiceId(CODE))
