"""Pictures on their way to a real object store, and the events that wait for them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cad.base.errors import BadValueError
from cad.base.tls import client_context
from cad.config.settings import ObjectSettings
from cad.control.sinks.objects import ObjectAccess, ObjectSink, object_access
from cad.control.sinks.queue import Outcome, Verdict
from cad.domain.deliveries import Delivery, QueueKey
from cad.domain.destinations import BucketDestination, HttpDestination
from cad.domain.ids import TaskId
from cad.sim.platform.ca import CertificateAuthority, Identity
from cad.wire.event import EventDocument
from tests.control.sinks.conftest import opened
from tests.control.sinks.examples import CROP, FULL, ORIGIN, event, event_id, task_to
from tests.control.sinks.object_store import (
    KEY,
    SECRET,
    ObjectStore,
    access,
    judging,
    storing,
)
from tests.control.sinks.receiver import Receiver
from tests.control.sinks.test_outbox import until_settled
from tests.waiting import until

pytestmark = pytest.mark.peer

BOTH = BucketDestination("full-images", "crop-images")
STEM = f"m-1/task-1/2026-11-22/{event_id(1)}"
FULL_KEY, CROP_KEY = f"full-images/{STEM}-full.jpg", f"crop-images/{STEM}-crop.jpg"


@pytest.fixture
async def store() -> AsyncIterator[ObjectStore]:
    async with storing() as store:
        yield store


def delivery(destination: BucketDestination = BOTH, document: bytes = b"") -> Delivery:
    made = EventDocument.from_event(event(1), task_to(destination), ORIGIN, sequence=1)
    return Delivery(
        number=1,
        event_id=event_id(1),
        queue=QueueKey(TaskId("task-1"), destination),
        document=document or made.to_json(),
        full_image=FULL,
        crop_image=CROP,
    )


async def send(given: ObjectAccess, what: Delivery | None = None) -> Outcome:
    async with ObjectSink(given) as sink:
        return await sink.send(what or delivery())


@pytest.mark.row("CAP-30")
async def test_pictures_are_stored_under_their_keys(store: ObjectStore) -> None:
    for _ in range(2):  # once more changes nothing
        assert await send(access(store.endpoint)) == Outcome(Verdict.DELIVERED)
    assert (await store.get(FULL_KEY), await store.get(CROP_KEY)) == (FULL, CROP)


@pytest.mark.row("CAP-30")
async def test_an_event_carries_the_keys_of_its_pictures(
    tmp_path: Path, store: ObjectStore, receiver: Receiver
) -> None:
    async with opened(tmp_path / "cad.db", objects=access(store.endpoint)) as outbox:
        await outbox.store(event(1), task_to(HttpDestination(receiver.url), BOTH))
        view = await until_settled(outbox)
    [document] = receiver.taken
    assert (document.images.full.key, document.images.crop.key) == (FULL_KEY, CROP_KEY)
    assert (document.images.full.data, document.images.full.content_type) == (None, "image/jpeg")
    assert await store.get(FULL_KEY) == FULL
    assert (view.delivered, view.stored_bytes) == (2, 0)


async def test_a_picture_without_a_bucket_travels_in_the_event(
    tmp_path: Path, store: ObjectStore, receiver: Receiver
) -> None:
    only_full = BucketDestination("full-images", "")
    async with opened(tmp_path / "cad.db", objects=access(store.endpoint)) as outbox:
        await outbox.store(event(1), task_to(HttpDestination(receiver.url), only_full))
        await until_settled(outbox)
    [document] = receiver.taken
    assert (document.images.full.key, document.images.crop.jpeg()) == (FULL_KEY, CROP)


@pytest.mark.row("CAP-30")
async def test_a_store_that_is_away_holds_events_back_in_their_order(
    tmp_path: Path, receiver: Receiver
) -> None:
    store = ObjectStore()
    held, plain = task_to(HttpDestination(receiver.url), BOTH), HttpDestination(receiver.url)
    async with opened(tmp_path / "cad.db", objects=access(store.endpoint)) as outbox:
        await outbox.store(event(1), held)
        await outbox.store(event(2), task_to(plain))
        await outbox.store(event(3, task_id="task-2"), task_to(plain, task_id="task-2"))
        await receiver.until(lambda receiver: receiver.ids == [event_id(3)])
        await until(lambda: store.endpoint in outbox.view().last_error)
        try:
            await store.start()
            await until(lambda: "NoSuchBucket" in outbox.view().last_error)
            assert receiver.ids == [event_id(3)]
            await store.make_buckets()
            await until_settled(outbox)
        finally:
            await store.kill()
    assert receiver.ids == [event_id(3), event_id(1), event_id(2)]


async def test_what_is_held_goes_on_after_a_restart(
    tmp_path: Path, store: ObjectStore, receiver: Receiver
) -> None:
    async with opened(tmp_path / "cad.db") as outbox:
        await outbox.store(event(1), task_to(HttpDestination(receiver.url), BOTH))
        await until(lambda: "objects.endpoint is not configured" in outbox.view().last_error)
    async with opened(tmp_path / "cad.db", objects=access(store.endpoint)) as outbox:
        await until_settled(outbox)
    assert receiver.ids == [event_id(1)]


async def test_events_behind_a_dropped_one_are_not_held_any_more(
    tmp_path: Path, receiver: Receiver
) -> None:
    http = HttpDestination(receiver.url)
    async with opened(tmp_path / "cad.db", limit_mb=1) as outbox:
        await outbox.store(event(1, image=bytes(600_000)), task_to(http, BOTH))
        await outbox.store(event(2), task_to(http))
        large = event(3, task_id="task-2", image=bytes(600_000))
        await outbox.store(large, task_to(HttpDestination("http://127.0.0.1:9"), task_id="task-2"))
        await receiver.until(lambda receiver: receiver.ids == [event_id(2)])
        assert outbox.view().dropped == 2


async def test_signatures_are_those_of_the_stores_own_library() -> None:
    async with judging() as endpoint:
        assert await send(access(endpoint)) == Outcome(Verdict.DELIVERED)


async def test_a_wrong_secret_key_is_named_and_not_shown() -> None:
    async with judging() as endpoint:
        outcome = await send(access(endpoint, "wrong-s3cret"))
    assert outcome.verdict is Verdict.FAILED
    assert outcome.reason == f"{endpoint}: bucket full-images: answers 403 SignatureDoesNotMatch"
    assert "wrong-s3cret" not in repr(access(endpoint, "wrong-s3cret"))


@pytest.mark.parametrize("document", [b"{", b"{}"])
async def test_a_stored_event_that_cannot_be_read_is_said_so(document: bytes) -> None:
    outcome = await send(access("http://127.0.0.1:9"), delivery(document=document))
    assert (outcome.verdict, "cannot be read" in outcome.reason) == (Verdict.FAILED, True)


async def test_a_store_that_hangs_up_tells_no_signature() -> None:
    outcome = await send(access("http://127.0.0.1:9"))
    assert outcome.verdict is Verdict.FAILED
    assert not any(part in outcome.reason for part in (SECRET, KEY, "Signature"))


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return CertificateAuthority(tmp_path, datetime.now(UTC)).issue("store", ["127.0.0.1"])


async def test_a_store_is_reached_over_tls(tmp_path: Path, identity: Identity) -> None:
    await asyncio.to_thread((tmp_path / "secret").write_text, SECRET)
    async with storing(identity) as store:
        settings = ObjectSettings(
            endpoint=store.endpoint,
            access_key=KEY,
            secret_key_file=str(tmp_path / "secret"),
            ca_file=str(tmp_path / "ca.pem"),
        )
        trusting = await asyncio.to_thread(object_access, settings)
        assert await send(trusting) == Outcome(Verdict.DELIVERED)
        context = await asyncio.to_thread(client_context, "objects")
        stranger = ObjectAccess(settings, SECRET, context)
        assert (await send(stranger)).verdict is Verdict.FAILED


def test_a_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    settings = ObjectSettings(endpoint="http://s3", secret_key_file=str(tmp_path / "none"))
    with pytest.raises(BadValueError, match=r"objects\.secret_key_file"):
        object_access(settings)
