"""The steps by which an algorithm package takes the place of a running one, and the way back.

Until the commit the former package is served as before: the way back is to move its tasks again.
"""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cad.base.clock import Clock
from cad.base.errors import CadError
from cad.control.packages.book import Book, Subject
from cad.control.packages.fitness import refuse_blindness, refuse_overload
from cad.control.packages.installing import Installing
from cad.control.packages.pace import Paces, paces, total
from cad.control.packages.ports import ServiceHost
from cad.control.packages.pushing import Actions
from cad.control.packages.succession import ON_TRIAL, aliases, replaced_by
from cad.control.packages.trial import Trial, Verdict
from cad.domain.ids import ServiceId
from cad.domain.packages import (
    AlgoPackage,
    JournalEntry,
    Operation,
    OperationState,
    PackageState,
    ServiceHealth,
    Step,
)

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 0.5
PACE_SECONDS = 5.0
"""How long the pace of the tasks on the former package is measured."""


class UpgradeRejectedError(CadError):
    """The new package did not stand its trial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrading:
    """Carries out the steps; who calls them in which order is written in `plan`."""

    book: Book
    host: ServiceHost
    installing: Installing
    clock: Clock
    watch_seconds: float
    halt: Callable[[Subject], Awaitable[None]]
    """Ends whatever operation is under way with a package."""
    pace_seconds: float = PACE_SECONDS
    former_paces: dict[ServiceId, Paces] = field(default_factory=dict)
    """Of the tasks of each upgrade at work, as they were before its switch. A restart measures
    them again, for it goes back to a step before that."""

    def actions(self) -> Actions:
        """Return what carries out each step."""
        return {
            (Operation.UPGRADE, Step.PREPARE): self._prepare,
            (Operation.UPGRADE, Step.SERVE): self._serve,
            (Operation.UPGRADE, Step.SWITCH): self._switch,
            (Operation.UPGRADE, Step.WATCH): self._watch,
            (Operation.UPGRADE, Step.COMMIT): self._commit,
        }

    def redirect(self) -> None:
        """Have all tasks run where the records and the journal say."""
        self.host.redirect(aliases(self.book.packages.values(), self.book.entries.values()))

    async def give_up(self, entry: JournalEntry, reason: str) -> None:
        """Undo an upgrade: the tasks go back to the former package, which is still served."""
        self.former_paces.pop(ServiceId(str(entry.subject)), None)
        others = [other for other in self.book.entries.values() if other is not entry]
        self.host.redirect(aliases(self.book.packages.values(), others))
        how = "rolled back to" if entry.step in ON_TRIAL else "nothing changed for"
        await self.installing.give_up(entry, f"{how} {entry.replaces}: {reason}")

    async def _prepare(self, entry: JournalEntry) -> None:
        """Prepare it; raise UnfitError if it finds nothing and was not ordered by name."""
        await self.installing.prepare(entry)
        if not entry.is_named:
            new = self.book.packages[ServiceId(str(entry.subject))]
            refuse_blindness(new, self._former(entry))

    async def _serve(self, entry: JournalEntry) -> None:
        """Have it served beside the former one; raise UnfitError if that is all it can do."""
        await self.installing.serve(entry)
        new, former = self.book.packages[ServiceId(str(entry.subject))], self._former(entry)
        services = [former.code, *replaced_by(former.code, self.book.packages.values())]
        before, began = self.host.health(former.code, services), self.clock.monotonic()
        await asyncio.sleep(self.pace_seconds)
        after, seconds = self.host.health(former.code, services), self.clock.monotonic() - began
        found = paces(before, after, seconds)
        refuse_overload(new, former, total(found), len(os.sched_getaffinity(0)))
        self.former_paces[new.code] = found

    async def _switch(self, entry: JournalEntry) -> None:
        new = self.book.packages[ServiceId(str(entry.subject))]
        running = dataclasses.replace(new, state=PackageState.RUNNING, step=Step.SWITCH, reason="")
        await self.book.apply(keep=[running])
        self.redirect()
        logger.info("package %s takes over the tasks of %s, on trial", new.code, entry.replaces)

    async def _watch(self, entry: JournalEntry) -> None:
        """Watch what the new package gives; raise `UpgradeRejectedError` if it is to go."""
        new = self.book.packages[ServiceId(str(entry.subject))]
        self.book.show(dataclasses.replace(new, step=Step.WATCH))
        trial = Trial.begun(
            self._health(entry),
            self.clock.monotonic(),
            self.watch_seconds,
            self.former_paces.pop(new.code, {}),
        )
        while trial.verdict is Verdict.PENDING:
            await asyncio.sleep(LOOK_INTERVAL)
            trial = trial.observe(self._health(entry), self.clock.monotonic())
        if trial.verdict is Verdict.ROLL_BACK:
            raise UpgradeRejectedError(trial.reason)

    async def _commit(self, entry: JournalEntry) -> None:
        """Let the former go: out of memory, and an alias of the new one from now on."""
        new = self.book.packages[ServiceId(str(entry.subject))]
        former = self._former(entry)
        await self.halt(former.code)
        stale = self.book.entries.get(former.code)
        await self.book.apply(
            keep=[
                dataclasses.replace(
                    new,
                    state=PackageState.RUNNING,
                    operation=OperationState.DONE,
                    step="",
                    reason="",
                    replaced_by=None,
                ),
                dataclasses.replace(
                    former,
                    state=PackageState.STOPPED,
                    operation=OperationState.DONE,
                    step="",
                    reason=f"replaced by {new.code}, on which its tasks run",
                    replaced_by=new.code,
                ),
            ],
            forget=[entry] if stale is None else [entry, stale],
        )
        self.redirect()
        await self.host.withdraw(former.code)
        await self.installing.remove_unused(self.book.packages[new.code])
        logger.info("package %s has replaced %s", new.code, former.code)

    def _health(self, entry: JournalEntry) -> ServiceHealth:
        new = ServiceId(str(entry.subject))
        ends = aliases(self.book.packages.values(), self.book.entries.values())
        return self.host.health(new, [new, *(old for old, end in ends.items() if end == new)])

    def _former(self, entry: JournalEntry) -> AlgoPackage:
        if entry.replaces is None:
            raise LookupError(f"the upgrade to {entry.subject} replaces nothing")
        return self.book.packages[entry.replaces]
