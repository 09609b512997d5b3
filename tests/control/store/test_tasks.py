"""Tasks survive a restart as they were, and their credentials are not readable on disk."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cad.base.clock import SystemClock
from cad.control.store.database import Database
from cad.control.store.outbox import OutboxRepository
from cad.control.store.secrets import SecretBox
from cad.control.store.tasks import TaskRepository
from cad.domain.deliveries import NewEvent
from cad.domain.destinations import HttpDestination
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import EventId, ServiceId, StreamId, TaskId
from cad.domain.rules import Area, AreaType, Point, Rule
from cad.domain.streams import StreamSource, Transport
from cad.domain.tasks import RestartPolicy, TaskOrder, TaskRecord, TaskState, UnreadableTask

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
AREA = Area(3, AreaType.SINGLE_LINE, (Point(0.0, 0.5), Point(1.0, 0.5)))
FULL = TaskRecord(
    order=TaskOrder(
        task_id=TaskId("t1"),
        service_id=ServiceId("person"),
        stream_id=StreamId("s1"),
        source=StreamSource(
            url="rtsp://admin:hunter2@camera/1", transport=Transport.UDP, start=NOON, end=NOON
        ),
        analysis_rate=0.5,
        rules=(Rule(event_type="人员入侵", areas=(AREA,), repeat=7.5, labels={"a": "b"}),),
    ),
    restart_policy=RestartPolicy.NEVER,
    destinations=((HttpDestination("http://user:hunter2@receiver/"),), ()),
    task_info='{"streamOptions": {"url": "rtsp://admin:hunter2@camera/1"}}',
    created_at=NOON,
    state=TaskState.ERROR,
    fault=Fault(FaultClass.AUTH, "refused", NOON),
)
BOX = SecretBox(b"k" * 32)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "cad.db") as opened:
        yield opened


async def test_a_task_comes_back_as_it_was_saved(database: Database) -> None:
    await TaskRepository(database, BOX).save(FULL)
    assert await TaskRepository(database, BOX).all() == [FULL]


async def test_saving_again_replaces_and_keeps_the_order(database: Database) -> None:
    tasks = TaskRepository(database, BOX)
    second = replace(FULL, order=replace(FULL.order, task_id=TaskId("t0")))
    changed = replace(FULL, state=TaskState.PAUSED, fault=None)
    for record in (FULL, second, changed):
        await tasks.save(record)
    assert await tasks.all() == [changed, second]


async def test_a_deleted_task_is_gone_and_deleting_it_again_is_no_error(database: Database) -> None:
    tasks = TaskRepository(database, BOX)
    await tasks.save(FULL)
    for _ in range(2):
        await tasks.delete(FULL.task_id, force=False)
    assert await tasks.all() == []


@pytest.mark.parametrize(("force", "left"), [(True, 0), (False, 1)])
async def test_a_task_and_what_becomes_of_its_events_are_one_write(
    database: Database, force: bool, left: int
) -> None:
    tasks = TaskRepository(database, BOX)
    events = OutboxRepository(database, BOX, limit_mb=1, clock=SystemClock())
    await tasks.save(FULL)
    here = (HttpDestination("http://here/"),)
    event = NewEvent(
        event_id=EventId("a"),
        task_id=FULL.task_id,
        destinations=here,
        full_image=b"",
        crop_image=b"",
    )
    await events.add(event, lambda _: b"{}")
    await tasks.delete(FULL.task_id, force=force)
    assert ((await events.view()).waiting, await events.sequences()) == (left, {})


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_credentials_are_not_readable_on_disk(database: Database, tmp_path: Path) -> None:
    await TaskRepository(database, BOX).save(FULL)
    written = all_bytes(tmp_path)
    assert b"person" in written
    assert b"hunter2" not in written


async def test_a_task_sealed_with_another_key_is_unreadable(database: Database) -> None:
    await TaskRepository(database, BOX).save(FULL)
    [task] = await TaskRepository(database, SecretBox(b"x" * 32)).all()
    assert isinstance(task, UnreadableTask)
    assert (task.task_id, "device's key" in task.reason) == ("t1", True)


@pytest.mark.parametrize(
    ("damaged", "reason"), [("{", "EOF"), ('{"order": {"task_id": "hunter2"}}', "order.service_id")]
)
async def test_a_damaged_record_leaves_the_others_readable(
    database: Database, damaged: str, reason: str
) -> None:
    tasks = TaskRepository(database, BOX)
    second = replace(FULL, order=replace(FULL.order, task_id=TaskId("t2")))
    for record in (FULL, second):
        await tasks.save(record)
    await database.write(
        lambda c: c.execute("UPDATE task SET record = ? WHERE task_id = 't1'", (damaged,)).rowcount
    )
    first, other = await tasks.all()
    assert isinstance(first, UnreadableTask)
    assert (reason in first.reason, "hunter2" in first.reason, other) == (True, False, second)
