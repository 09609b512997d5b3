"""Results leave in the order in which their work was handed out."""

from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.order import Reorder


@given(st.integers(0, 30).flatmap(lambda size: st.permutations(range(size))))
def test_any_order_of_completion_comes_out_sorted(completed: list[int]) -> None:
    reorder: Reorder[int] = Reorder()
    out = [result for number in completed for result in reorder.put(number, number)]
    assert out == sorted(completed)


def test_a_result_waits_only_for_earlier_ones() -> None:
    reorder: Reorder[str] = Reorder()
    assert reorder.put(1, "second") == []
    assert reorder.put(0, "first") == ["first", "second"]
    assert reorder.put(2, "third") == ["third"]
