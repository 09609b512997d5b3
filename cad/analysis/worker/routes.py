"""The ways from streams to services: opened with the first task on them, closed with the last."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from cad.analysis.pipeline.alarm import Alarm
from cad.analysis.pipeline.hub import StreamHub
from cad.analysis.pipeline.lane import Lane, WhenFull
from cad.analysis.pipeline.scheduler import Scheduler
from cad.analysis.pipeline.service import Service
from cad.analysis.pipeline.watch import Watch
from cad.analysis.worker.ports import Streams
from cad.base.clock import Clock
from cad.domain.faults import Fault
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.tasks import TaskOrder


@dataclass(frozen=True, slots=True)
class _Route:
    """A lane and the analysis rates of the tasks on it."""

    lane: Lane
    rates: dict[TaskId, float] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """The rate that serves all tasks; 0 = every picture."""
        return 0.0 if 0.0 in self.rates.values() else max(self.rates.values())


@dataclass(frozen=True, slots=True)
class _OpenStream:
    hub: StreamHub
    routes: dict[ServiceId, _Route] = field(default_factory=dict)


class Routes:
    """Opens a stream and a lane for the first task that needs them. Called on the loop only."""

    def __init__(
        self,
        streams: Streams,
        scheduler: Scheduler,
        alarm: Alarm,
        clock: Clock,
        on_task_fault: Callable[[TaskId, Fault], None],
    ) -> None:
        """Begin without any.

        Args:
            streams: reads them.
            scheduler: carries their frames.
            alarm: takes what the rules report.
            clock: the time.
            on_task_fault: takes a task whose rules failed, in whichever thread they did.
        """
        self._streams, self._scheduler, self._alarm = streams, scheduler, alarm
        self._clock, self._on_task_fault = clock, on_task_fault
        self._open: dict[StreamId, _OpenStream] = {}

    def join(self, order: TaskOrder, service: Service) -> Lane:
        """Bring the task's stream to `service`; return the lane that its frames take."""
        stream = self._open.get(order.stream_id)
        if stream is not None:
            return self._enter(stream, order, service)
        stream = self._open[order.stream_id] = _OpenStream(StreamHub(self._scheduler))
        lane = self._enter(stream, order, service)
        self._streams.open(order.stream_id, order.source, stream.hub)
        return lane

    def change(self, order: TaskOrder) -> None:
        """Replace the rules and the rate of a task that has joined."""
        stream = self._open[order.stream_id]
        self._put(stream, stream.routes[order.service_id], order)

    def carry(self, service_id: ServiceId, to: ServiceId) -> AbstractSet[StreamId]:
        """Let whole lanes pass to a service; return their streams.

        Where it has a lane already, tasks have to join that one.
        """
        streams = {
            stream_id: stream
            for stream_id, stream in self._open.items()
            if service_id in stream.routes and to not in stream.routes
        }
        for stream in streams.values():
            stream.routes[to] = stream.routes.pop(service_id)
        return streams.keys()

    def leave(self, order: TaskOrder) -> None:
        """Bring the task's stream no longer to its service for its sake."""
        stream = self._open[order.stream_id]
        route = stream.routes[order.service_id]
        route.lane.remove_task(order.task_id)
        del route.rates[order.task_id]
        if route.rates:
            stream.hub.set_lane(route.lane, route.rate)
            return
        del stream.routes[order.service_id]
        stream.hub.remove_lane(route.lane)
        self._scheduler.remove(route.lane)
        if not stream.routes:
            del self._open[order.stream_id]
            self._streams.close(order.stream_id)

    def _enter(self, stream: _OpenStream, order: TaskOrder, service: Service) -> Lane:
        route = stream.routes.get(order.service_id) or self._add(stream, order, service)
        return self._put(stream, route, order)

    def _put(self, stream: _OpenStream, route: _Route, order: TaskOrder) -> Lane:
        route.rates[order.task_id] = order.analysis_rate
        route.lane.set_task(order.task_id, order.rules, order.revision)
        stream.hub.set_lane(route.lane, route.rate)
        return route.lane

    def _add(self, stream: _OpenStream, order: TaskOrder, service: Service) -> _Route:
        lane = Lane(
            service,
            Watch(service, self._on_task_fault, self._clock),
            WhenFull.REPLACE if order.source.is_live else WhenFull.WAIT,
            self._scheduler.threads,
            self._alarm.report,
        )
        self._scheduler.add(lane)
        stream.routes[order.service_id] = route = _Route(lane)
        return route
