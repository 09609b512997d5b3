"""Blocking work in one named thread with one owner."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class WorkThread:
    """Runs blocking calls one after the other in a thread of its own.

    A caller that is cancelled leaves its call running; the next one starts after it.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `call` in the thread and return its result or raise its error."""
        future = self._pool.submit(call, *args, **kwargs)
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish what is queued and end the thread. Blocks until then."""
        self._pool.shutdown(wait=True)

    async def aclose(self) -> None:
        """Finish what is queued and end the thread, without blocking the loop."""
        await asyncio.to_thread(self.close)
