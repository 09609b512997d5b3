"""When the frames of a task were analysed, seen from its events."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from cad.ctl.client import LocalApi
from cad.sim.demo.scene import ALGORITHM
from cad.wire.local_events import EVENTS_TAIL

TICK = 0.01


def every_frame(url: str, events: str) -> dict[str, Any]:
    """Return an order that reports each analysed frame on which anybody is seen.

    No area: the whole picture. No pause between two reports of the same person. The clip always
    shows somebody who is clear enough at this sensitivity.
    """
    rule = {
        "eventType": "INTRUSION",
        "areas": [],
        "extendParams": {"sensitivity": "high", "repeatAlarmIntervalThreshold": 0},
        "destinations": {"HTTPDest": {"url": events}},
    }
    return {
        "algoServiceId": ALGORITHM,
        "restartPolicy": "ALWAYS",
        "taskInfo": {
            "rulesParams": [rule],
            "streamOptions": {"videoStreamOptions": {"url": url, "analysisFps": 5}},
        },
    }


@dataclass
class Timeline:
    """The moments at which the analysed frames of one task had arrived, in seconds."""

    task_id: str
    arrivals: list[float] = field(default_factory=list)
    stalls: list[float] = field(default_factory=list)
    """How much longer than a tick this process slept: time that the machine had for nobody."""

    def take(self, document: Any) -> None:
        if document["taskId"] == self.task_id:
            self.arrivals.append(datetime.fromisoformat(document["eventTimeUtc"]).timestamp())

    @property
    def longest_gap(self) -> float:
        return max(gaps(self.arrivals), default=float("inf"))

    @property
    def longest_stall(self) -> float:
        return max(self.stalls, default=0.0)


def gaps(moments: Iterable[float]) -> list[float]:
    """Return the times between each two neighbours of `moments`, in whatever order they come."""
    return [later - earlier for earlier, later in pairwise(sorted(moments))]


@asynccontextmanager
async def recording(local: LocalApi, task_id: str) -> AsyncIterator[Timeline]:
    """Record the timeline of a task while the context is open."""
    timeline = Timeline(task_id)

    async def follow() -> None:
        async for document in local.lines(EVENTS_TAIL):
            timeline.take(document)

    async def feel_the_machine() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(TICK)
            timeline.stalls.append(time.monotonic() - before - TICK)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(follow()), group.create_task(feel_the_machine())]
        try:
            yield timeline
        finally:
            for task in tasks:
                task.cancel()
