"""Where the pictures of one stream go: decoded once, to every service with a task on it."""

from dataclasses import dataclass

from cad.analysis.pipeline.lane import Lane
from cad.analysis.pipeline.sampler import Sampler
from cad.analysis.pipeline.scheduler import Scheduler
from cad.domain.frames import Frame


@dataclass(frozen=True, slots=True)
class _Branch:
    lane: Lane
    sampler: Sampler


class StreamHub:
    """The sink of one stream (`cad.domain.frames.FrameSink`).

    Its lanes may change while pictures come: a change replaces the tuple of branches, so the
    stream's thread needs no lock.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._branches: tuple[_Branch, ...] = ()
        self._wanting: list[Lane] = []

    @property
    def target_rate(self) -> float:
        """Highest analysis rate wanted, frames per second; 0 = every frame."""
        rates = [branch.sampler.rate for branch in self._branches]
        return 0.0 if 0.0 in rates else max(rates, default=0.0)

    def wants(self, pts: float) -> bool:
        """Whether the picture at `pts` is due for some service. Asked once for each picture."""
        self._wanting = [each.lane for each in self._branches if each.sampler.takes(pts)]
        return bool(self._wanting)

    def offer(self, frame: Frame) -> None:
        """Give the picture to every service for which it is due."""
        for lane in self._wanting:
            self._scheduler.offer(lane, frame)

    def set_lane(self, lane: Lane, rate: float) -> None:
        """Add a lane, or change its rate."""
        known = {branch.lane: branch for branch in self._branches}
        if lane not in known or known[lane].sampler.rate != rate:
            known[lane] = _Branch(lane, Sampler(rate))
        self._branches = tuple(known.values())

    def remove_lane(self, lane: Lane) -> None:
        """Give the lane nothing more."""
        self._branches = tuple(each for each in self._branches if each.lane is not lane)
