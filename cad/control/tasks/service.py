"""Analysis tasks: made, changed, paused and deleted by callers; judged by their results."""

import asyncio
import json
import logging
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from cad.base.clock import Clock
from cad.base.errors import CadError, NotFoundError, UnavailableError
from cad.base.supervise import background
from cad.control.tasks.admission import (
    check_destinations,
    check_event_types,
    check_runnable,
    known_algorithm,
    label_mismatches,
    sound_record,
)
from cad.control.tasks.assignment import needs_restart
from cad.control.tasks.book import TaskBook
from cad.control.tasks.machine import LIVE, Limits, Moment, TaskRun
from cad.control.tasks.ports import Algorithms, EventBacklog, StreamNames, TaskRunner
from cad.control.tasks.progress import Progress
from cad.domain.faults import Fault
from cad.domain.ids import ServiceId, TaskId
from cad.domain.packages import TaskHealth
from cad.domain.tasks import NewTask, TaskOrder, TaskRecord, TaskState, UnreadableTask
from cad.domain.views import TaskStep, TaskView

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 0.5
KEEP_DELAY = 5.0


def random_task_id() -> TaskId:
    """Return a new id: 12 hexadecimal digits."""
    return TaskId(secrets.token_hex(6))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPolicy:
    """How tasks are admitted and judged."""

    limits: Limits = field(default_factory=Limits)
    strict: bool = False
    """Refuse labels that do not fit instead of reporting them (AM-20)."""
    stores_images: bool = False
    """There is an object store for pictures."""


@dataclass(slots=True)
class _Watched:
    """What memory has of a task besides its record."""

    run: TaskRun
    progress: Progress = field(default_factory=Progress)
    """Of this run."""
    keep_at: float = 0.0
    """Monotonic; when to try again to store its end, after the disk refused."""


class TaskService:
    """The tasks of this device. Nothing is acknowledged before it is stored.

    Belongs to the loop; its changes are done one after the other.
    """

    def __init__(  # noqa: PLR0913 - its parts, each once, by name
        self,
        *,
        book: TaskBook,
        runner: TaskRunner,
        algorithms: Algorithms,
        backlog: EventBacklog,
        stream_names: StreamNames,
        clock: Clock,
        policy: TaskPolicy,
        new_id: Callable[[], TaskId] = random_task_id,
    ) -> None:
        self._book, self._runner, self._algorithms = book, runner, algorithms
        self._backlog, self._stream_names, self._clock = backlog, stream_names, clock
        self._policy, self._new_id = policy, new_id
        self._watched: dict[TaskId, _Watched] = {}
        self._leaving = Counter[TaskId]()
        """Deletions under way of each task."""
        self._turn = asyncio.Condition()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Bring back every task, and judge them by their results while the context is open."""
        await self._bring_back()
        async with background("tasks", self._look_for_ever):
            yield

    async def _bring_back(self) -> None:
        await self._book.load(self._sound)
        for record in self._book:
            self._watched[record.task_id] = _Watched(self._run_of(record))
            if record.state in LIVE:
                self._runner.start(record.order)

    def _sound(self, found: TaskRecord | UnreadableTask) -> TaskRecord:
        record = sound_record(found, self._clock.now())
        if record != found and record.fault is not None:
            logger.error("task %s cannot run: %s", record.task_id, record.fault.message)
        return record

    # What callers ask for

    async def create(self, new: NewTask) -> tuple[TaskView, bool]:
        """Make a task, or give the one of the same key new content (G.2, AM-106).

        An order that says what the task already does changes nothing, in whatever state it is; new
        content lets a task that has ended begin again.

        Returns:
            The task, and whether it was made by this call.

        Raises:
            NotFoundError: the service is unknown.
            ConflictError: the algorithm was never installed, or is being removed.
            BadValueError: the algorithm does not report this event type, pictures are to go into
                an object store and there is none, or no worker can be told the order.
            ContradictionError: strict mode only: a label does not fit the algorithm.
        """
        async with self._turn:
            await self._turn.wait_for(lambda: not self._is_leaving(new))
            self._admit(new)
            record = self._book.like(new)
            if record is None:
                return await self._add(new), True
            return await self._replace(record, new), False

    async def delete(self, task_id: TaskId, *, force: bool) -> None:
        """Delete a task (G.3); its events are delivered first, or dropped with `force`."""
        self._known(task_id)
        async with self._departure(task_id):
            # Events under way are stored while their task is known.
            await self._runner.settle(task_id)
            await self._remove(task_id, force=force)
        logger.info("task %s deleted", task_id)
        try:
            await self._backlog.forget_task(task_id, force=force)
        except UnavailableError as error:
            logger.warning("task %s: the figures of its events are old: %s", task_id, error)

    async def pause(self, task_id: TaskId) -> TaskView:
        """Pause a task (G.5); a paused one stays as it is.

        Raises:
            ConflictError: it has ended.
        """
        async with self._turn:
            record = self._known(task_id)
            run = self._watched[task_id].run.pause(self._moment())
            await self._keep(record, run)
            return self._view(task_id)

    async def resume(self, task_id: TaskId) -> TaskView:
        """Resume a task (G.4); one that has ended begins again, a live one stays as it is.

        Raises:
            BadValueError: its record is damaged.
        """
        async with self._turn:
            record = self._known(task_id)
            check_runnable(record.order)
            self._runner.release(record.order.service_id)
            run = self._watched[task_id].run.resume(self._moment())
            await self._keep(record, run)
            return self._view(task_id)

    def get(self, task_id: TaskId) -> TaskView:
        """Return a task (G.7), or raise `NotFoundError`."""
        self._known(task_id)
        return self._view(task_id)

    def search(
        self,
        *,
        task_ids: Collection[TaskId] = (),
        service_ids: Collection[ServiceId] = (),
        event_types: Collection[str] = (),
    ) -> list[TaskView]:
        """Return the tasks that fit every filter (G.6), oldest first; an empty one fits all."""
        return [
            self._view(record.task_id)
            for record in self._book
            if (not task_ids or record.task_id in task_ids)
            and (not service_ids or record.order.service_id in service_ids)
            and (not event_types or any(r.event_type in event_types for r in record.order.rules))
        ]

    def history(self, task_id: TaskId) -> list[TaskStep]:
        """Return the last 50 steps since the daemon started, oldest first."""
        self._known(task_id)
        steps = self._watched[task_id].run.history
        return [TaskStep(**step._asdict()) for step in steps]

    def task_ids(self, service_id: ServiceId) -> list[TaskId]:
        """Return the tasks of a service that have not ended."""
        return [
            record.task_id
            for record in self._of_service(service_id)
            if record.state not in {TaskState.FINISHED, TaskState.ERROR}
        ]

    async def drop_tasks(self, service_id: ServiceId) -> None:
        """Delete every task of a service; their events are still delivered."""
        async with self._turn:  # one that is being made is among them
            records = self._of_service(service_id)
        for record in records:
            self._runner.stop(record.task_id)
        try:
            for record in records:
                with suppress(NotFoundError):  # a caller deletes it at the same time
                    await self.delete(record.task_id, force=False)
        finally:
            for record in self._of_service(service_id):
                self._run_again(record)

    async def hand_over(self, service_id: ServiceId, to: ServiceId) -> None:
        """Make the tasks of a service those of another, on which they run already."""
        async with self._turn:  # one that is being made is among them
            records = self._of_service(service_id)
        for found in records:
            async with self._turn:
                record = self._book.get(found.task_id)
                if record is None:
                    continue
                moved = replace(record, order=replace(record.order, service_id=to))
                await self._book.put(moved)
                self._run_again(moved)

    def health(self, service_ids: Collection[ServiceId]) -> Mapping[TaskId, TaskHealth]:
        """Return what became of the pictures of each live task of the services."""
        views = self.search(service_ids=service_ids)
        return {view.record.task_id: self._health(view) for view in views if view.state in LIVE}

    # How it is done

    def _health(self, view: TaskView) -> TaskHealth:
        limits = self._policy.limits.at_rate(view.record.order.analysis_rate)
        return TaskHealth(
            received=view.frames.received,
            analysed=view.frames.analysed,
            analysing=view.state is TaskState.RUNNING,
            patience=limits.silence,
            asked=view.record.order.analysis_rate,
        )

    def _of_service(self, service_id: ServiceId) -> list[TaskRecord]:
        return [record for record in self._book if record.order.service_id == service_id]

    @asynccontextmanager
    async def _departure(self, task_id: TaskId) -> AsyncGenerator[None]:
        """Stop a task to delete it; orders for its key wait until it is gone or runs again."""
        self._leaving[task_id] += 1
        self._runner.stop(task_id)
        try:
            yield
        finally:
            self._run_again(self._book.get(task_id))
            self._leaving -= Counter([task_id])
            async with self._turn:
                self._turn.notify_all()

    def _is_leaving(self, new: NewTask) -> bool:
        record = self._book.like(new)
        return record is not None and record.task_id in self._leaving

    async def _remove(self, task_id: TaskId, *, force: bool) -> None:
        async with self._turn:
            self._known(task_id)
            self._runner.stop(task_id)
            await self._book.remove(task_id, force=force)
            del self._watched[task_id]

    def _run_again(self, record: TaskRecord | None) -> None:
        """Take back the stop of a task whose deletion came to nothing."""
        if record is not None and record.state in LIVE:
            self._runner.start(record.order)

    def _admit(self, new: NewTask) -> None:
        algorithm = known_algorithm(new, self._algorithms.find(new.service_id))
        check_event_types(new, algorithm)
        check_destinations(new, stores_images=self._policy.stores_images)
        for error in label_mismatches(new, algorithm):
            if self._policy.strict:
                raise error
            logger.warning("task for %s: %s", new.service_id, error)

    async def _add(self, new: NewTask) -> TaskView:
        record = TaskRecord(
            order=self._order(self._new_id(), new),
            restart_policy=new.restart_policy,
            destinations=new.destinations,
            task_info=new.task_info,
            created_at=self._clock.now(),
        )
        check_runnable(record.order)
        await self._book.put(record)
        self._watched[record.task_id] = _Watched(self._run_of(record))
        self._runner.start(record.order)
        logger.info("task %s created on stream %s", record.task_id, record.order.stream_id)
        return self._view(record.task_id)

    async def _replace(self, record: TaskRecord, new: NewTask) -> TaskView:
        """Give a task new content under its id; its rules change without a gap in its stream."""
        changed = replace(
            record,
            order=self._order(record.task_id, new, record.order.revision),
            restart_policy=new.restart_policy,
            destinations=new.destinations,
            task_info=new.task_info,
        )
        if _same_content(record, changed):
            return self._view(record.task_id)
        changed = replace(changed, order=changed.order.revised())
        check_runnable(changed.order)
        run = replace(self._watched[record.task_id].run, policy=new.restart_policy)
        if run.state not in LIVE or needs_restart(record.order, changed.order):
            run = run.restart(self._moment())
        await self._keep(changed, run)
        logger.info("task %s replaced", record.task_id)
        return self._view(record.task_id)

    async def _keep(self, record: TaskRecord, run: TaskRun) -> None:
        """Store where a task stands, then act on it."""
        fault = run.fault if run.state is TaskState.ERROR else None
        state = TaskState.PENDING if run.state in LIVE else run.state
        kept = replace(record, state=state, fault=fault)
        if kept != self._book.get(record.task_id):
            await self._book.put(kept)
        watched = self._watched[record.task_id]
        begins = run.state in LIVE and watched.run.state not in LIVE
        watched.run = run
        if begins:
            watched.progress = Progress()
        if run.state in LIVE:
            self._runner.start(kept.order)
        else:
            self._runner.stop(kept.task_id)

    async def _look_for_ever(self) -> None:
        while True:
            for record in self._book:
                await self._look(record.task_id)
            await asyncio.sleep(LOOK_INTERVAL)

    async def _look(self, task_id: TaskId) -> None:
        """Judge one task by what is seen of it."""
        watched = self._watched.get(task_id)
        if watched is None or watched.run.state not in LIVE:
            return
        run = self._judge(task_id, watched)
        if run.state in LIVE:
            watched.run = run
        elif self._clock.monotonic() >= watched.keep_at:
            await self._end(task_id, watched)

    async def _end(self, task_id: TaskId, watched: _Watched) -> None:
        """Store that a task has ended, if that still holds when its turn comes."""
        async with self._turn:
            record = self._book.get(task_id)
            if record is None or watched.run.state not in LIVE:
                return
            run = self._judge(task_id, watched)
            try:
                await self._keep(record, run)
            except CadError as error:
                watched.keep_at = self._clock.monotonic() + KEEP_DELAY
                logger.warning("task %s: its end is not stored yet: %s", task_id, error)
            else:
                level = logging.INFO if run.fault is None else logging.WARNING
                logger.log(level, "task %s: %s", task_id, _end_text(run))

    def _judge(self, task_id: TaskId, watched: _Watched) -> TaskRun:
        record = self._known(task_id)
        sight = self._runner.sighting(task_id)
        now = self._moment()
        if sight.report is not None:
            watched.progress = watched.progress.after(sight.report, now.monotonic)
        limits = self._policy.limits.at_rate(record.order.analysis_rate)
        return watched.run.observe(sight, now, limits)

    def _run_of(self, record: TaskRecord) -> TaskRun:
        return TaskRun(
            state=record.state,
            policy=record.restart_policy,
            fault=record.fault,
            seen=self._clock.monotonic(),
        )

    def _order(self, task_id: TaskId, new: NewTask, revision: int = 0) -> TaskOrder:
        return TaskOrder(
            task_id=task_id,
            service_id=new.service_id,
            stream_id=self._stream_names(new.source),
            source=new.source,
            analysis_rate=new.analysis_rate,
            rules=new.rules,
            revision=revision,
        )

    def _known(self, task_id: TaskId) -> TaskRecord:
        record = self._book.get(task_id)
        if record is None:
            raise NotFoundError("the id of a task of this device", field="taskId", given=task_id)
        return record

    def _view(self, task_id: TaskId) -> TaskView:
        record, watched = self._known(task_id), self._watched[task_id]
        progress, run = watched.progress, watched.run
        return TaskView(
            record=record,
            state=run.state,
            fault=run.fault,
            frames=progress.frames,
            age=progress.age_at(self._clock.monotonic()),
            events=self._backlog.counts(task_id),
        )

    def _moment(self) -> Moment:
        return Moment(self._clock.monotonic(), self._clock.now())


def _same_content(old: TaskRecord, new: TaskRecord) -> bool:
    """Whether two records order the same; how their JSON was written does not count."""
    same_info = json.loads(old.task_info) == json.loads(new.task_info)
    return same_info and replace(old, task_info="") == replace(new, task_info="")


def _end_text(run: TaskRun) -> str:
    fault: Fault | None = run.fault
    return run.state if fault is None else f"{run.state}: {fault.kind}: {fault.message}"
