"""When what failed is to be tried again: after growing delays, for each thing by itself. Pure."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from cad.base.backoff import backoff

Key = TypeVar("Key")

FIRST_DELAY = 2.0
LONGEST_DELAY = 60.0


class Retries(Generic[Key]):
    """The next tries of whatever fails at present."""

    def __init__(self) -> None:
        self._delays: dict[Key, Iterator[float]] = {}
        self._due: dict[Key, float] = {}

    def is_due(self, key: Key, now: float) -> bool:
        """Whether to try `key`, which fails, at `now`; the delay to the next try begins then."""
        if key not in self._due:
            self._delays[key] = backoff(FIRST_DELAY, LONGEST_DELAY)
        elif now < self._due[key]:
            return False
        is_due = key in self._due
        self._due[key] = now + next(self._delays[key])
        return is_due

    def forget(self, key: Key) -> None:
        """Take note that `key` does not fail any more, or is no more."""
        self._delays.pop(key, None)
        self._due.pop(key, None)
