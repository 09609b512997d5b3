"""Nothing that was acknowledged is lost by `kill -9`, at whatever moment."""

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from tests.control.sinks.conftest import opened
from tests.control.sinks.examples import event_id
from tests.control.sinks.receiver import Receiver, answer
from tests.control.sinks.test_outbox import until_settled

CHILD = "tests.control.sinks.storing_child"


async def start(database: Path, url: str, first: int) -> Process:
    arguments = (str(database), url, str(first))
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", CHILD, *arguments, stdout=PIPE
    )


async def stored_until_killed(child: Process, events: int, pause: float) -> list[int]:
    """Let `child` store `events` events and live on for `pause` seconds, then kill it."""
    assert child.stdout is not None
    async with asyncio.timeout(30):
        lines = [await child.stdout.readline() for _ in range(events)]
    await asyncio.sleep(pause)
    child.kill()
    lines += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    return [int(line) for line in lines if line.endswith(b"\n")]


@pytest.mark.peer
@pytest.mark.parametrize("seed", range(2))
async def test_what_was_acknowledged_is_delivered_in_order(
    tmp_path: Path, receiver: Receiver, seed: int
) -> None:
    chance, acknowledged = random.Random(seed), list[int]()
    for fault in ([answer(500)] * 10**6, []):
        receiver.faults[:] = fault
        # The next process offers again what the last one may have stored without saying so.
        child = await start(tmp_path / "cad.db", receiver.url, len(acknowledged) + 1)
        pause = chance.uniform(0, 0.05)
        acknowledged += await stored_until_killed(child, chance.randint(1, 40), pause)
    receiver.faults.clear()
    async with opened(tmp_path / "cad.db") as outbox:
        await until_settled(outbox)
    assert acknowledged == list(range(1, len(acknowledged) + 1))
    arrived = list({document.event_id: document for document in receiver.taken}.values())
    assert [document.sequence for document in arrived] == list(range(1, len(arrived) + 1))
    assert [document.event_id for document in arrived][: len(acknowledged)] == [
        event_id(number) for number in acknowledged
    ]
    assert len(arrived) <= len(acknowledged) + 1
