"""What a task watches for: areas, masks and thresholds (Table G.8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class AreaType(StrEnum):
    """The five area types of Table G.8."""

    POLYGON = "POLYGON"
    SINGLE_LINE = "SINGLE_LINE"
    SINGLE_LINE_BOTH = "SINGLE_LINE_BOTH"
    MULTI_LINE = "MULTI_LINE"
    MULTI_LINE_BOTH = "MULTI_LINE_BOTH"

    @property
    def is_line(self) -> bool:
        """Whether crossing counts rather than being inside."""
        return self is not AreaType.POLYGON

    @property
    def both_ways(self) -> bool:
        """Whether crossings of either direction count."""
        return self in {AreaType.SINGLE_LINE_BOTH, AreaType.MULTI_LINE_BOTH}

    @property
    def point_range(self) -> tuple[int, int | None]:
        """Fewest and most points (AM-110); None = no upper bound."""
        if self in {AreaType.SINGLE_LINE, AreaType.SINGLE_LINE_BOTH}:
            return 2, 2
        return 3, None


class Direction(StrEnum):
    """Which way a directed line was crossed, seen along it from its first point."""

    LEFT_TO_RIGHT = "LEFT_TO_RIGHT"
    RIGHT_TO_LEFT = "RIGHT_TO_LEFT"


class Point(NamedTuple):
    """A place in the picture: 0..1 of its width and height, origin top left."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Area:
    """One area or mask of a rule."""

    area_id: int
    kind: AreaType
    points: tuple[Point, ...]
    in_pixels: bool = False
    """Points are pixels of the picture instead of fractions (AM-110)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One element of `rulesParams`, as far as evaluating it goes."""

    event_type: str
    areas: tuple[Area, ...] = ()
    """Empty = the whole picture."""
    masks: tuple[Area, ...] = ()
    """Targets whose foot point lies in one are ignored."""
    duration: float = 0.0
    """Seconds a target must be inside a polygon before it counts."""
    repeat: float | None = None
    """Seconds before the same stay counts again; None = once for each stay."""
    score_offset: float = 0.0
    """Added to the score threshold of the package (`sensitivity`)."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Business labels, handed through to the event."""
