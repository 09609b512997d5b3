"""What follows an attempt to deliver the first event of a queue. Pure: time and chance are given.

Delivered: the next one, at once. Failed (the receiver cannot now) or broken (this device has a
bug, which an update mends): the same again, for ever, with growing delays. Refused (the receiver
will not): the same again, `MAX_REFUSALS` tries in all, then it is put aside and the next ones flow.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

MAX_REFUSALS = 5
RETRY_AFTER_LIMIT = 600.0
"""Seconds; a receiver may not ask for more patience than this."""


class Verdict(Enum):
    """What an attempt came to."""

    DELIVERED = auto()
    FAILED = auto()
    REFUSED = auto()
    BROKEN = auto()
    """A bug of this device ended it, which says nothing of the event or the receiver."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to, and why."""

    verdict: Verdict
    reason: str = ""
    """A sentence; holds no secret."""
    retry_after: float = 0.0
    """Seconds that the receiver asks to be left alone."""


class Step(Enum):
    """What to do with the event that was tried."""

    FORGET = auto()
    KEEP = auto()
    BURY = auto()


class DeliveryQueue:
    """Where one queue stands: how often its first event was refused, how long to wait."""

    def __init__(self, delays: Callable[[], Iterator[float]]) -> None:
        """Begin with a willing receiver; `delays` starts a series of growing delays."""
        self._new_delays = delays
        self._delays = delays()
        self._number, self._refusals = 0, 0
        self.failures = 0
        """Attempts without success since the last success."""
        self.due = 0.0
        """When the next attempt may begin."""

    def take(self, outcome: Outcome, now: float, number: int) -> Step:
        """Take what an attempt that ended at `now` came to; return what to do with its event.

        Refusals are counted for the event of this `number`: it may have come to be the first
        because the one before was dropped, or revived in its old place.
        """
        if number != self._number:
            self._number, self._refusals = number, 0
        if outcome.verdict is Verdict.DELIVERED:
            self._start_over()
            self.failures = 0
            return Step.FORGET
        self.failures += 1
        if outcome.verdict is Verdict.REFUSED:
            self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            self._start_over()
            return Step.BURY
        asked = min(outcome.retry_after, RETRY_AFTER_LIMIT)
        self.due = now + max(next(self._delays), asked)
        return Step.KEEP

    def _start_over(self) -> None:
        self._delays, self._refusals, self.due = self._new_delays(), 0, 0.0
