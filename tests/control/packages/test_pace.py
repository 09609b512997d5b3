"""The pace of tasks is what their counters say between two looks."""

from cad.control.packages.pace import Pace, is_slower, paces, total
from cad.domain.ids import TaskId
from cad.domain.packages import ServiceHealth, TaskHealth

TASK = TaskId("t1")


def look(
    received: int, analysed: int, *, asked: float = 5.0, running: bool = True
) -> ServiceHealth:
    return ServiceHealth(tasks={TASK: TaskHealth(received, analysed, running, 8.0, asked)})


def test_a_pace_is_counted_per_second_and_at_most_what_is_asked() -> None:
    assert paces(look(0, 0), look(50, 8), 2.0) == {TASK: Pace(25.0, 4.0)}
    assert total(paces(look(0, 0), look(50, 50), 2.0)) == 5.0


def test_a_task_that_does_not_run_or_began_anew_has_no_pace() -> None:
    assert paces(look(0, 0), look(50, 8, running=False), 2.0) == {}
    assert paces(look(60, 9), look(50, 8), 2.0) == {}
    assert paces(ServiceHealth(), look(50, 8), 2.0) == {}


def test_a_task_that_wants_every_picture_binds_nobody() -> None:
    assert total(paces(look(0, 0, asked=0), look(50, 50, asked=0), 2.0)) == 0


def test_half_of_the_former_pace_is_kept() -> None:
    assert is_slower(Pace(25.0, 2.4), Pace(25.0, 5.0))
    assert not is_slower(Pace(25.0, 2.5), Pace(25.0, 5.0))
    assert not is_slower(Pace(0.0, 0.0), Pace(25.0, 5.0))
    assert not is_slower(Pace(0.5, 0.0), Pace(0.5, 0.5))
