"""The steps of each operation on packages, and what follows when one was cut off. Pure.

An operation has an entry in the journal from before its first step until the transaction that makes
its result the truth. Whatever is found on the disk or in the database without either is rubbish.
"""

import dataclasses
from collections.abc import Mapping
from enum import Enum, auto

from cad.domain.packages import JournalEntry, Operation, Step

STEPS: Mapping[Operation, tuple[Step, ...]] = {
    Operation.PUSH: (Step.DOWNLOAD, Step.UNPACK, Step.VERIFY, Step.LICENSE, Step.PUBLISH),
    Operation.LICENSE: (Step.LICENSE,),
    Operation.DELETE: (Step.REMOVE,),
    Operation.INSTALL: (Step.PREPARE, Step.SERVE, Step.COMMIT),
    Operation.UPGRADE: (Step.PREPARE, Step.SERVE, Step.SWITCH, Step.WATCH, Step.COMMIT),
    Operation.UNINSTALL: (Step.WITHDRAW, Step.REMOVE),
}

START_LIMIT = 3
"""An operation during which the device went down this often is undone, for it may be the cause."""

_RESUME_AT: Mapping[tuple[Operation, Step], Step] = {
    # What was unpacked but not yet published may be lost in part by a power cut.
    (Operation.PUSH, Step.VERIFY): Step.UNPACK,
    (Operation.PUSH, Step.LICENSE): Step.UNPACK,
    (Operation.PUSH, Step.PUBLISH): Step.UNPACK,
    # Workers keep nothing; what was prepared is found again and used.
    (Operation.INSTALL, Step.SERVE): Step.PREPARE,
    (Operation.INSTALL, Step.COMMIT): Step.PREPARE,
    (Operation.UPGRADE, Step.SERVE): Step.PREPARE,
    (Operation.UPGRADE, Step.SWITCH): Step.PREPARE,
    (Operation.UPGRADE, Step.WATCH): Step.PREPARE,
    (Operation.UPGRADE, Step.COMMIT): Step.PREPARE,
}


class Recovery(Enum):
    """What becomes of an operation that was cut off."""

    RESUME = auto()
    UNDO = auto()


def steps_from(entry: JournalEntry) -> tuple[Step, ...]:
    """Return the step of `entry` and those after it."""
    steps = STEPS[entry.operation]
    return steps[steps.index(entry.step) :]


def after_crash(entry: JournalEntry) -> tuple[Recovery, JournalEntry]:
    """Return whether to go on or to undo, and the entry to do it with.

    A removal always goes on, and so does a download, which harms nobody.
    """
    if entry.operation in {Operation.DELETE, Operation.UNINSTALL} or entry.step is Step.DOWNLOAD:
        return Recovery.RESUME, entry
    if entry.starts >= START_LIMIT:
        return Recovery.UNDO, entry
    step = _RESUME_AT.get((entry.operation, entry.step), entry.step)
    return Recovery.RESUME, dataclasses.replace(entry, step=step, starts=entry.starts + 1)


def after_orderly_stop(entry: JournalEntry) -> JournalEntry:
    """Return `entry` so that the start which follows does not count as one after a crash."""
    return dataclasses.replace(entry, starts=max(entry.starts - 1, 0))
