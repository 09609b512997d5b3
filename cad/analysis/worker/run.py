"""How one task goes: its frames, what became of them, what is wrong."""

from cad.analysis.pipeline.lane import Lane
from cad.domain.faults import Fault
from cad.domain.streams import StreamStatus
from cad.domain.tasks import FrameCounts, TaskOrder, TaskReport


class TaskRun:
    """A task from its start to its end.

    Streams and lanes are shared and come and go below it; the run counts only what fell into its
    own time.
    """

    def __init__(self, order: TaskOrder) -> None:
        self.order = order
        self.lane: Lane | None = None
        """None = it gets no frames: its service is not loaded, or it is over."""
        self.fault: Fault | None = None
        """The task's own, which ended it."""
        self.finished = False
        """Its recording was analysed to the end."""
        self._earlier = self._start = FrameCounts()
        self._earlier_received: float | None = None

    @property
    def is_over(self) -> bool:
        """Whether it needs no frames any more."""
        return self.finished or self.fault is not None

    def attach(self, lane: Lane, status: StreamStatus | None) -> None:
        """Begin to count what `lane` and the stream do from now on."""
        self.lane, self._start = lane, _counts(lane, status)

    def detach(self, status: StreamStatus | None) -> None:
        """Keep what was counted so far, and count no further."""
        self._earlier, self._earlier_received = self.frames(status), self.last_received
        self.lane = None

    def frames(self, status: StreamStatus | None) -> FrameCounts:
        """Return what became of the pictures since the task's start."""
        if self.lane is None:
            return self._earlier
        return _added(self._earlier, _counts(self.lane, status), self._start)

    @property
    def last_received(self) -> float | None:
        """Monotonic time at which the last analysed picture had arrived."""
        if self.lane is None or self.lane.counts.analysed == self._start.analysed:
            return self._earlier_received
        return self.lane.counts.last_received

    def report(
        self, status: StreamStatus | None, service_fault: Fault | None, now: float
    ) -> TaskReport:
        """Return how it stands at `now`, monotonic."""
        last = self.last_received
        stream_fault = None if status is None or self.is_over else status.fault
        return TaskReport(
            task_id=self.order.task_id,
            frames=self.frames(status),
            analysed_age=None if last is None else max(0.0, now - last),
            finished=self.finished,
            fault=self.fault or service_fault or stream_fault,
        )


def _counts(lane: Lane, status: StreamStatus | None) -> FrameCounts:
    return FrameCounts(
        received=0 if status is None else status.received,
        decoded=0 if status is None else status.decoded,
        analysed=lane.counts.analysed,
        dropped=lane.counts.dropped,
    )


def _added(earlier: FrameCounts, now: FrameCounts, start: FrameCounts) -> FrameCounts:
    """Return `earlier` and what came from `start` to `now`."""
    return FrameCounts(
        received=earlier.received + now.received - start.received,
        decoded=earlier.decoded + now.decoded - start.decoded,
        analysed=earlier.analysed + now.analysed - start.analysed,
        dropped=earlier.dropped + now.dropped - start.dropped,
    )
