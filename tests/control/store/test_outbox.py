"""The outbox on disk: its rows, its counts, its bounds."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cad.base.clock import SystemClock
from cad.control.store import outbox as module
from cad.control.store.database import Database
from cad.control.store.outbox import MIB, OutboxRepository
from cad.control.store.secrets import SecretBox
from cad.domain.deliveries import Delivery, NewEvent, QueueKey, StoredEvent
from cad.domain.destinations import BucketDestination, Destination, HttpDestination
from cad.domain.ids import EventId, TaskId
from cad.domain.views import OutboxView

BOX = SecretBox(bytes(32))
BUCKETS = BucketDestination("fulls", "crops")
HERE, THERE = HttpDestination("http://here/"), HttpDestination("http://user:secret@there/")
TASK = TaskId("task-1")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "cad.db") as database:
        yield database


@pytest.fixture
def store(database: Database) -> OutboxRepository:
    return OutboxRepository(database, BOX, limit_mb=1, clock=SystemClock())


def new(name: str, *destinations: Destination, task: TaskId = TASK, size: int = 10) -> NewEvent:
    return NewEvent(
        event_id=EventId(name),
        task_id=task,
        destinations=destinations,
        full_image=bytes(size),
        crop_image=b"",
    )


def document(sequence: int) -> bytes:
    return b"%d" % sequence


async def add(store: OutboxRepository, event: NewEvent) -> StoredEvent:
    stored = await store.add(event, document)
    assert stored is not None
    return stored


async def head(store: OutboxRepository, destination: Destination = HERE) -> Delivery:
    delivery = await store.head(QueueKey(TASK, destination))
    assert delivery is not None
    return delivery


async def test_sequences_are_without_gaps_for_each_task(store: OutboxRepository) -> None:
    tasks = [TASK, TaskId("task-2"), TASK, TASK]
    stored = [await add(store, new(f"e{n}", HERE, task=task)) for n, task in enumerate(tasks)]
    assert [event.sequence for event in stored] == [1, 1, 2, 3]
    assert [event.document for event in stored] == [b"1", b"1", b"2", b"3"]
    assert await store.sequences() == {TASK: 3, TaskId("task-2"): 1}


async def test_an_event_is_kept_once_for_all_its_destinations(store: OutboxRepository) -> None:
    view = (await add(store, new("a", HERE, THERE, HERE, size=1000))).view
    assert (view.waiting, view.stored_bytes) == (2, 1001)
    view = (await store.delivered(await head(store))).view
    assert (view.waiting, view.delivered, view.stored_bytes) == (1, 1, 1001)
    view = (await store.delivered(await head(store, THERE))).view
    assert (view.waiting, view.delivered, view.stored_bytes) == (0, 2, 0)


async def test_an_event_that_goes_nowhere_is_counted_and_not_kept(store: OutboxRepository) -> None:
    stored = await add(store, new("a"))
    assert (stored.sequence, stored.queues, stored.view.stored_bytes) == (1, (), 0)


async def test_an_event_is_known_after_its_delivery(store: OutboxRepository) -> None:
    await add(store, new("a", HERE))
    await store.delivered(await head(store))
    assert await store.add(new("a", HERE), document) is None
    assert await store.head(QueueKey(TASK, HERE)) is None


async def test_only_the_last_events_are_known(
    store: OutboxRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    for name in ("a", "b", "c"):
        await add(store, new(name, HERE))
    assert await store.add(new("c", HERE), document) is None
    assert await store.add(new("a", HERE), document) is not None


async def test_a_delivery_that_is_gone_is_no_error(store: OutboxRepository) -> None:
    await add(store, new("a", HERE))
    delivery = await head(store)
    await store.delivered(delivery)
    assert (await store.delivered(delivery)).view.delivered == 1
    assert (await store.bury(delivery, "late")).dead == 0


async def test_numbers_are_not_used_again(store: OutboxRepository) -> None:
    await add(store, new("a", HERE))
    delivery = await head(store)
    await store.forget(TASK, force=True)
    await add(store, new("b", HERE))
    assert (await store.delivered(delivery)).view.waiting == 1


async def test_what_was_put_aside_waits_again_in_its_old_place(store: OutboxRepository) -> None:
    for name in ("a", "b"):
        await add(store, new(name, HERE))
    view = await store.bury(await head(store), "refused")
    assert (view.waiting, view.dead, (await head(store)).event_id) == (1, 1, "b")
    revived = await store.revive([EventId("a"), EventId("b"), EventId("unknown")])
    assert (revived.count, revived.view.waiting, revived.view.dead) == (1, 2, 0)
    assert ((await head(store)).event_id, revived.queues) == ("a", (QueueKey(TASK, HERE),))


async def test_the_oldest_make_room(store: OutboxRepository) -> None:
    third = MIB // 3
    for name in ("a", "b"):
        assert (await add(store, new(name, HERE, THERE, size=third))).dropped == ()
    stored = await add(store, new("c", HERE, THERE, size=third))
    assert (stored.dropped, stored.view.dropped, stored.view.waiting) == (("a",), 2, 4)
    assert stored.view.stored_bytes <= MIB


async def test_an_event_larger_than_the_outbox_is_kept_alone(store: OutboxRepository) -> None:
    await add(store, new("a", HERE))
    stored = await add(store, new("b", HERE, size=2 * MIB))
    assert (stored.dropped, (await head(store)).event_id) == (("a",), "b")


async def test_a_forgotten_task_leaves_nothing_once_its_events_are_gone(
    store: OutboxRepository, database: Database
) -> None:
    await add(store, new("a", THERE))
    await store.forget(TASK, force=False)
    assert await store.sequences() == {}
    await store.delivered(await head(store, THERE))
    left = await database.read(
        lambda connection: connection.execute(
            "SELECT (SELECT count(*) FROM outbox_task), (SELECT count(*) FROM outbox_destination),"
            " (SELECT count(*) FROM outbox_image)"
        ).fetchone()
    )
    assert left == (0, 0, 0)


async def test_the_oldest_that_waits_is_known(store: OutboxRepository) -> None:
    first = (await add(store, new("a", HERE))).view.oldest_waiting
    second = (await add(store, new("b", HERE))).view.oldest_waiting
    assert first is not None
    assert first == second
    assert (await store.delivered(await head(store))).view.oldest_waiting not in {None, first}


def named(view: OutboxView) -> dict[str, tuple[int, int]]:
    return {each.name: (each.waiting, each.dead) for each in view.destinations}


async def test_each_destination_has_its_figures_without_credentials(
    store: OutboxRepository,
) -> None:
    for name in ("a", "b"):
        await add(store, new(name, HERE, THERE))
    view = await store.bury(await head(store, THERE), "refused")
    assert named(view) == {"http://here": (2, 0), "http://there": (1, 1)}


async def test_what_was_put_aside_is_listed_oldest_first(store: OutboxRepository) -> None:
    for name in ("a", "b", "c"):
        await add(store, new(name, HERE, THERE))
        await store.bury(await head(store), f"refused {name}")
    letters = await store.dead(2)
    assert [(each.event_id, each.reason) for each in letters] == [
        ("a", "refused a"),
        ("b", "refused b"),
    ]
    assert {(each.task_id, each.destination) for each in letters} == {(TASK, "http://here")}


async def test_all_that_was_put_aside_can_be_revived(store: OutboxRepository) -> None:
    for name in ("a", "b"):
        await add(store, new(name, HERE))
        await store.bury(await head(store), "refused")
    revived = await store.revive(None)
    assert (revived.count, revived.view.dead, await store.dead(9)) == (2, 0, [])


async def test_pictures_on_their_way_hold_the_event_and_those_behind_it(
    store: OutboxRepository,
) -> None:
    await add(store, new("a", HERE, BUCKETS))
    await add(store, new("b", HERE))
    assert await store.head(QueueKey(TASK, HERE)) is None
    settled = await store.delivered(await head(store, BUCKETS))
    assert settled.released == (QueueKey(TASK, HERE),)
    assert (await head(store)).event_id == "a"


async def test_pictures_that_a_store_has_are_kept_no_longer(store: OutboxRepository) -> None:
    await add(store, new("a", HERE, BUCKETS, size=1000))
    view = (await store.delivered(await head(store, BUCKETS))).view
    assert (view.waiting, view.stored_bytes) == (1, 1)
    assert (await head(store)).full_image == b""


async def test_pictures_without_a_bucket_stay(store: OutboxRepository) -> None:
    await add(store, new("a", HERE, BucketDestination("", "crops"), size=1000))
    await store.delivered(await head(store, BucketDestination("", "crops")))
    assert len((await head(store)).full_image) == 1000


async def test_no_credential_is_in_the_files_of_the_database(
    store: OutboxRepository, database: Database
) -> None:
    for name in ("a", "b"):
        await add(store, new(name, HERE, THERE))
    await store.bury(await head(store, THERE), "refused")
    files = await asyncio.to_thread(list, database.path.parent.iterdir())
    content = b"".join([await asyncio.to_thread(each.read_bytes) for each in files])
    assert (b"refused" in content, b"secret" in content) == (True, False)


async def test_a_lost_key_keeps_events_and_the_rest_going(
    store: OutboxRepository, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await add(store, new("a", THERE))
    other = OutboxRepository(database, SecretBox(b"x" * 32), limit_mb=1, clock=SystemClock())
    await add(other, new("b", HERE))
    assert await other.queues() == (QueueKey(TASK, HERE),)
    assert ((await other.view()).waiting, "task-1 cannot be delivered" in caplog.text) == (2, True)


STEPS = ("add", "add big", "deliver", "bury", "revive", "forget")

COUNT_ROWS = """
SELECT (SELECT count(*) FROM outbox_delivery WHERE error IS NULL),
       (SELECT count(*) FROM outbox_delivery WHERE error IS NOT NULL),
       (SELECT coalesce(sum(size), 0) FROM outbox_event)
"""


async def take(store: OutboxRepository, step: str, number: int) -> None:
    delivery = await store.head(QueueKey(TASK, HERE))
    match step:
        case "add" | "add big":
            size = MIB // 2 if step == "add big" else 100
            await store.add(new(f"e{number}", HERE, THERE, size=size), document)
        case "deliver" if delivery:
            await store.delivered(delivery)
        case "bury" if delivery:
            await store.bury(delivery, "refused")
        case "revive":
            await store.revive([EventId(f"e{n}") for n in range(number)])
        case "forget":
            await store.forget(TASK, force=number % 2 == 0)
        case _:
            pass  # nothing waits


async def counts_after(steps: list[str]) -> tuple[tuple[int, int, int], OutboxView]:
    """Take `steps` on a new outbox; return what its rows say and what it says."""
    with TemporaryDirectory() as folder:
        async with await Database.open(Path(folder) / "cad.db") as database:
            store = OutboxRepository(database, BOX, limit_mb=1, clock=SystemClock())
            for number, step in enumerate(steps):
                await take(store, step, number)
            rows = await database.read(lambda connection: connection.execute(COUNT_ROWS).fetchone())
            return rows, await store.view()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=15))
def test_counts_are_those_of_the_rows(steps: list[str]) -> None:
    rows, view = asyncio.run(counts_after(steps))
    assert rows == (view.waiting, view.dead, view.stored_bytes)
    assert view.stored_bytes <= MIB
