"""Which pictures need decoding."""

import pytest

from cad.analysis.ingest.cadence import Cadence


def watched(pattern: str, rate: float, pictures: int = 100) -> Cadence:
    """Return what was seen of a stream whose pictures are references where `pattern` has an R."""
    cadence = Cadence()
    for number in range(pictures):
        cadence.observe(number / rate, is_reference=pattern[number % len(pattern)] == "R")
    return cadence


def test_the_rate_is_measured() -> None:
    assert watched("R", 12.5).rate == pytest.approx(12.5)


def test_nothing_is_said_of_a_stream_hardly_seen() -> None:
    cadence = watched("Rb", 25, pictures=5)
    assert cadence.rate == 0
    assert not cadence.references_suffice(1)


@pytest.mark.parametrize(
    ("pattern", "wanted", "suffice"),
    [("Rb", 5, True), ("Rb", 12.5, True), ("Rb", 13, False), ("Rbbb", 5, True), ("Rbbb", 7, False)],
)
def test_references_suffice_when_dense_enough(pattern: str, wanted: float, suffice: bool) -> None:
    assert watched(pattern, 25).references_suffice(wanted) is suffice


def test_every_frame_wanted_means_every_frame_decoded() -> None:
    assert not watched("Rb", 25).references_suffice(0)


def test_without_others_there_is_nothing_to_leave_out() -> None:
    assert not watched("R", 25).references_suffice(1)


def test_one_long_gap_is_enough_to_decode_all() -> None:
    cadence = watched("Rb", 25, pictures=50)
    for number in range(20):
        cadence.observe(2 + number / 25, is_reference=False)
    assert not cadence.references_suffice(5)


def test_a_new_time_base_begins_anew() -> None:
    cadence = watched("R", 25)
    cadence.observe(90000, is_reference=True)
    assert cadence.rate == 0
