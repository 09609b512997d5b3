"""An upgrade is kept or rolled back by what is seen of it, on time that the tests turn."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.control.packages.pace import Pace
from cad.control.packages.trial import Trial, Verdict
from cad.domain.ids import TaskId
from cad.domain.packages import ServiceHealth, TaskHealth

TASK = TaskId("t1")
WATCH = 300.0


def health(
    received: int = 0, analysed: int = 0, *, analysing: bool = True, **rest: object
) -> ServiceHealth:
    task = TaskHealth(received, analysed, analysing, 8.0)
    return ServiceHealth(tasks={TASK: task}, **rest)  # type: ignore[arg-type]  # its fields


def tried(
    looks: Iterable[tuple[float, ServiceHealth]], start: ServiceHealth, former: Pace | None = None
) -> Trial:
    trial = Trial.begun(start, 0.0, WATCH, {TASK: former} if former else {})
    for now, seen in looks:
        trial = trial.observe(seen, now)
    return trial


def test_an_upgrade_that_gives_results_is_kept_when_the_watch_is_over() -> None:
    looks = [(float(t), health(10 * t, 5 * t)) for t in range(1, 301)]
    assert tried(looks[:-1], health()).verdict is Verdict.PENDING
    assert tried(looks, health()).verdict is Verdict.KEEP


def test_results_that_stop_while_pictures_arrive_roll_it_back() -> None:
    looks = [(float(t), health(100 + 10 * t, 50)) for t in range(1, 9)]
    trial = tried(looks, health(100, 50))
    assert (trial.verdict, tried(looks[:-1], health(100, 50)).verdict) == (
        Verdict.ROLL_BACK,
        Verdict.PENDING,
    )
    assert "pictures of task t1 have arrived for 8 s" in trial.reason


def test_a_camera_that_goes_silent_is_not_blamed_on_it() -> None:
    looks = [(float(t), health(100, 50, analysing=False)) for t in range(1, 301)]
    assert tried(looks, health(100, 50)).verdict is Verdict.KEEP


def test_a_task_without_results_before_is_not_blamed_on_it() -> None:
    looks = [(float(t), health(10 * t, 0, analysing=False)) for t in range(1, 301)]
    assert tried(looks, health(analysing=False)).verdict is Verdict.KEEP


def test_a_task_that_comes_later_counts_from_its_first_results() -> None:
    trial = Trial.begun(ServiceHealth(), 0.0, WATCH).observe(health(10, 5), 5.0)
    for second in range(6, 14):
        trial = trial.observe(health(10 * second, 5), float(second))
    assert trial.verdict is Verdict.ROLL_BACK


def test_a_trickle_of_results_while_the_task_does_not_run_rolls_it_back() -> None:
    looks = [(float(t), health(25 * t, t // 4, analysing=False)) for t in range(1, 301)]
    trial = tried(looks, health(analysing=False), Pace(25.0, 0.3))
    assert trial.verdict is Verdict.ROLL_BACK
    assert "arrived for 8 s" in trial.reason


def test_far_fewer_results_than_before_roll_it_back_with_the_numbers() -> None:
    looks = [(float(t), health(25 * t, 2 * t)) for t in range(1, 301)]
    trial = tried(looks, health(), Pace(25.0, 5.0))
    assert trial.verdict is Verdict.ROLL_BACK
    assert "are analysed at 2.0/s, on the former package at 5.0/s" in trial.reason


@pytest.mark.parametrize(
    ("received", "analysed"), [(25, 3), (10, 2)], ids=["a little slower", "slower camera"]
)
def test_somewhat_fewer_results_are_not_blamed_on_it(received: int, analysed: int) -> None:
    looks = [(float(t), health(received * t, analysed * t)) for t in range(1, 301)]
    assert tried(looks, health(), Pace(25.0, 5.0)).verdict is Verdict.KEEP


def test_a_slowdown_in_the_middle_of_the_watch_is_seen() -> None:
    looks = [(float(t), health(25 * t, 5 * min(t, 100) + max(t - 100, 0))) for t in range(1, 301)]
    assert tried(looks, health(), Pace(25.0, 5.0)).verdict is Verdict.ROLL_BACK


def test_a_pause_of_the_camera_is_not_counted() -> None:
    looks = [(1.0, health(1, 0)), (100.0, health(2, 0)), (101.0, health(3, 1))]
    assert tried(looks, health()).verdict is Verdict.PENDING


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (health(1, 1, fault="session lost"), "a worker does not serve it: session lost"),
        (health(1, 1, deaths=3), "1 analysis worker(s) ended while it was at work"),
    ],
)
def test_faults_and_deaths_roll_it_back_at_once(seen: ServiceHealth, reason: str) -> None:
    trial = tried([(1.0, seen)], health(deaths=2))
    assert (trial.verdict, trial.reason) == (Verdict.ROLL_BACK, reason)


looks = st.lists(
    st.tuples(
        st.floats(0.1, 20.0),
        st.integers(0, 3),
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from(["", "broken"]),
        st.integers(0, 1),
    ),
    max_size=40,
)


@given(looks)
def test_a_verdict_is_final_and_comes_in_time(
    steps: list[tuple[float, int, int, bool, str, int]],
) -> None:
    trial, now, received, analysed, deaths = Trial.begun(health(), 0.0, WATCH), 0.0, 0, 0, 0
    for seconds, arrived, done, analysing, fault, died in steps:
        now, received, analysed = now + seconds, received + arrived, analysed + done
        deaths += died
        before = trial
        seen = health(received, analysed, analysing=analysing, fault=fault, deaths=deaths)
        trial = trial.observe(seen, now)
        assert before.verdict is Verdict.PENDING or trial == before
        assert bool(trial.reason) == (trial.verdict is Verdict.ROLL_BACK)
        assert now < WATCH or trial.verdict is not Verdict.PENDING
