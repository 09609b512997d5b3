"""The worker obeys orders and reports what comes of them."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cad.analysis.pipeline.alarm import SNAPSHOT_LIMIT, UNACKNOWLEDGED_LIMIT
from cad.domain.faults import Fault, FaultClass
from cad.domain.ids import EventId, ServiceId, StreamId
from cad.domain.rules import Rule
from cad.domain.streams import StreamPhase
from cad.protocols.worker.messages import (
    EventStored,
    Hello,
    LoadService,
    MoveTasks,
    Report,
    ServiceFailed,
    ServiceLoaded,
    Shutdown,
    StartTask,
    StopTask,
    UnloadService,
)
from tests.analysis.pipeline.stand_ins import ShadeEngine, order, somebody
from tests.analysis.worker.conftest import CAMERA, THREADS, Play, task
from tests.waiting import until

EVERY_FRAME = (Rule(event_type="PRESENT", repeat=0.0),)


async def started(play: Play, *orders: StartTask, names: tuple[str, ...] = ("person",)) -> None:
    """Load the services and start tasks; return when the streams are open."""
    play.desk.send(*(LoadService(order(name)) for name in names), *orders)
    await until(lambda: len(play.desk.all(ServiceLoaded)) == len(names) and play.streams.sinks)


def analysed(play: Play, name: str = "task") -> int:
    report = play.desk.task(name)
    return 0 if report is None else report.frames.analysed


async def test_the_first_word_says_who_it_is_and_what_it_can(play: Play) -> None:
    await until(lambda: play.desk.news)
    hello = play.desk.news[0]
    assert isinstance(hello, Hello)
    assert (hello.providers, hello.threads) == (("CPUExecutionProvider",), 2)


async def test_an_idle_worker_reports(play: Play) -> None:
    report = await play.desk.first(Report)
    assert (report.streams, report.tasks, report.services) == ((), (), ())
    assert report.cpu_seconds > 0
    assert report.resident_bytes > 10_000_000


async def test_a_stream_that_only_a_new_process_can_read_is_reported(play: Play) -> None:
    play.streams.stranded_for = 12.5
    await until(lambda: play.desk.all(Report) and play.desk.all(Report)[-1].stranded == 12.5)


async def test_a_recording_is_analysed_to_its_end_and_then_finished(play: Play) -> None:
    await started(play, StartTask(task()))
    await play.streams.play_all(range(20))
    play.streams.set_state(phase=StreamPhase.ENDED)
    report = await play.desk.finished("task")
    assert (report.frames.received, report.frames.decoded) == (20, 20)
    assert (report.frames.analysed, report.frames.dropped) == (20, 0)
    assert len(play.desk.events) == 1
    assert play.streams.closed == ["stream"]


async def test_a_task_waits_for_its_service_with_its_stream_closed(play: Play) -> None:
    play.desk.send(StartTask(task()))
    await until(lambda: play.desk.task("task"))
    assert play.streams.opened == []
    play.desk.send(LoadService(order()))
    await until(lambda: play.streams.opened == ["stream"])


async def test_a_stream_is_opened_once_for_all_tasks_and_closed_with_the_last(play: Play) -> None:
    orders = (task("a"), task("b"), task("c", service_id=ServiceId("other")))
    await started(play, *map(StartTask, orders), names=("person", "other"))
    await until(lambda: len(play.desk.all(Report)[-1].tasks) == 3)
    await play.streams.play_all(range(5))
    await until(lambda: [analysed(play, name) for name in "abc"] == [5, 5, 5])
    play.desk.send(*(StopTask(each.task_id) for each in orders[:2]))
    await until(lambda: len(play.desk.all(Report)[-1].tasks) == 1)
    assert (play.streams.opened, play.streams.closed) == (["stream"], [])
    play.desk.send(StopTask(orders[2].task_id))
    await until(lambda: play.streams.closed == ["stream"])


async def test_a_task_that_joins_counts_from_its_own_start(play: Play) -> None:
    await started(play, StartTask(task("first")))
    await play.streams.play_all(range(10))
    await until(lambda: analysed(play, "first") == 10)
    play.desk.send(StartTask(task("second")))
    await until(lambda: play.desk.task("second"))
    await play.streams.play_all(range(10, 15))
    await until(lambda: analysed(play, "second") == 5)
    second = play.desk.task("second")
    assert second is not None
    assert (second.frames.received, second.frames.decoded) == (5, 5)


async def test_tasks_that_move_keep_their_stream_their_tracks_and_their_stays(play: Play) -> None:
    await started(play, StartTask(task("a")), StartTask(task("b")), names=("person", "next"))
    await play.streams.play_all(range(10))
    await until(lambda: [analysed(play, name) for name in "ab"] == [10, 10])
    play.desk.send(MoveTasks(ServiceId("person"), ServiceId("next")))
    play.desk.send(UnloadService(ServiceId("person")))
    old = play.shelf.engines[ServiceId("person")]
    assert isinstance(old, ShadeEngine)
    await until(lambda: old.closed)
    await play.streams.play_all(range(10, 20))
    await until(lambda: [analysed(play, name) for name in "ab"] == [20, 20])
    assert (play.streams.opened, play.streams.closed) == (["stream"], [])
    assert len(play.desk.events) == 2


async def test_tasks_that_move_join_those_that_are_there_with_the_stream_open(play: Play) -> None:
    there = task("there", service_id=ServiceId("next"))
    await started(play, StartTask(task()), StartTask(there), names=("person", "next"))
    await play.streams.play_all(range(5))
    await until(lambda: analysed(play) == 5)
    play.desk.send(MoveTasks(ServiceId("person"), ServiceId("next")), StopTask(there.task_id))
    await until(lambda: play.desk.task("there") is None)
    await play.streams.play_all(range(5, 10))
    await until(lambda: analysed(play) == 10)
    assert (play.streams.opened, play.streams.closed) == (["stream"], [])


async def test_tasks_that_move_to_what_is_not_loaded_wait_for_it(play: Play) -> None:
    await started(play, StartTask(task()))
    play.desk.send(MoveTasks(ServiceId("person"), ServiceId("next")))
    await until(lambda: play.streams.closed == ["stream"])
    play.desk.send(LoadService(order("next")))
    await until(lambda: play.streams.opened == ["stream", "stream"])


async def test_new_rules_replace_the_old_ones_without_touching_the_stream(play: Play) -> None:
    await started(play, StartTask(task()))
    await play.streams.play_all(range(5))
    await until(lambda: analysed(play) == 5)
    play.desk.send(StartTask(replace(task(), rules=EVERY_FRAME)))
    play.desk.send(EventStored(EventId("a later order, to know that the earlier was obeyed")))
    reports = len(play.desk.all(Report))
    await until(lambda: len(play.desk.all(Report)) > reports)
    await play.streams.play_all(range(5, 10))
    await until(lambda: len(play.desk.events) == 1 + 5)
    assert (play.streams.opened, play.streams.closed) == (["stream"], [])


async def test_another_source_makes_a_new_stream(play: Play) -> None:
    await started(play, StartTask(task()))
    play.desk.send(StartTask(task(stream_id=StreamId("other"))))
    await until(lambda: play.streams.opened == ["stream", "other"])
    assert play.streams.closed == ["stream"]


async def test_a_service_that_cannot_be_loaded_says_why(play: Play) -> None:
    play.shelf.engines[ServiceId("person")] = ValueError("no such model")
    play.desk.send(LoadService(order()), StartTask(task()))
    failed = await play.desk.first(ServiceFailed)
    assert failed.fault.message == "service person: ValueError: no such model"
    await until(lambda: (report := play.desk.task("task")) and report.fault == failed.fault)
    assert play.streams.opened == []


async def test_an_engine_that_fails_takes_its_tasks_with_it_until_it_is_loaded_again(
    play: Play,
) -> None:
    def fail(number: int) -> None:
        raise MemoryError

    play.shelf.engines[ServiceId("person")] = ShadeEngine(somebody, before=fail)
    await started(play, StartTask(task(source=CAMERA)))
    play.streams.play(0)
    failed = await play.desk.first(ServiceFailed)
    assert failed.fault.kind is FaultClass.ENGINE
    await until(lambda: play.streams.closed)
    play.shelf.engines[ServiceId("person")] = ShadeEngine(somebody)
    play.desk.send(LoadService(order()))
    await until(lambda: play.streams.opened == ["stream", "stream"])
    play.streams.play(1)
    await until(lambda: analysed(play) == 1)
    report = play.desk.task("task")
    assert report is not None
    assert report.fault is None


async def test_loading_a_service_again_keeps_its_streams_open(play: Play) -> None:
    await started(play, StartTask(task()))
    first = play.shelf.engines[ServiceId("person")]
    await play.streams.play_all(range(5))
    await until(lambda: analysed(play) == 5)
    play.shelf.engines[ServiceId("person")] = second = ShadeEngine(somebody)
    play.desk.send(LoadService(order()))
    await until(lambda: len(play.desk.all(ServiceLoaded)) == 2)
    await play.streams.play_all(range(5, 10))
    await until(lambda: analysed(play) == 10)
    assert isinstance(first, ShadeEngine)
    await until(lambda: first.closed)
    assert second.seen == list(range(5, 10))
    assert (play.streams.opened, play.streams.closed) == (["stream"], [])


async def test_an_unloaded_service_closes_its_engine(play: Play) -> None:
    await started(play, StartTask(task()))
    play.desk.send(UnloadService(ServiceId("person")))
    engine = play.shelf.engines[ServiceId("person")]
    assert isinstance(engine, ShadeEngine)
    await until(lambda: engine.closed)
    await until(lambda: play.streams.closed == ["stream"])


async def test_a_task_says_what_is_wrong_with_its_stream(play: Play) -> None:
    await started(play, StartTask(task(source=CAMERA)))
    fault = Fault(FaultClass.AUTH, "camera.example refuses", datetime(2026, 11, 22, tzinfo=UTC))
    play.streams.set_state(phase=StreamPhase.WAITING, fault=fault)
    await until(lambda: (report := play.desk.task("task")) and report.fault == fault)


async def test_events_that_are_not_stored_hold_back_frames_but_are_never_dropped(
    play: Play,
) -> None:
    play.desk.stores_events = False
    await started(play, StartTask(task(rules=EVERY_FRAME)))
    async with asyncio.TaskGroup() as group:
        group.create_task(play.streams.play_all(range(UNACKNOWLEDGED_LIMIT + 50)))
        await until(lambda: len(play.desk.events) >= UNACKNOWLEDGED_LIMIT)
        reports = len(play.desk.all(Report))
        await until(lambda: len(play.desk.all(Report)) > reports + 1)
        # The frames that are with the engines and the one that is being compressed come on top.
        most = UNACKNOWLEDGED_LIMIT + SNAPSHOT_LIMIT + THREADS + 1
        assert len(play.desk.events) <= most
        play.desk.store_all()
    await until(lambda: len(play.desk.events) == UNACKNOWLEDGED_LIMIT + 49)
    assert [each.event.pts for each in play.desk.events] == [
        number / 10 for number in range(1, UNACKNOWLEDGED_LIMIT + 50)
    ]


async def test_a_recording_is_not_finished_before_its_events_are_stored(play: Play) -> None:
    play.desk.stores_events = False
    await started(play, StartTask(task()))
    await play.streams.play_all(range(5))
    play.streams.set_state(phase=StreamPhase.ENDED)
    await until(lambda: analysed(play) == 5 and play.desk.events)
    reports = len(play.desk.all(Report))
    await until(lambda: len(play.desk.all(Report)) > reports)
    report = play.desk.task("task")
    assert report is not None
    assert not report.finished
    play.desk.store_all()
    await play.desk.finished("task")


@pytest.mark.parametrize("ask", ["shutdown", "signal"])
async def test_an_orderly_stop_waits_for_the_last_events(play: Play, ask: str) -> None:
    play.desk.stores_events = False
    await started(play, StartTask(task(rules=EVERY_FRAME)))
    await play.streams.play_all(range(5))
    await until(lambda: analysed(play) == 5)
    play.desk.send(Shutdown()) if ask == "shutdown" else play.worker.stop()
    await until(lambda: len(play.desk.events) == 4)
    assert not play.desk.closed.is_set()
    play.desk.store_all()
    await until(play.desk.closed.is_set)
    assert play.streams.sinks == {}
