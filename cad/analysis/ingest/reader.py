"""Keeps one stream open: a thread that reads it, and what replaces that thread when it hangs."""

import logging
import threading

from cad.analysis.ingest.faults import StreamError
from cad.analysis.ingest.governor import Governor
from cad.analysis.ingest.ledger import Ledger
from cad.analysis.ingest.limits import IngestLimits
from cad.analysis.ingest.pacing import Pace
from cad.analysis.ingest.session import Desk, Life, Session, Wait
from cad.analysis.ingest.source import endpoint, name, opened
from cad.analysis.ingest.timeline import Timeline
from cad.base.clock import Clock
from cad.domain.faults import FaultClass
from cad.domain.frames import FrameSink
from cad.domain.ids import StreamId
from cad.domain.streams import StreamSource, StreamStatus

logger = logging.getLogger(__name__)

GLANCE = 1.0
"""Longest wait before the governor is asked again: a host that is back opens the way for all."""


class Strays:
    """Threads that did not come back from libav in time. They are left alone, and counted."""

    def __init__(self, limit: int) -> None:
        self._limit, self._lock = limit, threading.Lock()
        self._threads: list[threading.Thread] = []

    def add(self, thread: threading.Thread) -> None:
        """Count `thread` until it ends."""
        with self._lock:
            self._threads.append(thread)

    def __len__(self) -> int:
        with self._lock:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            return len(self._threads)

    @property
    def are_too_many(self) -> bool:
        """Whether no thread may be given up for another one."""
        return len(self) >= self._limit


class StreamReader:
    """Reads one stream until stopped: opens it, offers its pictures, opens it again when lost.

    `start`, `stop` and `heal` are called by one owner, `status` by anybody; none of them blocks.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a stream needs, wired in one place
        self,
        stream_id: StreamId,
        source: StreamSource,
        sink: FrameSink,
        limits: IngestLimits,
        governor: Governor,
        clock: Clock,
        strays: Strays | None = None,
        wait: Wait = threading.Event.wait,
    ) -> None:
        self._stream_id, self._governor, self._clock = stream_id, governor, clock
        self._strays = Strays(limits.abandoned_threads) if strays is None else strays
        self._ledger = Ledger(stream_id, clock)
        self._lock = threading.Lock()
        self._life, self._thread = Life(), threading.Thread()
        self._is_known = False
        self._stranded_at: float | None = None
        is_paced = not source.is_live and (limits.pace_files or source.loop)
        self._desk = Desk(
            source=source,
            sink=sink,
            limits=limits,
            clock=clock,
            ledger=self._ledger,
            timeline=Timeline(),
            pace=Pace() if is_paced else None,
            wait=wait,
            on_open=self._opened,
        )

    def start(self) -> None:
        """Begin to read. A reader is started once."""
        with self._lock:
            self._governor.add(self._stream_id, endpoint(self._desk.source))
            self._is_known = True
            self._begin()

    def stop(self) -> None:
        """Take the stream from its thread: after this no picture is offered that was not already.

        The thread ends by itself, at the latest when the silence it waits in becomes a fault.
        """
        with self._lock:
            self._leave()

    def join(self, timeout: float) -> bool:
        """Wait for the thread to end; return whether it has."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def status(self) -> StreamStatus:
        """Return how the stream goes."""
        return self._ledger.status()

    def heal(self) -> None:
        """Put another thread in the place of one that hangs in libav or died of a bug."""
        with self._lock:
            hangs = self._life.hangs(self._clock.monotonic())
            if self._life.over.is_set() or not (hangs or not self._thread.is_alive()):
                self._stranded_at = None
                return
            if hangs and self._strays.are_too_many:
                self._strand()
                return
            self._life.over.set()
            self._strays.add(self._thread)
            kind, message = FaultClass.TIMEOUT, f"{name(self._desk.source)} does not answer in time"
            if not hangs:
                kind, message = FaultClass.ENGINE, "reading failed for a reason that is in the log"
            self._governor.failed(self._stream_id, self._ledger.lost(kind, message))
            self._begin()
            if self._thread.ident is None:
                return  # no thread to be had: its status says so, and this is called again
        logger.warning("stream %s: %s; another thread goes on", self._stream_id, message)

    @property
    def stranded(self) -> float:
        """Seconds since its thread hangs without another one that may replace it; 0 = it is not."""
        since = self._stranded_at
        return 0.0 if since is None else self._clock.monotonic() - since

    def _strand(self) -> None:
        """Take note that nothing can be done for the stream. The lock is held."""
        if self._stranded_at is None:
            self._stranded_at = self._clock.monotonic()
            text = f"{name(self._desk.source)} does not answer, and too many threads hang already"
            self._ledger.lost(FaultClass.TIMEOUT, text)
            logger.error("stream %s: %s", self._stream_id, text)

    def _begin(self) -> None:
        """Start a thread; if there is none to be had, `heal` tries again. The lock is held."""
        self._stranded_at = None
        self._life = life = Life()
        label = f"stream-{self._stream_id}"
        # A daemon: the process must be able to end while libav hangs in this thread.
        self._thread = threading.Thread(target=self._read, args=(life,), name=label, daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:  # the limit of threads, or of memory
            self._ledger.lost(FaultClass.ENGINE, f"no thread can be started: {error}")

    def _read(self, life: Life) -> None:
        """Open and read the stream for as long as `life` lasts."""
        while self._has_turn(life):
            try:
                self._connect(life)
            except StreamError as error:
                self._failed(error, life)
            else:
                self._ended(life)

    def _has_turn(self, life: Life) -> bool:
        """Wait until the stream may be opened; return False if `life` is over before."""
        while not life.over.is_set():
            with self._lock:
                if life.over.is_set():
                    return False
                refusal = self._governor.ask(self._stream_id)
            if refusal is None:
                return True
            self._ledger.held_back(refusal.fault)
            life.over.wait(min(refusal.wait, GLANCE))
        return False

    def _connect(self, life: Life) -> None:
        """Open the stream and read it to its end."""
        source = self._desk.source
        self._ledger.opening()
        self._read_once(life)
        while source.loop and not source.is_live and not life.over.is_set():
            self._read_once(life)
        if source.is_live and not life.over.is_set():
            raise StreamError(FaultClass.CONNECTION, f"{name(source)} ended the stream")

    def _read_once(self, life: Life) -> None:
        limits = self._desk.limits
        life.expect(self._clock.monotonic() + limits.open_timeout)
        try:
            with opened(self._desk.source, limits) as container:
                Session(self._desk, container, life).run()
                life.expect(self._clock.monotonic() + limits.open_timeout)  # closing may hang, too
        finally:
            life.expect(None)

    def _opened(self) -> None:
        """Take note of the first picture of a connection."""
        with self._lock:
            if not self._life.over.is_set():
                self._governor.opened(self._stream_id)
        logger.info("stream %s: open", self._stream_id)

    def _failed(self, error: StreamError, life: Life) -> None:
        with self._lock:
            if life.over.is_set():
                return
            fault = self._ledger.lost(error.kind, str(error))
            self._governor.failed(self._stream_id, fault)
        logger.info("stream %s: %s: %s", self._stream_id, error.kind, error)

    def _ended(self, life: Life) -> None:
        with self._lock:
            if not life.over.is_set():
                self._ledger.ended()
                self._leave()

    def _leave(self) -> None:
        """Let the thread end, and take the stream off the schedule. The lock is held."""
        self._life.over.set()
        if self._is_known:
            self._is_known = False
            self._governor.remove(self._stream_id)
