"""Rules on what a real detector saw of real people, against counts made by eye."""

from collections import Counter
from collections.abc import Iterator

import pytest

from cad.analysis.pipeline.rules import Hit, RuleEvaluator
from cad.analysis.pipeline.tracking import Tracker
from cad.domain.rules import Area, AreaType, Direction, Point, Rule
from tests.analysis.pipeline.pedestrians import HEIGHT, PICTURES, RATE, WIDTH, detections

# Across the road on the right, from its far to its near edge. Counted in a slit picture of the
# column and by looking at the clip; among them one who turns back at once. A couple that walks
# along the line for six seconds does not cross it.
ACROSS_THE_ROAD = (Point(600, 150), Point(600, 420))
TO_THE_LEFT, TO_THE_RIGHT = 18, 16


def hits(rule: Rule, step: int) -> Iterator[Hit]:
    tracker, evaluator = Tracker(high=0.4), RuleEvaluator((rule,), 0.4, ("person",), ())
    pictures = detections()
    for number in range(0, PICTURES, step):
        tracks = tracker.update(pictures[number], number / RATE)
        yield from evaluator.update(tracks, WIDTH, HEIGHT, number / RATE)


@pytest.mark.parametrize("step", [1, 2], ids=["10 a second", "5 a second"])
def test_as_many_cross_the_road_as_counted_by_eye(step: int) -> None:
    area = Area(0, AreaType.SINGLE_LINE_BOTH, ACROSS_THE_ROAD, in_pixels=True)
    ways = Counter(hit.direction for hit in hits(Rule(event_type="L", areas=(area,)), step))
    # Seen along the line, which goes down, the left of the picture is on the right.
    assert ways == {Direction.LEFT_TO_RIGHT: TO_THE_LEFT, Direction.RIGHT_TO_LEFT: TO_THE_RIGHT}


def test_a_one_way_line_counts_those_of_its_way() -> None:
    area = Area(0, AreaType.SINGLE_LINE, ACROSS_THE_ROAD, in_pixels=True)
    assert len(list(hits(Rule(event_type="L", areas=(area,)), 2))) == TO_THE_LEFT
