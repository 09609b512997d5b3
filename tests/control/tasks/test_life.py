"""What follows from the orders to a worker process and from what it says."""

from collections.abc import Sequence

import pytest

from cad.control.tasks.assignment import Assignment
from cad.control.tasks.life import Life
from cad.control.tasks.machine import Patience
from cad.domain.faults import Fault, FaultClass
from cad.domain.tasks import TaskReport
from cad.protocols.worker.messages import LoadService, Order, Report, StartTask
from tests.control.tasks.values import (
    PERSON,
    TASK,
    TurnableClock,
    fault,
    order,
    report,
    service_order,
)

WORK = Assignment({PERSON: service_order()}, {TASK: order()})
BROKEN = fault(FaultClass.ENGINE, "the session is lost")


class Dialogue:
    """A life, the orders it sent, and the clock."""

    def __init__(self) -> None:
        self.sent: list[Order] = []
        self.clock = TurnableClock()
        self.life = Life(self.sent.append, self.clock)

    def says(self, *tasks: TaskReport) -> None:
        self.life.reported(
            Report(
                monotonic=0.0,
                streams=(),
                tasks=tasks,
                services=(),
                oldest_inference=0.0,
                cpu_seconds=0.0,
                resident_bytes=0,
            )
        )

    def wait(self, seconds: int) -> Sequence[Order]:
        """Let time pass, looking four times a second; return what was sent meanwhile."""
        before = len(self.sent)
        for _ in range(seconds * 4):
            self.clock.seconds += 0.25
            self.life.try_again()
        return self.sent[before:]


@pytest.fixture
def talk() -> Dialogue:
    talk = Dialogue()
    talk.life.give(WORK)
    return talk


def test_an_algorithm_that_loads_is_waited_for(talk: Dialogue) -> None:
    sight = talk.life.sighting(order())
    assert sight.obstacle is not None
    assert sight.patience is Patience.ENDLESS
    assert talk.life.busy == {PERSON}


def test_a_loaded_algorithm_leaves_the_word_to_the_tasks_report(talk: Dialogue) -> None:
    talk.life.loaded(PERSON, "CPUExecutionProvider")
    talk.says(report(age=0.5))
    talk.clock.seconds += 2.0
    assert talk.life.sighting(order()).report == report(age=2.5)
    assert talk.life.serves(service_order())
    assert not talk.life.serves(service_order(threshold=0.7))


def test_a_failed_load_is_repeated_with_growing_delays(talk: Dialogue) -> None:
    talk.life.failed(PERSON, BROKEN)
    assert talk.life.sighting(order()).obstacle == BROKEN
    assert talk.wait(3) == [LoadService(service_order())]
    assert 3 <= len(talk.wait(120)) <= 10
    talk.life.loaded(PERSON, "CPUExecutionProvider")
    assert talk.wait(120) == []


def test_a_task_that_broke_is_started_again_with_growing_delays(talk: Dialogue) -> None:
    talk.life.loaded(PERSON, "CPUExecutionProvider")
    talk.says(report(wrong=BROKEN))
    assert talk.wait(3) == [StartTask(order())]
    assert 3 <= len(talk.wait(120)) <= 10
    talk.says(report(age=0.1))
    assert talk.wait(120) == []


@pytest.mark.parametrize("kind", [kind for kind in FaultClass if kind is not FaultClass.ENGINE])
def test_the_faults_of_a_stream_are_the_workers_to_mend(talk: Dialogue, kind: FaultClass) -> None:
    talk.life.loaded(PERSON, "CPUExecutionProvider")
    talk.says(report(wrong=fault(kind)))
    assert talk.wait(120) == []


def test_reports_under_way_do_not_speak_for_a_new_run(talk: Dialogue) -> None:
    talk.life.loaded(PERSON, "CPUExecutionProvider")
    talk.says(report(finished=True))
    talk.life.give(Assignment(WORK.services, {}))
    talk.life.give(WORK)
    for _ in range(2):
        assert talk.life.is_settling(TASK)
        talk.says(report(finished=True))
        assert talk.life.sighting(order()).report is None
    talk.says(report())
    assert talk.life.sighting(order()).report == report()
    assert not talk.life.is_settling(TASK)


def test_what_is_said_of_unknown_algorithms_is_ignored(talk: Dialogue) -> None:
    talk.life.give(Assignment({}, {}))
    talk.life.loaded(PERSON, "CPUExecutionProvider")
    talk.life.failed(PERSON, BROKEN)
    unknown: Fault | None = talk.life.service_fault(PERSON)
    assert unknown is None
    assert talk.life.busy == frozenset()


def test_a_task_that_was_stopped_while_it_broke_begins_with_the_first_delay_again(
    talk: Dialogue,
) -> None:
    talk.life.loaded(PERSON, "CPUExecutionProvider")
    talk.says(report(wrong=BROKEN))
    talk.wait(120)
    talk.life.give(Assignment(WORK.services, {}))
    talk.life.give(WORK)
    for _ in range(3):
        talk.says(report(wrong=BROKEN))
    assert talk.wait(3) == [StartTask(order())]


def test_an_algorithm_that_left_while_it_failed_begins_with_the_first_delay_again(
    talk: Dialogue,
) -> None:
    talk.life.failed(PERSON, BROKEN)
    talk.wait(120)
    talk.life.give(Assignment({}, {}))
    talk.life.give(WORK)
    talk.life.failed(PERSON, BROKEN)
    assert talk.wait(3) == [LoadService(service_order())]
