"""What a device must show after whatever befell it: a pure model of what was acknowledged.

For each thing the ledger keeps the set of states that it may be in. An acknowledged call leaves
one; a call whose answer was lost may have happened or not; a refused one changed nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Generic, NamedTuple, TypeVar

State = TypeVar("State")


class Outcome(Enum):
    """What the caller knows of a call."""

    DONE = auto()
    REFUSED = auto()
    LOST = auto()
    """No answer came."""


class Slot(NamedTuple):
    """A place for at most one task: the key by which orders are the same (AM-106)."""

    code: str
    url: str
    event_type: str


@dataclass(frozen=True)
class TaskShown:
    """A task as far as it is compared."""

    mark: str
    """A label that its last order had."""
    is_paused: bool = False


class Possible(Generic[State]):
    """The states that one thing may be in."""

    def __init__(self, *states: State) -> None:
        self.states = frozenset(states)

    def apply(self, change: Callable[[State], State], outcome: Outcome) -> None:
        """Take note of a call that turns each state into another."""
        changed = frozenset(change(state) for state in self.states)
        if outcome is Outcome.DONE:
            self.states = changed
        elif outcome is Outcome.LOST:
            self.states |= changed

    def observe(self, state: State) -> None:
        """Take note of what is seen; it must be possible."""
        assert state in self.states, f"{state} is seen, {set(self.states)} was acknowledged"
        self.states = frozenset([state])


@dataclass
class Ledger:
    """Every file package, algorithm package and task of a device."""

    files: dict[int, Possible[bool]]
    """Whether each is available."""
    packages: dict[str, Possible[bool]]
    """Whether each runs."""
    tasks: dict[Slot, Possible[TaskShown | None]]
    ids: dict[Slot, str] = field(default_factory=dict)
    """Of the tasks that were last seen or made."""

    @classmethod
    def empty(cls, numbers: Iterable[int], slots: Iterable[Slot]) -> "Ledger":
        """A device with nothing on it."""
        slots = list(slots)
        return cls(
            files={number: Possible(False) for number in numbers},
            packages={slot.code: Possible(False) for slot in slots},
            tasks={slot: Possible[TaskShown | None](None) for slot in slots},
        )

    def pushed(self, number: int, outcome: Outcome) -> None:
        self.files[number].apply(lambda _: True, outcome)

    def deleted_file(self, number: int, outcome: Outcome) -> None:
        self.files[number].apply(lambda _: False, outcome)

    def installed(self, code: str, outcome: Outcome) -> None:
        self.packages[code].apply(lambda _: True, outcome)

    def uninstalled(self, code: str, outcome: Outcome) -> None:
        """Its tasks go with it."""
        self.packages[code].apply(lambda _: False, outcome)
        for slot, task in self.tasks.items():
            if slot.code == code:
                task.apply(lambda _: None, outcome)

    def ordered(self, slot: Slot, mark: str, outcome: Outcome) -> None:
        """A task of the same key gets new content and stays paused if it was."""
        self.tasks[slot].apply(
            lambda task: replace(task, mark=mark) if task else TaskShown(mark), outcome
        )

    def switched(self, slot: Slot, outcome: Outcome, *, is_paused: bool) -> None:
        self.tasks[slot].apply(
            lambda task: replace(task, is_paused=is_paused) if task else None, outcome
        )

    def deleted_task(self, slot: Slot, outcome: Outcome) -> None:
        self.tasks[slot].apply(lambda _: None, outcome)

    def observe(
        self, files: set[int], packages: set[str], tasks: dict[Slot, tuple[str, TaskShown]]
    ) -> None:
        """Compare with what the device shows; from now on that is what is known."""
        for number, file in self.files.items():
            file.observe(number in files)
        for code, package in self.packages.items():
            package.observe(code in packages)
        assert not tasks.keys() - self.tasks.keys(), "a task that nobody ordered"
        for slot, task in self.tasks.items():
            task.observe(tasks[slot][1] if slot in tasks else None)
        self.ids = {slot: task_id for slot, (task_id, _) in tasks.items()}
