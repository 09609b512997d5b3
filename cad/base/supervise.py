"""Tasks have owners: the scopes in which background work runs."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from cad.base.backoff import backoff
from cad.base.errors import CadError

logger = logging.getLogger(__name__)

Job = Callable[[], Awaitable[None]]


async def keep_running(name: str, job: Job, healthy_after: float = 60.0) -> None:
    """Run `job` again whenever it ends or fails with a transient error, with growing delays.

    Any other error reaches the owner of the scope: a bug ends the daemon, and systemd starts it
    clean.
    """
    clock, delays = asyncio.get_running_loop().time, backoff()
    while True:
        started = clock()
        try:
            await job()
        except CadError as error:
            if not error.transient:
                raise
            logger.warning("%s: %s", name, error)
        if clock() - started > healthy_after:
            delays = backoff()
        await asyncio.sleep(next(delays))


@asynccontextmanager
async def background(name: str, job: Job) -> AsyncGenerator[None]:
    """Keep `job` running while the context is open; on leaving, await its clean-up."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(keep_running(name, job), name=name)
        try:
            yield
        finally:
            task.cancel()
