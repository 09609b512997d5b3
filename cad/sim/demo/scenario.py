"""The demonstration, step by step; each step waits for what it is about and notes what it saw."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.live import Live

from cad.sim.demo.board import Board
from cad.sim.demo.device import CODE, DeviceProcess
from cad.sim.demo.scene import (
    ALGORITHM,
    FILE_PACKAGE,
    INTRUSION,
    LINE_CROSSING,
    intrusion,
    tripwire,
)
from cad.sim.demo.verdict import Verdict
from cad.sim.packages import build_archive
from cad.sim.platform.device import DeviceClient, Trust
from cad.sim.platform.registry import Machine
from cad.sim.platform.server import ReferencePlatform
from cad.wire.annex_g_tasks import MACHINE_TASKS, TASKS, AlgoTask
from cad.wire.local import OutboxItem, StatusItem

T = TypeVar("T")

REGISTER_DEADLINE = 30.0
INSTALL_DEADLINE = 90.0
DELIVERY_DEADLINE = 20.0
POLL = 0.2
FILE_TASK = "file, intrusion"


class StepFailedError(Exception):
    """A step did not come about; the rest of the demonstration makes no sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who takes part."""

    platform: ReferencePlatform
    device: DeviceProcess
    camera_url: str
    file_url: str
    plugin: Path
    """Folder of the algorithm package to push."""
    workshop: Path
    """Where archives are built."""
    seconds: float
    """How long the tasks are watched at most."""
    console: Console
    verdict: Verdict


async def play(stage: Stage) -> None:
    """Play every step."""
    machine = await _register(stage)
    trust = Trust.pinned(await asyncio.to_thread(stage.device.certificate))
    async with DeviceClient(machine, trust) as device:
        await _log_in(stage, device)
        await _install(stage, device)
        names = await _create_tasks(stage, device)
        await _watch(stage, device, names)
        await _poll(stage, device)
        await _check_events(stage, device)
    await _keepalives(stage)


async def _register(stage: Stage) -> Machine:
    registry = stage.platform.registry

    async def registered() -> Machine | None:
        if stage.device.exit_code is not None:
            raise StepFailedError(
                f"cadd ended with {stage.device.exit_code}, see {stage.device.log}"
            )
        return registry.machines.get(CODE)

    machine = await _until(registered, REGISTER_DEADLINE, "the device did not register")
    how = "SM2-encrypted" if machine.password_encrypted else "in the clear"
    stage.verdict.note(
        "registered (H.2)",
        machine.password_encrypted,
        f"{machine.code} at {machine.ip}:{machine.port}, password {how}",
    )
    return machine


async def _log_in(stage: Stage, device: DeviceClient) -> None:
    async def online() -> bool:
        return (await device.status()).is_online

    await _until(online, REGISTER_DEADLINE, "the device did not become ready for work")
    seen = f"status (H.5) of {CODE}: online"
    stage.verdict.note("logged in with the decrypted password", True, seen)


async def _install(stage: Stage, device: DeviceClient) -> None:
    archive = stage.workshop / "file-package.tar.gz"
    md5 = await asyncio.to_thread(build_archive, stage.plugin, archive)
    content = await stage.platform.packages.offer(FILE_PACKAGE, archive)
    await device.push_file_package({"algoFilePackageId": FILE_PACKAGE, "md5": md5})

    async def arrived() -> bool:
        package = await device.file_package(FILE_PACKAGE)
        if package.status_text == "failed":
            raise StepFailedError(f"file package: {package.reason}")
        return package.status_text == "available"

    await _until(arrived, INSTALL_DEADLINE, "the file package did not arrive")
    fetched = stage.platform.packages.ranges
    stage.verdict.note(
        "file package pushed (I.2)", bool(fetched), f"{content.size / 2**20:.1f} MiB, verified"
    )
    await device.install(ALGORITHM)

    async def runs() -> bool:
        package = await device.algorithm_package(ALGORITHM)
        if package.operation == "failed":
            raise StepFailedError(f"{ALGORITHM}: {package.step}: {package.status_reason}")
        return package.status == "RUNNING" and package.operation == "done"

    with stage.console.status("compiling, trying and measuring the detector"):
        await _until(runs, INSTALL_DEADLINE, "the algorithm was not installed")
    stage.verdict.note("algorithm installed (I.4)", True, f"{ALGORITHM} is RUNNING")


async def _create_tasks(stage: Stage, device: DeviceClient) -> dict[str, str]:
    events = stage.platform.event_url
    orders = [
        ("camera, intrusion", TASKS, intrusion(stage.camera_url, events)),
        ("camera, tripwire", MACHINE_TASKS, tripwire(stage.camera_url, events)),
        (FILE_TASK, TASKS, intrusion(stage.file_url, events, live=False)),
    ]
    names: dict[str, str] = {}
    for name, path, order in orders:
        made = (await device.create_task(order, path)).created_streams
        names.update({task.task_info.id or "": name for task in made})
    stage.verdict.note("tasks created (G.2)", len(names) == len(orders), ", ".join(names.values()))
    return names


async def _watch(stage: Stage, device: DeviceClient, names: dict[str, str]) -> None:
    """Show the tasks until the file was read to its end and the cameras' rules have reported."""
    board, loop = Board(names), asyncio.get_running_loop()
    deadline = loop.time() + stage.seconds
    ran: set[str] = set()
    with Live(console=stage.console, auto_refresh=False) as live:
        while loop.time() < deadline:
            tasks = await _tasks(device)
            ran |= {names[_id(task)] for task in tasks if task.state == "RUNNING"}
            live.update(board.draw(tasks, await device.status()), refresh=True)
            if _seen_enough(stage, tasks, names):
                break
            await asyncio.sleep(1)
    stage.verdict.note(
        "tasks analysed frames", len(ran) == len(names), f"RUNNING was seen of {len(ran)}"
    )
    finished = [names[_id(task)] for task in await _tasks(device) if task.state == "FINISHED"]
    stage.verdict.note(
        "the file was read to its end", bool(finished), f"FINISHED: {', '.join(finished) or '-'}"
    )


def _seen_enough(stage: Stage, tasks: Sequence[AlgoTask], names: Mapping[str, str]) -> bool:
    by_name = {names[_id(task)]: task for task in tasks}
    reported = all((task.task_info.events or 0) > 0 for task in tasks)
    file_task = by_name.get(FILE_TASK)
    return reported and file_task is not None and file_task.state == "FINISHED"


async def _poll(stage: Stage, device: DeviceClient) -> None:
    status = await device.status()
    figures = [status.cpu_utilization, status.mem_usage, status.disk_free]
    stage.verdict.note(
        "status polled (H.5)",
        all(figures),
        f"cpu {figures[0]}, memory {figures[1]} GB, disk free {figures[2]} GB",
    )
    packages = await device.algorithm_packages()
    running = [package.algo_package_code for package in packages if package.status == "RUNNING"]
    stage.verdict.note("packages listed (I.6)", ALGORITHM in running, ", ".join(running) or "-")
    page = await device.search_tasks()
    states = Counter(task.state.value for task in page.records if task.state)
    seen = ", ".join(f"{count} {state}" for state, count in states.items())
    stage.verdict.note("tasks listed (G.6)", page.total > 0, seen)


async def _check_events(stage: Stage, device: DeviceClient) -> None:
    """Pause the tasks, wait until what they reported is delivered, and count."""
    for task in await _tasks(device):
        if task.state in {"RUNNING", "PENDING"}:
            await device.pause_task(_id(task))

    async def delivered() -> OutboxItem | None:
        status = StatusItem.read(await stage.device.ctl("status"))
        return status.outbox if status.outbox.waiting == 0 else None

    outbox = await _until(delivered, DELIVERY_DEADLINE, "events were left undelivered")
    receiver = stage.platform.receiver
    kinds = Counter(event.event_type for event in receiver.events)
    for kind in (INTRUSION, LINE_CROSSING):
        stage.verdict.note(f"{kind} reported", kinds[kind] > 0, f"{kinds[kind]} events received")
    stored = sum(task.task_info.events or 0 for task in await _tasks(device))
    lost = outbox.dead + outbox.dropped
    stage.verdict.note(
        "all events delivered",
        stored == len(receiver.events) > 0 and lost == 0,
        f"{len(receiver.events)} of {stored} stored, {receiver.duplicates} came twice",
    )
    stage.verdict.note(
        "frame received → event stored",
        outbox.latency_p95_ms is not None,
        f"p50 {outbox.latency_p50_ms} ms, p95 {outbox.latency_p95_ms} ms",
    )


async def _keepalives(stage: Stage) -> None:
    machine = stage.platform.registry.machines.get(CODE)
    count = 0 if machine is None else machine.keepalives
    stage.verdict.note("kept alive (H.4)", count > 0, f"{count} keepalives")


async def _tasks(device: DeviceClient) -> Sequence[AlgoTask]:
    return (await device.search_tasks()).records


def _id(task: AlgoTask) -> str:
    return task.task_info.id or ""


async def _until(look: Callable[[], Awaitable[T | None]], deadline: float, otherwise: str) -> T:
    """Look again and again until there is something to see."""
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline
    while not (found := await look()):
        if loop.time() > end:
            raise StepFailedError(f"{otherwise} within {deadline:.0f} s")
        await asyncio.sleep(POLL)
    return found
