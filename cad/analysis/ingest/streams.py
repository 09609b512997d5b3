"""All streams of a worker."""

import threading
import time

from cad.analysis.ingest.governor import Governor
from cad.analysis.ingest.limits import IngestLimits
from cad.analysis.ingest.reader import Strays, StreamReader
from cad.base.clock import Clock
from cad.base.threads import WorkThread
from cad.domain.frames import FrameSink
from cad.domain.ids import StreamId
from cad.domain.streams import StreamSource, StreamStatus

WATCH_INTERVAL = 0.5
STOP_BUDGET = 3.0
"""Seconds that closing all streams may wait for their threads."""


class Streams:
    """Opens and closes streams, and replaces threads that hang. No method blocks its caller."""

    def __init__(self, limits: IngestLimits, clock: Clock) -> None:
        self._limits, self._clock = limits, clock
        self._governor, self._strays = Governor(clock), Strays(limits.abandoned_threads)
        self._readers: dict[StreamId, StreamReader] = {}
        self._closed: list[StreamReader] = []
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._heal, name="stream-watch", daemon=True)
        self._watch.start()

    def open(self, stream_id: StreamId, source: StreamSource, sink: FrameSink) -> None:
        """Begin to read a stream. An id that is open already is closed first."""
        self.close(stream_id)
        reader = StreamReader(
            stream_id, source, sink, self._limits, self._governor, self._clock, self._strays
        )
        self._readers[stream_id] = reader
        reader.start()

    def close(self, stream_id: StreamId) -> None:
        """Stop reading a stream; unknown ids are ignored."""
        reader = self._readers.pop(stream_id, None)
        if reader is not None:
            reader.stop()
            self._closed = [other for other in self._closed if not other.join(0)] + [reader]

    def statuses(self) -> list[StreamStatus]:
        """Return how every open stream goes."""
        return [reader.status() for reader in list(self._readers.values())]

    def stranded(self) -> float:
        """Return for how many seconds a stream hangs that only a new process can read; 0 = none."""
        return max((reader.stranded for reader in list(self._readers.values())), default=0.0)

    async def close_all(self) -> None:
        """Stop everything; wait for the threads for at most `STOP_BUDGET` seconds."""
        self._over.set()
        for stream_id in list(self._readers):
            self.close(stream_id)
        joiner = WorkThread("stream-close")
        try:
            await joiner.run(self._join)
        finally:
            await joiner.aclose()

    def _join(self) -> None:
        deadline = time.monotonic() + STOP_BUDGET
        self._watch.join()
        for reader in self._closed:
            reader.join(max(0.0, deadline - time.monotonic()))

    def _heal(self) -> None:
        while not self._over.wait(WATCH_INTERVAL):
            for reader in list(self._readers.values()):
                reader.heal()
