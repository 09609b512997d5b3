"""Blocking work in threads with owners: short calls share one, a long one has its own."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

ABANDON_DEADLINE = 10.0
"""Seconds that a long call may take to its next checkpoint when nobody wants its result any more:
as many as writing out one large file to a slow disk."""


class AbandonedError(Exception):
    """Whoever asked for this work has gone."""


class _Work(threading.local):
    """The long call of this thread."""

    abandoned: threading.Event | None = None


_work = _Work()


def checkpoint() -> None:
    """End the work of this thread here if it is a long call that was abandoned.

    Raises:
        AbandonedError: for nobody to catch.
    """
    if _work.abandoned is not None and _work.abandoned.is_set():
        raise AbandonedError


async def run_long(name: str, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `call`, which takes seconds or more, in a thread `name` of its own; return its result.

    If the caller is cancelled, so is the call, at its next `checkpoint`; the caller waits for that,
    `ABANDON_DEADLINE` seconds at most, so that nobody else touches what `call` is at work on.
    """
    outcome: Future[R] = Future()
    abandoned = threading.Event()

    def work() -> None:
        _work.abandoned = abandoned
        try:
            outcome.set_result(call(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - it is the awaiting side's, as in any executor
            outcome.set_exception(error)

    threading.Thread(target=work, name=name, daemon=True).start()
    done = asyncio.wrap_future(outcome)
    done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    try:
        await asyncio.wait([done])
    except asyncio.CancelledError:
        abandoned.set()
        await asyncio.wait([done], timeout=ABANDON_DEADLINE)
        raise
    return done.result()


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
