"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import asyncio
from collections.abc import Callable

DEADLINE = 20.0


async def until(condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Return as soon as `condition` holds; a TimeoutError ends the test otherwise."""
    async with asyncio.timeout(deadline):
        while not condition():  # noqa: ASYNC110 - the condition may be anything
            await asyncio.sleep(0.005)
