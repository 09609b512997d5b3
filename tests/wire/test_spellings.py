"""Which spelling of a path is tried."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.wire.spellings import Spellings


def packages() -> Spellings:
    return Spellings("/CAD/packages", ["/CAD/packages", "/CAD/algorithms"])


@pytest.mark.row("COM-05")
def test_each_spelling_is_tried_until_one_is_served() -> None:
    spellings = packages()
    assert spellings.of("/CAD/packages/a") == ("/CAD/packages/a", "/CAD/algorithms/a")
    spellings.prove("/CAD/algorithms/a")
    assert spellings.of("/CAD/packages:x") == ("/CAD/algorithms:x",)


def test_a_path_of_another_family_is_as_it_is() -> None:
    assert packages().of("/CAP/AlgoTasks") == ("/CAP/AlgoTasks",)


@given(st.text())
def test_any_path_has_a_spelling_and_the_first_is_the_likeliest(path: str) -> None:
    spellings = packages()
    spellings.prove(path)
    assert spellings.of("/CAD/packages" + path)[0].endswith(path)
