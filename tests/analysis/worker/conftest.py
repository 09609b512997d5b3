"""A worker on the test's own loop, with streams and engines that the test plays."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from cad.analysis.worker.ports import Engines
from cad.analysis.worker.process import Worker
from cad.base.clock import SystemClock
from cad.domain.frames import FrameSink
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.models import Engine
from cad.domain.packages import ServiceOrder
from cad.domain.rules import Rule
from cad.domain.streams import StreamPhase, StreamSource, StreamStatus
from cad.domain.tasks import TaskOrder
from tests.analysis.pipeline.stand_ins import ShadeEngine, frame, somebody
from tests.analysis.worker.desk import Desk, connected_link

THREADS = 2

CAMERA = StreamSource(url="rtsp://user:secret@camera.example/1")
RECORDING = StreamSource(url="file:///media/clip.mp4")


@dataclass
class PlayedStreams:
    """Streams whose pictures the test plays; ten of them make a second."""

    sinks: dict[StreamId, FrameSink] = field(default_factory=dict)
    states: dict[StreamId, StreamStatus] = field(default_factory=dict)
    opened: list[StreamId] = field(default_factory=list)
    closed: list[StreamId] = field(default_factory=list)
    stranded_for: float = 0.0

    def open(self, stream_id: StreamId, source: StreamSource, sink: FrameSink) -> None:
        self.opened.append(stream_id)
        self.sinks[stream_id] = sink
        self.states[stream_id] = StreamStatus(stream_id=stream_id, phase=StreamPhase.OPEN)

    def close(self, stream_id: StreamId) -> None:
        self.closed.append(stream_id)
        del self.sinks[stream_id], self.states[stream_id]

    def statuses(self) -> list[StreamStatus]:
        return list(self.states.values())

    def stranded(self) -> float:
        return self.stranded_for

    async def close_all(self) -> None:
        for stream_id in list(self.sinks):
            self.close(stream_id)

    def play(self, number: int, name: str = "stream") -> None:
        """Play one picture."""
        stream_id = StreamId(name)
        sink, state = self.sinks[stream_id], self.states[stream_id]
        self.states[stream_id] = replace(
            state, received=state.received + 1, decoded=state.decoded + 1
        )
        if sink.wants(number / 10):
            sink.offer(frame(number))

    async def play_all(self, numbers: range, name: str = "stream") -> None:
        """Play pictures in a thread, as a reader does that may have to wait for a place."""
        for number in numbers:
            await asyncio.to_thread(self.play, number, name)

    def set_state(self, name: str = "stream", **changes: object) -> None:
        stream_id = StreamId(name)
        self.states[stream_id] = replace(self.states[stream_id], **changes)  # type: ignore[arg-type]  # fields of the class


@dataclass
class Shelf:
    """The engines that the worker finds when it loads a service."""

    engines: dict[ServiceId, ShadeEngine | Exception] = field(default_factory=dict)

    def open(self, order: ServiceOrder) -> Engine:
        found = self.engines.setdefault(order.service_id, ShadeEngine(somebody))
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class Play:
    """A running worker and everything around it."""

    desk: Desk
    streams: PlayedStreams
    shelf: Shelf
    worker: Worker


@pytest.fixture
async def play() -> AsyncIterator[Play]:
    link, desk = await connected_link()
    streams, shelf = PlayedStreams(), Shelf()
    engines = Engines(shelf.open, lambda: ("CPUExecutionProvider",))
    worker = Worker(link, streams, engines, THREADS, SystemClock())
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(desk.listen())
        working = group.create_task(worker.run())
        yield Play(desk, streams, shelf, worker)
        worker.stop()
        await asyncio.wait([working])
        listening.cancel()
        await desk.hang_up()


def task(name: str = "task", source: StreamSource = RECORDING, **changes: object) -> TaskOrder:
    """An order for a task that reports everybody once for each stay."""
    order = TaskOrder(
        task_id=TaskId(name),
        service_id=ServiceId("person"),
        stream_id=StreamId("stream"),
        source=source,
        analysis_rate=0.0,
        rules=(Rule(event_type="PRESENT"),),
    )
    return replace(order, **changes)  # type: ignore[arg-type]  # fields of the class
