"""Whatever order is accepted can be given to a worker, kept, shown and reported on."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from cad.base.errors import BadValueError, RefusedError, TooLargeError
from cad.control.store.database import Database
from cad.control.store.secrets import SecretBox
from cad.control.store.tasks import TaskRepository
from cad.domain.events import RaisedEvent
from cad.domain.ids import EventId, StreamId, TaskId
from cad.domain.tasks import FrameCounts, NewTask, TaskOrder, TaskRecord, TaskState
from cad.domain.views import TaskView
from cad.protocols.worker.messages import Frames, StartTask, decode_order, encode
from cad.wire.annex_g_tasks import AlgoTask
from cad.wire.event import EventDocument, EventOrigin
from cad.wire.model import read_json
from cad.wire.new_task import read_new_task
from tests.spec.orders import order, rule_of

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ORIGIN = EventOrigin(device_code="m-1", zone=ZONE, clock_synchronised=True)
GROWING = "file:///x.mp4?" + "pwd=a&" * 675
"""A URL that is longer than was accepted once its secrets are masked."""

integers = st.integers() | st.sampled_from([2**31, 2**63, 2**64, 10**30, -1])
texts = st.text() | st.sampled_from([GROWING, "http://a:b@c/", "\0", "\x1b[2J"])
values = st.recursive(
    st.none() | st.booleans() | integers | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
members = st.sampled_from(["labels", "id", "STATUS", "statusReason", "frames", "events", "x"])


def record_of(new: NewTask) -> TaskRecord:
    task = TaskOrder(
        task_id=TaskId("t1"),
        service_id=new.service_id,
        stream_id=StreamId("s1"),
        source=new.source,
        analysis_rate=new.analysis_rate,
        rules=new.rules,
    )
    return TaskRecord(
        order=task,
        restart_policy=new.restart_policy,
        destinations=new.destinations,
        task_info=new.task_info,
        created_at=NOON,
    )


def event_of(task: TaskRecord) -> RaisedEvent:
    areas = task.order.rules[0].areas
    return RaisedEvent(
        event_id=EventId("e1"),
        task_id=task.task_id,
        rule_index=0,
        area_id=areas[0].area_id if areas else None,
        direction=None,
        received_at=NOON,
        received=0.0,
        width=640,
        height=480,
        pts=0.0,
        targets=(),
        full_image=b"full",
        crop_image=b"",
    )


class Disk:
    """A task repository on a real database."""

    def __init__(self, path: Path) -> None:
        self._runner, self._stack = asyncio.Runner(), AsyncExitStack()
        self._database = self._runner.run(self._open(path))

    async def _open(self, path: Path) -> Database:
        return await self._stack.enter_async_context(await Database.open(path))

    def over_a_restart(self, task: TaskRecord) -> object:
        tasks = TaskRepository(self._database, SecretBox(b"k" * 32))
        self._runner.run(tasks.save(task))
        [loaded] = self._runner.run(tasks.all())
        return loaded

    def close(self) -> None:
        self._runner.run(self._stack.aclose())
        self._runner.close()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    opened = Disk(tmp_path_factory.mktemp("disk") / "cad.db")
    yield opened
    opened.close()


def check(task: TaskRecord, disk: Disk) -> None:
    """Raise unless all that follows from an accepted order works."""
    [body] = Frames().feed(encode(StartTask(task.order)))
    assert decode_order(body) == StartTask(task.order)
    assert disk.over_a_restart(task) == task
    view = TaskView(record=task, state=TaskState.PENDING, frames=FrameCounts())
    shown = AlgoTask.from_view(view, ZONE)
    assert AlgoTask.read(shown.to_wire()).task_info.status is TaskState.PENDING
    document = EventDocument.from_event(event_of(task), task, ORIGIN, sequence=1)
    assert EventDocument.parse(document.to_json()).event_type == task.order.rules[0].event_type


def altered(path: list[int], member: str, value: Any) -> Any:
    """Return a good order of which one member, somewhere, is another value."""
    body: Any = order()
    place = body["taskInfo"]
    for step in path:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        inner = place[keys[step % len(keys)]]
        if not inner or not isinstance(inner, dict | list):
            place[keys[step % len(keys)]] = value
            return body
        place = inner
    place[member if isinstance(place, dict) else 0] = value
    return body


@settings(
    max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(st.lists(st.integers(0, 8), max_size=8), members, values)
@example([], "labels", {"nested": {"a": [1]}})
@example([], "statusReason", "none")
@example([], "FRAMES", 10**30)
@example([2, 0, 0], "x", GROWING)
@example([1, 0, 1, 0, 0], "x", 10**30)
def test_every_accepted_order_works_to_its_end(
    disk: Disk, path: list[int], member: str, value: Any
) -> None:
    try:
        new = read_new_task(altered(path, member, value), ZONE)
    except RefusedError:
        assume(False)
    check(record_of(new), disk)


def test_a_url_that_grows_when_it_is_masked_is_shown_and_reported(disk: Disk) -> None:
    task = record_of(read_new_task(order(url=GROWING), ZONE))
    assert len(task.order.source.public_url) > 4096
    check(task, disk)


@pytest.mark.parametrize("number", [2**31, 2**64, 10**30, -1])
def test_a_number_of_an_area_is_a_31_bit_one(number: int) -> None:
    body = order()
    rule_of(body)["areas"][0]["areaid"] = number
    with pytest.raises(BadValueError) as refused:
        read_new_task(body, ZONE)
    assert refused.value.field == "taskInfo.rulesParams[0].areas[0].areaid"


@pytest.mark.parametrize("member", ["durationThreshold", "repeatAlarmIntervalThreshold"])
def test_seconds_of_a_rule_are_bounded(member: str) -> None:
    with pytest.raises(BadValueError, match=f"{member}: expected at most"):
        read_new_task(order(extendParams={member: 1e300}), ZONE)


def test_an_order_too_large_to_be_repeated_in_every_answer_is_refused() -> None:
    with pytest.raises(TooLargeError, match="taskInfo"):
        read_new_task(order(custom="x" * 2**20), ZONE)


@pytest.mark.parametrize("text", [b"1" * 5000, b"[" * 500, b'"\\ud800"'])
def test_json_that_no_parser_gives_back_is_refused(text: bytes) -> None:
    with pytest.raises(BadValueError):
        read_json(b'{"x": ' + text + b"}")
