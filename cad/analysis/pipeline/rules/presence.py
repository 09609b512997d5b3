"""One object and one polygon: stays, and when they count."""

from dataclasses import dataclass
from enum import Enum, auto


class Place(Enum):
    """Where an object is, seen from one polygon."""

    INSIDE = auto()
    EDGE = auto()
    """Outside by less than a foot point moves by itself: a stay goes on, but none begins."""
    OUTSIDE = auto()


@dataclass(slots=True)
class Presence:
    """The stays of one object in one polygon."""

    since: float | None = None
    """When the stay that goes on began."""
    counted: float | None = None
    """When it counted last."""

    def observe(self, place: Place, time: float, *, duration: float, repeat: float | None) -> bool:
        """Take where the object is now; return whether it counts now.

        Args:
            place: where it is.
            time: seconds, never less than before.
            duration: seconds that a stay must last before it counts.
            repeat: seconds before the object counts again, in this stay or another; None = once
                for each stay.
        """
        if place is Place.OUTSIDE:
            self.since = None
        elif place is Place.INSIDE and self.since is None:
            self.since = time
        if self.since is None or time - self.since < duration or not self._due(time, repeat):
            return False
        self.counted = time
        return True

    def _due(self, time: float, repeat: float | None) -> bool:
        if self.counted is None or self.since is None:
            return True
        if repeat is None:
            return self.counted < self.since
        return time - self.counted >= repeat
