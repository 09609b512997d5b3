"""All streams of a worker, and threads that hang."""

import errno
import socket
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, closing

import av.error
import pytest
from typing_extensions import override

from cad.analysis.ingest.governor import Governor
from cad.analysis.ingest.ledger import Ledger
from cad.analysis.ingest.limits import IngestLimits
from cad.analysis.ingest.reader import Strays, StreamReader
from cad.analysis.ingest.session import Desk, Life, Session
from cad.analysis.ingest.source import opened
from cad.analysis.ingest.streams import Streams
from cad.analysis.ingest.timeline import Timeline
from cad.base.clock import SystemClock
from cad.domain.faults import FaultClass
from cad.domain.frames import Frame
from cad.domain.ids import StreamId
from cad.domain.streams import StreamPhase, StreamSource
from tests.analysis.ingest.rig import CLIP, Collector, TurnableClock, limits
from tests.waiting import until

ONE, TWO = StreamId("one"), StreamId("two")
FILE = StreamSource(url=CLIP.as_uri(), loop=True)


@asynccontextmanager
async def streams(bounds: IngestLimits) -> AsyncGenerator[Streams]:
    running = Streams(bounds, SystemClock())
    try:
        yield running
    finally:
        await running.close_all()


async def test_streams_come_and_go_without_touching_each_other() -> None:
    first, second = Collector(), Collector()
    async with streams(limits(CLIP.parent)) as running:
        running.open(ONE, FILE, first)
        running.open(TWO, FILE, second)
        await until(lambda: first.frames and second.frames)
        running.close(ONE)
        assert [status.stream_id for status in running.statuses()] == [TWO]
        seen, more = len(first.frames), len(second.frames) + 3
        await until(lambda: len(second.frames) >= more)
        assert len(first.frames) == seen


async def test_opening_an_id_again_replaces_its_stream() -> None:
    old, new = Collector(), Collector()
    async with streams(limits(CLIP.parent)) as running:
        running.open(ONE, FILE, old)
        running.open(ONE, FILE, new)
        await until(lambda: new.frames)
        assert len(running.statuses()) == 1


async def test_closing_what_is_not_open_is_nothing() -> None:
    async with streams(limits()) as running:
        running.close(ONE)
        assert running.statuses() == []


async def test_closing_all_leaves_no_thread() -> None:
    before = threading.active_count()
    async with streams(limits(CLIP.parent)) as running:
        for number in range(5):
            running.open(StreamId(str(number)), FILE, Collector())
        await until(lambda: all(it.phase is StreamPhase.OPEN for it in running.statuses()))
    await until(lambda: threading.active_count() <= before + 1)  # the loop's own pool stays


class Deaf:
    """Stands in for name resolution that does not return before it is told to."""

    def __init__(self) -> None:
        self.returns = threading.Event()
        self.calls = 0

    def __call__(self, *_: object, **__: object) -> None:
        self.calls += 1
        self.returns.wait(30)
        raise av.error.TimeoutError(errno.ETIMEDOUT, "hung")


class Later:
    """A clock that is ahead of the machine's by as much as is said."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._clock = SystemClock()
        self.now = self._clock.now

    def monotonic(self) -> float:
        return self._clock.monotonic() + self.ahead


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deaf]:
    """Let every opening of a connection hang until the end of the test."""
    hanging = Deaf()
    monkeypatch.setattr("av.open", hanging)
    yield hanging
    hanging.returns.set()


def dead_camera(clock: Later, strays: Strays) -> StreamReader:
    source = StreamSource(url="rtsp://u:p@camera.invalid/x")
    bounds = limits(open_timeout=3)
    return StreamReader(ONE, source, Collector(), bounds, Governor(clock), clock, strays)


async def test_a_thread_that_hangs_is_replaced_and_counted(deaf: Deaf) -> None:
    clock, strays = Later(), Strays(5)
    reader = dead_camera(clock, strays)
    reader.start()
    await until(lambda: deaf.calls == 1)
    reader.heal()
    assert len(strays) == 0
    clock.ahead += 3 + 3
    reader.heal()
    assert len(strays) == 1
    status = reader.status()
    assert status.fault is not None
    assert status.fault.kind is FaultClass.TIMEOUT
    clock.ahead += 60
    await until(lambda: deaf.calls == 2)
    reader.stop()
    deaf.returns.set()
    await until(lambda: len(strays) == 0 and reader.join(0))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_bug_in_a_sink_does_not_end_its_stream() -> None:
    class Buggy(Collector):
        @override
        def offer(self, frame: Frame) -> None:
            super().offer(frame)
            if len(self.frames) == 3:
                raise LookupError

    sink = Buggy()
    async with streams(limits(CLIP.parent)) as running:
        running.open(ONE, FILE, sink)
        await until(lambda: len(sink.frames) > 5, 20)
        assert running.stranded() == 0


async def test_no_more_threads_are_given_up_than_allowed(deaf: Deaf) -> None:
    clock, strays = Later(), Strays(1)
    reader = dead_camera(clock, strays)
    reader.start()
    for calls in (1, 2):
        await until(lambda: deaf.calls == calls)  # noqa: B023
        clock.ahead += 100
        reader.heal()
    assert len(strays) == 1
    assert deaf.calls == 2
    reader.stop()
    deaf.returns.set()
    await until(lambda: reader.join(0))


async def test_a_stream_that_no_other_thread_may_take_over_is_stranded_and_says_so(
    deaf: Deaf,
) -> None:
    clock = Later()
    reader = dead_camera(clock, Strays(0))
    reader.start()
    await until(lambda: deaf.calls == 1)
    clock.ahead += 100
    reader.heal()
    clock.ahead += 50
    fault = reader.status().fault
    assert fault is not None
    assert "too many threads hang" in fault.message
    assert 50 <= reader.stranded < 60
    deaf.returns.set()
    await until(lambda: healed(reader))
    reader.stop()
    await until(lambda: reader.join(0))


def healed(reader: StreamReader) -> bool:
    reader.heal()
    return reader.stranded == 0


async def test_a_stream_is_read_once_a_thread_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    start, refused = threading.Thread.start, threading.Event()

    def refuse_once(thread: threading.Thread) -> None:
        if thread.name == f"stream-{ONE}" and not refused.is_set():
            refused.set()
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_once)
    sink = Collector()
    async with streams(limits(CLIP.parent)) as running:
        running.open(ONE, FILE, sink)
        assert refused.is_set()
        await until(lambda: sink.frames)


class Witness(Life):
    """A life that remembers for what it was told to expect a deadline."""

    def __init__(self) -> None:
        super().__init__()
        self.deadlines: list[float] = []

    @override
    def expect(self, deadline: float | None) -> None:
        super().expect(deadline)
        if deadline is not None:
            self.deadlines.append(deadline)


def test_reading_a_packet_and_decoding_it_each_have_a_deadline() -> None:
    clock, sink, life = TurnableClock(), Collector(), Witness()
    source, bounds = StreamSource(url=CLIP.as_uri()), limits(CLIP.parent)
    desk = Desk(
        source=source,
        sink=sink,
        limits=bounds,
        clock=clock,
        ledger=Ledger(ONE, clock),
        timeline=Timeline(),
        pace=None,
        wait=clock.wait,
        on_open=lambda: None,
    )
    with opened(source, bounds) as container:
        Session(desk, container, life).run()
    assert len(life.deadlines) >= 2 * len(sink.frames) > 0


async def test_one_silent_camera_does_not_touch_the_others() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"
        sink = Collector()
        async with streams(limits(CLIP.parent)) as running:
            running.open(ONE, StreamSource(url=url), Collector())
            running.open(TWO, FILE, sink)
            await until(lambda: len(sink.frames) >= 10)
            faces = {status.stream_id: status.phase for status in running.statuses()}
            assert faces == {ONE: StreamPhase.OPENING, TWO: StreamPhase.OPEN}
