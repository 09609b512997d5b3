"""The demonstration, step by step; each step waits for what it is about and notes what it saw."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live

from cad.sim.bench import Bench, task_id, until
from cad.sim.demo.board import Board
from cad.sim.demo.scene import (
    ALGORITHM,
    FILE_PACKAGE,
    INTRUSION,
    LINE_CROSSING,
    intrusion,
    tripwire,
)
from cad.sim.demo.verdict import Verdict
from cad.sim.platform.device import DeviceClient
from cad.wire.annex_g_tasks import MACHINE_TASKS, TASKS, AlgoTask
from cad.wire.local import OutboxItem, StatusItem

DELIVERY_DEADLINE = 20.0
FILE_TASK = "file, intrusion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who takes part."""

    bench: Bench
    camera_url: str
    file_url: str
    plugin: Path
    """Folder of the algorithm package to push."""
    seconds: float
    """How long the tasks are watched at most."""
    console: Console
    verdict: Verdict


async def play(stage: Stage) -> None:
    """Play every step."""
    await _register(stage)
    async with stage.bench.calling() as device:
        seen = f"status (H.5) of {stage.bench.code}: online"
        stage.verdict.note("logged in with the decrypted password", True, seen)
        await _install(stage, device)
        names = await _create_tasks(stage, device)
        await _watch(stage, device, names)
        await _poll(stage, device)
        await _check_events(stage, device)
    await _keepalives(stage)


async def _register(stage: Stage) -> None:
    machine = await stage.bench.registered()
    how = "SM2-encrypted" if machine.password_encrypted else "in the clear"
    stage.verdict.note(
        "registered (H.2)",
        machine.password_encrypted,
        f"{machine.code} at {machine.ip}:{machine.port}, password {how}",
    )


async def _install(stage: Stage, device: DeviceClient) -> None:
    size = await stage.bench.push(device, FILE_PACKAGE, stage.plugin)
    fetched = stage.bench.platform.packages.ranges
    stage.verdict.note(
        "file package pushed (I.2)", bool(fetched), f"{size / 2**20:.1f} MiB, verified"
    )
    with stage.console.status("compiling, trying and measuring the detector"):
        await stage.bench.install(device, ALGORITHM)
    stage.verdict.note("algorithm installed (I.4)", True, f"{ALGORITHM} is RUNNING")


async def _create_tasks(stage: Stage, device: DeviceClient) -> dict[str, str]:
    events = stage.bench.platform.event_url
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
            ran |= {names[task_id(task)] for task in tasks if task.state == "RUNNING"}
            live.update(board.draw(tasks, await device.status()), refresh=True)
            if _seen_enough(stage, tasks, names):
                break
            await asyncio.sleep(1)
    stage.verdict.note(
        "tasks analysed frames", len(ran) == len(names), f"RUNNING was seen of {len(ran)}"
    )
    finished = [names[task_id(task)] for task in await _tasks(device) if task.state == "FINISHED"]
    stage.verdict.note(
        "the file was read to its end", bool(finished), f"FINISHED: {', '.join(finished) or '-'}"
    )


def _seen_enough(stage: Stage, tasks: Sequence[AlgoTask], names: Mapping[str, str]) -> bool:
    by_name = {names[task_id(task)]: task for task in tasks}
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
            await device.pause_task(task_id(task))

    async def delivered() -> OutboxItem | None:
        status = StatusItem.read(await stage.bench.device.ctl("status"))
        return status.outbox if status.outbox.waiting == 0 else None

    outbox = await until(delivered, DELIVERY_DEADLINE, "events were left undelivered")
    receiver = stage.bench.platform.receiver
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
    machine = stage.bench.platform.registry.machines.get(stage.bench.code)
    count = 0 if machine is None else machine.keepalives
    stage.verdict.note("kept alive (H.4)", count > 0, f"{count} keepalives")


async def _tasks(device: DeviceClient) -> Sequence[AlgoTask]:
    return (await device.search_tasks()).records
