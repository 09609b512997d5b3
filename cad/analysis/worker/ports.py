"""What the worker needs of those who read streams and of those who load engines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cad.domain.frames import FrameSink
from cad.domain.ids import StreamId
from cad.domain.models import Engine
from cad.domain.packages import ServiceOrder
from cad.domain.streams import StreamSource, StreamStatus


class Streams(Protocol):
    """Reads streams, each in a thread of its own. No call blocks."""

    def open(self, stream_id: StreamId, source: StreamSource, sink: FrameSink) -> None:
        """Read `source` into `sink`, again after every failure, until it is closed."""

    def close(self, stream_id: StreamId) -> None:
        """Stop reading; the id may be opened again at once."""

    def statuses(self) -> Sequence[StreamStatus]:
        """Return where each open stream stands."""

    def stranded(self) -> float:
        """Return for how many seconds a stream hangs that only a new process can read; 0 = none."""

    async def close_all(self) -> None:
        """Close every stream and wait for the threads, a few seconds at most."""


@dataclass(frozen=True, slots=True)
class Engines:
    """How algorithms are loaded on this worker's device. Both calls block."""

    open: Callable[[ServiceOrder], Engine]
    providers: Callable[[], tuple[str, ...]]
    """Execution providers that really load, best first."""
