"""Time as a dependency: the two clocks, and the standard's way to print a time."""

import time
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Where the time comes from; tests pass one they can turn."""

    def now(self) -> datetime:
        """Return the wall clock, aware, UTC. It may jump either way."""

    def monotonic(self) -> float:
        """Return seconds that only grow; every deadline is measured with it."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Return the wall clock, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()


def local_text(moment: datetime, zone: ZoneInfo) -> str:
    """Return `yyyy-MM-dd HH:mm:ss.SSS` in `zone` (AM-14)."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def utc_text(moment: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds and Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
