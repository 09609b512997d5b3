"""The event document, exactly as receivers are promised it."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import BadValueError, RefusedError
from cad.domain.destinations import BucketDestination
from cad.domain.events import RaisedEvent, Target
from cad.domain.ids import EventId, ServiceId, StreamId, TaskId
from cad.domain.rules import Area, AreaType, Direction, Point, Rule
from cad.domain.streams import StreamSource
from cad.domain.tasks import RestartPolicy, TaskOrder, TaskRecord
from cad.wire.event import EventDocument, EventImage, EventImages, EventOrigin

ORIGIN = EventOrigin(
    device_code="machine_code", zone=ZoneInfo("Asia/Shanghai"), clock_synchronised=True
)
LINE = Area(3, AreaType.SINGLE_LINE_BOTH, (Point(0, 0), Point(1, 1)))


def record() -> TaskRecord:
    order = TaskOrder(
        task_id=TaskId("task-1"),
        service_id=ServiceId("OPEN-PERSON_DETECT-1.0.0"),
        stream_id=StreamId("stream-1"),
        source=StreamSource(url="rtsp://camera:s3cret@10.1.2.3/live"),
        rules=(Rule(event_type="LINE_CROSSING", areas=(LINE,), labels={"gate": "3"}),),
    )
    return TaskRecord(
        order=order,
        restart_policy=RestartPolicy.ALWAYS,
        destinations=((),),
        task_info="{}",
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def raised(**changes: Any) -> RaisedEvent:
    box = (0.1, 0.2, 0.05, 1 / 3)
    members: dict[str, Any] = {
        "event_id": EventId("e-1"),
        "task_id": TaskId("task-1"),
        "rule_index": 0,
        "area_id": 3,
        "direction": Direction.LEFT_TO_RIGHT,
        "received_at": datetime(2026, 11, 22, 2, 0, 0, 123000, UTC),
        "received": 1.0,
        "width": 1920,
        "height": 1080,
        "pts": 12.48,
        "targets": (Target(track_id=7, label="person", score=0.91, box=box),),
        "full_image": b"\xff\xd8full",
        "crop_image": b"",
    }
    return RaisedEvent(**{**members, **changes})


def document(event: RaisedEvent) -> EventDocument:
    return EventDocument.from_event(event, record(), ORIGIN, sequence=17)


def test_an_event_is_written_as_promised() -> None:
    event = raised()
    text = document(event).with_images(event.full_image, event.crop_image).to_json()
    assert json.loads(text) == {
        "eventId": "e-1",
        "sequence": 17,
        "deviceCode": "machine_code",
        "taskId": "task-1",
        "algoServiceId": "OPEN-PERSON_DETECT-1.0.0",
        "algoPackageCode": "OPEN-PERSON_DETECT-1.0.0",
        "eventType": "LINE_CROSSING",
        "ruleIndex": 0,
        "eventTime": "2026-11-22 10:00:00.123",
        "eventTimeUtc": "2026-11-22T02:00:00.123Z",
        "clockSynchronised": True,
        "streamUrl": "rtsp://10.1.2.3/live",
        "area": {"areaid": 3, "areaType": "SINGLE_LINE_BOTH"},
        "direction": "LEFT_TO_RIGHT",
        "frame": {"width": 1920, "height": 1080, "pts": 12.48},
        "targets": [
            {
                "trackId": 7,
                "label": "person",
                "score": 0.91,
                "box": {"x": 0.1, "y": 0.2, "width": 0.05, "height": 0.333333},
                "attributes": {},
            }
        ],
        "images": {"full": {"contentType": "image/jpeg", "data": "/9hmdWxs"}, "crop": {}},
        "labels": {"gate": "3"},
    }


def test_an_event_of_the_whole_picture_has_no_area_and_no_direction() -> None:
    written = json.loads(document(raised(area_id=None, direction=None)).to_json())
    assert not {"area", "direction"} & written.keys()


def test_the_pictures_come_back_out() -> None:
    sent = document(raised()).with_images(b"\xff\xd8full", b"\xff\xd8crop")
    received = EventDocument.parse(sent.to_json())
    assert received == sent
    assert (received.images.full.jpeg(), received.images.crop.jpeg()) == (
        b"\xff\xd8full",
        b"\xff\xd8crop",
    )


JPEGS = st.binary(max_size=20)


@given(full=JPEGS, crop=JPEGS, keys=st.sampled_from(["", "bucket/key"]))
def test_what_is_written_piece_by_piece_is_the_document_with_its_pictures(
    full: bytes, crop: bytes, keys: str
) -> None:
    images = EventImages(full=EventImage(key=keys or None))
    bare = document(raised()).model_copy(update={"images": images})
    written = b"".join(bare.json_with(full, crop))
    assert json.loads(written) == json.loads(bare.with_images(full, crop).to_json())


@pytest.mark.row("CAP-30")
def test_pictures_for_a_store_are_written_as_keys() -> None:
    stored = replace(record(), destinations=((BucketDestination("fulls", ""),),))
    event = raised(crop_image=b"\xff\xd8crop")
    document = EventDocument.from_event(event, stored, ORIGIN, sequence=1)
    images = document.with_images(event.full_image, event.crop_image).images
    assert images.full.key == "fulls/machine_code/task-1/2026-11-22/e-1-full.jpg"
    assert (images.full.data, images.crop.key) == (None, None)
    assert images.crop.jpeg() == b"\xff\xd8crop"


def test_a_picture_that_there_is_none_of_has_no_key() -> None:
    stored = replace(record(), destinations=((BucketDestination("fulls", "crops"),),))
    images = EventDocument.from_event(raised(), stored, ORIGIN, sequence=1).images
    assert (images.full.key is None, images.crop.key) == (False, None)


def test_pictures_are_in_no_representation() -> None:
    assert "/9hm" not in repr(document(raised()).with_images(b"\xff\xd8full", b""))


def test_a_picture_that_is_no_base64_is_refused() -> None:
    body = json.loads(document(raised()).to_json())
    body["images"] = {"full": {"data": "???"}}
    with pytest.raises(BadValueError, match="base64"):
        EventDocument.read(body).images.full.jpeg()


def test_a_receiver_ignores_what_it_does_not_know() -> None:
    body = json.loads(document(raised()).to_json())
    body |= {"new": 1, "images": {"full": {"key": "bucket/key"}}}
    assert EventDocument.read(body).images.full.jpeg() == b""


@given(st.binary())
def test_any_bytes_are_an_event_or_a_refusal(text: bytes) -> None:
    with pytest.raises(RefusedError):
        EventDocument.parse(text)


@given(st.floats(0, 1), st.floats(0, 1), st.text(), st.floats(0, 1e6))
def test_any_event_survives_its_writing(score: float, x: float, label: str, pts: float) -> None:
    target = Target(track_id=1, label=label, score=score, box=(x, x, x, x))
    sent = document(raised(targets=(target,), pts=pts))
    assert EventDocument.parse(sent.to_json()) == sent
