"""What the tasks on one lane make of its boxes, each for itself."""

import numpy as np

from cad.analysis.pipeline.service import Service
from cad.analysis.pipeline.watch import Watch
from cad.base.clock import SystemClock
from cad.domain.faults import Fault, FaultClass
from cad.domain.frames import Boxes
from cad.domain.ids import TaskId
from cad.domain.packages import ServiceSettings
from cad.domain.rules import Rule
from tests.analysis.pipeline.stand_ins import ShadeEngine, frame, order, person

A, B = TaskId("a"), TaskId("b")
FAULTS: dict[TaskId, Fault] = {}


def watch(settings: ServiceSettings | None = None) -> Watch:
    FAULTS.clear()
    service = Service(order(settings=settings), ShadeEngine())
    return Watch(service, FAULTS.__setitem__, SystemClock())


def rules(offset: float = 0.0, repeat: float | None = None) -> tuple[Rule, ...]:
    return (Rule(event_type="PRESENT", score_offset=offset, repeat=repeat),)


def boxes(score: float) -> Boxes:
    return np.array([person(320, 240, score)], np.float32)


def reports(watched: Watch, score: float, count: int = 3) -> list[TaskId]:
    found = [watched.see(frame(number), boxes(score)) for number in range(count)]
    return [finding.task_id for findings in found for finding in findings]


def test_each_task_reports_by_its_own_sensitivity() -> None:
    watched = watch(ServiceSettings(score_threshold=0.5))
    watched.set(A, rules(offset=0.15))
    watched.set(B, rules(offset=-0.15))
    assert reports(watched, 0.4) == [B]
    assert reports(watched, 0.9) == [A, B]


def test_the_engine_is_asked_for_what_the_most_sensitive_task_can_use() -> None:
    watched = watch(ServiceSettings(score_threshold=0.2))
    watched.set(A, rules())
    assert watched.threshold == 0.1
    watched.set(B, rules(offset=-0.15))
    assert np.isclose(watched.threshold, 0.05)
    watched.remove(B)
    assert watched.threshold == 0.1


def test_a_task_that_comes_or_goes_changes_nothing_for_the_others() -> None:
    alone, shared = watch(), watch()
    for watched in (alone, shared):
        watched.set(A, rules(repeat=0))
    found = []
    for number in range(6):
        if number == 2:
            shared.set(B, rules(offset=-0.15))
        if number == 4:
            shared.remove(B)
        found.append(
            [
                [each.hit for each in watched.see(frame(number), boxes(0.9)) if each.task_id == A]
                for watched in (alone, shared)
            ]
        )
    assert all(first == second for first, second in found)
    assert sum(len(first) for first, _ in found) == 5


def test_replaced_rules_begin_with_the_tracks_that_are_known() -> None:
    watched = watch()
    watched.set(A, rules())
    assert reports(watched, 0.9) == [A]
    watched.set(A, rules(repeat=1000))
    [finding] = watched.see(frame(3), boxes(0.9))
    assert finding.hit.tracks[0].track_id == 1


def test_a_hit_names_the_revision_of_the_rules_that_made_it() -> None:
    watched = watch()
    revisions = []
    for number in range(6):
        watched.set(A, rules(repeat=number // 3), number // 3)
        revisions += [finding.revision for finding in watched.see(frame(number), boxes(0.9))]
    assert set(revisions) == {0, 1}


def test_a_revision_of_the_same_rules_lets_stays_go_on() -> None:
    watched = watch()
    watched.set(A, rules(), 1)
    assert reports(watched, 0.9) == [A]
    watched.set(A, rules(), 2)
    assert watched.see(frame(3), boxes(0.9)) == []


def test_boxes_that_are_none_end_the_tasks_with_a_reason() -> None:
    watched = watch()
    watched.set(A, rules())
    watched.set(B, rules())
    assert watched.see(frame(0), np.zeros((1, 3), np.float32)) == []
    assert {fault.kind for fault in FAULTS.values()} == {FaultClass.ENGINE}
    assert all(fault.message.startswith("rules: IndexError") for fault in FAULTS.values())
    assert list(FAULTS) == [A, B]
    assert watched.see(frame(1), boxes(0.9)) == []


def test_classes_that_are_not_kept_are_not_reported() -> None:
    watched = watch(ServiceSettings(keep=("car",)))
    watched.set(A, rules())
    assert reports(watched, 0.9) == []


def test_another_model_with_the_same_classes_keeps_the_tracks() -> None:
    watched = watch()
    watched.set(A, rules())
    assert reports(watched, 0.9) == [A]
    watched.use(Service(order(), ShadeEngine()))
    assert watched.see(frame(3), boxes(0.9)) == []


def test_another_model_with_other_classes_begins_anew() -> None:
    watched = watch()
    watched.set(A, rules())
    assert reports(watched, 0.9) == [A]
    watched.use(Service(order(), ShadeEngine(labels=("head", "person"))))
    assert reports(watched, 0.9) == [A]
