"""When a lost stream may be opened again. Pure: the caller brings the time.

Three things hold a try back, and all must agree:

* the *stream's* own delay after it failed;
* its *doors*: the camera host for all that a host can be blamed for, and the account there for
  refused passwords. A door closes when a try fails and nothing else lives behind it; then one try
  at a time is made, whichever stream makes it. Each success lets twice as many in at once.
* the *fleet*: so many are being opened at once, half of them at most on hosts that failed last.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cad.base.backoff import backoff
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import StreamId

HOST_SPACING = 1.0
"""Seconds between a failed try on a host and the next try there."""
WIDEST = 8
"""Streams of one door that are opened at once when it answers well."""
FIRST_TURN = 1.0
"""Seconds by which the stream that failed lets the others behind its door go first."""

DELAYS: dict[FaultClass, tuple[float, float]] = {
    FaultClass.AUTH: (120.0, 1800.0),  # cameras lock an account after a few wrong passwords
    FaultClass.NOT_FOUND: (10.0, 300.0),
    FaultClass.CODEC: (20.0, 300.0),
}
"""First and longest delay in seconds; half of it is certain, the rest is drawn."""
USUAL_DELAY = (2.0, 60.0)

SHARED = frozenset(FaultClass) - {FaultClass.NOT_FOUND, FaultClass.CODEC}
"""Faults that the next stream behind the same door would meet as well."""


class Endpoint(NamedTuple):
    """Where a stream comes from, as far as other streams share it."""

    host: str
    """`host:port`; empty for what shares nothing, as files."""
    account: str = ""
    """User and password in a form that tells nothing but whether they are equal."""


@dataclass(slots=True)
class _Delay:
    """Growing delays; another class of fault begins anew."""

    kind: FaultClass | None = None
    steps: Iterator[float] = field(default_factory=lambda: iter(()))

    def next(self, kind: FaultClass, draw: random.Random) -> float:
        if kind is not self.kind:
            first, ceiling = DELAYS.get(kind, USUAL_DELAY)
            self.kind, self.steps = kind, backoff(first, ceiling, draw=draw)
        return next(self.steps)


@dataclass(slots=True)
class _Door:
    """What several streams pass to reach their camera."""

    width: int = 1
    opening: int = 0
    live: int = 0
    users: int = 0
    shut_until: float = -math.inf
    fault: Fault | None = None
    delay: _Delay = field(default_factory=_Delay)


@dataclass(slots=True)
class _Stream:
    endpoint: Endpoint
    next_try: float = -math.inf
    is_opening: bool = False
    is_live: bool = False
    is_probe: bool = False
    delay: _Delay = field(default_factory=_Delay)


class Refusal(NamedTuple):
    """Not yet."""

    wait: float
    """Seconds after which asking again makes sense."""
    fault: Fault | None
    """What the host or account was found guilty of by another stream."""


class ConnectSchedule:
    """Decides for all streams of a worker."""

    def __init__(self, concurrent: int, draw: random.Random) -> None:
        self._concurrent, self._draw = concurrent, draw
        self._streams: dict[StreamId, _Stream] = {}
        self._doors: dict[Endpoint, _Door] = {}

    def add(self, stream_id: StreamId, endpoint: Endpoint) -> None:
        """Take a stream in; its first try is due at once."""
        self._streams[stream_id] = _Stream(endpoint)
        for key in _keys(endpoint):
            self._doors.setdefault(key, _Door()).users += 1

    def remove(self, stream_id: StreamId) -> None:
        """Forget a stream; its host is forgotten with its last one."""
        stream = self._streams.pop(stream_id)
        self._leave(stream)
        for key in _keys(stream.endpoint):
            door = self._doors[key]
            door.users -= 1
            if not door.users:
                del self._doors[key]

    def ask(self, stream_id: StreamId, now: float) -> Refusal | None:
        """Return None when the stream may be opened now, which counts as begun."""
        stream = self._streams[stream_id]
        due = max([stream.next_try, *(door.shut_until for door in self._doors_of(stream))])
        if now < due:
            return Refusal(due - now, self._blame(stream, now))
        is_probe = any(door.fault is not None and not door.live for door in self._doors_of(stream))
        if self._is_full(stream, is_probe=is_probe):
            return Refusal(HOST_SPACING, self._blame(stream, now))
        stream.is_opening, stream.is_probe = True, is_probe
        for door in self._doors_of(stream):
            door.opening += 1
        return None

    def opened(self, stream_id: StreamId) -> None:
        """Note that the stream delivers pictures: its doors stand open for the others."""
        stream = self._streams[stream_id]
        self._leave(stream)
        stream.is_live, stream.delay = True, _Delay()
        for door in self._doors_of(stream):
            door.live += 1
            door.width = min(2 * door.width, WIDEST)
            door.shut_until, door.fault, door.delay = -math.inf, None, _Delay()

    def failed(self, stream_id: StreamId, fault: Fault, now: float) -> float:
        """Note that the stream could not be opened or was lost; return the seconds until it may."""
        stream = self._streams[stream_id]
        self._leave(stream)
        wait = stream.delay.next(fault.kind, self._draw)
        stream.next_try = now + wait
        for key in _keys(stream.endpoint):
            self._shut(key, self._doors[key], fault, now)
        shut = [door.shut_until for door in self._doors_of(stream) if door.fault is not None]
        stream.next_try = max([stream.next_try, *(until + FIRST_TURN for until in shut)])
        return stream.next_try - now

    def _shut(self, key: Endpoint, door: _Door, fault: Fault, now: float) -> None:
        """Close `door` for as long as `fault` asks, if it is to blame."""
        door.width = 1
        if not key.account:
            door.shut_until = max(door.shut_until, now + HOST_SPACING)
        blamed = fault.kind in SHARED and bool(key.account) == (fault.kind is FaultClass.AUTH)
        if blamed and not door.live:
            door.fault = fault
            wait = max(HOST_SPACING, door.delay.next(fault.kind, self._draw))
            door.shut_until = max(door.shut_until, now + wait)

    def _leave(self, stream: _Stream) -> None:
        """Take `stream` out of what is being opened and of what lives."""
        for door in self._doors_of(stream):
            door.opening -= stream.is_opening
            door.live -= stream.is_live
        stream.is_opening = stream.is_live = stream.is_probe = False

    def _is_full(self, stream: _Stream, *, is_probe: bool) -> bool:
        opening = [other for other in self._streams.values() if other.is_opening]
        probes = sum(other.is_probe for other in opening)
        if len(opening) >= self._concurrent or (is_probe and 2 * probes >= self._concurrent):
            return True
        return any(door.opening >= door.width for door in self._doors_of(stream))

    def _blame(self, stream: _Stream, now: float) -> Fault | None:
        faults = (door.fault for door in self._doors_of(stream) if now < door.shut_until)
        return next((fault for fault in faults if fault is not None), None)

    def _doors_of(self, stream: _Stream) -> list[_Door]:
        return [self._doors[key] for key in _keys(stream.endpoint)]


def _keys(endpoint: Endpoint) -> list[Endpoint]:
    """Return the keys of the doors before `endpoint`: its host, then its account there."""
    if not endpoint.host:
        return []
    host = Endpoint(endpoint.host)
    return [host, endpoint] if endpoint.account else [host]
