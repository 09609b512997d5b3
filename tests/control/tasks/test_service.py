"""Tasks are made, replaced, paused and deleted; nothing is acknowledged before it is stored."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from cad.base.errors import (
    BadValueError,
    ContradictionError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from cad.control.tasks.book import TaskBook
from cad.control.tasks.machine import Sighting
from cad.control.tasks.service import TaskPolicy, TaskService, random_task_id
from cad.domain.destinations import BucketDestination, HttpDestination
from cad.domain.faults import FaultClass
from cad.domain.ids import ServiceId, StreamId, TaskId
from cad.domain.rules import Area, AreaType, Point, Rule
from cad.domain.tasks import NewTask, RestartPolicy, TaskRecord, TaskState, UnreadableTask
from cad.domain.views import TaskView
from cad.wire.annex_g_tasks import AlgoTask
from tests.control.tasks.values import (
    PERSON,
    TASK,
    VEHICLE,
    FixedAlgorithms,
    MemoryTaskStore,
    NotedBacklog,
    SightedRunner,
    TurnableClock,
    fault,
    new_task,
    order,
    record,
    report,
)
from tests.waiting import until


@dataclass
class Bench:
    """A task service with everything around it."""

    store: MemoryTaskStore = field(default_factory=MemoryTaskStore)
    runner: SightedRunner = field(default_factory=SightedRunner)
    backlog: NotedBacklog = field(default_factory=NotedBacklog)
    algorithms: FixedAlgorithms = field(default_factory=FixedAlgorithms)
    clock: TurnableClock = field(default_factory=TurnableClock)

    def service(self, *, strict: bool = False) -> TaskService:
        numbers = count(1)
        return TaskService(
            book=TaskBook(self.store),
            runner=self.runner,
            algorithms=self.algorithms,
            backlog=self.backlog,
            stream_names=lambda source: StreamId(f"s-{abs(hash(source))}"),
            clock=self.clock,
            policy=TaskPolicy(strict=strict),
            new_id=lambda: TaskId(f"t{next(numbers)}"),
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
async def tasks(bench: Bench) -> AsyncIterator[TaskService]:
    service = bench.service()
    async with service.running():
        yield service


async def test_a_new_task_is_stored_and_started(bench: Bench, tasks: TaskService) -> None:
    view, created = await tasks.create(new_task())
    assert created
    assert (view.state, view.record.created_at) == (TaskState.PENDING, bench.clock.now())
    assert bench.store.kept[TASK] == view.record
    assert bench.runner.running == {TASK: view.record.order}


async def test_an_identical_order_changes_nothing(bench: Bench, tasks: TaskService) -> None:
    await tasks.create(new_task(task_info='{"a": 1, "b": 2}'))
    kept = dict(bench.store.kept)
    view, created = await tasks.create(new_task(task_info='{"b":2,"a":1}'))
    assert (view.record.task_id, created) == (TASK, False)
    assert bench.store.kept == kept


@pytest.mark.row("CAP-31")
async def test_other_content_under_the_same_key_replaces_the_rules_in_place(
    bench: Bench, tasks: TaskService
) -> None:
    await tasks.create(new_task())
    view, created = await tasks.create(new_task(duration=3.0))
    assert (view.record.task_id, created) == (TASK, False)
    assert bench.runner.running[TASK].rules[0].duration == 3.0
    assert bench.store.kept[TASK] == view.record


@pytest.mark.parametrize(
    "other",
    [
        new_task(service_id=VEHICLE),
        new_task(url="rtsp://camera/2"),
        new_task(event_types=("LINE_CROSSING",)),
        new_task(event_types=("INTRUSION", "LINE_CROSSING")),
    ],
)
@pytest.mark.row("CAP-31")
async def test_another_key_is_another_task(tasks: TaskService, other: NewTask) -> None:
    await tasks.create(new_task())
    view, created = await tasks.create(other)
    assert (view.record.task_id, created) == ("t2", True)


@pytest.mark.row("CAP-30")
async def test_pictures_need_an_object_store(bench: Bench, tasks: TaskService) -> None:
    buckets = BucketDestination("fulls", "")
    new = replace(new_task(), destinations=((HttpDestination("http://h/"), buckets),))
    with pytest.raises(BadValueError, match=r"objects\.endpoint is not configured") as caught:
        await tasks.create(new)
    assert (caught.value.code, bench.store.kept) == (40002, {})
    assert caught.value.field == "taskInfo.rulesParams[0].destinations.imageDest"


async def test_a_replacement_is_another_revision(bench: Bench, tasks: TaskService) -> None:
    for duration in (0.0, 3.0):
        await tasks.create(new_task(duration=duration))
    view, _ = await tasks.create(new_task(duration=3.0))
    assert (view.record.order.revision, bench.runner.running[TASK].revision) == (1, 1)


async def test_the_order_of_event_types_is_not_part_of_the_key(tasks: TaskService) -> None:
    await tasks.create(new_task(event_types=("INTRUSION", "LINE_CROSSING")))
    _, created = await tasks.create(new_task(event_types=("LINE_CROSSING", "INTRUSION")))
    assert not created


async def test_orders_at_the_same_time_make_one_task(tasks: TaskService) -> None:
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(tasks.create(new_task())) for _ in range(5)]
    assert sorted(call.result()[1] for call in calls) == [False] * 4 + [True]
    assert len(tasks.search()) == 1


async def test_a_task_that_ended_begins_again_with_new_content(bench: Bench) -> None:
    bench.store.kept[TASK] = finished(new_task())
    service = bench.service()
    async with service.running():
        same, _ = await service.create(new_task())
        assert same.state is TaskState.FINISHED
        changed, created = await service.create(new_task(duration=1.0))
    assert (changed.state, created) == (TaskState.PENDING, False)


def finished(new: NewTask) -> TaskRecord:
    task = replace(order(), source=new.source, rules=new.rules)
    stream_id = StreamId(f"s-{abs(hash(new.source))}")
    return replace(
        record(replace(task, stream_id=stream_id), TaskState.FINISHED),
        destinations=new.destinations,
        task_info=new.task_info,
    )


@pytest.mark.parametrize(
    ("new", "kind", "member"),
    [
        (new_task(service_id=ServiceId("nobody")), NotFoundError, "algoServiceId"),
        (
            new_task(event_types=("INTRUSION", "FIRE")),
            BadValueError,
            "taskInfo.rulesParams[1].eventType",
        ),
    ],
)
async def test_a_bad_order_is_refused_by_the_name_of_its_member(
    bench: Bench, tasks: TaskService, new: NewTask, kind: type[RefusedError], member: str
) -> None:
    with pytest.raises(kind) as caught:
        await tasks.create(new)
    assert caught.value.field == member
    assert not bench.store.kept


async def test_a_refused_event_type_names_the_allowed_ones(tasks: TaskService) -> None:
    with pytest.raises(BadValueError, match=r"one of INTRUSION, LINE_CROSSING \(given: FIRE\)"):
        await tasks.create(new_task(event_types=("FIRE",)))


@pytest.mark.parametrize(
    ("new", "member"),
    [
        (new_task(cabin_name="other"), "taskInfo.labels.algoCabinName"),
        (new_task(version="9"), "taskInfo.labels.version"),
    ],
)
async def test_labels_that_do_not_fit_are_refused_in_strict_mode_and_reported_otherwise(
    bench: Bench, caplog: pytest.LogCaptureFixture, new: NewTask, member: str
) -> None:
    with pytest.raises(ContradictionError) as caught:
        await bench.service(strict=True).create(new)
    assert caught.value.field == member
    with caplog.at_level(logging.WARNING):
        await bench.service().create(new)
    assert member in caplog.text


async def test_what_the_disk_refuses_is_not_acknowledged(bench: Bench, tasks: TaskService) -> None:
    bench.store.broken = True
    with pytest.raises(UnavailableError, match="disk is full"):
        await tasks.create(new_task())
    assert tasks.search() == []
    assert not bench.runner.running


async def test_a_task_whose_deletion_the_disk_refuses_runs_on(
    bench: Bench, tasks: TaskService
) -> None:
    await tasks.create(new_task())
    bench.store.broken = True
    with pytest.raises(UnavailableError):
        await tasks.delete(TASK, force=False)
    assert TASK in bench.runner.running
    assert not bench.backlog.forgotten


async def test_pause_and_resume_are_stored_and_idempotent(bench: Bench, tasks: TaskService) -> None:
    await tasks.create(new_task())
    for _ in range(2):
        assert (await tasks.pause(TASK)).state is TaskState.PAUSED
        assert bench.store.kept[TASK].state is TaskState.PAUSED
        assert not bench.runner.running
    for _ in range(2):
        assert (await tasks.resume(TASK)).state is TaskState.PENDING
        assert bench.store.kept[TASK].state is TaskState.PENDING
        assert TASK in bench.runner.running


async def test_resuming_gives_a_held_algorithm_another_chance(
    bench: Bench, tasks: TaskService
) -> None:
    await tasks.create(new_task())
    await tasks.resume(TASK)
    assert bench.runner.released == [PERSON]


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.row("CAP-32")
async def test_a_deleted_task_is_gone_and_its_backlog_told(
    bench: Bench, tasks: TaskService, force: bool
) -> None:
    await tasks.create(new_task())
    await tasks.delete(TASK, force=force)
    assert not bench.store.kept
    assert not bench.runner.running
    assert bench.backlog.forgotten == [(TASK, force)]
    assert bench.store.dropped == ([TASK] if force else [])


async def test_a_task_is_deleted_though_the_figures_of_its_events_are_not_to_be_had(
    bench: Bench, tasks: TaskService, caplog: pytest.LogCaptureFixture
) -> None:
    await tasks.create(new_task())
    bench.backlog.broken = True
    await tasks.delete(TASK, force=True)
    assert (bench.store.kept, bench.store.dropped) == ({}, [TASK])
    assert "disk is full" in caplog.text


async def test_an_order_for_a_task_that_leaves_makes_a_new_one(
    bench: Bench, tasks: TaskService
) -> None:
    await tasks.create(new_task())
    bench.runner.settles = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(tasks.delete(TASK, force=False))
        await asyncio.sleep(0)
        again = group.create_task(tasks.create(new_task(duration=3.0)))
        await asyncio.sleep(0)
        bench.runner.settles.set()
    view, created = again.result()
    assert (view.record.task_id, created) == ("t2", True)
    assert set(bench.store.kept) == set(bench.runner.running) == {"t2"}


async def test_an_order_for_a_task_that_did_not_leave_changes_it(
    bench: Bench, tasks: TaskService
) -> None:
    await tasks.create(new_task())
    bench.runner.settles = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(tasks.delete(TASK, force=False))
        await asyncio.sleep(0)
        again = group.create_task(tasks.create(new_task(duration=3.0)))
        await asyncio.sleep(0)
        leaving.cancel()
    view, created = again.result()
    assert (view.record.task_id, created) == (TASK, False)


async def test_tasks_whose_dropping_the_disk_refuses_run_on(
    bench: Bench, tasks: TaskService
) -> None:
    await tasks.create(new_task())
    await tasks.create(new_task(url="rtsp://camera/2"))
    bench.store.broken = True
    with pytest.raises(UnavailableError):
        await tasks.drop_tasks(PERSON)
    assert len(bench.runner.running) == 2


async def test_an_unknown_task_is_named(tasks: TaskService) -> None:
    calls = (tasks.pause(TASK), tasks.resume(TASK), tasks.delete(TASK, force=False))
    for call in calls:
        with pytest.raises(NotFoundError, match=r"taskId.*given: t1"):
            await call
    with pytest.raises(NotFoundError):
        tasks.get(TASK)


async def test_search_filters_by_each_criterion_and_all_together(tasks: TaskService) -> None:
    await tasks.create(new_task())
    await tasks.create(new_task(service_id=VEHICLE, event_types=("LINE_CROSSING",)))

    def found(views: list[TaskView]) -> list[str]:
        return [view.record.task_id for view in views]

    assert found(tasks.search()) == ["t1", "t2"]
    assert found(tasks.search(task_ids=[TASK])) == ["t1"]
    assert found(tasks.search(service_ids=[VEHICLE])) == ["t2"]
    assert found(tasks.search(event_types=["INTRUSION", "X"])) == ["t1"]
    assert found(tasks.search(task_ids=[TASK], event_types=["LINE_CROSSING"])) == []


@pytest.mark.parametrize("state", list(TaskState))
async def test_tasks_come_back_as_they_were_and_live_ones_run(
    bench: Bench, state: TaskState
) -> None:
    bench.store.kept[TASK] = record(state=state)
    service = bench.service()
    async with service.running():
        live = state in {TaskState.PENDING, TaskState.RUNNING}
        assert service.get(TASK).record == bench.store.kept[TASK]
        assert (TASK in bench.runner.running) is live


async def test_a_task_runs_when_results_are_seen(bench: Bench, tasks: TaskService) -> None:
    await tasks.create(new_task())
    bench.runner.sightings[TASK] = Sighting(report=report(received=9, analysed=3, age=0.25))
    await until(lambda: tasks.get(TASK).state is TaskState.RUNNING)
    view = tasks.get(TASK)
    assert (view.frames.received, view.frames.analysed, view.age) == (9, 3, 0.25)
    assert view.events == 7


async def test_a_finished_recording_is_stored_and_stopped(bench: Bench, tasks: TaskService) -> None:
    await tasks.create(new_task())
    bench.runner.sightings[TASK] = Sighting(report=report(finished=True))
    await until(lambda: tasks.get(TASK).state is TaskState.FINISHED)
    assert bench.store.kept[TASK].state is TaskState.FINISHED
    assert TASK not in bench.runner.running


async def test_a_task_that_gives_up_keeps_its_reason(bench: Bench, tasks: TaskService) -> None:
    await tasks.create(new_task(policy=RestartPolicy.NEVER))
    wrong = fault(FaultClass.AUTH, "the camera refuses the password")
    bench.runner.sightings[TASK] = Sighting(report=report(wrong=wrong))
    await until(lambda: tasks.get(TASK).state is TaskState.ERROR)
    assert bench.store.kept[TASK].fault == wrong
    assert tasks.get(TASK).fault == wrong
    assert tasks.history(TASK)[-1].reason == wrong.message


async def test_an_end_that_the_disk_refuses_is_stored_later(
    bench: Bench, tasks: TaskService, caplog: pytest.LogCaptureFixture
) -> None:
    await tasks.create(new_task())
    bench.store.broken = True
    bench.runner.sightings[TASK] = Sighting(report=report(finished=True))
    await until(lambda: "not stored yet" in caplog.text)
    assert tasks.get(TASK).state is TaskState.PENDING
    bench.store.broken = False
    bench.clock.seconds += 5
    await until(lambda: tasks.get(TASK).state is TaskState.FINISHED)


async def test_another_stream_under_the_same_key_begins_again(
    bench: Bench, tasks: TaskService
) -> None:
    await tasks.create(new_task())
    bench.runner.sightings[TASK] = Sighting(report=report(analysed=3, age=0.25))
    await until(lambda: tasks.get(TASK).state is TaskState.RUNNING)
    bench.runner.sightings.clear()
    view, _ = await tasks.create(new_task(loop=True))
    assert view.state is TaskState.PENDING


async def test_dropping_the_tasks_of_a_service_leaves_the_others(
    bench: Bench, tasks: TaskService
) -> None:
    await tasks.create(new_task())
    await tasks.create(new_task(service_id=VEHICLE))
    assert tasks.task_ids(PERSON) == [TASK]
    await tasks.drop_tasks(PERSON)
    assert [view.record.task_id for view in tasks.search()] == ["t2"]
    assert bench.backlog.forgotten == [(TASK, False)]


async def test_credentials_of_a_stream_are_in_no_log(
    bench: Bench, tasks: TaskService, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await tasks.create(new_task(cabin_name="other", policy=RestartPolicy.NEVER))
        bench.runner.sightings[TASK] = Sighting(report=report(wrong=fault(FaultClass.AUTH)))
        await until(lambda: tasks.get(TASK).state is TaskState.ERROR)
        await tasks.delete(TASK, force=True)
    assert caplog.text
    assert "secret" not in caplog.text


def test_ids_are_short_and_plain() -> None:
    ids = {random_task_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(task_id) <= 16 and task_id.isalnum() for task_id in ids)


def huge(number: int) -> tuple[Rule, ...]:
    """Return a rule that no message to a worker can hold."""
    corners = (Point(0, 0), Point(0, 1), Point(1, 1))
    return (Rule(event_type="INTRUSION", areas=(Area(number, AreaType.POLYGON, corners),)),)


@pytest.mark.parametrize("number", [2**64, 10**30, -(2**63) - 1])
async def test_what_no_worker_can_be_told_is_never_stored(
    bench: Bench, tasks: TaskService, number: int
) -> None:
    with pytest.raises(BadValueError, match="cannot be given to a worker"):
        await tasks.create(replace(new_task(), rules=huge(number)))
    assert (bench.store.kept, bench.runner.running, tasks.search()) == ({}, {}, [])


async def test_a_task_keeps_what_it_does_when_no_worker_can_be_told_the_new_content(
    bench: Bench, tasks: TaskService
) -> None:
    view, _ = await tasks.create(new_task())
    with pytest.raises(BadValueError, match="cannot be given to a worker"):
        await tasks.create(replace(new_task(), rules=huge(10**30)))
    assert bench.store.kept == {TASK: view.record}


async def test_a_stored_task_that_no_worker_can_be_told_is_in_error_and_the_others_run() -> None:
    broken = record(replace(order("t1"), rules=huge(10**30)))
    bench = Bench(store=MemoryTaskStore(broken, record(order("t2"))))
    service = bench.service()
    async with service.running():
        view = service.get(TASK)
        assert (view.state, view.fault is not None) == (TaskState.ERROR, True)
        assert set(bench.runner.running) == {"t2"}
        with pytest.raises(BadValueError):
            await service.resume(TASK)
        await service.delete(TASK, force=False)
    assert set(bench.store.kept) == {"t2"}


async def test_an_unreadable_task_is_in_error_with_its_reason_and_can_be_deleted() -> None:
    bench = Bench(store=MemoryTaskStore(record(order("t2"))))
    bench.store.unreadable = [
        UnreadableTask(task_id=TASK, service_id=PERSON, stream_id=StreamId("s"), reason="no JSON")
    ]
    service = bench.service()
    async with service.running():
        view = service.get(TASK)
        assert (view.state, view.fault and view.fault.message) == (TaskState.ERROR, "no JSON")
        assert AlgoTask.from_view(view, ZoneInfo("UTC")).state is TaskState.ERROR
        with pytest.raises(BadValueError, match="delete it and order it again"):
            await service.resume(TASK)
        await service.delete(TASK, force=True)
        assert [found.record.task_id for found in service.search()] == ["t2"]


async def test_a_task_in_the_making_goes_with_its_service(bench: Bench, tasks: TaskService) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(tasks.create(new_task()))
        await asyncio.sleep(0)
        group.create_task(tasks.drop_tasks(PERSON))
    assert (tasks.search(), bench.store.kept) == ([], {})


async def test_an_order_that_waited_is_judged_when_its_turn_comes() -> None:
    bench = Bench()
    service = bench.service()
    async with service.running(), asyncio.TaskGroup() as group:
        bench.store.pause = asyncio.Event()
        group.create_task(service.create(new_task()))
        await asyncio.sleep(0)
        late = group.create_task(_refusal(service, new_task(url="rtsp://camera/2")))
        await asyncio.sleep(0)
        bench.algorithms.installed.clear()
        bench.store.pause.set()
    assert late.result() == 40401


async def _refusal(service: TaskService, new: NewTask) -> int:
    with pytest.raises(RefusedError) as refused:
        await service.create(new)
    return refused.value.code
