"""The orders between two assignments lead from the one to the other."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from cad.control.tasks.assignment import NOTHING, Assignment, orders_between
from cad.domain.ids import ServiceId
from cad.domain.packages import ServiceOrder
from cad.domain.rules import Rule
from cad.domain.tasks import TaskOrder
from cad.protocols.worker.messages import (
    LoadService,
    MoveTasks,
    Order,
    StartTask,
    StopTask,
    UnloadService,
)
from tests.control.tasks.values import order, service_order

NAMES = [ServiceId("a"), ServiceId("b")]


@st.composite
def assignments(draw: st.DrawFn) -> Assignment:
    names = draw(st.sets(st.sampled_from(NAMES)))
    thresholds = st.sampled_from([0.3, 0.5])
    services = {name: service_order(name, draw(thresholds)) for name in sorted(names)}
    tasks = {}
    for task_id in draw(st.sets(st.sampled_from("123"))) if names else ():
        stream, name = draw(st.sampled_from(["s1", "s2"])), draw(st.sampled_from(sorted(names)))
        task = order(task_id, stream, service_id=name)
        tasks[task.task_id] = task
    return Assignment(services, tasks)


class StrictWorker:
    """What a worker has; an order that makes no sense to it fails the test."""

    def __init__(self) -> None:
        self.services: dict[str, ServiceOrder] = {}
        self.tasks: dict[str, TaskOrder] = {}

    def take(self, message: Order) -> None:
        match message:
            case LoadService(service=service):
                self.services[service.service_id] = service
            case UnloadService(service_id=name):
                assert name not in {task.service_id for task in self.tasks.values()}
                del self.services[name]
            case StartTask(task=task):
                assert task.service_id in self.services
                known = self.tasks.get(task.task_id, task)
                assert (known.stream_id, known.service_id) == (task.stream_id, task.service_id)
                self.tasks[task.task_id] = task
            case StopTask(task_id=task_id):
                del self.tasks[task_id]
            case MoveTasks(service_id=name, to=to):
                assert to in self.services
                moved = {k: t for k, t in self.tasks.items() if t.service_id == name}
                self.tasks |= {k: replace(t, service_id=to) for k, t in moved.items()}
            case _:
                raise AssertionError(message)


@given(st.lists(assignments(), min_size=1))
def test_orders_lead_a_worker_from_each_assignment_to_the_next(course: list[Assignment]) -> None:
    worker, given_before = StrictWorker(), NOTHING
    for wanted in course:
        for message in orders_between(given_before, wanted):
            worker.take(message)
        given_before = wanted
        assert (worker.services, worker.tasks) == (wanted.services, wanted.tasks)


@given(assignments())
def test_nothing_is_sent_when_nothing_changes(wanted: Assignment) -> None:
    assert orders_between(wanted, wanted) == []


def test_new_rules_alone_do_not_stop_the_task() -> None:
    before = order()
    after = replace(before, rules=(Rule(event_type="LINE_CROSSING"),))
    old, new = (Assignment({}, {task.task_id: task}) for task in (before, after))
    assert orders_between(old, new) == [StartTask(after)]


def test_tasks_move_when_only_their_algorithm_changes() -> None:
    services = {name: service_order(name) for name in NAMES}
    before = [order(name, service_id=NAMES[0]) for name in "12"]
    old = Assignment(services, {each.task_id: each for each in before})
    after = [replace(each, service_id=NAMES[1]) for each in before]
    new = Assignment(services, {each.task_id: each for each in after})
    assert orders_between(old, new) == [MoveTasks(NAMES[0], NAMES[1])]
    gone = Assignment({NAMES[1]: services[NAMES[1]]}, new.tasks)
    assert orders_between(old, gone) == [
        MoveTasks(NAMES[0], NAMES[1]),
        UnloadService(NAMES[0]),
    ]
