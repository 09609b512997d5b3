"""An outbox on a real database."""

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import repeat
from pathlib import Path

import aiohttp
import pytest

from cad.base.clock import SystemClock
from cad.control.sinks.by_type import SinksByType
from cad.control.sinks.http import HttpSinks
from cad.control.sinks.kafka import KafkaSinks
from cad.control.sinks.kafka_access import KafkaAccess
from cad.control.sinks.objects import ObjectAccess, ObjectSink
from cad.control.sinks.outbox import Outbox
from cad.control.store.database import Database
from cad.control.store.outbox import OutboxRepository
from cad.control.store.secrets import SecretBox
from tests.control.sinks.examples import ORIGIN
from tests.control.sinks.receiver import Receiver, receiving

BOX = SecretBox(bytes(32))

OpenOutbox = Callable[..., AbstractAsyncContextManager[Outbox]]


def soon() -> Iterator[float]:
    return repeat(0.01)


@asynccontextmanager
async def sinks_by_type(
    http: HttpSinks, objects: ObjectAccess | None = None
) -> AsyncIterator[SinksByType]:
    """Open sinks of every type; Kafka is plain and given up soon."""
    async with (
        http,
        KafkaSinks(KafkaAccess(), SystemClock(), timeout=1.0) as kafka,
        ObjectSink(objects or ObjectAccess()) as store,
    ):
        yield SinksByType(http, kafka, store)


@asynccontextmanager
async def opened(
    path: Path,
    *,
    limit_mb: float = 16,
    timeout: float = 10,
    tls: ssl.SSLContext | None = None,
    objects: ObjectAccess | None = None,
) -> AsyncIterator[Outbox]:
    """Open an outbox as the appliance does, with delays that a test can wait for."""
    clock = SystemClock()
    patience = aiohttp.ClientTimeout(total=timeout)
    context = tls or ssl.create_default_context()
    async with (
        await Database.open(path) as database,
        sinks_by_type(HttpSinks(context, clock, timeout=patience), objects) as sinks,
    ):
        store = OutboxRepository(database, BOX, limit_mb=limit_mb, clock=clock)
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
