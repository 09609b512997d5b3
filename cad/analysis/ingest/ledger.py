"""What is known of a stream, written by its thread and read by anybody."""

import threading
from datetime import datetime

from cad.base.clock import Clock
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import StreamId
from cad.domain.streams import StreamPhase, StreamStatus


class Ledger:
    """The counters and the standing of one stream. Any thread may call it."""

    def __init__(self, stream_id: StreamId, clock: Clock) -> None:
        self._stream_id, self._clock = stream_id, clock
        self._lock = threading.Lock()
        self._phase = StreamPhase.OPENING
        self._fault: Fault | None = None
        self._received = self._decoded = self._connects = 0
        self._damaged = self._skipped = 0
        self._size, self._codec, self._rate = (0, 0), "", 0.0
        self._last_frame: float | None = None

    def opening(self) -> None:
        """Note a try to open."""
        with self._lock:
            self._phase = StreamPhase.OPENING
            self._connects += 1

    def described(self, codec: str, rate: float) -> None:
        """Note what the source says of itself; rate 0 = unknown."""
        with self._lock:
            self._codec, self._rate = codec, rate

    def received(self) -> None:
        """Count a coded picture."""
        with self._lock:
            self._received += 1

    def missed(self, damaged: int, skipped: int) -> None:
        """Count coded pictures that could not be decoded, or were not for want of a key picture."""
        with self._lock:
            self._damaged += damaged
            self._skipped += skipped

    def measured(self, rate: float) -> None:
        """Note the rate that the timestamps show; 0 = unknown."""
        with self._lock:
            self._rate = rate or self._rate

    def decoded(self, width: int, height: int, arrived: float) -> bool:
        """Count a picture that arrived at `arrived`, monotonic.

        Returns whether it is the first since the stream was opened.
        """
        with self._lock:
            is_first = self._phase is not StreamPhase.OPEN
            self._phase, self._fault = StreamPhase.OPEN, None
            self._size, self._last_frame = (width, height), arrived
            self._decoded += 1
            return is_first

    def lost(self, kind: FaultClass, message: str) -> Fault:
        """Note that the stream waits for its next try, and why; return the fault."""
        with self._lock:
            self._phase = StreamPhase.WAITING
            self._fault = Fault(kind, message, self._since(kind))
            return self._fault

    def held_back(self, fault: Fault | None) -> None:
        """Note that the stream waits; `fault` is what others met, for want of one of its own."""
        with self._lock:
            self._phase = StreamPhase.WAITING
            self._fault = self._fault or fault

    def ended(self, fault: Fault | None = None) -> None:
        """Note that the recording was read to its end, or to where `fault` stops it."""
        with self._lock:
            self._phase, self._fault = StreamPhase.ENDED, fault

    def status(self) -> StreamStatus:
        """Return the stream at this moment."""
        with self._lock:
            age = None
            if self._last_frame is not None:
                age = max(0.0, self._clock.monotonic() - self._last_frame)
            return StreamStatus(
                stream_id=self._stream_id,
                phase=self._phase,
                fault=self._fault,
                received=self._received,
                decoded=self._decoded,
                damaged=self._damaged,
                skipped=self._skipped,
                connects=self._connects,
                width=self._size[0],
                height=self._size[1],
                codec=self._codec,
                frame_rate=self._rate,
                last_frame_age=age,
            )

    def _since(self, kind: FaultClass) -> datetime:
        if self._fault is not None and self._fault.kind is kind:
            return self._fault.since
        return self._clock.now()
