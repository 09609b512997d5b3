"""From a finding to an event: complete, in order, never dropped."""

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cad.analysis.pipeline.alarm import (
    SNAPSHOT_LIMIT,
    UNACKNOWLEDGED_LIMIT,
    Alarm,
    crop_region,
    relative_box,
)
from cad.analysis.pipeline.rules import Hit
from cad.analysis.pipeline.tracking import Track
from cad.analysis.pipeline.watch import Finding
from cad.base.clock import SystemClock
from cad.domain.events import RaisedEvent
from cad.domain.faults import Fault
from cad.domain.ids import EventId, TaskId
from cad.domain.rules import Direction
from tests.analysis.pipeline.stand_ins import Smeared, frame, until

TASK = TaskId("task")
LABELS = ("person", "car")


def finding(task: TaskId = TASK) -> Finding:
    track = Track(7, (64.0, 48.0, 128.0, 240.0), 0.9, 0)
    return Finding(task, 4, Hit(1, 3, Direction.LEFT_TO_RIGHT, (track,)))


@dataclass
class Desk:
    """What an alarm hands out."""

    events: list[RaisedEvent] = field(default_factory=list)
    faults: dict[TaskId, Fault] = field(default_factory=dict)
    rooms: int = 0

    def note_room(self) -> None:
        self.rooms += 1


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def alarm(desk: Desk) -> Iterator[Alarm]:
    made = Alarm(
        SystemClock(),
        emit=desk.events.append,
        on_room=desk.note_room,
        on_fault=desk.faults.__setitem__,
    )
    with ExitStack() as stack:
        made.start()
        stack.callback(made.close)
        yield made


def test_an_event_says_what_where_and_when(alarm: Alarm, desk: Desk) -> None:
    alarm.report(frame(12), [finding()], LABELS)
    until(lambda: desk.events)
    [event] = desk.events
    assert (event.task_id, event.rule_index, event.area_id) == (TASK, 1, 3)
    assert (event.direction, event.pts, event.received) == (Direction.LEFT_TO_RIGHT, 1.2, 1.2)
    [target] = event.targets
    assert (target.track_id, target.label, target.score) == (7, "person", 0.9)
    assert target.box == pytest.approx((0.1, 0.1, 0.1, 0.4))


def test_an_event_has_the_whole_picture_and_its_first_target_with_a_margin(
    alarm: Alarm, desk: Desk
) -> None:
    alarm.report(frame(12), [finding()], LABELS)
    until(lambda: desk.events)
    sizes = [
        Image.open(io.BytesIO(data)).size
        for data in (desk.events[0].full_image, desk.events[0].crop_image)
    ]
    assert sizes == [(640, 480), (90, 270)]


def test_events_leave_in_the_order_of_the_findings_each_with_its_own_id(
    alarm: Alarm, desk: Desk
) -> None:
    for number in range(30):
        alarm.report(frame(number), [finding(), finding(TaskId("other"))], LABELS)
    until(lambda: len(desk.events) == 60)
    assert [event.pts for event in desk.events[::2]] == [number / 10 for number in range(30)]
    assert len({event.event_id for event in desk.events}) == 60


def test_events_are_open_until_they_are_acknowledged(alarm: Alarm, desk: Desk) -> None:
    alarm.report(frame(0), [finding(), finding(TaskId("other"))], LABELS)
    assert (alarm.open_events(TASK), alarm.open_events()) == (1, 2)
    until(lambda: len(desk.events) == 2)
    alarm.acknowledge(desk.events[0].event_id)
    alarm.acknowledge(desk.events[0].event_id)
    alarm.acknowledge(EventId("never raised"))
    assert (alarm.open_events(TASK), alarm.open_events()) == (0, 1)


def test_there_is_no_room_while_the_daemon_stores_nothing(alarm: Alarm, desk: Desk) -> None:
    for number in range(UNACKNOWLEDGED_LIMIT):
        until(lambda: alarm.has_room)
        alarm.report(frame(number), [finding()], LABELS)
    until(lambda: len(desk.events) == UNACKNOWLEDGED_LIMIT)
    room = [alarm.has_room]
    before = desk.rooms
    alarm.acknowledge(desk.events[0].event_id)
    assert [*room, alarm.has_room] == [False, True]
    assert desk.rooms > before


def test_pictures_that_wait_to_be_compressed_are_bounded(desk: Desk) -> None:
    alarm = Alarm(
        SystemClock(), emit=desk.events.append, on_room=desk.note_room, on_fault=lambda *_: None
    )
    room = []
    for number in range(SNAPSHOT_LIMIT):
        room.append(alarm.has_room)
        alarm.report(frame(number), [finding()], LABELS)
    assert [*room, alarm.has_room] == [True] * SNAPSHOT_LIMIT + [False]
    alarm.start()
    alarm.close()
    assert len(desk.events) == SNAPSHOT_LIMIT


def test_an_event_whose_picture_cannot_be_compressed_goes_without(
    alarm: Alarm, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    alarm.report(frame(0, picture=Smeared(0)), [finding()], LABELS)
    alarm.report(frame(1), [finding(TaskId("sound"))], LABELS)
    until(lambda: len(desk.events) == 2)
    smeared, sound = desk.events
    assert (smeared.task_id, smeared.full_image, smeared.crop_image) == (TASK, b"", b"")
    assert sound.full_image
    assert sound.crop_image
    assert not desk.faults
    assert "goes without its picture" in caplog.text


def test_an_event_that_cannot_be_made_is_said_to_its_task(alarm: Alarm, desk: Desk) -> None:
    alarm.report(frame(0), [finding()], labels=())
    alarm.report(frame(1), [finding(TaskId("sound"))], LABELS)
    until(lambda: desk.events)
    assert desk.faults[TASK].message.startswith("event: ")
    assert desk.events[0].task_id == "sound"
    assert alarm.open_events(TASK) == 0


coordinate = st.floats(-100, 800, allow_nan=False)


@given(coordinate, coordinate, st.floats(0.5, 900), st.floats(0.5, 900))
def test_boxes_and_crops_lie_inside_the_picture(
    x: float, y: float, width: float, height: float
) -> None:
    box = (x, y, x + width, y + height)
    left, top, wide, high = relative_box(box, 640, 480)
    assert min(left, top, wide, high) >= 0
    assert max(left + wide, top + high) <= 1 + 1e-9
    x1, y1, x2, y2 = crop_region(box, 640, 480)
    assert 0 <= x1 <= x2 <= 640
    assert 0 <= y1 <= y2 <= 480
