"""Tasks and events to put into an outbox."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from cad.domain.destinations import Destination, HttpDestination
from cad.domain.events import RaisedEvent, Target
from cad.domain.ids import EventId, ServiceId, StreamId, TaskId
from cad.domain.rules import Rule
from cad.domain.streams import StreamSource
from cad.domain.tasks import RestartPolicy, TaskOrder, TaskRecord
from cad.wire.event import EventOrigin

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
ORIGIN = EventOrigin(device_code="m-1", zone=ZoneInfo("Asia/Shanghai"), clock_synchronised=True)
FULL, CROP = b"\xff\xd8 the whole picture", b"\xff\xd8 the target"


def event_id(number: int) -> EventId:
    return EventId(str(UUID(int=number)))


def task(*urls: str, task_id: str = "task-1") -> TaskRecord:
    """Return a task with one rule whose events go to `urls`."""
    return task_to(*map(HttpDestination, urls), task_id=task_id)


def task_to(*destinations: Destination, task_id: str = "task-1") -> TaskRecord:
    """Return a task with one rule whose events go to `destinations`."""
    order = TaskOrder(
        task_id=TaskId(task_id),
        service_id=ServiceId("OPEN-PERSON-1.0.0"),
        stream_id=StreamId("s-1"),
        source=StreamSource(url="rtsp://viewer:pass-word@camera/live"),
        rules=(Rule(event_type="INTRUSION"),),
    )
    return TaskRecord(
        order=order,
        restart_policy=RestartPolicy.ALWAYS,
        destinations=(destinations,),
        task_info="{}",
        created_at=NOW,
    )


def event(number: int, *, task_id: str = "task-1", image: bytes = FULL) -> RaisedEvent:
    return RaisedEvent(
        event_id=event_id(number),
        task_id=TaskId(task_id),
        rule_index=0,
        area_id=None,
        direction=None,
        received_at=NOW,
        received=0.0,
        width=768,
        height=576,
        pts=1.5,
        targets=(Target(track_id=1, label="person", score=0.9, box=(0.1, 0.2, 0.1, 0.3)),),
        full_image=image,
        crop_image=CROP,
    )
