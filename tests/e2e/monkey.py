"""A caller that orders whatever comes to its mind, and keeps a ledger of the answers."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from cad.packaging.archive import build_archive
from cad.sim.demo.scene import LINE_CROSSING
from cad.sim.platform.device import DeviceClient, DeviceRefusedError
from cad.sim.platform.server import ReferencePlatform
from cad.wire.annex_g_tasks import TASKS
from cad.wire.annex_i_packages import PACKAGES
from tests.e2e.ledger import Ledger, Outcome, Slot
from tests.e2e.scene import Order, intrusion_order, looped, tripwire_order

RATE = 2
"""Frames a second that each task analyses; recovery is what is tried here, not speed."""

LOST = (aiohttp.ClientError, TimeoutError)


@dataclass
class Monkey:
    """Knows the ways to change a device. Each of its calls is noted in the ledger."""

    platform: ReferencePlatform
    ledger: Ledger
    md5s: dict[int, str]
    """Digests of the archives that the platform offers, by number."""
    dice: random.Random
    log: list[str] = field(default_factory=list)
    _marks: int = 0

    async def do_something(self, client: DeviceClient) -> Outcome:
        """Make one call, any."""
        ways: dict[Callable[[DeviceClient], Awaitable[Outcome]], int] = {
            self.push: 3,
            self.install: 4,
            self.order: 6,
            self.pause: 2,
            self.resume: 2,
            self.delete_task: 2,
            self.uninstall: 1,
            self.delete_file: 1,
        }
        [way] = self.dice.choices(list(ways), list(ways.values()))
        outcome = await way(client)
        self.log.append(f"{way.__name__} {outcome.name}")
        return outcome

    async def fill(self, client: DeviceClient, ready: Callable[[], Awaitable[object]]) -> None:
        """Push, install and order everything there is; `ready` waits for what was begun."""
        for number in self.md5s:
            self.ledger.pushed(number, await _outcome(self._push(client, number)))
        await ready()
        for code in self.ledger.packages:
            self.ledger.installed(code, await _outcome(client.install(code)))
        for slot in self.ledger.tasks:
            await self._order(client, slot)

    async def push(self, client: DeviceClient) -> Outcome:
        number = self.dice.choice(list(self.md5s))
        outcome = await _outcome(self._push(client, number))
        self.ledger.pushed(number, outcome)
        return outcome

    async def delete_file(self, client: DeviceClient) -> Outcome:
        number = self.dice.choice(list(self.md5s))
        outcome = await _outcome(client.delete_file_package(number))
        self.ledger.deleted_file(number, outcome)
        return outcome

    async def install(self, client: DeviceClient) -> Outcome:
        code = self.dice.choice(list(self.ledger.packages))
        outcome = await _outcome(client.install(code))
        self.ledger.installed(code, outcome)
        return outcome

    async def uninstall(self, client: DeviceClient) -> Outcome:
        code = self.dice.choice(list(self.ledger.packages))
        body = {"force": self.dice.random() < 0.7}
        outcome = await _outcome(client.call("DELETE", f"{PACKAGES}/{code}", body))
        self.ledger.uninstalled(code, outcome)
        return outcome

    async def order(self, client: DeviceClient) -> Outcome:
        return await self._order(client, self.dice.choice(list(self.ledger.tasks)))

    async def pause(self, client: DeviceClient) -> Outcome:
        slot = self._any_taken_slot()
        outcome = await _outcome(client.pause_task(self._id(slot)))
        self.ledger.switched(slot, outcome, is_paused=True)
        return outcome

    async def resume(self, client: DeviceClient) -> Outcome:
        slot = self._any_taken_slot()
        outcome = await _outcome(client.resume_task(self._id(slot)))
        self.ledger.switched(slot, outcome, is_paused=False)
        return outcome

    async def delete_task(self, client: DeviceClient) -> Outcome:
        slot = self._any_taken_slot()
        outcome = await _outcome(client.delete_task(self._id(slot)))
        self.ledger.deleted_task(slot, outcome)
        return outcome

    async def _push(self, client: DeviceClient, number: int) -> None:
        await client.push_file_package({"algoFilePackageId": number, "md5": self.md5s[number]})

    async def _order(self, client: DeviceClient, slot: Slot) -> Outcome:
        self._marks += 1
        mark = f"mark-{self._marks}"

        async def call() -> None:
            made = await client.create_task(order_for(slot, mark, self.platform.event_url), TASKS)
            [task] = [*made.created_streams, *made.updated_streams]
            self.ledger.ids[slot] = task.task_info.id or ""

        outcome = await _outcome(call())
        self.ledger.ordered(slot, mark, outcome)
        return outcome

    def _any_taken_slot(self) -> Slot:
        """Choose one that may have a task, while there is any."""
        slots = [slot for slot, task in self.ledger.tasks.items() if any(task.states)]
        return self.dice.choice(slots or list(self.ledger.tasks))

    def _id(self, slot: Slot) -> str:
        return self.ledger.ids.get(slot, "no-such-task")


async def _outcome(call: Awaitable[object]) -> Outcome:
    try:
        await call
    except DeviceRefusedError as error:
        is_callers_fault = 400 <= error.answer_code // 100 < 500
        return Outcome.REFUSED if is_callers_fault else Outcome.LOST
    except LOST:
        return Outcome.LOST
    return Outcome.DONE


def order_for(slot: Slot, mark: str, events: str) -> Order:
    """An order for the task in `slot` that bears `mark`."""
    make = tripwire_order if slot.event_type == LINE_CROSSING else intrusion_order
    order = looped(make(slot.url, events), RATE)
    order.update(algoServiceId=slot.code, restartPolicy="ALWAYS")
    order["taskInfo"]["labels"] = {"mark": mark}
    return order


async def offered(platform: ReferencePlatform, number: int, folder: Path) -> str:
    """Offer the package in `folder` under a number; return its digest."""
    archive = folder.with_suffix(".tar.gz")
    md5 = await asyncio.to_thread(build_archive, folder, archive)
    await platform.packages.offer(number, archive)
    return md5
