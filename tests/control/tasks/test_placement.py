"""Streams keep their workers; new ones go where the least is to do."""

from hypothesis import given
from hypothesis import strategies as st

from cad.control.tasks.placement import place, plan_workers
from cad.domain.ids import StreamId
from cad.domain.tasks import TaskOrder
from tests.control.tasks.values import order

WORKERS = ["worker-1", "worker-2", "worker-3"]

orders = st.lists(
    st.builds(
        order,
        st.uuids().map(str),
        st.sampled_from([f"s{n}" for n in range(12)]),
        rate=st.sampled_from([0.0, 1.0, 5.0]),
    ),
    max_size=30,
)
seats = st.dictionaries(
    st.sampled_from([StreamId(f"s{n}") for n in range(12)]), st.sampled_from([*WORKERS, "gone"])
)


@given(orders, seats)
def test_every_stream_has_one_worker_that_exists(
    tasks: list[TaskOrder], old: dict[StreamId, str]
) -> None:
    placed = place(tasks, WORKERS, old)
    assert placed.keys() == {task.stream_id for task in tasks}
    assert set(placed.values()) <= set(WORKERS)


@given(orders, seats)
def test_no_stream_moves_while_its_worker_exists(
    tasks: list[TaskOrder], old: dict[StreamId, str]
) -> None:
    placed = place(tasks, WORKERS, old)
    moved = {s for s, w in placed.items() if old.get(s) in WORKERS and old[s] != w}
    assert not moved


@given(orders)
def test_placing_again_changes_nothing(tasks: list[TaskOrder]) -> None:
    placed = place(tasks, WORKERS, {})
    assert place(tasks, WORKERS, placed) == placed


@given(st.integers(1, 40), st.integers(1, 6))
def test_equal_streams_are_spread_evenly(streams: int, workers: int) -> None:
    names = [f"worker-{n}" for n in range(workers)]
    placed = place([order(f"t{n}", f"s{n}") for n in range(streams)], names, {})
    loads = [list(placed.values()).count(name) for name in names]
    assert max(loads) - min(loads) <= 1


def test_a_stream_of_every_frame_weighs_more_than_one_of_few() -> None:
    tasks = [order("t1", "s1", rate=0), order("t2", "s2"), order("t3", "s3")]
    placed = place(tasks, WORKERS[:2], {})
    assert placed == {"s1": "worker-1", "s2": "worker-2", "s3": "worker-2"}


def test_a_processor_only_machine_has_a_worker_for_two_cores() -> None:
    assert plan_workers(configured=0, cores=2) == (1, 2)
    assert plan_workers(configured=0, cores=1) == (1, 1)
    assert plan_workers(configured=0, cores=8) == (4, 2)
    assert plan_workers(configured=3, cores=8) == (3, 2)
    assert plan_workers(configured=0, cores=16, accelerators=2) == (2, 8)
