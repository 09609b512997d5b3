"""Stays in a polygon, and when they count."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.rules.presence import Place, Presence

PLACES = {"i": Place.INSIDE, "e": Place.EDGE, "o": Place.OUTSIDE}


def counted(places: str, *, duration: float = 0.0, repeat: float | None = None) -> str:
    """Return a mark for each second: X where the object counts."""
    presence = Presence()
    marks = [
        presence.observe(PLACES[place], float(second), duration=duration, repeat=repeat)
        for second, place in enumerate(places)
    ]
    return "".join("X" if mark else "." for mark in marks)


@pytest.mark.parametrize(
    ("places", "marks"),
    [
        ("oiiioo", ".X...."),
        ("iiooii", "X...X."),
        ("eeiiee", "..X..."),
        ("ieieie", "X....."),
        ("ieoiei", "X..X.."),
        ("oeoeoe", "......"),
    ],
)
def test_a_stay_counts_once(places: str, marks: str) -> None:
    assert counted(places) == marks


def test_a_stay_counts_when_it_has_lasted() -> None:
    assert counted("iiioiiiii", duration=3) == ".......X."


def test_a_stay_goes_on_at_the_edge() -> None:
    assert counted("iieeii", duration=3) == "...X.."


def test_a_stay_counts_again_after_the_interval() -> None:
    assert counted("iiiiiiii", duration=1, repeat=3) == ".X..X..X"


def test_the_interval_runs_on_while_the_object_is_away() -> None:
    assert counted("ioioiiii", repeat=4) == "X...X..."


@given(st.text("ieo", max_size=30), st.integers(0, 5), st.none() | st.integers(1, 5))
def test_it_never_counts_outside_or_too_early(
    places: str, duration: int, repeat: int | None
) -> None:
    marks = counted(places, duration=duration, repeat=repeat)
    hits = [second for second, mark in enumerate(marks) if mark == "X"]
    assert all("o" not in places[max(0, hit - duration) : hit + 1] for hit in hits)
    assert all(later - hit >= (repeat or 1) for hit, later in pairwise(hits))


@given(st.text("ieo", max_size=30))
def test_without_an_interval_each_stay_counts_once(places: str) -> None:
    stays = [stay for stay in places.split("o") if "i" in stay]
    assert counted(places).count("X") == len(stays)
