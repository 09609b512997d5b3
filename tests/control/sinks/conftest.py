"""An outbox on a real database."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import repeat
from pathlib import Path

import aiohttp
import pytest

from cad.base.clock import SystemClock
from cad.control.sinks.http import HttpSinks
from cad.control.sinks.outbox import Outbox
from cad.control.store.database import Database
from cad.control.store.outbox import OutboxRepository
from tests.control.sinks.examples import ORIGIN
from tests.control.sinks.receiver import Receiver, receiving

OpenOutbox = Callable[..., AbstractAsyncContextManager[Outbox]]


def soon() -> Iterator[float]:
    return repeat(0.01)


@asynccontextmanager
async def opened(
    path: Path,
    *,
    limit_mb: float = 16,
    timeout: float = 10,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Outbox]:
    """Open an outbox as the appliance does, with delays that a test can wait for."""
    clock = SystemClock()
    patience = aiohttp.ClientTimeout(total=timeout)
    context = tls or ssl.create_default_context()
    async with (
        await Database.open(path) as database,
        HttpSinks(context, clock, timeout=patience) as sinks,
    ):
        store = OutboxRepository(database, limit_mb=limit_mb, clock=clock)
        async with Outbox(store, sinks, clock, lambda: ORIGIN, delays=soon) as outbox:
            yield outbox


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    async with opened(tmp_path / "cad.db") as outbox:
        yield outbox


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver
