"""A scheduler with lanes, for the tests of what happens to a frame."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from cad.analysis.pipeline.lane import Lane, WhenFull
from cad.analysis.pipeline.scheduler import Scheduler
from cad.analysis.pipeline.service import Service
from cad.analysis.pipeline.watch import Finding, Watch
from cad.base.clock import SystemClock
from cad.domain.faults import Fault
from cad.domain.frames import Frame
from cad.domain.ids import TaskId
from cad.domain.rules import Rule

EVERY_FRAME = Rule(event_type="PRESENT", repeat=0.0)
"""Reports each picture in which somebody is, from the second sight on."""


@dataclass
class Floor:
    """Makes schedulers and lanes, and notes what comes out of them."""

    stack: ExitStack
    open_for_work: bool = True
    found: list[tuple[float, TaskId]] = field(default_factory=list)
    """Time line position and task of each finding, in the order of their coming."""
    failed_services: list[tuple[Service, Fault]] = field(default_factory=list)
    failed_tasks: dict[TaskId, Fault] = field(default_factory=dict)

    def scheduler(self, threads: int = 1) -> Scheduler:
        """Return a scheduler whose threads run until the test ends."""
        scheduler = Scheduler(
            threads,
            SystemClock(),
            may_start=lambda: self.open_for_work,
            on_failure=lambda service, fault: self.failed_services.append((service, fault)),
        )
        scheduler.start()
        self.stack.callback(scheduler.close)
        return scheduler

    def lane(
        self,
        scheduler: Scheduler,
        service: Service,
        when_full: WhenFull = WhenFull.REPLACE,
        threads: int = 1,
        task: str = "task",
    ) -> Lane:
        """Add a lane with one task that reports every picture."""
        watch = Watch(service, self.failed_tasks.__setitem__, SystemClock())
        lane = Lane(service, watch, when_full, threads, self._note)
        lane.set_task(TaskId(task), (EVERY_FRAME,))
        scheduler.add(lane)
        return lane

    def _note(self, frame: Frame, findings: list[Finding], labels: tuple[str, ...]) -> None:
        self.found += [(frame.pts, finding.task_id) for finding in findings]


@pytest.fixture
def floor() -> Iterator[Floor]:
    with ExitStack() as stack:
        yield Floor(stack)
