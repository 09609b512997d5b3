"""The state of a task follows from its results."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import ConflictError
from cad.control.tasks.machine import (
    HISTORY_LENGTH,
    LIVE,
    TRANSITIONS,
    Limits,
    Patience,
    Sighting,
    TaskEvent,
    TaskRun,
)
from cad.domain.faults import FaultClass
from cad.domain.tasks import RestartPolicy, TaskState
from tests.control.tasks.values import at, fault, report

LIMITS = Limits(silence=8.0, give_up=60.0)
ALL_STATES = list(TaskState)
COMMANDS = {TaskEvent.PAUSE, TaskEvent.RESUME, TaskEvent.RESTART}


def a_run(
    state: TaskState = TaskState.PENDING, policy: RestartPolicy = RestartPolicy.ALWAYS
) -> TaskRun:
    return TaskRun(state=state, policy=policy, seen=0.0)


def analysing(age: float = 0.1, received: int = 10) -> Sighting:
    return Sighting(report=report(age=age, received=received, analysed=received))


def failing(kind: FaultClass) -> Sighting:
    return Sighting(report=report(wrong=fault(kind)))


def test_every_live_state_knows_every_event_and_every_state_the_callers_commands() -> None:
    expected = set(itertools.product(LIVE, TaskEvent))
    expected |= set(itertools.product(set(TaskState) - LIVE, COMMANDS))
    expected -= {(TaskState.FINISHED, TaskEvent.PAUSE), (TaskState.ERROR, TaskEvent.PAUSE)}
    assert set(TRANSITIONS) == expected


@pytest.mark.parametrize("state", ALL_STATES)
def test_every_state_can_be_reached_and_left(state: TaskState) -> None:
    assert any(after is state for (before, _), after in TRANSITIONS.items() if before is not state)
    assert any(after is not state for (before, _), after in TRANSITIONS.items() if before is state)


@pytest.mark.row("CAP-37")
def test_a_task_runs_when_its_pictures_are_analysed() -> None:
    run = a_run().observe(analysing(), at(1), LIMITS)
    assert (run.state, run.fault) == (TaskState.RUNNING, None)


def test_a_stream_that_delivers_nothing_leaves_running_within_ten_seconds_with_its_reason() -> None:
    run = a_run().observe(analysing(received=10), at(0), LIMITS)
    for tick in range(1, 20):
        run = run.observe(analysing(age=0.1 + tick / 2), at(tick / 2), LIMITS)
    assert run.state is TaskState.PENDING
    assert run.fault is not None
    assert run.fault.kind is FaultClass.TIMEOUT
    assert "delivered no picture" in run.fault.message


def test_pictures_that_arrive_and_are_not_analysed_are_the_engines_fault() -> None:
    run = a_run().observe(Sighting(report=report(received=200)), at(9), LIMITS)
    assert run.fault is not None
    assert run.fault.kind is FaultClass.ENGINE
    assert "200 pictures arrived" in run.fault.message


def test_pictures_that_came_before_the_silence_do_not_make_it_the_engines() -> None:
    run = a_run().observe(analysing(received=10), at(0), LIMITS)
    for tick in range(1, 18):
        late = Sighting(report=report(age=0.1 + tick / 2, received=12, analysed=10))
        run = run.observe(late, at(tick / 2), LIMITS)
    assert run.fault is not None
    assert run.fault.kind is FaultClass.TIMEOUT


def test_a_task_that_never_had_a_report_waits_with_a_reason() -> None:
    run = a_run().observe(Sighting(), at(8), LIMITS)
    assert (run.state, run.fault and run.fault.kind) == (TaskState.PENDING, FaultClass.TIMEOUT)


def test_a_slow_task_is_not_silent_between_its_pictures() -> None:
    limits = LIMITS.at_rate(0.1)
    run = a_run().observe(analysing(age=9.9), at(30), limits)
    assert run.state is TaskState.RUNNING


@pytest.mark.parametrize("kind", [k for k in FaultClass if k.waiting_helps])
@pytest.mark.row("CAP-38")
def test_never_gives_up_after_a_minute_of_what_waiting_may_mend(kind: FaultClass) -> None:
    run = a_run(policy=RestartPolicy.NEVER)
    waiting = run.observe(failing(kind), at(1), LIMITS).observe(failing(kind), at(60), LIMITS)
    assert waiting.state is TaskState.PENDING
    assert waiting.observe(failing(kind), at(61), LIMITS).state is TaskState.ERROR


@pytest.mark.parametrize("kind", [k for k in FaultClass if not k.waiting_helps])
def test_never_gives_up_at_once_when_waiting_does_not_help(kind: FaultClass) -> None:
    run = a_run(policy=RestartPolicy.NEVER).observe(failing(kind), at(1), LIMITS)
    assert run.state is TaskState.ERROR
    assert run.fault is not None
    assert run.fault.kind is kind


@pytest.mark.parametrize("kind", list(FaultClass))
@pytest.mark.row("CAP-38")
def test_always_never_gives_up(kind: FaultClass) -> None:
    run = a_run()
    for seconds in range(0, 100_000, 500):
        run = run.observe(failing(kind), at(seconds), LIMITS)
    assert (run.state, run.fault and run.fault.kind) == (TaskState.PENDING, kind)


def test_a_result_ends_a_series_of_failures() -> None:
    run = a_run(policy=RestartPolicy.NEVER).observe(failing(FaultClass.TIMEOUT), at(1), LIMITS)
    run = run.observe(analysing(), at(50), LIMITS)
    assert run.observe(failing(FaultClass.TIMEOUT), at(70), LIMITS).state is TaskState.PENDING


def test_waiting_for_an_algorithm_to_load_is_no_failure() -> None:
    loading = Sighting(obstacle=fault(FaultClass.ENGINE), patience=Patience.ENDLESS)
    run = a_run(policy=RestartPolicy.NEVER)
    for seconds in range(0, 600, 5):
        run = run.observe(loading, at(seconds), LIMITS)
    assert run.state is TaskState.PENDING
    assert run.observe(Sighting(report=report()), at(600), LIMITS).failing_since is None


def test_a_held_algorithm_ends_even_a_task_that_always_restarts() -> None:
    held = Sighting(obstacle=fault(FaultClass.ENGINE), patience=Patience.NONE)
    assert a_run().observe(held, at(1), LIMITS).state is TaskState.ERROR


def test_the_end_of_a_recording_finishes_the_task() -> None:
    run = a_run(TaskState.RUNNING).observe(Sighting(report=report(finished=True)), at(1), LIMITS)
    assert run.state is TaskState.FINISHED


def test_a_fault_keeps_the_moment_it_began() -> None:
    run = a_run().observe(failing(FaultClass.TIMEOUT), at(1), LIMITS)
    later = Sighting(report=report(wrong=replace(fault(FaultClass.TIMEOUT), since=at(9).utc)))
    assert run.fault is not None
    assert run.observe(later, at(9), LIMITS).fault == run.fault


@pytest.mark.parametrize("state", [TaskState.PENDING, TaskState.RUNNING, TaskState.PAUSED])
def test_pause_is_idempotent(state: TaskState) -> None:
    once = a_run(state).pause(at(1))
    assert once.state is TaskState.PAUSED
    assert once.pause(at(2)) == once


@pytest.mark.parametrize("state", [TaskState.FINISHED, TaskState.ERROR])
def test_a_task_that_has_ended_cannot_be_paused(state: TaskState) -> None:
    with pytest.raises(ConflictError, match=state):
        a_run(state).pause(at(1))


@pytest.mark.parametrize("state", [TaskState.PAUSED, TaskState.FINISHED, TaskState.ERROR])
def test_resume_begins_again_and_is_idempotent(state: TaskState) -> None:
    once = a_run(state).resume(at(50))
    assert (once.state, once.seen) == (TaskState.PENDING, 50)
    assert once.resume(at(51)) == once


def test_a_running_task_is_resumed_without_effect() -> None:
    run = a_run(TaskState.RUNNING)
    assert run.resume(at(1)) == run


@pytest.mark.parametrize("state", [TaskState.PAUSED, TaskState.FINISHED, TaskState.ERROR])
def test_news_of_a_run_that_is_over_changes_nothing(state: TaskState) -> None:
    run = a_run(state)
    assert run.observe(analysing(), at(1), LIMITS) == run


def test_the_last_fifty_transitions_are_kept() -> None:
    run = a_run()
    for tick in range(100):
        run = run.observe(analysing() if tick % 2 else failing(FaultClass.AUTH), at(tick), LIMITS)
    assert len(run.history) == HISTORY_LENGTH
    last = run.history[-1]
    assert (last.before, last.after, last.at) == (TaskState.PENDING, TaskState.RUNNING, at(99).utc)


def test_looking_again_adds_nothing_to_the_history() -> None:
    run = a_run().observe(analysing(), at(1), LIMITS)
    assert run.observe(analysing(), at(2), LIMITS).history == run.history


sightings = st.builds(
    Sighting,
    report=st.none()
    | st.builds(
        report,
        received=st.integers(0, 100),
        age=st.none() | st.floats(0, 100),
        finished=st.booleans(),
        wrong=st.none() | st.builds(fault, st.sampled_from(FaultClass)),
    ),
    obstacle=st.none() | st.builds(fault, st.sampled_from(FaultClass)),
    patience=st.sampled_from(Patience),
)
steps = st.lists(sightings | st.sampled_from(sorted(COMMANDS)), max_size=40)


@given(st.sampled_from(RestartPolicy), steps, st.floats(0.1, 30))
@pytest.mark.row("CAP-37")
def test_no_course_of_things_breaks_what_a_state_means(
    policy: RestartPolicy, course: list[Sighting | TaskEvent], pace: float
) -> None:
    run = a_run(policy=policy)
    for tick, step in enumerate(course):
        before, run = run, take(run, step, tick * pace)
        if run.state is TaskState.RUNNING:
            assert run.fault is None
        if run.state is TaskState.RUNNING and isinstance(step, Sighting):
            assert tick * pace - run.seen < LIMITS.silence
        if run.state is TaskState.ERROR:
            assert run.fault is not None
        if before.state not in LIVE and isinstance(step, Sighting):
            assert run == before
    assert len(run.history) <= HISTORY_LENGTH


def take(run: TaskRun, step: Sighting | TaskEvent, seconds: float) -> TaskRun:
    if isinstance(step, Sighting):
        return run.observe(step, at(seconds), LIMITS)
    if step is TaskEvent.RESUME:
        return run.resume(at(seconds))
    if step is TaskEvent.RESTART:
        return run.restart(at(seconds))
    return run.pause(at(seconds)) if (run.state, step) in TRANSITIONS else run
