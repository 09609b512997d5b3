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


@dataclass(slots=True)
class LaneCounts:
    """What became of the frames of a lane; the counts only grow."""

    analysed: int = 0
    dropped: int = 0
    last_received: float | None = None
    """Monotonic time at which the last analysed picture had arrived."""


class Lane:
    """Frames wait in it, several may be with the engine at once, and leave it in order.

    The scheduler calls everything under its lock, except `finish`, `fail` and the calls that change
    the tasks: these may come from any thread and let one in at a time.
    """

    def __init__(
        self,
        service: Service,
        watch: Watch,
        when_full: WhenFull,
        in_flight_limit: int,
        on_findings: Callable[[Frame, list[Finding], tuple[str, ...]], None],
    ) -> None:
        """Begin empty.

        Args:
            service: what infers the frames.
            watch: what the tasks see; the lane serialises access to it.
            when_full: see `WhenFull`.
            in_flight_limit: most frames with the engine at once.
            on_findings: takes what the rules report of a frame, and the names of the classes, in
                the order of the frames.
        """
        self.service = service
        self.turn = 0
        """When it last had its turn; set by the scheduler."""
        self.counts = LaneCounts()
        self._watch, self._when_full, self._limit = watch, when_full, in_flight_limit
        self._on_findings = on_findings
        self._waiting: deque[Frame] = deque()
        self._places = 1 if when_full is WhenFull.REPLACE else 2 * in_flight_limit
        self._taken = self._in_flight = 0
        self._order: Reorder[tuple[Frame, Boxes]] = Reorder()
        self._finishing = threading.Lock()
        self._closed = False

    @property
    def threshold(self) -> float:
        """Lowest score of a box that the tasks can use."""
        return self._watch.threshold

    @property
    def takable(self) -> int:
        """Frames that may be started now."""
        return min(len(self._waiting), self._limit - self._in_flight)

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
        if len(self._waiting) == self._places:
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

    def finish(self, ticket: Ticket, boxes: Boxes) -> None:
        """Show the boxes to the tasks as soon as those of all earlier frames have been shown."""
        with self._finishing:
            for frame, found in self._order.put(ticket.number, (ticket.frame, boxes)):
                findings = self._watch.see(frame, found)
                if findings:
                    self._on_findings(frame, findings, self.service.labels)
                self.counts.analysed += 1
                self.counts.last_received = frame.received

    def fail(self, fault: Fault) -> None:
        """End all tasks with `fault`; the scheduler closes the lane."""
        with self._finishing:
            self._watch.end_all(fault)

    def set_task(self, task_id: TaskId, rules: tuple[Rule, ...]) -> None:
        """Add a task, or replace its rules."""
        with self._finishing:
            self._watch.set(task_id, rules)

    def remove_task(self, task_id: TaskId) -> None:
        """Forget a task; unknown is fine."""
        with self._finishing:
            self._watch.remove(task_id)
