"""`mqDest`: each event is one record of a Kafka topic, with the task as its key.

The records of a task are in one partition, so they keep their order. Brokers acknowledge with all
their replicas; a broker that numbers its producers also drops what is sent to it twice.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    AuthenticationFailedError,
    BrokerResponseError,
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from cad.base.clock import Clock
from cad.base.errors import RefusedError
from cad.control.sinks.kafka_access import KafkaAccess
from cad.control.sinks.payload import event_body
from cad.control.sinks.queue import Outcome, Verdict
from cad.domain.deliveries import Delivery
from cad.domain.destinations import KafkaDestination
from cad.wire.event import IDEMPOTENCY_HEADER

TIMEOUT = 10.0
"""Seconds for an attempt: for finding the brokers, and again for their acknowledgement."""
GRACE = 2.0
"""Seconds for the library to say itself what it waited for in vain."""
STOP_TIMEOUT = 3.0
IDLE_LIMIT = 300.0
"""Seconds without an event after which the connections to brokers are closed."""
LARGEST_RECORD = 64 * 1024 * 1024
"""Far above what brokers take (1 MiB unless configured): they decide, not this device."""

_COMPLAINTS = {
    KafkaConnectionError: "no broker can be reached, or none lets this device in",
    NodeNotReadyError: "no broker can be reached",
    AuthenticationFailedError: "the account is not let in",
    UnknownTopicOrPartitionError: "there is no such topic, or its brokers do not answer",
    TopicAuthorizationFailedError: "this device may not write to the topic",
    ClusterAuthorizationFailedError: "this device may not write to the brokers",
    KafkaTimeoutError: "no answer in time",
}
"""What waiting, or somebody there, may mend."""
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)

# Its complaints come with every try and name no task; the outbox says once what is wrong.
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


class _Connection:
    """The producer for one list of brokers, shared by all topics there."""

    def __init__(self, producer: AIOKafkaProducer, now: float) -> None:
        self.producer, self.used_at = producer, now
        self.users = 0


class KafkaSinks:
    """Makes sinks that share one producer for each list of brokers. Open while the context is."""

    def __init__(
        self,
        access: KafkaAccess,
        clock: Clock,
        *,
        timeout: float = TIMEOUT,
        idle_limit: float = IDLE_LIMIT,
        largest_record: int = LARGEST_RECORD,
    ) -> None:
        self._access, self._clock = access, clock
        self._timeout, self._idle_limit = timeout, idle_limit
        self._largest_record = largest_record
        self._connections: dict[tuple[str, ...], _Connection] = {}
        self._starting = WeakValueDictionary[tuple[str, ...], asyncio.Lock]()
        self._group = asyncio.TaskGroup()
        self._closing: asyncio.Task[None] | None = None

    @property
    def open_connections(self) -> int:
        """Lists of brokers to which there are connections now."""
        return len(self._connections)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._closing = self._group.create_task(self._close_idle(), name="kafka-idle")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for brokers in list(self._connections):
            self._drop(brokers)
        if self._closing is not None:
            self._closing.cancel()
        await self._group.__aexit__(kind, error, trace)

    def __call__(self, destination: KafkaDestination) -> "KafkaSink":
        """Return the sink for `destination`."""
        return KafkaSink(self, destination, self._timeout)

    @asynccontextmanager
    async def producer(self, brokers: tuple[str, ...]) -> AsyncGenerator[AIOKafkaProducer]:
        """Lend the producer for `brokers`, which is connected first if need be.

        An error of Kafka's other than about one record ends the producer: the next attempt begins
        with a new one.
        """
        connection = await self._connected(brokers)
        connection.users += 1
        try:
            yield connection.producer
        except _TOO_LARGE:
            raise
        except (KafkaError, TimeoutError):
            if self._connections.get(brokers) is connection:
                self._drop(brokers)
            raise
        finally:
            connection.users -= 1
            connection.used_at = self._clock.monotonic()

    async def _connected(self, brokers: tuple[str, ...]) -> _Connection:
        async with self._starting.setdefault(brokers, asyncio.Lock()):
            if brokers not in self._connections:
                producer = await self._start(brokers)
                self._connections[brokers] = _Connection(producer, self._clock.monotonic())
        return self._connections[brokers]

    async def _start(self, brokers: tuple[str, ...]) -> AIOKafkaProducer:
        """Return a producer that the brokers number if they can, and let this device ask for it."""
        try:
            return await self._start_one(brokers, is_numbered=True)
        except (BrokerResponseError, IncompatibleBrokerVersion) as error:
            if error.retriable:
                raise
        return await self._start_one(brokers, is_numbered=False)

    async def _start_one(self, brokers: tuple[str, ...], *, is_numbered: bool) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=list(brokers),
            client_id="cad",
            acks="all",
            enable_idempotence=is_numbered,
            request_timeout_ms=round(self._timeout * 1000),
            max_request_size=self._largest_record,
            **self._access.arguments(),
        )
        try:
            async with asyncio.timeout(self._timeout):
                await producer.start()
        except KeyError as error:  # aiokafka on a server's refusal within SCRAM (RFC 5802, `e=`)
            await producer.stop()
            raise AuthenticationFailedError from error
        except BaseException:
            await producer.stop()
            raise
        return producer

    def _drop(self, brokers: tuple[str, ...]) -> None:
        """Close the connections to `brokers` in the background."""
        producer = self._connections.pop(brokers).producer
        self._group.create_task(_stop(producer), name="kafka-stop")

    async def _close_idle(self) -> None:
        while True:
            await asyncio.sleep(self._idle_limit / 4)
            limit = self._clock.monotonic() - self._idle_limit
            for brokers, connection in list(self._connections.items()):
                if not connection.users and connection.used_at <= limit:
                    self._drop(brokers)


async def _stop(producer: AIOKafkaProducer) -> None:
    """Close the connections; what waits in the producer has a short while to be sent."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_TIMEOUT):
            await producer.stop()
            return
    await producer.client.close()


class KafkaSink:
    """Takes events to one topic."""

    def __init__(self, sinks: KafkaSinks, destination: KafkaDestination, timeout: float) -> None:
        self._sinks, self._destination, self._timeout = sinks, destination, timeout

    @property
    def receiver(self) -> str:
        """Brokers and topic: one that is missing must not delay its neighbours."""
        return self._destination.name

    async def send(self, delivery: Delivery) -> Outcome:
        """Send the event once, and wait until all replicas have it."""
        try:
            body = await event_body(delivery)
        except RefusedError as error:
            return Outcome(Verdict.REFUSED, f"the stored event cannot be read: {error}")
        try:
            await self._send(delivery, body)
        except (KafkaError, TimeoutError, OSError, ValueError) as error:
            return outcome_of(error, self.receiver, len(body))
        return Outcome(Verdict.DELIVERED)

    async def _send(self, delivery: Delivery, body: bytes) -> None:
        async with self._sinks.producer(self._destination.brokers) as producer:
            async with asyncio.timeout(self._timeout + GRACE):
                await producer.send_and_wait(
                    self._destination.topic,
                    body,
                    key=delivery.queue.task_id.encode(),
                    headers=[(IDEMPOTENCY_HEADER, delivery.event_id.encode())],
                )


def outcome_of(error: Exception, receiver: str, size: int) -> Outcome:
    """Return what an attempt with a record of `size` bytes came to that ended with `error`."""
    match error:
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            return Outcome(Verdict.REFUSED, f"{receiver}: takes no record of {size} bytes")
        case InvalidTopicError():
            return Outcome(Verdict.REFUSED, f"{receiver}: takes no topic of this name")
        case _:
            return Outcome(Verdict.FAILED, f"{receiver}: {_complaint(error)}")


def _complaint(error: Exception) -> str:
    """Return what waiting may mend, as a sentence."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    for kind, sentence in _COMPLAINTS.items():
        if isinstance(error, kind):
            return sentence
    return type(error).__name__
