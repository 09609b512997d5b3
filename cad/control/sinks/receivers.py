"""How many attempts there may be at once: over all, and to one receiver."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager

POSTS = 64
"""Most attempts at once that go to receivers which are well."""
PROBES = 16
"""Most attempts at once that go to receivers which failed the last one: those that hang must not
take the room of the others."""
POSTS_PER_RECEIVER = 4
"""Most attempts at once to one receiver, so that a slow one leaves room for the others."""


class Receivers:
    """Those that queues go to now, and how they are; one without a queue is forgotten."""

    def __init__(self) -> None:
        self._posts, self._probes = asyncio.Semaphore(POSTS), asyncio.Semaphore(PROBES)
        self._rooms: dict[str, asyncio.Semaphore] = {}
        self._queues = Counter[str]()
        self._failing: set[str] = set()

    def __len__(self) -> int:
        return len(self._rooms)

    @contextmanager
    def serving(self, receiver: str) -> Iterator[None]:
        """Remember `receiver` while the context is open: a queue goes there."""
        self._queues[receiver] += 1
        self._rooms.setdefault(receiver, asyncio.Semaphore(POSTS_PER_RECEIVER))
        try:
            yield
        finally:
            self._queues[receiver] -= 1
            if not self._queues[receiver]:
                del self._queues[receiver], self._rooms[receiver]
                self._failing.discard(receiver)

    @asynccontextmanager
    async def room(self, receiver: str) -> AsyncGenerator[None]:
        """Wait for room for an attempt at `receiver`, and hold it while the context is open."""
        async with (
            self._rooms[receiver],
            self._probes if receiver in self._failing else self._posts,
        ):
            yield

    def note(self, receiver: str, *, failed: bool) -> None:
        """Take note how the last attempt at `receiver` went."""
        if failed:
            self._failing.add(receiver)
        else:
            self._failing.discard(receiver)
