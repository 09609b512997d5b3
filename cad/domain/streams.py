"""Video streams: what to open, and how it goes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cad.base.redact import redact
from cad.domain.faults import Fault
from cad.domain.ids import StreamId


class Transport(StrEnum):
    """How RTP travels from an RTSP server."""

    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSource:
    """What is opened. Equal sources are one stream: it is decoded once for all tasks on it."""

    url: str
    """With credentials; never to be printed. `public_url` is for people."""
    transport: Transport | None = None
    """RTSP only; None = the configured default."""
    loop: bool = False
    """Files only: start again at the end."""
    start: datetime | None = None
    end: datetime | None = None
    """Recordings only: the time range."""

    @property
    def scheme(self) -> str:
        """The URL's scheme in lower case, empty if there is none."""
        head, separator, _ = self.url.partition("://")
        return head.lower() if separator else ""

    @property
    def is_live(self) -> bool:
        """Whether newest wins; a recording has every sampled frame analysed."""
        return self.scheme != "file" and self.start is None

    @property
    def public_url(self) -> str:
        """The URL without credentials: no user part, no value of a password-like parameter.

        Cut up to the last @, since a password may hold one, or a slash: rather too much than too
        little.
        """
        head, separator, rest = self.url.partition("://")
        return redact(f"{head}{separator}{rest.rpartition('@')[2]}")


class StreamPhase(StrEnum):
    """Where a stream stands."""

    OPENING = "opening"
    OPEN = "open"
    """Media arrives and is decoded."""
    WAITING = "waiting"
    """Lost or never had; the next try is due after a delay."""
    ENDED = "ended"
    """A recording was read to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatus:
    """A stream at one moment. Counters only grow during the life of a stream."""

    stream_id: StreamId
    phase: StreamPhase
    fault: Fault | None = None
    """Why it is not open, or the last fault while it is being opened again."""
    received: int = 0
    """Coded pictures taken from the network or file."""
    decoded: int = 0
    damaged: int = 0
    """Coded pictures that could not be decoded."""
    skipped: int = 0
    """Coded pictures before the first key picture, or between damage and the next one."""
    connects: int = 0
    """Tries to open, the first included."""
    width: int = 0
    height: int = 0
    codec: str = ""
    frame_rate: float = 0.0
    """Nominal pictures per second, 0 = unknown."""
    last_frame_age: float | None = None
    """Seconds since the last decoded picture, None = none yet."""
