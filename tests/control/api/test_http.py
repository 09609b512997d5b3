"""Parameters from several places (AM-08)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import ContradictionError
from cad.control.api.http import merge


def test_equal_values_may_repeat_in_other_types() -> None:
    places: dict[str, dict[str, object]]
    places = {"path": {"id": "1"}, "query": {"id": "1", "force": "true"}, "body": {"force": True}}
    assert merge(places) == {"id": "1", "force": "true"}


@pytest.mark.row("COM-04")
def test_different_values_are_a_contradiction_that_names_both_places() -> None:
    with pytest.raises(ContradictionError, match="id: expected in the body what the path says"):
        merge({"path": {"id": "1"}, "query": {}, "body": {"id": "2"}})


@given(st.dictionaries(st.text(), st.integers()), st.dictionaries(st.text(), st.integers()))
def test_merging_keeps_every_member_or_says_which_one_contradicts(
    first: dict[str, int], second: dict[str, int]
) -> None:
    places = {"path": first, "body": second}
    contradicting = {name for name in first.keys() & second.keys() if first[name] != second[name]}
    if contradicting:
        with pytest.raises(ContradictionError) as refusal:
            merge(places)
        assert refusal.value.field in contradicting
    else:
        assert merge(places) == {**second, **first}
