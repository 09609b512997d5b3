"""The rules of a task over the tracked objects of its stream."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cad.analysis.pipeline.rules.areas import foot, is_at_border, is_deep, margin, on_grid
from cad.analysis.pipeline.rules.passage import Passage
from cad.analysis.pipeline.rules.presence import Place, Presence
from cad.analysis.pipeline.tracking import Rhythm, Track
from cad.domain.geometry import contains
from cad.domain.rules import Area, Direction, Point, Rule


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that a rule reports."""

    rule_index: int
    area_id: int | None
    """None = the rule has no areas: the whole picture."""
    direction: Direction | None
    """Lines only."""
    tracks: tuple[Track, ...]
    """Polygon, whole picture: all that count now, best score first. Line: the one that crossed."""


@dataclass(slots=True)
class _Zone:
    """A polygon or the whole picture, with the stays in it."""

    area_id: int | None
    points: tuple[Point, ...] | None
    """None = the whole picture."""
    presences: dict[int, Presence] = field(default_factory=lambda: defaultdict(Presence))

    def place(self, point: Point, margin: float) -> Place:
        """Return where `point` is, masks left aside."""
        if self.points is None or contains(self.points, point):
            return Place.INSIDE
        return Place.EDGE if is_at_border(self.points, point, margin) else Place.OUTSIDE


@dataclass(slots=True)
class _Tripwire:
    """A line, with the ways over it."""

    area_id: int
    points: tuple[Point, ...]
    both_ways: bool
    passages: dict[int, Passage] = field(default_factory=lambda: defaultdict(Passage))

    def wants(self, direction: Direction) -> bool:
        """Whether passages in `direction` count (AM-110)."""
        return self.both_ways or direction is Direction.LEFT_TO_RIGHT


class _RuleState:
    """One rule on the grid of the picture, and what each object did with it."""

    def __init__(self, index: int, rule: Rule, width: int, height: int) -> None:
        self._index, self._rule = index, rule
        self._masks = [on_grid(mask, width, height) for mask in rule.masks]
        zones = [area for area in rule.areas if not area.kind.is_line]
        self._zones = [_Zone(area.area_id, on_grid(area, width, height)) for area in zones]
        if not rule.areas:
            self._zones.append(_Zone(None, None))
        lines = [area for area in rule.areas if area.kind.is_line]
        self._tripwires = [_tripwire(area, width, height) for area in lines]

    def observe(self, tracks: Sequence[Track], time: float) -> Iterator[Hit]:
        """Take the objects that this rule watches; yield what they did."""
        for zone in self._zones:
            counted = tuple(track for track in tracks if self._counts(zone, track, time))
            if counted:
                best_first = sorted(counted, key=lambda track: -track.score)
                yield Hit(self._index, zone.area_id, None, tuple(best_first))
        for tripwire in self._tripwires:
            for track in tracks:
                for direction in filter(tripwire.wants, self._passages(tripwire, track)):
                    yield Hit(self._index, tripwire.area_id, direction, (track,))

    def forget(self, track_ids: Iterable[int]) -> None:
        """Drop what is known of objects that have ended."""
        for track_id in track_ids:
            for zone in self._zones:
                zone.presences.pop(track_id, None)
            for tripwire in self._tripwires:
                tripwire.passages.pop(track_id, None)

    def _counts(self, zone: _Zone, track: Track, time: float) -> bool:
        point, reach = foot(track), margin(track)
        place = zone.place(point, reach)
        if any(is_deep(mask, point, reach) for mask in self._masks):
            place = Place.OUTSIDE
        elif place is Place.INSIDE and self._is_masked(point):
            place = Place.EDGE
        return zone.presences[track.track_id].observe(
            place, time, duration=self._rule.duration, repeat=self._rule.repeat
        )

    def _passages(self, tripwire: _Tripwire, track: Track) -> list[Direction]:
        passage, point = tripwire.passages[track.track_id], foot(track)
        if self._is_masked(point):
            passage.interrupt()
            return []
        return passage.observe(tripwire.points, point, margin(track))

    def _is_masked(self, point: Point) -> bool:
        return any(contains(mask, point) for mask in self._masks)


class RuleEvaluator:
    """Evaluates the rules of one task; called with each analysed picture of its stream."""

    def __init__(
        self,
        rules: tuple[Rule, ...],
        base_threshold: float,
        labels: tuple[str, ...],
        keep: tuple[str, ...],
    ) -> None:
        """Begin with nobody in the picture.

        Args:
            rules: the rules, in the order their indices refer to.
            base_threshold: score from which the package reports an object.
            labels: names of the classes in index order.
            keep: names of the classes that are watched; empty = all.
        """
        self._rules = rules
        self._thresholds = [base_threshold + rule.score_offset for rule in rules]
        self._base_threshold = base_threshold
        self._kept = {index for index, name in enumerate(labels) if not keep or name in keep}
        self._size = (0, 0)
        self._time = 0.0
        self._rhythm = Rhythm()
        self._seen: dict[int, float] = {}
        self._states: list[_RuleState] = []

    @property
    def lowest_threshold(self) -> float:
        """The score from which some rule has use for an object."""
        return min(self._thresholds, default=self._base_threshold)

    def update(self, tracks: list[Track], width: int, height: int, time: float) -> list[Hit]:
        """Take the objects seen in the next picture; return what the rules report.

        A rule looks at an object only while its score reaches the rule's threshold: the foot point
        of one half hidden is wrong. What was known of it is kept meanwhile.

        Args:
            tracks: what the tracker returned for the picture.
            width: of the picture in pixels. Another size than before begins anew.
            height: likewise.
            time: the time that was given to the tracker.
        """
        if (width, height) != self._size or time < self._time:
            self._begin(width, height)
        self._time = time
        self._note(tracks, time)
        watched = [track for track in tracks if track.label_index in self._kept]
        hits: list[Hit] = []
        for state, threshold in zip(self._states, self._thresholds, strict=True):
            seen = [track for track in watched if track.score >= threshold]
            hits.extend(state.observe(seen, time))
        return hits

    def _begin(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._seen = {}
        self._states = [
            _RuleState(index, rule, width, height) for index, rule in enumerate(self._rules)
        ]

    def _note(self, tracks: list[Track], time: float) -> None:
        """Note who was seen, and forget those whose tracks the tracker has ended by now."""
        self._rhythm.note(time)
        patience = self._rhythm.lost_seconds
        ended = [track_id for track_id, last in self._seen.items() if time - last > patience]
        for track_id in ended:
            del self._seen[track_id]
        for state in self._states:
            state.forget(ended)
        self._seen.update({track.track_id: time for track in tracks})


def _tripwire(area: Area, width: int, height: int) -> _Tripwire:
    return _Tripwire(area.area_id, on_grid(area, width, height), area.kind.both_ways)
