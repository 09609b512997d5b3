"""The live table of the demonstration."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from cad.wire.annex_g_tasks import AlgoTask, TaskFrames
from cad.wire.annex_h_machine import DeviceInfo

COLUMNS = ("TASK", "STATE", "RECV/s", "DEC/s", "ANA/s", "DROP", "AGE", "EVENTS")
NO_FRAMES = TaskFrames(received=0, decoded=0, analysed=0, dropped=0)


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    frames: TaskFrames


class Board:
    """What the platform sees of its device, once a second."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        """What each task is for, by its id."""
        self._before: dict[str, _Reading] = {}

    def draw(self, tasks: Sequence[AlgoTask], device: DeviceInfo) -> Group:
        """Return the table for now."""
        now = time.monotonic()
        table = Table(box=box.SIMPLE, pad_edge=False)
        for column in COLUMNS:
            table.add_column(column, no_wrap=True)
        for task in tasks:
            table.add_row(*self._row(task, now))
        return Group(table, Text(_host_line(device), style="dim"))

    def _row(self, task: AlgoTask, now: float) -> list[str]:
        task_id, frames = task.task_info.id or "", task.task_info.frames or NO_FRAMES
        before = self._before.get(task_id, _Reading(now, frames))
        self._before[task_id] = _Reading(now, frames)
        elapsed = now - before.at
        pairs = [
            (frames.received, before.frames.received),
            (frames.decoded, before.frames.decoded),
            (frames.analysed, before.frames.analysed),
        ]
        rates = [f"{(new - old) / elapsed:.1f}" if elapsed else "-" for new, old in pairs]
        age = "-" if frames.age_ms is None else f"{frames.age_ms} ms"
        state = task.state.value if task.state else "-"
        events = str(task.task_info.events or 0)
        name = self._names.get(task_id, "")
        return [name, state, *rates, str(frames.dropped), age, events]


def _host_line(device: DeviceInfo) -> str:
    return (
        f"{device.device_code}: cpu {float(device.cpu_utilization or 0):.0%}, "
        f"memory {device.mem_usage} GB used, {device.mem_free} GB free, "
        f"disk {device.disk_usage} GB used, {device.disk_free} GB free"
    )
