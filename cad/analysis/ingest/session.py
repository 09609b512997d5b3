"""One connection to a camera, or one pass over a recording: from packets to offered pictures."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import av.error
from av import Packet, VideoFrame
from av.container import InputContainer
from av.video.stream import VideoStream

from cad.analysis.ingest.cadence import Cadence
from cad.analysis.ingest.decoding import Decoder
from cad.analysis.ingest.faults import StreamError, classify
from cad.analysis.ingest.ledger import Ledger
from cad.analysis.ingest.limits import IngestLimits
from cad.analysis.ingest.pacing import Pace
from cad.analysis.ingest.picture import AvPicture
from cad.analysis.ingest.source import name
from cad.analysis.ingest.timeline import Timeline
from cad.base.clock import Clock
from cad.domain.faults import FaultClass
from cad.domain.frames import Frame, FrameSink
from cad.domain.streams import StreamSource

logger = logging.getLogger(__name__)

USUAL_RATE = 25.0
GRACE = 2.0
"""Seconds beyond its own deadline after which a call into libav is given up."""
NO_PICTURE_FACTOR = 3
"""Silences that media without a single decodable picture may last: a camera with a long
distance between key pictures is no dead camera."""
RECONSIDER = 25
"""Packets after which it is considered again which pictures need decoding."""

Wait = Callable[[threading.Event, float], bool]
"""Waits for the event for so many seconds; returns whether it is set."""


class Life:
    """The life of one reading thread. Whoever sets `over` has taken the stream from it."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._deadline: float | None = None

    def expect(self, deadline: float | None) -> None:
        """Say when the call into libav that begins must be back, monotonic; None = it is back."""
        self._deadline = deadline

    def hangs(self, now: float) -> bool:
        """Whether a call into libav is long overdue."""
        deadline = self._deadline
        return deadline is not None and now > deadline + GRACE


@dataclass(frozen=True, slots=True)
class Desk:
    """What the sessions of one stream share."""

    source: StreamSource
    sink: FrameSink
    limits: IngestLimits
    clock: Clock
    ledger: Ledger
    timeline: Timeline
    pace: Pace | None
    """None = as fast as the sink takes pictures, or as the camera sends them."""
    wait: Wait
    on_open: Callable[[], None]
    """Called with the first picture."""


class Session:
    """Reads an open container until it ends, fails or is taken away.

    libav hands over a camera's picture when the next one begins, one frame interval late at most;
    the moment of that is the picture's arrival, however long the decoder keeps it.
    """

    def __init__(self, desk: Desk, container: InputContainer, life: Life) -> None:
        self._desk, self._container, self._life = desk, container, life
        self._stream = _video(container, name(desk.source))
        self._decoder, self._cadence = Decoder(self._stream), Cadence()
        rate = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        desk.ledger.described(self._stream.codec_context.name, rate)
        desk.timeline.splice(1 / (rate or USUAL_RATE))
        self._last_picture = desk.clock.monotonic()
        self._rate, self._seen, self._pictures = -1.0, 0, 0
        self._losses = (0, 0)

    def run(self) -> None:
        """Offer every wanted picture; return at the end of the source or of `life`.

        Raises:
            StreamError: the stream is lost.
        """
        try:
            for packet in self._packets():
                if self._life.over.is_set():
                    return
                self._read(packet)
        finally:
            self._report_damage()
        if not self._pictures and not self._life.over.is_set():
            message = f"{name(self._desk.source)} ended without a picture"
            raise StreamError(FaultClass.PROTOCOL, message)

    def _read(self, packet: "Packet[VideoStream]") -> None:
        if packet.size:
            self._note(packet)
        for picture in self._decoded(packet):
            self._take(picture)
        self._count_losses()
        self._expect_pictures()

    def _decoded(self, packet: "Packet[VideoStream]") -> Sequence[VideoFrame]:
        """Return what the decoder makes of a packet, all at once: its deadline is for no sink."""
        self._life.expect(self._desk.clock.monotonic() + self._desk.limits.silence_timeout)
        pictures = list(self._decoder.decode(packet))
        self._life.expect(None)
        return pictures

    def _count_losses(self) -> None:
        damaged, skipped = losses = self._decoder.errors, self._decoder.skipped
        if losses != self._losses:
            before_damaged, before_skipped = self._losses
            self._losses = losses
            self._desk.ledger.missed(damaged - before_damaged, skipped - before_skipped)

    def _report_damage(self) -> None:
        errors, skipped = self._decoder.errors, self._decoder.skipped
        if errors or skipped:
            who = name(self._desk.source)
            logger.info("%s: %d pictures damaged, %d without a key picture", who, errors, skipped)

    def _packets(self) -> "Iterator[Packet[VideoStream]]":
        """Yield the packets; the last one, empty, asks the decoder for what it still holds."""
        packets = self._container.demux(self._stream)
        cause: av.error.FFmpegError
        try:
            while (packet := self._next(packets)) is not None:
                yield packet
        except av.error.FFmpegError as error:
            cause = error
        else:
            return
        # Outside of the handler: the error must not become part of the new one, it holds the URL.
        if self._desk.source.is_live or not self._pictures:
            raise self._explain(cause)
        logger.warning("recording %s is damaged and ends early", name(self._desk.source))

    def _next(self, packets: "Iterator[Packet[VideoStream]]") -> "Packet[VideoStream] | None":
        """Wait for a packet and note on it when it came; None = the source has no more.

        Raises:
            StreamError: the camera is silent. libav then hands over the picture whose end it was
                waiting for, as if it had just come.
        """
        clock, limits = self._desk.clock, self._desk.limits
        asked = clock.monotonic()
        self._life.expect(asked + limits.silence_timeout)
        packet = next(packets, None)
        self._life.expect(None)
        arrived = clock.monotonic()
        if self._desk.source.is_live and arrived - asked >= limits.media_timeout:
            raise self._silent()
        if packet is not None:
            packet.opaque = arrived
        return packet

    def _silent(self) -> StreamError:
        who, seconds = name(self._desk.source), self._desk.limits.media_timeout
        return StreamError(FaultClass.TIMEOUT, f"{who} sent no media for {seconds:g} s")

    def _explain(self, cause: av.error.FFmpegError) -> StreamError:
        if isinstance(cause, av.error.ExitError | av.error.TimeoutError):
            return self._silent()
        return classify(cause, name(self._desk.source))

    def _note(self, packet: "Packet[VideoStream]") -> None:
        """Count a packet, and decide from time to time which ones need decoding."""
        self._desk.ledger.received()
        position = packet.dts if packet.pts is None else packet.pts
        if position is not None:
            is_reference = self._decoder.is_reference(packet)
            self._cadence.observe(float(position * packet.time_base), is_reference=is_reference)
        self._seen += 1
        rate = self._desk.sink.target_rate
        if rate != self._rate or self._seen % RECONSIDER == 0:
            self._rate = rate
            self._decoder.decode_references_only(self._cadence.references_suffice(rate))
            self._desk.ledger.measured(self._cadence.rate)

    def _take(self, picture: VideoFrame) -> None:
        """Place a picture in time and offer it if it is due."""
        desk, over = self._desk, self._life.over
        timestamp = None if picture.pts is None else picture.time
        arrived = cast("float", picture.opaque)
        pts = desk.timeline.place(timestamp, arrived)
        if desk.pace is not None:
            desk.wait(over, desk.pace.delay(pts, desk.clock.monotonic()))
        if over.is_set():
            return
        now = desk.clock.monotonic()
        if not desk.source.is_live:
            arrived = now  # a recording's pictures come when they are due
        self._last_picture = arrived
        self._pictures += 1
        if desk.ledger.decoded(picture.width, picture.height, arrived):
            desk.on_open()
        if desk.sink.wants(pts):
            wall = desk.clock.now() - timedelta(seconds=now - arrived)
            desk.sink.offer(Frame(AvPicture(picture), pts, wall, arrived))

    def _expect_pictures(self) -> None:
        """Raise `StreamError` when media comes, but has shown nothing for too long."""
        patience = NO_PICTURE_FACTOR * self._desk.limits.silence_timeout
        if self._desk.clock.monotonic() - self._last_picture > patience:
            message = f"{name(self._desk.source)} sent no decodable picture for {patience:g} s"
            raise StreamError(FaultClass.TIMEOUT, message)


def _video(container: InputContainer, who: str) -> VideoStream:
    """Return the video stream, or raise `StreamError` if there is none that can be decoded."""
    if not container.streams.video:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise StreamError(FaultClass.CODEC, f"{who} sends no video (it sends: {kinds})")
    stream = container.streams.video[0]
    if getattr(stream, "codec_context", None) is None:
        raise StreamError(FaultClass.CODEC, f"{who} sends video in a codec that is not supported")
    return stream
