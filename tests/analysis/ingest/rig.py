"""What the tests of ingest share: a sink, a clock that can be turned, short limits."""

import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cad.analysis.ingest.governor import Governor
from cad.analysis.ingest.limits import IngestLimits
from cad.analysis.ingest.reader import StreamReader
from cad.base.clock import Clock, SystemClock
from cad.domain.faults import FaultClass
from cad.domain.frames import Frame
from cad.domain.ids import StreamId
from cad.domain.streams import StreamPhase, StreamSource
from tests.waiting import until

CLIP = Path(__file__).parents[3] / "cad" / "sim" / "media" / "pedestrians.mp4"


class Collector:
    """A sink that wants everything and keeps it."""

    def __init__(self, target_rate: float = 0.0) -> None:
        self.target_rate = target_rate
        self.asked: list[float] = []
        self.frames: list[Frame] = []

    def wants(self, pts: float) -> bool:
        self.asked.append(pts)
        return True

    def offer(self, frame: Frame) -> None:
        self.frames.append(frame)

    @property
    def times(self) -> list[float]:
        return [frame.pts for frame in self.frames]


class TurnableClock:
    """A clock that passes only when somebody waits on it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, over: threading.Event, seconds: float) -> bool:
        self.seconds += seconds
        return over.is_set()


def limits(
    *folders: Path, open_timeout: float = 3, silence_timeout: float = 1.5, pace_files: bool = True
) -> IngestLimits:
    return IngestLimits(
        file_dirs=folders,
        open_timeout=open_timeout,
        silence_timeout=silence_timeout,
        pace_files=pace_files,
    )


@asynccontextmanager
async def reading(
    source: StreamSource | str,
    bounds: IngestLimits,
    sink: Collector | None = None,
    clock: Clock | None = None,
) -> AsyncGenerator[StreamReader]:
    """Read `source` for as long as the scope lasts."""
    time = clock or SystemClock()
    source = StreamSource(url=source) if isinstance(source, str) else source
    reader = StreamReader(
        StreamId("cam"),
        source,
        sink or Collector(),
        bounds,
        Governor(time),
        time,
        wait=time.wait if isinstance(time, TurnableClock) else threading.Event.wait,
    )
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()
        await until(lambda: reader.join(0))


def has_fault(reader: StreamReader, kind: FaultClass) -> bool:
    status = reader.status()
    return status.fault is not None and status.fault.kind is kind


def is_open(reader: StreamReader) -> bool:
    return reader.status().phase is StreamPhase.OPEN


def is_ended(reader: StreamReader) -> bool:
    return reader.status().phase is StreamPhase.ENDED


def message(reader: StreamReader) -> str:
    fault = reader.status().fault
    return fault.message if fault else ""
