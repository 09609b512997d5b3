"""What is known of one worker process, from what it was given and what it says.

Does no input or output of its own: orders leave through `send`, news and the time come in.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cad.base.clock import Clock
from cad.control.tasks.assignment import NOTHING, Assignment, orders_between
from cad.control.tasks.machine import Patience, Sighting
from cad.control.tasks.retries import Retries
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import ServiceId, TaskId
from cad.domain.packages import ServiceOrder
from cad.domain.tasks import TaskOrder, TaskReport
from cad.protocols.worker.messages import (
    Hello,
    LoadService,
    Order,
    Report,
    StartTask,
    StopTask,
    UnloadService,
)

REPORTS_TO_SETTLE = 2
"""Reports after which the run of a stopped task is over: the first one may have been under way."""


@dataclass(slots=True)
class _Serving:
    """How one algorithm stands."""

    order: ServiceOrder
    loaded: bool = False
    provider: str = ""
    """What it runs on while it is loaded."""
    fault: Fault | None = None


class Life:
    """The orders and the news of one worker process."""

    def __init__(self, send: Callable[[Order], None], clock: Clock) -> None:
        self._send, self._clock = send, clock
        self._given = NOTHING
        self._serving: dict[ServiceId, _Serving] = {}
        self._reports: dict[TaskId, TaskReport] = {}
        self._reported_at = 0.0
        self._settling: dict[TaskId, int] = {}
        """Reports to come that may still speak of a run that was stopped."""
        self._loads: Retries[ServiceId] = Retries()
        self._starts: Retries[TaskId] = Retries()
        self.hello: Hello | None = None
        """Its first word; None = it is still coming up."""
        self.report: Report | None = None
        """The newest."""

    # What it is to do

    def give(self, wanted: Assignment) -> None:
        """Send what leads from what it was given to `wanted`."""
        orders = orders_between(self._given, wanted)
        self._serving = {
            service_id: self._kept(order) for service_id, order in wanted.services.items()
        }
        self._given = wanted
        for order in orders:
            self._part_with(order)
            self._send(order)

    def _part_with(self, order: Order) -> None:
        """Forget what an order takes from the worker."""
        match order:
            case StopTask(task_id=task_id):
                self._reports.pop(task_id, None)
                self._starts.forget(task_id)
                self._settling[task_id] = REPORTS_TO_SETTLE
            case UnloadService(service_id=service_id):
                self._loads.forget(service_id)
            case _:
                pass  # the others only add

    def try_again(self) -> None:
        """Repeat, when it is due, the orders that came to nothing: loads and starts that failed.

        A stream that fails is none of them: the worker opens it again by itself.
        """
        now = self._clock.monotonic()
        for service_id, serving in self._serving.items():
            if serving.fault is not None and self._loads.is_due(service_id, now):
                self._send(LoadService(serving.order))
        for task_id, report in self._reports.items():
            order = self._given.tasks.get(task_id)
            if order is None or not self._is_loaded(order.service_id) or not _broke(report):
                self._starts.forget(task_id)
            elif self._starts.is_due(task_id, now):
                self._send(StartTask(order))

    @property
    def busy(self) -> frozenset[ServiceId]:
        """The algorithms that are loading or have tasks."""
        loading = {name for name, serving in self._serving.items() if not serving.loaded}
        return frozenset(loading | {task.service_id for task in self._given.tasks.values()})

    # What it says

    def greeted(self, hello: Hello) -> None:
        """Take its first word."""
        self.hello = hello

    def reported(self, report: Report) -> None:
        """Take a report."""
        self.report, self._reported_at = report, self._clock.monotonic()
        self._reports = {
            task.task_id: task for task in report.tasks if task.task_id not in self._settling
        }
        self._settling = {key: left - 1 for key, left in self._settling.items() if left > 1}

    def loaded(self, service_id: ServiceId, provider: str) -> None:
        """Take note that an algorithm is served, and on what."""
        if (serving := self._serving.get(service_id)) is not None:
            serving.loaded, serving.provider, serving.fault = True, provider, None
            self._loads.forget(service_id)

    def failed(self, service_id: ServiceId, fault: Fault) -> None:
        """Take note that an algorithm is not served, or no longer."""
        if (serving := self._serving.get(service_id)) is not None:
            serving.loaded, serving.fault = False, fault
            self._loads.is_due(service_id, self._clock.monotonic())

    # What follows

    def serves(self, order: ServiceOrder) -> bool:
        """Whether it serves an algorithm as ordered."""
        serving = self._serving.get(order.service_id)
        return serving is not None and serving.loaded and serving.order == order

    def provider(self, service_id: ServiceId) -> str:
        """Return the execution provider of an algorithm; empty = it is not loaded."""
        serving = self._serving.get(service_id)
        return serving.provider if serving is not None and serving.loaded else ""

    def service_fault(self, service_id: ServiceId) -> Fault | None:
        """Return why it cannot serve an algorithm; None = it can, or does not know yet."""
        serving = self._serving.get(service_id)
        return None if serving is None else serving.fault

    def is_settling(self, task_id: TaskId) -> bool:
        """Whether a stopped task may still have events on their way."""
        return task_id in self._settling

    def sighting(self, order: TaskOrder) -> Sighting:
        """Return what is seen of a task that it was given."""
        if (fault := self.service_fault(order.service_id)) is not None:
            return Sighting(obstacle=fault)
        if not self._is_loaded(order.service_id):
            text = f"algorithm {order.service_id} is being loaded"
            loading = Fault(FaultClass.ENGINE, text, self._clock.now())
            return Sighting(obstacle=loading, patience=Patience.ENDLESS)
        report = self._reports.get(order.task_id)
        return Sighting(report=None if report is None else self._aged(report))

    def _aged(self, report: TaskReport) -> TaskReport:
        """Return `report` as it holds now."""
        if report.analysed_age is None:
            return report
        since = self._clock.monotonic() - self._reported_at
        return replace(report, analysed_age=report.analysed_age + since)

    def _is_loaded(self, service_id: ServiceId) -> bool:
        serving = self._serving.get(service_id)
        return serving is not None and serving.loaded

    def _kept(self, order: ServiceOrder) -> _Serving:
        """Return how an algorithm stands: as before if its order is the same."""
        serving = self._serving.get(order.service_id)
        if serving is not None and serving.order == order:
            return serving
        self._loads.forget(order.service_id)
        return _Serving(order)


def _broke(report: TaskReport) -> bool:
    """Whether the analysis of the task ended by a fault of its own."""
    return report.fault is not None and report.fault.kind is FaultClass.ENGINE
