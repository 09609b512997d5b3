"""What the tasks on a lane make of its boxes: tracks, and what their rules report of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from cad.analysis.pipeline.contain import Contained
from cad.analysis.pipeline.rules import Hit, RuleEvaluator
from cad.analysis.pipeline.service import Service
from cad.analysis.pipeline.tracking import Track, Tracker
from cad.base.clock import Clock
from cad.domain.faults import Fault
from cad.domain.frames import Boxes, Frame
from cad.domain.ids import TaskId
from cad.domain.rules import Rule

LOW_SCORE = 0.1
"""Boxes down to this score keep a known track alive where its target is half hidden."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit and the task whose rule made it."""

    task_id: TaskId
    revision: int
    """Of the task's order, to whose rules the hit belongs."""
    hit: Hit


@dataclass(frozen=True, slots=True)
class _Watcher:
    rules: tuple[Rule, ...]
    revision: int
    evaluator: RuleEvaluator
    tracker: Tracker


class Watch:
    """The tasks on one lane. Not synchronised: the lane lets one thread in at a time.

    Tasks whose rules begin at the same score share a tracker; so what a task sees never depends on
    which other tasks there are.
    """

    def __init__(
        self, service: Service, on_fault: Callable[[TaskId, Fault], None], clock: Clock
    ) -> None:
        self._service, self._on_fault, self._clock = service, on_fault, clock
        self._watchers: dict[TaskId, _Watcher] = {}
        self._trackers: dict[float, Tracker] = {}

    @property
    def threshold(self) -> float:
        """Lowest score of a box that any of the trackers can use."""
        return min([LOW_SCORE, *self._trackers])

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes of the boxes that it understands."""
        return self._service.labels

    def use(self, service: Service) -> None:
        """Take boxes of `service` from now on; tracks and rules go on if it reports alike."""
        is_alike = service.reporting == self._service.reporting
        self._service = service
        if not is_alike:
            self._trackers.clear()
            for task_id, watcher in list(self._watchers.items()):
                self._begin(task_id, watcher.rules, watcher.revision)

    def set(self, task_id: TaskId, rules: tuple[Rule, ...], revision: int = 0) -> None:
        """Add the task, or replace its rules; tracks go on. Rules that fail end the task.

        Stays go on as well if the rules are the same and only their `revision` is new.
        """
        known = self._watchers.get(task_id)
        if known is not None and known.rules == rules:
            self._watchers[task_id] = replace(known, revision=revision)
        else:
            self._begin(task_id, rules, revision)

    def _begin(self, task_id: TaskId, rules: tuple[Rule, ...], revision: int) -> None:
        service = self._service
        with Contained("rules", partial(self._end, task_id), self._clock):
            evaluator = RuleEvaluator(rules, *service.reporting)
            high = evaluator.lowest_threshold
            tracker = self._trackers.setdefault(high, Tracker(high, min(LOW_SCORE, high)))
            self._watchers[task_id] = _Watcher(rules, revision, evaluator, tracker)
        self._forget_unused_trackers()

    def remove(self, task_id: TaskId) -> None:
        """Forget the task; unknown is fine."""
        self._watchers.pop(task_id, None)
        self._forget_unused_trackers()

    def end_all(self, fault: Fault) -> None:
        """End every task with the same fault."""
        for task_id in list(self._watchers):
            self._end(task_id, fault)

    def see(self, frame: Frame, boxes: Boxes) -> list[Finding]:
        """Take the boxes of the next frame; return what the rules report.

        A task whose rules or tracker fail is removed and told to `on_fault`.
        """
        width, height = frame.picture.width, frame.picture.height
        tracks: dict[Tracker, list[Track]] = {}
        findings: list[Finding] = []
        for task_id, watcher in list(self._watchers.items()):
            with Contained("rules", partial(self._end, task_id), self._clock):
                if watcher.tracker not in tracks:
                    tracks[watcher.tracker] = watcher.tracker.update(boxes, frame.pts)
                hits = watcher.evaluator.update(tracks[watcher.tracker], width, height, frame.pts)
                findings += [Finding(task_id, watcher.revision, hit) for hit in hits]
        return findings

    def _end(self, task_id: TaskId, fault: Fault) -> None:
        self.remove(task_id)
        self._on_fault(task_id, fault)

    def _forget_unused_trackers(self) -> None:
        used = {watcher.tracker for watcher in self._watchers.values()}
        self._trackers = {high: each for high, each in self._trackers.items() if each in used}
