"""Messages between the daemon and an analysis worker, and their framing.

A frame on the socket is a 4-byte big-endian length and a MessagePack body. Orders go to the worker,
reports come from it. After a start the daemon sends its whole assignment again: the worker keeps
nothing. An event is the daemon's once it is acknowledged with `EventStored`; until then the worker
keeps it, and holds back further ones when too many wait.
"""

from collections.abc import Sequence

import msgspec

from cad.base.errors import CadError
from cad.domain.events import RaisedEvent
from cad.domain.faults import Fault
from cad.domain.ids import EventId, ServiceId, TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.streams import StreamStatus
from cad.domain.tasks import TaskOrder, TaskReport

LENGTH_BYTES = 4
MAX_FRAME = 64 * 1024 * 1024


class ProtocolBrokenError(CadError):
    """The bytes of the other side are no message of this protocol; the connection is useless."""


class UnsendableError(CadError):
    """A message holds what this protocol cannot carry; the same message never can be sent."""


class LoadService(msgspec.Struct, frozen=True, tag=True):
    """Serve an algorithm. A repeated load of the same id replaces it."""

    service: ServiceOrder


class UnloadService(msgspec.Struct, frozen=True, tag=True):
    """Stop serving an algorithm; its tasks are stopped before."""

    service_id: ServiceId


class StartTask(msgspec.Struct, frozen=True, tag=True):
    """Run a task. A repeated start of the same id replaces its rules, not its stream."""

    task: TaskOrder


class StopTask(msgspec.Struct, frozen=True, tag=True):
    """End a task; the last one on a stream closes the stream."""

    task_id: TaskId


class MoveTasks(msgspec.Struct, frozen=True, tag=True):
    """All tasks of one algorithm go on with another: their streams, tracks and stays stay."""

    service_id: ServiceId
    to: ServiceId


class EventStored(msgspec.Struct, frozen=True, tag=True):
    """The event is on disk; the worker may forget it."""

    event_id: EventId


class Shutdown(msgspec.Struct, frozen=True, tag=True):
    """End in good order."""


Order = LoadService | UnloadService | StartTask | StopTask | MoveTasks | EventStored | Shutdown
"""What the daemon says."""


class Hello(msgspec.Struct, frozen=True, tag=True):
    """First message of a worker."""

    pid: int
    version: str
    providers: tuple[str, ...]
    """Execution providers that really load on this device, best first."""
    threads: int
    """Inference threads."""


class ServiceLoaded(msgspec.Struct, frozen=True, tag=True):
    """The algorithm is being served."""

    service_id: ServiceId
    provider: str


class ServiceFailed(msgspec.Struct, frozen=True, tag=True):
    """The algorithm cannot be served here, or is no longer."""

    service_id: ServiceId
    fault: Fault


class ServiceReport(msgspec.Struct, frozen=True):
    """One algorithm at one moment; the counts only grow."""

    service_id: ServiceId
    frames: int
    """Pictures inferred."""
    batches: int
    busy_seconds: float
    """Seconds spent in pre-processing, inference and finishing, summed over the threads."""


class Report(msgspec.Struct, frozen=True, tag=True):
    """The worker at one moment; sent twice a second, its absence means that the worker hangs."""

    monotonic: float
    streams: tuple[StreamStatus, ...]
    tasks: tuple[TaskReport, ...]
    services: tuple[ServiceReport, ...]
    oldest_inference: float
    """Seconds that the longest running inference has taken so far."""
    cpu_seconds: float
    resident_bytes: int
    stranded: float = 0.0
    """Seconds for which a stream has hung that only a new process can read; 0 = there is none."""


class EventRaised(msgspec.Struct, frozen=True, tag=True):
    """A rule has something to report."""

    event: RaisedEvent


News = Hello | ServiceLoaded | ServiceFailed | Report | EventRaised
"""What a worker says."""

_encoder = msgspec.msgpack.Encoder()
_orders: msgspec.msgpack.Decoder[Order] = msgspec.msgpack.Decoder(Order)
_news: msgspec.msgpack.Decoder[News] = msgspec.msgpack.Decoder(News)


def encode(message: Order | News) -> bytes:
    """Return `message` as one frame.

    Raises:
        UnsendableError: it is too large, or has an integer beyond 64 bits or a surrogate.
    """
    try:
        body = _encoder.encode(message)
    except (OverflowError, ValueError) as error:
        raise UnsendableError(f"{type(message).__name__}: {error}") from error
    if len(body) > MAX_FRAME:
        raise UnsendableError(f"{type(message).__name__} of {len(body)} bytes, limit {MAX_FRAME}")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class Frames:
    """Cuts a byte stream into the bodies of frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """Return every body that `chunk` completes.

        Raises:
            ProtocolBrokenError: the announced length is beyond `MAX_FRAME`.
        """
        self._buffer += chunk
        bodies: list[bytes] = []
        position = 0
        while len(self._buffer) - position >= LENGTH_BYTES:
            start = position + LENGTH_BYTES
            size = int.from_bytes(self._buffer[position:start], "big")
            if size > MAX_FRAME:
                raise ProtocolBrokenError(f"frame of {size} bytes announced, limit {MAX_FRAME}")
            if len(self._buffer) < start + size:
                break
            bodies.append(bytes(self._buffer[start : start + size]))
            position = start + size
        del self._buffer[:position]
        return bodies


def decode_order(body: bytes) -> Order:
    """Return the order in `body`, or raise `ProtocolBrokenError`."""
    try:
        return _orders.decode(body)
    except msgspec.MsgspecError as error:
        raise ProtocolBrokenError(f"no order: {error}") from error


def decode_news(body: bytes) -> News:
    """Return the news in `body`, or raise `ProtocolBrokenError`."""
    try:
        return _news.decode(body)
    except msgspec.MsgspecError as error:
        raise ProtocolBrokenError(f"no news: {error}") from error
