"""Tracking what a real detector saw of real people."""

import random

import pytest

from cad.analysis.pipeline.tracking import Track, Tracker
from cad.domain.frames import Boxes
from tests.analysis.pipeline.pedestrians import RATE, detections

# Each passes behind the sign at the lamp post and is hidden by it, wholly or nearly. Labelled by
# looking at the pictures: picture number and a point on the person's chest, before and after.
BEHIND_THE_SIGN = {
    "white cap": (144, (505, 225), 162, (353, 207)),
    "dark coat": (266, (458, 206), 280, (373, 198)),
    "red jacket, someone crossing in front": (470, (470, 259), 486, (391, 241)),
    "dark jacket": (546, (442, 209), 560, (394, 197)),
}


@pytest.fixture(scope="module")
def recorded() -> list[Boxes]:
    return detections()


def followed(recorded: list[Boxes], numbers: list[int]) -> dict[int, list[Track]]:
    tracker = Tracker(high=0.4)
    return {number: tracker.update(recorded[number], number / RATE) for number in numbers}


def at(tracks: list[Track], point: tuple[int, int]) -> int:
    """Return the id of the one track whose box holds `point` nearest to its middle."""
    x, y = point
    holding = [t for t in tracks if t.box[0] < x < t.box[2] and t.box[1] < y < t.box[3]]
    nearest = min(holding, key=lambda t: abs(t.box[0] + t.box[2] - 2 * x))
    return nearest.track_id


@pytest.mark.parametrize("person", BEHIND_THE_SIGN)
@pytest.mark.parametrize("step", [1, 2], ids=["10 a second", "5 a second"])
def test_who_passes_behind_the_sign_keeps_the_id(
    recorded: list[Boxes], person: str, step: int
) -> None:
    before, place, after, other_place = BEHIND_THE_SIGN[person]
    seen = followed(recorded, list(range(0, 600, step)))
    assert at(seen[before], place) == at(seen[after], other_place)


@pytest.mark.parametrize("person", BEHIND_THE_SIGN)
@pytest.mark.parametrize("seed", range(3))
def test_lost_pictures_do_not_change_the_id(recorded: list[Boxes], person: str, seed: int) -> None:
    before, place, after, other_place = BEHIND_THE_SIGN[person]
    lost = set(random.Random(seed).sample(range(600), 150)) - {before, after}
    seen = followed(recorded, sorted(set(range(600)) - lost))
    assert at(seen[before], place) == at(seen[after], other_place)


def test_a_crowd_gets_few_more_ids_than_people(recorded: list[Boxes]) -> None:
    seen = followed(recorded, list(range(795)))
    assert len({track.track_id for tracks in seen.values() for track in tracks}) < 70
