"""Random calls, and `kill -9` of the daemon and its workers at random moments."""

import asyncio
import logging
import os
import random
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from cad.ctl.client import UnreachableError
from cad.domain.tasks import TaskState
from cad.sim.bench import until
from cad.sim.demo.scene import INTRUSION, LINE_CROSSING
from cad.wire.annex_g_tasks import AlgoTask
from cad.wire.local import PACKAGES, PackagesItem
from tests.e2e.box import CODE, Box, plain_box
from tests.e2e.ledger import Ledger, Outcome, Slot, TaskShown
from tests.e2e.monkey import Monkey, offered
from tests.e2e.packages import variant
from tests.e2e.soak import rounds

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(7200)]

logger = logging.getLogger(__name__)

ROUNDS = rounds(6, 200)
SEED = int(os.environ.get("SEED", "3"))
LONGEST_PAUSE = 0.2
"""Seconds between two calls."""
LATEST_KILL = 1.5
REPEATED_KILLS = 0.4
"""How often the daemon is killed again while it recovers. Not more than once: an installation
that takes the device down three times in a row is given up, as it should be."""
REST_DEADLINE = 90.0

VARIANTS = {2: "left", 3: "right"}
KINDS = (INTRUSION, LINE_CROSSING)
AT_REST = {"available", "failed"}


@dataclass
class Trial:
    """A device that is tried, and what is known of it."""

    box: Box
    monkey: Monkey
    dice: random.Random

    async def round(self) -> None:
        """Make calls until the daemon is killed, have it recover, and compare."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kill_at_random())
            group.create_task(self._call())
        await self._come_back()
        if self.dice.random() < REPEATED_KILLS:
            await asyncio.sleep(self.dice.uniform(0, LATEST_KILL))
            await self.box.unplug()
            await self._come_back()
        await self.compare()

    async def _call(self) -> None:
        async with self.box.bench.calling() as client:
            outcome = Outcome.DONE
            while outcome is not Outcome.LOST:
                await asyncio.sleep(self.dice.uniform(0, LONGEST_PAUSE))
                outcome = await self.monkey.do_something(client)

    async def _kill_at_random(self) -> None:
        await asyncio.sleep(self.dice.uniform(0, LATEST_KILL))
        if self.dice.random() < 0.5:
            await self._hurt_a_worker()
            await asyncio.sleep(self.dice.uniform(0, LATEST_KILL))
        await self.box.device.kill()

    async def _hurt_a_worker(self) -> None:
        try:
            pids = [worker.pid for worker in await self.box.workers() if worker.pid]
        except UnreachableError:
            return
        if pids:
            os.kill(self.dice.choice(pids), self.dice.choice([signal.SIGKILL, signal.SIGSTOP]))

    async def _come_back(self) -> None:
        await self.box.unplug()
        self.box.platform.forget(CODE)
        await self.box.device.start()
        await self.box.answering()

    async def compare(self) -> None:
        """Wait until every operation has come to its end; then nothing but the ledger is true."""
        items = await self.at_rest()
        tasks = {}
        for task_id, task in (await self.box.tasks()).items():
            slot = slot_of(task)
            assert slot not in tasks, "two tasks of one key"
            tasks[slot] = (task_id, shown(task))
        self.monkey.ledger.observe(
            {f.algo_file_package_id for f in items.file_packages if f.status_text == "available"},
            {p.algo_package_code for p in items.packages if p.status == "RUNNING"},
            tasks,
        )

    async def at_rest(self) -> PackagesItem:
        async def rest() -> PackagesItem | None:
            items = PackagesItem.read(await self.box.local.call("GET", PACKAGES))
            busy = [p for p in items.packages if p.operation == "working"]
            busy_files = [f for f in items.file_packages if f.status_text not in AT_REST]
            return None if busy or busy_files else items

        return await until(rest, REST_DEADLINE, "an operation has come to no end")


def slot_of(task: AlgoTask) -> Slot:
    """Return where a task belongs, from what the device answers of it."""
    options = task.task_info.stream_options
    assert options
    assert options.video_stream_options
    echo: Any = task.task_info.to_wire()
    [rule] = echo["rulesParams"]
    return Slot(task.algo_service_id, options.video_stream_options.url, rule["eventType"])


def shown(task: AlgoTask) -> TaskShown:
    return TaskShown(task.task_info.labels["mark"], task.state is TaskState.PAUSED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def trial(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Trial]:
    folder, dice = tmp_path_factory.mktemp("persistence"), random.Random(SEED)
    async with plain_box(folder) as box:
        codes = [await asyncio.to_thread(variant, folder / n, n) for n in VARIANTS.values()]
        md5s = {n: await offered(box.platform, n, folder / name) for n, name in VARIANTS.items()}
        streams = [(await asyncio.to_thread(box.recording, kind), kind) for kind in KINDS]
        slots = [Slot(code, url, kind) for code in codes for url, kind in streams]
        monkey = Monkey(box.platform, Ledger.empty(VARIANTS, slots), md5s, dice)
        trial = Trial(box, monkey, dice)
        await box.answering()
        async with box.bench.calling() as client:
            await monkey.fill(client, trial.at_rest)
        yield trial


async def test_what_was_acknowledged_outlives_every_kill(trial: Trial) -> None:
    """Every acknowledged order exists, every acknowledged removal is gone; nothing is half done."""
    await trial.compare()
    for number in range(ROUNDS):
        await trial.round()
        logger.info("round %d, seed %d: %s", number, SEED, ", ".join(trial.monkey.log))
        trial.monkey.log.clear()


async def test_every_stored_event_is_delivered(trial: Trial) -> None:
    async with trial.box.bench.calling() as client:
        for task_id in await trial.box.tasks():
            await client.pause_task(task_id)
    status = await trial.box.delivered()
    stored = {each: task.task_info.events for each, task in (await trial.box.tasks()).items()}
    for task_id, numbers in trial.box.receiver.sequences().items():
        last = stored.get(task_id, max(numbers)) or 0
        assert sorted(numbers) == list(range(1, last + 1))
    assert (status.outbox.dead, status.outbox.dropped) == (0, 0)


async def test_nothing_is_left_that_belongs_to_nobody(trial: Trial) -> None:
    items, data = await trial.at_rest(), trial.box.device.data_dir
    assert {path.name for path in data.glob("incoming/*")} == set()
    assert {path.name for path in data.glob("packages/*")} == {
        str(package.algo_file_package_id) for package in items.file_packages
    }
    compiled = sorted(path.parent.name for path in data.glob("compiled/*/*"))
    assert compiled == sorted(package.algo_package_code for package in items.packages)
    await trial.box.device.stop()
    assert await trial.box.is_gone()
