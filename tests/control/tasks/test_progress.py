"""Counts go on over the replacement of a worker."""

from hypothesis import given
from hypothesis import strategies as st

from cad.control.tasks.progress import Progress
from tests.control.tasks.values import report


def test_counts_add_up_over_a_replaced_worker() -> None:
    progress = Progress().after(report(received=10, analysed=5), 0.0)
    progress = progress.after(report(received=2, analysed=1), 1.0)
    assert (progress.frames.received, progress.frames.analysed) == (12, 6)


def test_the_age_of_a_result_grows_when_nothing_is_reported() -> None:
    progress = Progress().after(report(age=0.5), 10.0).after(report(age=None), 11.0)
    assert progress.age_at(14.0) == 4.5


def test_without_a_result_there_is_no_age() -> None:
    assert Progress().age_at(5.0) is None


@given(st.lists(st.integers(0, 1000)))
def test_counts_never_fall(received: list[int]) -> None:
    progress, last = Progress(), 0
    for count in received:
        progress = progress.after(report(received=count), 0.0)
        assert progress.frames.received >= last
        last = progress.frames.received
