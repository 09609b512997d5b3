"""Events: what a rule reports about a task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cad.base.errors import CadError
from cad.domain.ids import EventId, TaskId
from cad.domain.rules import Direction


class UnmakeableEventError(CadError):
    """Something about an event cannot be said in its document, now or ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One object of an event."""

    track_id: int
    label: str
    score: float
    box: tuple[float, float, float, float]
    """x, y, width, height as fractions of the picture."""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisedEvent:
    """An event as the analysis worker raises it."""

    event_id: EventId
    task_id: TaskId
    revision: int = 0
    """Of the order whose rule raised it; the task may have been given others since."""
    rule_index: int
    area_id: int | None
    """None = the rule has no areas: the whole picture."""
    direction: Direction | None
    """Lines only."""
    received_at: datetime
    """UTC, when the picture arrived."""
    received: float
    """The same on the monotonic clock, which all processes of a machine share."""
    width: int
    height: int
    pts: float
    """Seconds on the stream's time line; the position for recordings."""
    targets: tuple[Target, ...]
    full_image: bytes
    """JPEG of the whole picture; empty if none could be made."""
    crop_image: bytes
    """JPEG of the first target; likewise."""
