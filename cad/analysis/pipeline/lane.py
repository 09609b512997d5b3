"""One lane: the frames of one stream on their way through one service, and the tasks at its end."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from cad.analysis.pipeline.order import Reorder
from cad.analysis.pipeline.service import Service
from cad.analysis.pipeline.watch import Finding, Watch
from cad.domain.faults import Fault
from cad.domain.frames import Boxes, Frame
from cad.domain.ids import TaskId
from cad.domain.rules import Rule


class WhenFull(Enum):
    """What a lane does with a frame for which there is no place."""

    REPLACE = "replace"
    """Live: the newest frame takes the place of the waiting one, which counts as dropped."""
    WAIT = "wait"
    """Recordings: the reader waits, so that every frame is analysed."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A frame that was taken for analysis, and its place in the order of its lane."""

    number: int
    frame: Frame


@dataclass(frozen=True, slots=True)
class _Result:
    """What the engine found in a frame."""

    frame: Frame
    boxes: Boxes
    labels: tuple[str, ...]


@dataclass(slots=True)
class LaneCounts:
    """What became of the frames of a lane; the counts only grow."""

    analysed: int = 0
    dropped: int = 0
    """Replaced by a newer one, or lost with the engine that failed."""
    last_received: float | None = None
    """Monotonic time at which the last analysed picture had arrived."""


class Lane:
    """Frames wait in it, several may be with the engine at once, and leave it in order.

    The scheduler calls everything under its lock, except what concerns results and tasks (`finish`
    and all below it): that may come from any thread and lets one in at a time.
    """

    def __init__(
        self,
        service: Service,
        watch: Watch,
        when_full: WhenFull,
        threads: int,
        on_findings: Callable[[Frame, list[Finding], tuple[str, ...]], None],
    ) -> None:
        """Begin empty.

        Args:
            service: what infers the frames.
            watch: what the tasks see; the lane serialises access to it.
            when_full: see `WhenFull`.
            threads: calls of the engine that may be under way with frames of this lane.
            on_findings: takes what the rules report of a frame, and the names of the classes, in
                the order of the frames.
        """
        self.service = service
        """Set by the scheduler when another takes its place."""
        self.turn = 0
        """When it last had its turn; set by the scheduler."""
        self.counts = LaneCounts()
        self._watch, self._when_full, self._threads = watch, when_full, threads
        self._on_findings = on_findings
        self._waiting: deque[Frame] = deque()
        self._taken = self._in_flight = 0
        self._order: Reorder[_Result | None] = Reorder()
        self._finishing = threading.Lock()
        self._closed = False

    @property
    def threshold(self) -> float:
        """Lowest score of a box that the tasks can use."""
        return self._watch.threshold

    @property
    def takable(self) -> int:
        """Frames that may be started now."""
        return max(0, min(len(self._waiting), self._in_flight_limit - self._in_flight))

    @property
    def is_idle(self) -> bool:
        """Whether every frame that was put in has been analysed."""
        return not self._waiting and not self._in_flight

    def put(self, frame: Frame) -> bool:
        """Let the frame wait; False = there is no place and it must be offered again.

        A closed lane takes frames and forgets them.
        """
        if self._closed:
            return True
        if len(self._waiting) >= self._places:
            if self._when_full is WhenFull.WAIT:
                return False
            self._waiting.popleft()
            self.counts.dropped += 1
        self._waiting.append(frame)
        return True

    def take(self) -> Ticket:
        """Take the frame that has waited longest; `takable` says whether there is one."""
        ticket = Ticket(self._taken, self._waiting.popleft())
        self._taken += 1
        self._in_flight += 1
        return ticket

    def release(self) -> None:
        """Note that a ticket was finished, or given up with the whole lane."""
        self._in_flight -= 1

    def close(self) -> None:
        """Forget what waits and take nothing more. Idempotent."""
        self._closed = True
        self._waiting.clear()

    def finish(self, ticket: Ticket, boxes: Boxes, service: Service) -> None:
        """Show the boxes to the tasks as soon as those of all earlier frames have been shown.

        Boxes of a replaced `service` that names its classes differently show nobody.
        """
        self._complete(ticket, _Result(ticket.frame, boxes, service.labels))

    def give_up(self, ticket: Ticket) -> None:
        """Count the frame as dropped, so that later ones need not wait for it."""
        self._complete(ticket, None)

    def fail(self, fault: Fault) -> None:
        """End all tasks with `fault`; the scheduler closes the lane."""
        with self._finishing:
            self._watch.end_all(fault)

    def use(self, service: Service) -> None:
        """Let the tasks see boxes of `service`, which has taken the place of the one before."""
        with self._finishing:
            self._watch.use(service)

    def set_task(self, task_id: TaskId, rules: tuple[Rule, ...], revision: int = 0) -> None:
        """Add a task, or replace its rules."""
        with self._finishing:
            self._watch.set(task_id, rules, revision)

    def remove_task(self, task_id: TaskId) -> None:
        """Forget a task; unknown is fine."""
        with self._finishing:
            self._watch.remove(task_id)

    @property
    def _in_flight_limit(self) -> int:
        return self._threads * self.service.batch_limit

    @property
    def _places(self) -> int:
        return 1 if self._when_full is WhenFull.REPLACE else 2 * self._in_flight_limit

    def _complete(self, ticket: Ticket, result: _Result | None) -> None:
        with self._finishing:
            for each in self._order.put(ticket.number, result):
                if each is None:
                    self.counts.dropped += 1
                else:
                    self._show(each)

    def _show(self, result: _Result) -> None:
        labels, frame = self._watch.labels, result.frame
        boxes = result.boxes if result.labels == labels else result.boxes[:0]
        findings = self._watch.see(frame, boxes)
        if findings:
            self._on_findings(frame, findings, labels)
        self.counts.analysed += 1
        self.counts.last_received = frame.received
