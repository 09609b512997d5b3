"""The inference threads: fair, in order, newest first for live streams, nothing lost of others."""

import threading
import time
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cad.analysis.pipeline.lane import Lane, WhenFull
from cad.analysis.pipeline.scheduler import Scheduler
from cad.domain.faults import FaultClass
from cad.domain.ids import TaskId
from tests.analysis.pipeline.conftest import Floor
from tests.analysis.pipeline.stand_ins import (
    ShadeEngine,
    Torn,
    frame,
    service,
    somebody,
    until,
)


class Gate:
    """Holds the engine until it is opened."""

    def __init__(self) -> None:
        self.entered, self._open = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, number: int) -> None:
        self.entered.release()
        assert self._open.acquire(timeout=10)

    def wait_for_call(self) -> None:
        assert self.entered.acquire(timeout=10)

    def let_pass(self, count: int = 1) -> None:
        self._open.release(count)


def has_begun(lane: Lane) -> bool:
    return lane.counts.analysed > 5


def offer_all(scheduler: Scheduler, lane: Lane, count: int) -> None:
    for number in range(count):
        scheduler.offer(lane, frame(number))


def test_a_live_lane_keeps_the_newest_frame_and_counts_the_others(floor: Floor) -> None:
    gate = Gate()
    engine = ShadeEngine(before=gate)
    scheduler = floor.scheduler()
    lane = floor.lane(scheduler, service(engine))
    scheduler.offer(lane, frame(0))
    gate.wait_for_call()
    pictures = [frame(number) for number in range(1, 6)]
    for each in pictures:
        scheduler.offer(lane, each)
    gate.let_pass(2)
    until(lambda: scheduler.is_idle(lane))
    assert engine.seen == [0, 5]
    assert (lane.counts.analysed, lane.counts.dropped) == (2, 4)
    assert [each.picture.conversions for each in pictures] == [0, 0, 0, 0, 1]  # type: ignore[attr-defined]


def test_a_recording_waits_for_a_place_and_loses_nothing(floor: Floor) -> None:
    gate = Gate()
    engine = ShadeEngine(before=gate)
    scheduler = floor.scheduler()
    lane = floor.lane(scheduler, service(engine), WhenFull.WAIT)
    reader = threading.Thread(target=offer_all, args=(scheduler, lane, 10))
    reader.start()
    gate.wait_for_call()
    assert reader.is_alive()
    gate.let_pass(10)
    reader.join(10)
    until(lambda: scheduler.is_idle(lane))
    assert engine.seen == list(range(10))
    assert (lane.counts.analysed, lane.counts.dropped) == (10, 0)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_rules_see_frames_in_order_whichever_thread_is_first(
    floor: Floor, delays: list[int]
) -> None:
    floor.found.clear()
    engine = ShadeEngine(somebody, before=lambda number: time.sleep(delays[number] / 1000))
    scheduler = floor.scheduler(threads=4)
    lane = floor.lane(scheduler, service(engine), WhenFull.WAIT, threads=4)
    for number in range(40):
        scheduler.offer(lane, frame(number))
    until(lambda: scheduler.is_idle(lane))
    assert [pts for pts, _ in floor.found] == [number / 10 for number in range(1, 40)]


def test_a_fast_stream_takes_nothing_from_slow_ones_nor_does_a_frozen_one(floor: Floor) -> None:
    engine = ShadeEngine()
    scheduler = floor.scheduler()
    model = service(engine)
    fast, frozen, *slow = [floor.lane(scheduler, model) for _ in range(5)]

    def bring_more(_: int) -> None:
        if len(engine.calls) < 60:
            scheduler.offer(fast, frame(0))
            for number in range(3 if len(engine.calls) % 4 == 0 else 0):
                scheduler.offer(slow[number], frame(1 + number))

    engine.before = bring_more
    scheduler.offer(fast, frame(0))
    until(lambda: len(engine.calls) >= 60 and scheduler.is_idle(fast))
    assert [lane.counts.dropped for lane in slow] == [0, 0, 0]
    assert all(lane.counts.analysed >= 13 for lane in slow)
    assert (fast.counts.analysed >= 13, frozen.counts.analysed) == (True, 0)


def test_waiting_streams_take_turns(floor: Floor) -> None:
    engine = ShadeEngine()
    scheduler = floor.scheduler()
    model = service(engine)
    floor.open_for_work = False
    lanes = [floor.lane(scheduler, model, WhenFull.WAIT, threads=4) for _ in range(3)]
    for number, lane in enumerate(lanes):
        for _ in range(4):
            scheduler.offer(lane, frame(number))
    floor.open_for_work = True
    scheduler.nudge()
    until(lambda: all(scheduler.is_idle(lane) for lane in lanes))
    assert engine.seen == [0, 1, 2] * 4


def test_an_engine_that_gains_from_batches_gets_frames_of_different_streams(floor: Floor) -> None:
    engine = ShadeEngine(provider="CUDAExecutionProvider", max_batch=3)
    scheduler = floor.scheduler()
    model = service(engine)
    floor.open_for_work = False
    lanes = [floor.lane(scheduler, model) for _ in range(4)]
    for number, lane in enumerate(lanes):
        scheduler.offer(lane, frame(number))
    floor.open_for_work = True
    scheduler.nudge()
    until(lambda: all(scheduler.is_idle(lane) for lane in lanes))
    assert engine.calls == [[0, 1, 2], [3]]


def test_an_engine_that_raises_ends_its_service_and_no_other(floor: Floor) -> None:
    def fail(number: int) -> None:
        raise MemoryError("session lost")

    scheduler = floor.scheduler()
    broken, sound = service(ShadeEngine(before=fail), "broken"), service(ShadeEngine(), "sound")
    broken_lane, sound_lane = floor.lane(scheduler, broken), floor.lane(scheduler, sound)
    scheduler.offer(broken_lane, frame(0))
    until(lambda: floor.failed_services)
    scheduler.offer(sound_lane, frame(1))
    scheduler.offer(broken_lane, frame(2))
    until(lambda: sound_lane.counts.analysed == 1)
    [(failed, fault)] = floor.failed_services
    assert failed is broken
    assert fault.kind is FaultClass.ENGINE
    assert fault.message == "service broken: MemoryError: session lost"
    assert broken_lane.counts.analysed == 0


def test_a_picture_that_cannot_be_scaled_ends_the_tasks_of_its_lane_only(floor: Floor) -> None:
    scheduler = floor.scheduler()
    model = service(ShadeEngine())
    torn = floor.lane(scheduler, model, task="torn")
    sound = floor.lane(scheduler, model, task="sound")
    scheduler.offer(torn, frame(0, picture=Torn(0)))
    scheduler.offer(sound, frame(1))
    until(lambda: sound.counts.analysed == 1)
    until(lambda: floor.failed_tasks)
    assert "no such pixel format" in floor.failed_tasks[TaskId("torn")].message
    assert list(floor.failed_tasks) == ["torn"]


@pytest.mark.parametrize("threads", [2, 3])
def test_a_heavy_service_leaves_a_thread_to_a_light_one(floor: Floor, threads: int) -> None:
    gate = Gate()
    scheduler = floor.scheduler(threads)
    heavy = ShadeEngine(before=gate)
    busy = floor.lane(scheduler, service(heavy, "heavy", seconds=0.4), WhenFull.WAIT, threads)
    light = floor.lane(scheduler, service(ShadeEngine(), "light"), WhenFull.WAIT)
    floor.stack.callback(gate.let_pass, 9)
    scheduler.offer(light, frame(0))
    offer_all(scheduler, busy, 4)
    for _ in range(threads - 1):
        gate.wait_for_call()
    offer_all(scheduler, light, 20)
    until(lambda: light.counts.analysed == 21)
    assert len(heavy.calls) == threads - 1


def test_a_heavy_service_has_all_threads_when_the_light_one_is_gone(floor: Floor) -> None:
    gate = Gate()
    scheduler = floor.scheduler(threads=2)
    heavy = service(ShadeEngine(before=gate), "heavy", seconds=0.4)
    busy = floor.lane(scheduler, heavy, WhenFull.WAIT, threads=2)
    light = floor.lane(scheduler, service(ShadeEngine(), "light"))
    floor.stack.callback(gate.let_pass, 9)
    scheduler.offer(light, frame(0))
    offer_all(scheduler, busy, 4)
    gate.wait_for_call()
    scheduler.remove(light)
    gate.let_pass()
    gate.wait_for_call()
    gate.wait_for_call()


def test_a_light_service_is_analysed_as_often_as_it_wants_beside_a_heavy_one(floor: Floor) -> None:
    scheduler = floor.scheduler(threads=2)
    slow = ShadeEngine(before=lambda number: time.sleep(0.24))
    fast = ShadeEngine(before=lambda number: time.sleep(0.006))
    busy = floor.lane(scheduler, service(slow, "heavy", 0.24), WhenFull.WAIT, threads=2)
    light = floor.lane(scheduler, service(fast, "light", 0.006), WhenFull.WAIT)
    scheduler.offer(light, frame(0))
    reader = threading.Thread(target=offer_all, args=(scheduler, busy, 8))
    reader.start()
    offer_all(scheduler, light, 60)
    until(lambda: light.counts.analysed == 61)
    assert busy.counts.analysed < 8
    reader.join(10)
    until(lambda: scheduler.is_idle(busy))


def test_removing_a_lane_lets_its_reader_go(floor: Floor) -> None:
    gate = Gate()
    scheduler = floor.scheduler()
    lane = floor.lane(scheduler, service(ShadeEngine(before=gate)), WhenFull.WAIT)
    floor.stack.callback(gate.let_pass, 10)
    reader = threading.Thread(target=offer_all, args=(scheduler, lane, 10))
    reader.start()
    gate.wait_for_call()
    scheduler.remove(lane)
    reader.join(10)
    assert not reader.is_alive()


def test_an_engine_is_closed_only_after_its_last_call(floor: Floor) -> None:
    gate = Gate()
    engine = ShadeEngine(before=gate)
    scheduler = floor.scheduler()
    model = service(engine)
    scheduler.offer(floor.lane(scheduler, model), frame(0))
    gate.wait_for_call()
    retiring = threading.Thread(target=scheduler.retire, args=(model,))
    retiring.start()
    assert not engine.closed
    gate.let_pass()
    retiring.join(10)
    assert engine.closed


def test_the_age_of_the_longest_call_is_known(floor: Floor) -> None:
    gate = Gate()
    scheduler = floor.scheduler()
    assert scheduler.oldest_call() == 0
    scheduler.offer(floor.lane(scheduler, service(ShadeEngine(before=gate))), frame(0))
    gate.wait_for_call()
    until(lambda: scheduler.oldest_call() > 0.01)
    gate.let_pass()
    until(lambda: scheduler.oldest_call() == 0)


def test_what_a_service_did_is_counted(floor: Floor) -> None:
    scheduler = floor.scheduler()
    model = service(ShadeEngine())
    lane = floor.lane(scheduler, model, WhenFull.WAIT, threads=4)
    for number in range(5):
        scheduler.offer(lane, frame(number))
    until(lambda: scheduler.is_idle(lane))
    assert (model.frames, model.batches, model.running) == (5, 5, 0)
    assert model.busy_seconds > 0


@pytest.mark.parametrize("when_full", list(WhenFull))
def test_nothing_starts_while_events_have_no_room(floor: Floor, when_full: WhenFull) -> None:
    engine = ShadeEngine()
    scheduler = floor.scheduler()
    lane = floor.lane(scheduler, service(engine), when_full)
    floor.open_for_work = False
    scheduler.offer(lane, frame(0))
    scheduler.offer(lane, frame(1))
    assert engine.seen == []
    floor.open_for_work = True
    scheduler.nudge()
    until(lambda: scheduler.is_idle(lane))
    assert engine.seen == ([1] if when_full is WhenFull.REPLACE else [0, 1])


def test_lanes_that_come_and_go_under_load_leave_nobody_waiting(floor: Floor) -> None:
    scheduler = floor.scheduler(threads=4)
    model = service(ShadeEngine(somebody))
    lanes = [floor.lane(scheduler, model, WhenFull.WAIT, threads=4) for _ in range(8)]
    readers = [threading.Thread(target=offer_all, args=(scheduler, lane, 100)) for lane in lanes]
    for reader in readers:
        reader.start()
    for lane in lanes[::2]:
        until(partial(has_begun, lane))
        scheduler.remove(lane)
        lanes.append(floor.lane(scheduler, model))
    for reader in readers:
        reader.join(10)
    until(lambda: all(scheduler.is_idle(lane) for lane in lanes))
    assert [lane.counts.analysed for lane in lanes[1:8:2]] == [100] * 4


def test_a_replaced_service_loses_no_frame_and_no_track(floor: Floor) -> None:
    gate = Gate()
    old, new = ShadeEngine(somebody, before=gate), ShadeEngine(somebody)
    scheduler = floor.scheduler(threads=2)
    first, second = service(old), service(new)
    lane = floor.lane(scheduler, first, WhenFull.WAIT, threads=2)
    for number in range(4):
        scheduler.offer(lane, frame(number))
    gate.wait_for_call()
    gate.wait_for_call()
    scheduler.replace(first, second)
    gate.let_pass(2)
    until(lambda: scheduler.is_idle(lane))
    assert (sorted(old.seen), new.seen) == ([0, 1], [2, 3])
    assert [pts for pts, _ in floor.found] == [0.1, 0.2, 0.3]


def test_a_replaced_service_that_fails_does_not_hold_up_its_successor(floor: Floor) -> None:
    def fail(number: int) -> None:
        gate(number)
        raise MemoryError

    gate = Gate()
    scheduler = floor.scheduler()
    first, second = service(ShadeEngine(before=fail)), service(ShadeEngine())
    lane = floor.lane(scheduler, first, WhenFull.WAIT)
    offer_all(scheduler, lane, 2)
    gate.wait_for_call()
    scheduler.replace(first, second)
    gate.let_pass()
    until(lambda: scheduler.is_idle(lane))
    assert (lane.counts.analysed, lane.counts.dropped) == (1, 1)
