"""Puts results back into the order in which their work was handed out."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Reorder(Generic[T]):
    """Holds results back until every earlier one is there. Numbers begin at 0 without a gap."""

    def __init__(self) -> None:
        self._next = 0
        self._early: dict[int, T] = {}

    def put(self, number: int, result: T) -> list[T]:
        """Take the result of `number`; return those whose turn has come, in order."""
        self._early[number] = result
        ready: list[T] = []
        while self._next in self._early:
            ready.append(self._early.pop(self._next))
            self._next += 1
        return ready
