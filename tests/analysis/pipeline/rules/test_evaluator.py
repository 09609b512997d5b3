"""Rules over tracks: which objects, which areas, what is reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.pipeline.rules import Hit, RuleEvaluator
from cad.analysis.pipeline.tracking import LOST_SECONDS, Track
from cad.domain.rules import Area, AreaType, Direction, Point, Rule

LABELS = ("person", "car")
LEFT_HALF = Area(7, AreaType.POLYGON, (Point(0, 0), Point(0.5, 0), Point(0.5, 1), Point(0, 1)))
TOP_HALF = Area(8, AreaType.POLYGON, (Point(0, 0), Point(1, 0), Point(1, 0.5), Point(0, 0.5)))
UPWARD = (Point(0.5, 1), Point(0.5, 0))


def evaluator(*rules: Rule, keep: tuple[str, ...] = ()) -> RuleEvaluator:
    return RuleEvaluator(rules, 0.5, LABELS, keep)


def rule(*areas: Area, **kwargs: object) -> Rule:
    return Rule(event_type="E", areas=areas, **kwargs)  # type: ignore[arg-type]  # for brevity


def person(x: float, y: float = 50, *, track_id: int = 1, score: float = 0.9) -> Track:
    """Return a track whose foot point is at (x, y) of a picture of 100 × 100 pixels."""
    return Track(track_id, (x - 2, y - 20, x + 2, y), score, 0)


def walk(watching: RuleEvaluator, *xs: float) -> list[Hit]:
    """Lead a person along y = 50, one step a second."""
    return [
        hit
        for second, x in enumerate(xs)
        for hit in watching.update([person(x)], 100, 100, float(second))
    ]


def line(kind: AreaType, points: tuple[Point, ...] = UPWARD) -> Area:
    return Area(3, kind, points)


@pytest.mark.row("IO-10")
def test_who_enters_an_area_is_reported_with_it() -> None:
    (hit,) = walk(evaluator(rule(LEFT_HALF)), 80, 20, 20)
    assert hit == Hit(0, 7, None, (person(20),))


def test_without_areas_everyone_counts_once() -> None:
    watching = evaluator(rule())
    (hit,) = walk(watching, 80, 20, 80)
    assert (hit.area_id, hit.tracks) == (None, (person(80),))
    (hit,) = watching.update([person(80), person(10, track_id=2)], 100, 100, 3.0)
    assert hit.tracks == (person(10, track_id=2),)


def test_each_area_of_a_rule_counts_for_itself() -> None:
    hits = evaluator(rule(LEFT_HALF, TOP_HALF)).update([person(20, 30)], 100, 100, 0.0)
    assert [hit.area_id for hit in hits] == [7, 8]


def test_those_who_begin_to_count_together_share_a_hit_best_first() -> None:
    crowd = [person(20, score=0.6), person(30, track_id=2), person(80, track_id=3)]
    (hit,) = evaluator(rule(LEFT_HALF)).update(crowd, 100, 100, 0.0)
    assert [track.track_id for track in hit.tracks] == [2, 1]


@pytest.mark.parametrize(
    ("kind", "points", "ways"),
    [
        (AreaType.SINGLE_LINE, UPWARD, [Direction.LEFT_TO_RIGHT]),
        (AreaType.SINGLE_LINE, UPWARD[::-1], [Direction.LEFT_TO_RIGHT]),
        (AreaType.SINGLE_LINE_BOTH, UPWARD, [Direction.LEFT_TO_RIGHT, Direction.RIGHT_TO_LEFT]),
        (AreaType.MULTI_LINE, (*UPWARD, Point(0.4, 0)), [Direction.LEFT_TO_RIGHT]),
        (
            AreaType.MULTI_LINE_BOTH,
            (UPWARD[0], Point(0.5, 0.5), UPWARD[1]),
            [Direction.LEFT_TO_RIGHT, Direction.RIGHT_TO_LEFT],
        ),
    ],
)
@pytest.mark.row("IO-10", "CAP-26")
def test_lines_count_the_ways_of_their_type(
    kind: AreaType, points: tuple[Point, ...], ways: list[Direction]
) -> None:
    hits = walk(evaluator(rule(line(kind, points))), 20, 80, 20)
    assert [hit.direction for hit in hits] == ways


def test_a_one_way_line_turned_round_counts_the_other_walkers() -> None:
    (hit,) = walk(evaluator(rule(line(AreaType.SINGLE_LINE))), 20, 80, 20)
    (other,) = walk(evaluator(rule(line(AreaType.SINGLE_LINE, UPWARD[::-1]))), 20, 80, 20)
    assert (hit.tracks, other.tracks) == ((person(80),), (person(20),))


def test_two_who_cross_together_are_two_hits() -> None:
    watching = evaluator(rule(line(AreaType.SINGLE_LINE)))
    watching.update([person(20), person(30, track_id=2)], 100, 100, 0.0)
    hits = watching.update([person(80), person(70, track_id=2)], 100, 100, 1.0)
    assert [hit.tracks[0].track_id for hit in hits] == [1, 2]


@pytest.mark.row("IO-10")
def test_who_stands_in_a_mask_is_not_there() -> None:
    masked = rule(LEFT_HALF, line(AreaType.SINGLE_LINE_BOTH), masks=(TOP_HALF,))
    watching = evaluator(masked)
    for second, x in enumerate((80, 20, 80)):
        assert watching.update([person(x, 30)], 100, 100, float(second)) == []


def test_a_mask_ends_a_stay_in_the_whole_picture() -> None:
    watching = evaluator(rule(masks=(LEFT_HALF,)))
    assert len(walk(watching, 80, 20, 80)) == 2


def test_trembling_at_the_border_is_one_stay() -> None:
    assert len(walk(evaluator(rule(LEFT_HALF)), 49.8, 50.5, 49.8, 50.3, 49.5)) == 1


def test_duration_and_repeat_are_seconds() -> None:
    watching = evaluator(rule(LEFT_HALF, duration=2.0, repeat=3.0))
    times = [
        second for second in range(10) if watching.update([person(20)], 100, 100, float(second))
    ]
    assert times == [2, 5, 8]


def test_a_track_found_again_is_in_the_same_stay() -> None:
    watching = evaluator(rule(LEFT_HALF))
    assert watching.update([person(20)], 100, 100, 0.0)
    assert not watching.update([], 100, 100, 1.0)
    assert not watching.update([person(20)], 100, 100, LOST_SECONDS)


def test_what_is_known_of_an_ended_track_is_dropped() -> None:
    watching = evaluator(rule(LEFT_HALF))
    assert watching.update([person(20)], 100, 100, 0.0)
    for tick in range(1, round(LOST_SECONDS / 0.1) + 2):
        watching.update([], 100, 100, tick * 0.1)
    assert watching.update([person(20)], 100, 100, LOST_SECONDS + 0.2)


def test_a_stay_goes_on_between_pictures_that_come_seldom() -> None:
    watching = evaluator(rule(LEFT_HALF))
    seen = [watching.update([person(20)], 100, 100, 10.0 * number) for number in range(5)]
    assert [len(hits) for hits in seen] == [1, 0, 0, 0, 0]


def test_sensitivity_moves_the_threshold() -> None:
    watching = evaluator(rule(LEFT_HALF), rule(score_offset=-0.15), rule(score_offset=0.15))
    hits = watching.update([person(20, score=0.4)], 100, 100, 0.0)
    assert [hit.rule_index for hit in hits] == [1]
    assert watching.lowest_threshold == pytest.approx(0.35)
    assert evaluator().lowest_threshold == 0.5


def test_the_place_of_one_half_hidden_is_not_believed() -> None:
    watching = evaluator(rule(LEFT_HALF))
    watching.update([person(20)], 100, 100, 0.0)
    assert not watching.update([person(80, score=0.3)], 100, 100, 1.0)
    assert not watching.update([person(20)], 100, 100, 2.0)


@pytest.mark.parametrize(
    ("keep", "seen"), [((), {0, 1}), (("person",), {0}), (("car",), {1}), (("dog",), set())]
)
def test_only_kept_classes_count(keep: tuple[str, ...], seen: set[int]) -> None:
    tracks = [Track(n, (0, 0, 10, 10), 0.9, n) for n in (0, 1, 2)]
    hits = evaluator(rule(), keep=keep).update(tracks, 100, 100, 0.0)
    assert {track.label_index for hit in hits for track in hit.tracks} == seen


def test_another_picture_size_begins_anew_with_areas_that_fit() -> None:
    watching = evaluator(rule(LEFT_HALF))
    assert watching.update([person(80)], 100, 100, 0.0) == []
    assert watching.update([person(80)], 200, 100, 1.0)


def test_a_step_back_in_time_begins_anew() -> None:
    watching = evaluator(rule(LEFT_HALF))
    assert watching.update([person(20)], 100, 100, 5.0)
    assert watching.update([person(20)], 100, 100, 0.0)


xs = st.lists(st.integers(0, 100), min_size=1, max_size=20)


@given(xs, st.floats(0.25, 4))
def test_hits_do_not_depend_on_the_size_of_the_picture(places: list[int], scale: float) -> None:
    both = rule(LEFT_HALF, line(AreaType.SINGLE_LINE_BOTH))
    small, large, size = evaluator(both), evaluator(both), round(100 * scale) * 16
    for second, x in enumerate(places):
        box = person(x + 0.5).box
        big = Track(1, tuple(value * size / 100 for value in box), 0.9, 0)  # type: ignore[arg-type]  # four stay four
        few = small.update([person(x + 0.5)], 100, 100, float(second))
        many = large.update([big], size, size, float(second))
        assert [(h.area_id, h.direction) for h in few] == [(h.area_id, h.direction) for h in many]
