"""The rules of an analysis task: `rulesParams` of Table G.8."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from cad.domain.dialects import MultiLine
from cad.domain.rules import Area, AreaType, Point, Rule
from cad.wire.model import (
    LARGEST_INTEGER,
    AlsoRead,
    AlsoWritten,
    Name,
    Number,
    Text,
    WireModel,
)

MOST_RULES = 16
MOST_AREAS = 16
MOST_POINTS = 128
"""The three bound the time that reading an order takes, and what a frame costs."""
LARGEST_COORDINATE = 65535

SENSITIVITY = {
    "低": 0.15,
    "low": 0.15,
    "中": 0.0,
    "medium": 0.0,
    "高": -0.15,
    "high": -0.15,
}
"""What `sensitivity` adds to the score threshold."""

STRAY_IN_DESTINATIONS = ("eventType", "extendParams", "labels", "masks")
STRAY_IN_TASK_INFO = ("eventType", "extendParams", "masks")
"""Members of a rule that are also understood one level off (AM-103); `labels` of `taskInfo` are
its own."""


def _present(given: object) -> object:
    if not isinstance(given, Mapping):
        return given
    return {name: value for name, value in given.items() if value is not None}


Labels = Annotated[
    dict[Annotated[str, Field(max_length=128)], Text],
    Field(max_length=64),
    BeforeValidator(_present),
]
"""`Map<String,String>`."""


class OpenModel(WireModel):
    """A structure whose unknown members are kept, for the echo in answers."""

    model_config = ConfigDict(extra="allow")


class PointParams(WireModel):
    """A place in the picture (Table G.8): fractions; pixels if any value of its area is over 1."""

    x: Annotated[Number, Field(ge=0, le=LARGEST_COORDINATE)]
    y: Annotated[Number, Field(ge=0, le=LARGEST_COORDINATE)]


class AreaParams(OpenModel):
    """An area (Table G.8, point counts of AM-110)."""

    areaid: Annotated[int | None, Field(ge=0, le=LARGEST_INTEGER), AlsoWritten("areaId")] = None
    """Absent = its place in the list."""
    area_type: AreaType
    points: Annotated[list[PointParams], Field(max_length=MOST_POINTS)]

    @field_validator("points")
    @classmethod
    def _make_an_area(cls, points: list[PointParams], info: ValidationInfo) -> list[PointParams]:
        kind = info.data.get("area_type")
        if isinstance(kind, AreaType):
            _check_points(kind, points)
        return points

    def to_area(self, place: int) -> Area:
        """Return the area that stands at `place` of its list."""
        return Area(
            area_id=place if self.areaid is None else self.areaid,
            kind=self.area_type,
            points=tuple(Point(point.x, point.y) for point in self.points),
            in_pixels=any(point.x > 1 or point.y > 1 for point in self.points),
        )


def _check_points(kind: AreaType, points: list[PointParams]) -> None:
    fewest, most = kind.point_range
    wanted = f"{fewest} points" if most == fewest else f"at least {fewest} points"
    if len(points) < fewest or (most is not None and len(points) > most):
        raise ValueError(f"expected {wanted} for {kind}, not {len(points)}")
    different = len({(point.x, point.y) for point in points})
    if different < (2 if kind.is_line else fewest):
        raise ValueError(f"expected {wanted} for {kind}, not {different} different one(s)")


def _lines(area: Area) -> Iterator[Area]:
    """Yield the tripwires of `area` where each two points are one (AM-110).

    Raises:
        ValueError: the points of a MULTI_LINE do not come in pairs.
    """
    if area.kind not in {AreaType.MULTI_LINE, AreaType.MULTI_LINE_BOTH}:
        yield area
        return
    starts, ends = area.points[::2], area.points[1::2]
    if len(starts) != len(ends):
        raise ValueError(f"expected pairs of points for {area.kind}, not {len(area.points)} points")
    for start, end in zip(starts, ends, strict=True):
        yield replace(area, points=(start, end))


class MaskParams(AreaParams):
    """An area in which targets are ignored (`masks` of Table G.8): a polygon (AM-110)."""

    area_type: AreaType = AreaType.POLYGON

    @field_validator("area_type")
    @classmethod
    def _is_a_polygon(cls, kind: AreaType) -> AreaType:
        if kind is not AreaType.POLYGON:
            raise ValueError("expected POLYGON for a mask")
        return kind


class ExtendParams(OpenModel):
    """Thresholds of a rule (`extendParams` of Table G.8); others belong to the algorithm."""

    sensitivity: Text | None = None
    duration_threshold: Annotated[Number, Field(ge=0, le=LARGEST_INTEGER)] = 0.0
    """Seconds."""
    repeat_alarm_interval_threshold: Annotated[Number, Field(ge=0, le=LARGEST_INTEGER)] | None = (
        None
    )
    """Seconds; absent = once for each stay."""

    @field_validator("sensitivity")
    @classmethod
    def _known(cls, sensitivity: str | None) -> str | None:
        if sensitivity and sensitivity.lower() not in SENSITIVITY:
            raise ValueError(f"expected one of {', '.join(SENSITIVITY)}")
        return sensitivity

    @property
    def score_offset(self) -> float:
        """What is added to the score threshold."""
        return SENSITIVITY[self.sensitivity.lower()] if self.sensitivity else 0.0


class HttpDest(OpenModel):
    """`HTTPDest` (Table G.8)."""

    url: Annotated[Text, Field(min_length=1)]


class MqDest(OpenModel):
    """`mqDest` (example G.2)."""

    mq_type: Text
    topic: Text
    url: Text


class ImageDest(OpenModel):
    """`imageDest` (example G.2): buckets of the object store."""

    crop_image_dest: Text | None = None
    full_image_dest: Text | None = None


class EventDest(OpenModel):
    """`eventDest` (example G.2)."""

    http_dest: Annotated[HttpDest | None, AlsoRead("HTTPDest")] = None
    mq_dest: MqDest | None = None
    image_dest: ImageDest | None = None


class Destinations(OpenModel):
    """Where results go (Table G.8 and example G.2, AM-102)."""

    http_dest: Annotated[HttpDest | None, Field(alias="HTTPDest")] = None
    event_dest: EventDest | None = None
    image_dest: ImageDest | None = None


class RuleParams(OpenModel):
    """One rule (Table G.8)."""

    areas: Annotated[list[AreaParams], Field(max_length=MOST_AREAS)] = Field(default_factory=list)
    """Absent or empty = the whole picture."""
    destinations: Destinations
    event_type: Name
    extend_params: ExtendParams = ExtendParams()
    labels: Labels = Field(default_factory=dict)
    masks: Annotated[list[MaskParams], Field(max_length=MOST_AREAS)] = Field(default_factory=list)

    @classmethod
    def gathered(cls, given: object, from_task_info: Mapping[str, Any]) -> object:
        """Return the rule `given` with its members that stand elsewhere (AM-103).

        The rule's own members win over those in its destinations, and these over `from_task_info`.
        """
        if not isinstance(given, Mapping):
            return given
        own = cls.named(given)
        return {
            **from_task_info,
            **cls.stray(own.get("destinations"), STRAY_IN_DESTINATIONS),
            **own,
        }

    @classmethod
    def stray(cls, given: object, names: tuple[str, ...]) -> dict[str, Any]:
        """Return the members called `names` that stand in `given`, a place outside the rule."""
        found = cls.named(given) if isinstance(given, Mapping) else {}
        return {name: found[name] for name in names if name in found}

    def to_rule(self, multi_line: MultiLine = MultiLine.POLYLINE) -> Rule:
        """Return the rule as far as evaluating it goes."""
        areas = [area.to_area(place) for place, area in enumerate(self.areas)]
        if multi_line is MultiLine.PAIRS:
            areas = [line for area in areas for line in _lines(area)]
        return Rule(
            event_type=self.event_type,
            areas=tuple(areas),
            masks=tuple(mask.to_area(place) for place, mask in enumerate(self.masks)),
            duration=self.extend_params.duration_threshold,
            repeat=self.extend_params.repeat_alarm_interval_threshold,
            score_offset=self.extend_params.score_offset,
            labels=self.labels,
        )
