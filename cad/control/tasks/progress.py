"""What the reports of a run add up to. Pure."""

from dataclasses import dataclass, field, replace

from cad.control.tasks.machine import NO_FRAMES
from cad.domain.tasks import FrameCounts, TaskReport


@dataclass(frozen=True, slots=True)
class Progress:
    """The pictures of one run, over every replacement of its worker."""

    ended: FrameCounts = field(default=NO_FRAMES)
    """Of workers that are no more."""
    current: FrameCounts = field(default=NO_FRAMES)
    age: float | None = None
    """Seconds since the last analysed picture had arrived, at `at`."""
    at: float = 0.0
    """Monotonic."""

    def after(self, report: TaskReport, now: float) -> "Progress":
        """Return what follows from a report; one whose counts are lower is a new worker's."""
        new, age = report.frames, report.analysed_age
        known = self if age is None else replace(self, age=age, at=now)
        if new.received < self.current.received or new.analysed < self.current.analysed:
            return replace(known, ended=self.frames, current=new)
        return replace(known, current=new)

    @property
    def frames(self) -> FrameCounts:
        """The pictures since the run began."""
        one, two = self.ended, self.current
        return FrameCounts(
            received=one.received + two.received,
            decoded=one.decoded + two.decoded,
            analysed=one.analysed + two.analysed,
            dropped=one.dropped + two.dropped,
        )

    def age_at(self, now: float) -> float | None:
        """Return the age of the newest result, None if there was none yet."""
        return None if self.age is None else self.age + now - self.at
