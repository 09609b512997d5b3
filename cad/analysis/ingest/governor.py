"""Lets threads open streams when the schedule says so."""

import random
import threading

from cad.analysis.ingest.schedule import ConnectSchedule, Endpoint, Refusal
from cad.base.clock import Clock
from cad.domain.faults import Fault
from cad.domain.ids import StreamId


class Governor:
    """The schedule of all streams of a worker, for their threads. Every call returns at once."""

    def __init__(self, clock: Clock, concurrent: int = 32) -> None:
        self._clock = clock
        self._schedule = ConnectSchedule(concurrent, random.SystemRandom())
        self._lock = threading.Lock()

    def add(self, stream_id: StreamId, endpoint: Endpoint) -> None:
        """Take a stream in."""
        with self._lock:
            self._schedule.add(stream_id, endpoint)

    def remove(self, stream_id: StreamId) -> None:
        """Forget a stream."""
        with self._lock:
            self._schedule.remove(stream_id)

    def ask(self, stream_id: StreamId) -> Refusal | None:
        """Return None when the stream may be opened now, else when to ask again."""
        with self._lock:
            return self._schedule.ask(stream_id, self._clock.monotonic())

    def opened(self, stream_id: StreamId) -> None:
        """Note that the stream delivers pictures."""
        with self._lock:
            self._schedule.opened(stream_id)

    def failed(self, stream_id: StreamId, fault: Fault) -> None:
        """Note that the stream could not be opened or was lost."""
        with self._lock:
            self._schedule.failed(stream_id, fault, self._clock.monotonic())
