"""What this worker has to do: services and tasks as they were ordered, and how they go."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from cad.analysis.pipeline.alarm import Alarm
from cad.analysis.pipeline.scheduler import Scheduler
from cad.analysis.pipeline.service import Service
from cad.analysis.worker.ports import Streams
from cad.analysis.worker.routes import Routes
from cad.analysis.worker.run import TaskRun
from cad.base.clock import Clock
from cad.domain.faults import Fault
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.streams import StreamPhase, StreamStatus
from cad.domain.tasks import TaskOrder, TaskReport
from cad.protocols.worker.messages import ServiceReport

Statuses = Mapping[StreamId, StreamStatus]


class Assignment:
    """Holds what was ordered and keeps the routes in line with it. Called on the loop only.

    A task gets frames while its service is loaded and nothing ended it; a stream is open while some
    task gets frames of it. So a recording is not read before it can be analysed.
    """

    def __init__(
        self, streams: Streams, routes: Routes, scheduler: Scheduler, alarm: Alarm, clock: Clock
    ) -> None:
        """Begin with nothing to do; whoever made the arguments starts and closes them."""
        self._streams, self._routes = streams, routes
        self._scheduler, self._alarm, self._clock = scheduler, alarm, clock
        self._services: dict[ServiceId, Service] = {}
        self._service_faults: dict[ServiceId, Fault] = {}
        self._runs: dict[TaskId, TaskRun] = {}

    def serve(self, service: Service) -> Service | None:
        """Give the service to the tasks that want it; return the one it replaces, if any.

        Streams and lanes go on with the new one. The caller retires the replaced one.
        """
        replaced = self._services.get(service.service_id)
        self._services[service.service_id] = service
        self._service_faults.pop(service.service_id, None)
        if replaced is not None:
            self._scheduler.replace(replaced, service)
        statuses = self._statuses()
        for run in self._runs_of(service.service_id):
            self._attach(run, statuses)
        return replaced

    def withdraw(self, service_id: ServiceId, fault: Fault | None = None) -> Service | None:
        """Take the service from its tasks, because of `fault` if any; return it to be retired."""
        if fault is not None:
            self._service_faults[service_id] = fault
        statuses = self._statuses()
        for run in self._runs_of(service_id):
            self._detach(run, statuses)
        return self._services.pop(service_id, None)

    def serves(self, service: Service) -> bool:
        """Whether this very service, not one that replaced it, is being served."""
        return self._services.get(service.service_id) is service

    def start(self, order: TaskOrder) -> None:
        """Run a task, or replace the rules and the rate of a running one."""
        run = self._runs.get(order.task_id)
        if run is None or run.is_over or not _same_frames(run.order, order):
            self.stop(order.task_id)
            run = self._runs[order.task_id] = TaskRun(order)
            self._attach(run, self._statuses())
            return
        run.order = order
        if run.lane is not None:
            self._routes.change(order)

    def stop(self, task_id: TaskId) -> None:
        """End a task; unknown is fine. Its events stay until they are acknowledged."""
        run = self._runs.pop(task_id, None)
        if run is not None:
            self._detach(run, self._statuses())

    def move(self, service_id: ServiceId, to: ServiceId) -> None:
        """Let all tasks of a service go on with another; without a gap where that is loaded."""
        old, new = self._services.get(service_id), self._services.get(to)
        carried: AbstractSet[StreamId] = frozenset()
        if old is not None and new is not None:
            carried = self._routes.carry(service_id, to)
            self._scheduler.replace(old, new)
        statuses = self._statuses()
        for run in self._runs_of(service_id):
            before, run.order = run.order, replace(run.order, service_id=to)
            if before.stream_id not in carried:
                self._change_lane(run, before, statuses)

    def _change_lane(self, run: TaskRun, before: TaskOrder, statuses: Statuses) -> None:
        """Bring the run to the lane of its new service, and only then away from the old one."""
        left = run.lane
        if left is not None:
            run.detach(statuses.get(before.stream_id))
        self._attach(run, statuses)
        if left is not None:
            self._routes.leave(before)

    def fail_task(self, task_id: TaskId, fault: Fault) -> None:
        """End a task because of `fault`, which its reports name from now on."""
        run = self._runs.get(task_id)
        if run is not None and not run.is_over:
            run.fault = fault
            self._detach(run, self._statuses())

    def task_reports(self, statuses: Sequence[StreamStatus]) -> list[TaskReport]:
        """Return how every task goes.

        A task whose recording has ended is finished, and needs its stream no longer, as soon as all
        frames were analysed and the daemon has stored every event.
        """
        by_id = {status.stream_id: status for status in statuses}
        for run in self._runs.values():
            if self._is_at_the_end(run, by_id):
                run.finished = True
                self._detach(run, by_id)
        now = self._clock.monotonic()
        return [
            run.report(
                by_id.get(run.order.stream_id), self._service_faults.get(run.order.service_id), now
            )
            for run in self._runs.values()
        ]

    def service_reports(self) -> list[ServiceReport]:
        """Return what every service has done."""
        return [
            ServiceReport(each.service_id, each.frames, each.batches, each.busy_seconds)
            for each in self._services.values()
        ]

    def _attach(self, run: TaskRun, statuses: Statuses) -> None:
        """Give the run frames, if its service is loaded."""
        service = self._services.get(run.order.service_id)
        if service is not None and run.lane is None and not run.is_over:
            run.attach(self._routes.join(run.order, service), statuses.get(run.order.stream_id))

    def _detach(self, run: TaskRun, statuses: Statuses) -> None:
        if run.lane is not None:
            run.detach(statuses.get(run.order.stream_id))
            self._routes.leave(run.order)

    def _is_at_the_end(self, run: TaskRun, statuses: Statuses) -> bool:
        status = statuses.get(run.order.stream_id)
        return (
            run.lane is not None
            and status is not None
            and status.phase is StreamPhase.ENDED
            and self._scheduler.is_idle(run.lane)
            and not self._alarm.open_events(run.order.task_id)
        )

    def _runs_of(self, service_id: ServiceId) -> list[TaskRun]:
        return [run for run in self._runs.values() if run.order.service_id == service_id]

    def _statuses(self) -> Statuses:
        return {status.stream_id: status for status in self._streams.statuses()}


def _same_frames(known: TaskOrder, order: TaskOrder) -> bool:
    """Whether both want the same stream analysed by the same service."""
    return (known.stream_id, known.source, known.service_id) == (
        order.stream_id,
        order.source,
        order.service_id,
    )
