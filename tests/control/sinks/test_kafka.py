"""Events on their way to a real Kafka broker."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka import errors as kafka_errors

from cad.base.clock import SystemClock
from cad.base.tls import client_context
from cad.config.settings import KafkaSettings
from cad.control.sinks.kafka import KafkaSinks, outcome_of
from cad.control.sinks.kafka_access import KafkaAccess, kafka_access
from cad.control.sinks.outbox import Outbox
from cad.control.sinks.queue import Outcome, Verdict
from cad.domain.deliveries import Delivery, QueueKey
from cad.domain.destinations import HttpDestination, KafkaDestination
from cad.domain.ids import TaskId
from cad.sim.platform.ca import CertificateAuthority
from cad.wire.event import EventDocument
from tests.control.sinks.broker import TOPIC, Broker, Front, broking, free_port
from tests.control.sinks.examples import (
    CROP,
    FULL,
    ORIGIN,
    event,
    event_id,
    task_to,
)
from tests.control.sinks.receiver import Receiver
from tests.control.sinks.test_outbox import until_settled
from tests.waiting import until

pytestmark = pytest.mark.peer


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with broking() as broker:
        yield broker


@asynccontextmanager
async def sinks(access: KafkaAccess | None = None, **limits: float) -> AsyncIterator[KafkaSinks]:
    timeout = limits.pop("timeout", 2.0)
    access = access or KafkaAccess()
    async with KafkaSinks(access, SystemClock(), timeout=timeout, **limits) as opened:  # type: ignore[arg-type] # a whole number is one
        yield opened


def delivery(destination: KafkaDestination, number: int = 1) -> Delivery:
    record = task_to(destination)
    return Delivery(
        number=number,
        event_id=event_id(number),
        queue=QueueKey(TaskId("task-1"), destination),
        document=EventDocument.from_event(event(number), record, ORIGIN, sequence=1).to_json(),
        full_image=FULL,
        crop_image=CROP,
    )


async def send(opened: KafkaSinks, destination: KafkaDestination, number: int = 1) -> Outcome:
    return await opened(destination).send(delivery(destination, number))


def to(broker: Broker, topic: str = TOPIC) -> KafkaDestination:
    return KafkaDestination((broker.address,), topic)


async def store(outbox: Outbox, destination: KafkaDestination, *numbers: int) -> None:
    for number in numbers:
        await outbox.store(event(number), task_to(destination))


@pytest.mark.row("CAP-29")
@pytest.mark.row("IO-08")
async def test_an_event_is_a_record_with_the_task_as_key(broker: Broker) -> None:
    async with sinks() as opened:
        assert await send(opened, to(broker)) == Outcome(Verdict.DELIVERED)
    [record] = await broker.records(1)
    document = EventDocument.parse(record.value)
    assert (record.key, record.headers) == (b"task-1", (("Idempotency-Key", event_id(1).encode()),))
    assert (document.images.full.jpeg(), document.images.crop.jpeg()) == (FULL, CROP)


async def test_events_of_a_task_stay_in_order_in_one_partition(
    broker: Broker, outbox: Outbox
) -> None:
    await store(outbox, to(broker), *range(1, 21))
    await until_settled(outbox)
    records = await broker.records(20)
    assert [json.loads(record.value)["sequence"] for record in records] == [*range(1, 21)]


@pytest.mark.row("IO-08")
async def test_events_wait_for_a_broker_that_is_away(outbox: Outbox) -> None:
    broker = Broker()
    await store(outbox, to(broker), 1, 2)
    await until(lambda: "no broker can be reached" in outbox.view().last_error)
    try:
        await broker.start()
        await until_settled(outbox)
        assert len(await broker.records(2)) == 2
    finally:
        await broker.kill()


@pytest.mark.row("IO-08")
async def test_a_broker_that_dies_loses_no_event_that_waits(broker: Broker, outbox: Outbox) -> None:
    await store(outbox, to(broker), 1, 2)
    await until_settled(outbox)
    await broker.kill()
    await store(outbox, to(broker), 3, 4, 5)
    await until(lambda: outbox.view().last_error)
    await broker.start()
    await until_settled(outbox)
    found = [json.loads(record.value)["sequence"] for record in await broker.records(3)]
    assert list(dict.fromkeys(found)) == [3, 4, 5]


@pytest.mark.row("CAP-29")
async def test_a_dead_broker_does_not_delay_the_other_destinations_of_a_task(
    outbox: Outbox, receiver: Receiver
) -> None:
    dead = KafkaDestination((f"127.0.0.1:{free_port()}",), TOPIC)
    for number in (1, 2, 3):
        await outbox.store(event(number), task_to(dead, HttpDestination(receiver.url)))
    await receiver.until(lambda receiver: len(receiver.taken) == 3)
    figures = {each.name: each.waiting for each in outbox.view().destinations}
    assert figures[dead.name] == 3


async def take_and_say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_a_broker_that_never_answers_blocks_nobody() -> None:
    server = await asyncio.start_server(take_and_say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, sinks(timeout=0.3) as opened, asyncio.timeout(10):
        outcome = await send(opened, KafkaDestination((f"127.0.0.1:{port}",), TOPIC))
    assert outcome.verdict is Verdict.FAILED


async def test_a_record_that_is_too_large_is_refused(broker: Broker) -> None:
    async with sinks(largest_record=100) as opened:
        outcome = await send(opened, to(broker))
        assert opened.open_connections == 1
    assert outcome.verdict is Verdict.REFUSED
    assert "takes no record of" in outcome.reason


async def test_topics_of_one_list_of_brokers_share_connections(broker: Broker) -> None:
    async with sinks() as opened:
        for topic in (TOPIC, "OTHER"):
            await send(opened, to(broker, topic))
        assert opened.open_connections == 1


async def test_connections_without_events_are_closed(broker: Broker) -> None:
    async with sinks(idle_limit=0.1) as opened:
        await send(opened, to(broker))
        await until(lambda: opened.open_connections == 0)
        assert (await send(opened, to(broker))).verdict is Verdict.DELIVERED


Encrypted = tuple[Path, ssl.SSLContext]


@pytest.fixture
def encrypted(tmp_path: Path) -> Encrypted:
    """The file of a CA, and what a broker on loopback needs to show its certificate."""
    authority = CertificateAuthority(tmp_path, datetime.now(UTC))
    return authority.file, authority.issue("broker", ["127.0.0.1"]).server_context()


async def test_brokers_are_reached_over_tls_with_an_account(
    tmp_path: Path, encrypted: Encrypted
) -> None:
    ca_file, context = encrypted
    (tmp_path / "password").write_text("wonder land\n")
    settings = KafkaSettings(
        security="SASL_SSL",
        username="alice",
        password_file=str(tmp_path / "password"),
        ca_file=str(ca_file),
    )
    front = Front(context, ("alice", "wonder land"))
    async with (
        front.before_broker(),
        sinks(await asyncio.to_thread(kafka_access, settings)) as opened,
    ):
        outcome = await send(opened, KafkaDestination((f"127.0.0.1:{front.port}",), TOPIC))
    assert outcome == Outcome(Verdict.DELIVERED)


async def test_a_broker_of_an_unknown_authority_is_not_trusted(encrypted: Encrypted) -> None:
    _, context = encrypted
    stranger = await asyncio.to_thread(client_context, "kafka")
    access = KafkaAccess(KafkaSettings(security="SSL"), context=stranger)
    front = Front(context, None)
    async with front.before_broker(), sinks(access) as opened:
        outcome = await send(opened, KafkaDestination((f"127.0.0.1:{front.port}",), TOPIC))
    assert outcome.verdict is Verdict.FAILED
    assert "no broker can be reached" in outcome.reason


async def test_a_wrong_password_is_no_secret_told() -> None:
    settings = KafkaSettings(security="SASL_PLAINTEXT", username="alice", password_file="x")
    front = Front(None, ("alice", "wonder land"))
    async with front.before_broker(), sinks(KafkaAccess(settings, "s3cret")) as opened:
        outcome = await send(opened, KafkaDestination((f"127.0.0.1:{front.port}",), TOPIC))
    assert (outcome.verdict, front.refused) == (Verdict.FAILED, 1)
    assert "s3cret" not in outcome.reason


@pytest.mark.parametrize(
    ("error", "verdict", "reason"),
    [
        (kafka_errors.MessageSizeTooLargeError(), Verdict.REFUSED, "no record of"),
        (kafka_errors.InvalidTopicError(), Verdict.REFUSED, "no topic of this name"),
        (kafka_errors.UnknownTopicOrPartitionError(), Verdict.FAILED, "no such topic"),
        (kafka_errors.TopicAuthorizationFailedError(), Verdict.FAILED, "may not write"),
        (kafka_errors.NotEnoughReplicasError(), Verdict.FAILED, "NotEnoughReplicas"),
        (kafka_errors.KafkaTimeoutError(), Verdict.FAILED, "no answer in time"),
        (kafka_errors.AuthenticationFailedError(), Verdict.FAILED, "not let in"),
        (kafka_errors.ProducerClosed(), Verdict.FAILED, "ProducerClosed"),
        (ConnectionResetError(), Verdict.FAILED, "ConnectionResetError"),
    ],
)
def test_what_brokers_answer_has_a_clear_outcome(
    error: Exception, verdict: Verdict, reason: str
) -> None:
    outcome = outcome_of(error, "kafka://k1:9092/E", 2_000_000)
    assert (outcome.verdict, reason in outcome.reason) == (verdict, True)
    assert outcome.reason.startswith("kafka://k1:9092/E: ")


async def test_a_stored_event_that_cannot_be_read_is_refused() -> None:
    destination = KafkaDestination(("127.0.0.1:9",), TOPIC)
    broken = Delivery(
        number=1,
        event_id=event_id(1),
        queue=QueueKey(TaskId("task-1"), destination),
        document=b"{",
        full_image=b"",
        crop_image=b"",
    )
    async with sinks() as opened:
        assert (await opened(destination).send(broken)).verdict is Verdict.REFUSED
