"""The event document: one JSON object per event, the same for every destination."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field

from cad.base.clock import local_text, utc_text
from cad.base.errors import BadValueError
from cad.domain.destinations import BucketDestination, Destination
from cad.domain.events import RaisedEvent, Target
from cad.domain.rules import AreaType, Direction, Rule
from cad.domain.tasks import TaskRecord
from cad.wire.model import AlsoRead, Number, WireModel, read_json

JPEG = "image/jpeg"
PIECE = 3 * 2**16
"""Bytes of a picture that are written at a time; in threes they have base64 without padding."""
IDEMPOTENCY_HEADER = "Idempotency-Key"
"""HTTP header that repeats `eventId`."""


class EventArea(WireModel):
    """The area that the event happened in."""

    areaid: Annotated[int, AlsoRead("areaId")]
    area_type: AreaType


class EventFrame(WireModel):
    """The picture of the event: its size in pixels, its place on the stream's time line."""

    width: int
    height: int
    pts: Number
    """Seconds."""


class EventBox(WireModel):
    """A rectangle in fractions of the picture, from its top left corner."""

    x: Number
    y: Number
    width: Number
    height: Number


class EventTarget(WireModel):
    """One object of the event."""

    track_id: int
    label: str
    score: Number
    box: EventBox
    attributes: Mapping[str, str] = Field(default_factory=dict)

    @classmethod
    def from_target(cls, target: Target) -> Self:
        """Return `target` as it is written: fractions with six digits, the score with four."""
        x, y, width, height = (round(value, 6) for value in target.box)
        return cls(
            track_id=target.track_id,
            label=target.label,
            score=round(target.score, 4),
            box=EventBox(x=x, y=y, width=width, height=height),
            attributes=target.attributes,
        )


class EventImage(WireModel):
    """A JPEG of the event, inline or in an object store; all members absent = there is none."""

    content_type: str | None = None
    data: str | None = Field(default=None, repr=False)
    """Base64."""
    key: str | None = None
    """`bucket/key`, where `imageDest` is given."""

    @classmethod
    def inline(cls, jpeg: bytes) -> Self:
        """Return `jpeg` as it is written; empty = there is none."""
        if not jpeg:
            return cls()
        return cls(content_type=JPEG, data=base64.b64encode(jpeg).decode("ascii"))

    def carrying(self, jpeg: bytes) -> Self:
        """Return the picture with `jpeg` inline, unless a store has it."""
        return self if self.key else self.inline(jpeg)

    def json_with(self, jpeg: bytes) -> Iterator[bytes]:
        """Yield the JSON of `carrying(jpeg)`, piece by piece."""
        if self.key or not jpeg:
            yield self.carrying(b"").model_dump_json(by_alias=True, exclude_none=True).encode()
            return
        yield f'{{"contentType":"{JPEG}","data":"'.encode()
        for start in range(0, len(jpeg), PIECE):
            yield base64.b64encode(jpeg[start : start + PIECE])
        yield b'"}'

    def jpeg(self) -> bytes:
        """Return the picture's bytes, empty if there is none.

        Raises:
            BadValueError: `data` is no base64.
        """
        try:
            return base64.b64decode(self.data or "", validate=True)
        except binascii.Error as error:
            raise BadValueError(f"expected base64: {error}", field="images") from None


class EventImages(WireModel):
    """The whole picture and a cut-out of the first target."""

    full: EventImage = EventImage()
    crop: EventImage = EventImage()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOrigin:
    """What a device adds to its events."""

    device_code: str
    zone: ZoneInfo
    """Of the printed local times."""
    clock_synchronised: bool


class EventDocument(WireModel):
    """What a rule reports about a task, as receivers get it."""

    event_id: str
    sequence: int
    device_code: str
    task_id: str
    algo_service_id: str
    algo_package_code: str
    event_type: str
    rule_index: int
    event_time: str
    """Local time."""
    event_time_utc: str
    """When the picture arrived; for recordings its position is in `frame.pts`."""
    clock_synchronised: bool
    stream_url: str
    """Credentials removed."""
    area: EventArea | None = None
    """Absent = the whole picture."""
    direction: Direction | None = None
    """Lines only."""
    frame: EventFrame
    targets: list[EventTarget]
    images: EventImages = EventImages()
    labels: Mapping[str, str] = Field(default_factory=dict)

    @classmethod
    def from_event(
        cls, event: RaisedEvent, record: TaskRecord, origin: EventOrigin, *, sequence: int
    ) -> Self:
        """Return the document of `event`, which a rule of `record` raised.

        Pictures that go into a store have their keys in it, the others are left out.
        """
        rule = record.order.rules[event.rule_index]
        return cls(
            event_id=event.event_id,
            sequence=sequence,
            device_code=origin.device_code,
            task_id=event.task_id,
            algo_service_id=record.order.service_id,
            algo_package_code=record.order.service_id,
            event_type=rule.event_type,
            rule_index=event.rule_index,
            event_time=local_text(event.received_at, origin.zone),
            event_time_utc=utc_text(event.received_at),
            clock_synchronised=origin.clock_synchronised,
            stream_url=record.order.source.public_url,
            area=_area(event, rule),
            direction=event.direction,
            frame=EventFrame(width=event.width, height=event.height, pts=round(event.pts, 3)),
            targets=[EventTarget.from_target(target) for target in event.targets],
            images=_images(event, record.destinations[event.rule_index], origin),
            labels=rule.labels,
        )

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return the document in `text`, JSON; unknown members are ignored.

        Raises:
            MissingFieldError, BadValueError: name the first member at fault.
        """
        return cls.read(read_json(text))

    def with_images(self, full: bytes, crop: bytes) -> Self:
        """Return the document with those of the JPEGs inline that no store has; empty = none."""
        images = EventImages(
            full=self.images.full.carrying(full), crop=self.images.crop.carrying(crop)
        )
        return self.model_copy(update={"images": images})

    def to_json(self) -> bytes:
        """Return the document as it travels and is stored."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()

    def json_with(self, full: bytes, crop: bytes) -> Iterator[bytes]:
        """Yield the JSON of `with_images(full, crop)`, the images last, piece by piece.

        Each takes a fraction of a millisecond, and all together a fraction of what it takes to
        write a model with the pictures in it.
        """
        rest = self.model_dump_json(by_alias=True, exclude_none=True, exclude={"images"}).encode()
        yield rest[:-1]
        yield b',"images":{"full":'
        yield from self.images.full.json_with(full)
        yield b',"crop":'
        yield from self.images.crop.json_with(crop)
        yield b"}}"


def _images(
    event: RaisedEvent, destinations: Sequence[Destination], origin: EventOrigin
) -> EventImages:
    """Return the pictures that go into a store, by their keys."""
    day = event.received_at.astimezone(origin.zone).date().isoformat()
    stem = f"{origin.device_code}/{event.task_id}/{day}/{event.event_id}"

    def stored(bucket: str, jpeg: bytes, part: str) -> EventImage:
        if not (bucket and jpeg):
            return EventImage()
        return EventImage(content_type=JPEG, key=f"{bucket}/{stem}-{part}.jpg")

    for buckets in destinations:
        if isinstance(buckets, BucketDestination):
            return EventImages(
                full=stored(buckets.full, event.full_image, "full"),
                crop=stored(buckets.crop, event.crop_image, "crop"),
            )
    return EventImages()


def _area(event: RaisedEvent, rule: Rule) -> EventArea | None:
    areas = (area for area in rule.areas if area.area_id == event.area_id)
    area = next(areas, None)
    return None if area is None else EventArea(areaid=area.area_id, area_type=area.kind)
