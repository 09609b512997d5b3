"""`cadctl package watch`: downloads in bytes and installations in steps, until they are over."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import NamedTuple

from rich.progress import BarColumn, DownloadColumn, Progress, Task, TaskID, TextColumn
from rich.text import Text
from typing_extensions import override

from cad.base.errors import NotFoundError
from cad.ctl.client import LocalApi
from cad.ctl.output import console
from cad.domain.packages import OperationState
from cad.wire.annex_i_packages import MachineAlgoFilePackage, MachineAlgoPackage
from cad.wire.local import PACKAGES, PackagesItem

LOOK_INTERVAL = 0.5
UNDER_WAY = frozenset({"downloading", "verifying", "deleting"})


class Sight(NamedTuple):
    """One package at one moment."""

    name: str
    state: str
    reason: str = ""
    received: int = 0
    total: int = 0
    """Bytes; 0 = there is nothing to count."""
    is_busy: bool = False
    is_concerned: bool = False
    """Whether it was asked for by name, or was busy during the watch: its failure is a finding."""

    @property
    def sentence(self) -> str:
        """What it does, for people."""
        return f"{self.state}: {self.reason}" if self.reason else self.state


class BytesColumn(DownloadColumn):
    """Bytes of what is counted in bytes, and nothing beside the rest."""

    @override
    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text()


async def watch(local: LocalApi, wanted: str, *, as_json: bool) -> bool:
    """Show how packages come along until none is busy; return whether none that counts failed.

    One that failed before, and nobody asked for by name, does not count.

    Args:
        local: the daemon.
        wanted: one code or number; empty = all of them.
        as_json: print each change as a line of JSON instead of bars.

    Raises:
        NotFoundError: nothing is called `wanted`.
    """
    return await (_print_changes if as_json else _draw)(local, wanted)


async def _print_changes(local: LocalApi, wanted: str) -> bool:
    known: Mapping[str, Sight] = {}
    async for sights in _looks(local, wanted):
        for name, sight in sights.items():
            if known.get(name) != sight:
                print(json.dumps(_line(sight), ensure_ascii=False), flush=True)
        known = sights
    return _went_well(known)


async def _draw(local: LocalApi, wanted: str) -> bool:
    bars: dict[str, TaskID] = {}
    sights: Mapping[str, Sight] = {}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        BytesColumn(),
        TextColumn("{task.fields[text]}", markup=False),
    )
    with Progress(*columns, console=console()) as progress:
        async for sights in _looks(local, wanted):
            for name, sight in sights.items():
                if name not in bars:
                    bars[name] = progress.add_task(name, total=None, text="")
                progress.update(
                    bars[name],
                    completed=sight.received,
                    total=sight.total or (None if sight.is_busy else 0),
                    text=sight.sentence,
                )
    return _went_well(sights)


async def _looks(local: LocalApi, wanted: str) -> AsyncGenerator[Mapping[str, Sight]]:
    """Yield what is seen, again and again until nothing is busy."""
    concerned = {wanted}
    while True:
        item = PackagesItem.read(await local.call("GET", PACKAGES))
        seen = [*map(_of_file, item.file_packages), *map(_of_algorithm, item.packages)]
        concerned |= {sight.name for sight in seen if sight.is_busy}
        sights = {
            sight.name: sight._replace(is_concerned=sight.name in concerned)
            for sight in seen
            if wanted in {"", sight.name}
        }
        if wanted and not sights:
            raise NotFoundError("expected the code or number of a package", given=wanted)
        yield sights
        if not any(sight.is_busy for sight in sights.values()):
            return
        await asyncio.sleep(LOOK_INTERVAL)


def _of_file(package: MachineAlgoFilePackage) -> Sight:
    return Sight(
        name=str(package.algo_file_package_id),
        state=package.status_text,
        reason=package.reason or "",
        received=package.received_bytes,
        total=package.total_bytes or 0,
        is_busy=package.status_text in UNDER_WAY,
    )


def _of_algorithm(package: MachineAlgoPackage) -> Sight:
    state = package.status.value if package.status else ""
    steps = ": ".join(part for part in (package.operation, package.step) if part)
    return Sight(
        name=package.algo_package_code,
        state=f"{state} ({steps})",
        reason=package.status_reason or "",
        is_busy=package.operation == OperationState.WORKING,
    )


def _went_well(sights: Mapping[str, Sight]) -> bool:
    return not any(sight.is_concerned and "failed" in sight.state for sight in sights.values())


def _line(sight: Sight) -> dict[str, object]:
    counted = {"receivedBytes": sight.received, "totalBytes": sight.total} if sight.total else {}
    return {"name": sight.name, "state": sight.state, "reason": sight.reason, **counted}
