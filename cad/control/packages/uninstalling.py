"""The steps by which an algorithm package is uninstalled (I.5)."""

import dataclasses
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cad.base.threads import WorkThread
from cad.control.packages.book import Book
from cad.control.packages.durable import remove
from cad.control.packages.layout import Layout
from cad.control.packages.ports import ServiceHost
from cad.control.packages.pushing import Actions
from cad.control.packages.succession import aliases, replaced_by
from cad.domain.ids import ServiceId
from cad.domain.packages import AlgoPackage, JournalEntry, Operation, Step

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uninstalling:
    """Carries out the steps; who calls them in which order is written in `plan`."""

    book: Book
    layout: Layout
    host: ServiceHost
    disk: WorkThread
    redirect: Callable[[], None]
    """Has all tasks run where the records say."""

    def actions(self) -> Actions:
        """Return what carries out each step."""
        return {
            (Operation.UNINSTALL, Step.WITHDRAW): self._withdraw,
            (Operation.UNINSTALL, Step.REMOVE): self._remove,
        }

    async def _withdraw(self, entry: JournalEntry) -> None:
        """Take it out of service; the tasks of a replaced one become those of its successor."""
        package = self._package(entry)
        self.redirect()
        packages = self.book.packages.values()
        if package.replaced_by is None:
            for code in (package.code, *replaced_by(package.code, packages)):
                await self.host.drop_tasks(code)
        else:
            await self.host.hand_over(package.code, aliases(packages, ())[package.code])
        await self.host.withdraw(package.code)

    async def _remove(self, entry: JournalEntry) -> None:
        package = self._package(entry)
        await self.disk.run(remove, self.layout.all_compiled(package.code))
        await self.book.apply(keep=list(self._orphans(package)), forget=[package, entry])
        self.redirect()
        logger.info("package %s is uninstalled", package.code)

    def _orphans(self, package: AlgoPackage) -> Iterator[AlgoPackage]:
        """Yield those it had replaced: replaced by its own successor now, or merely stopped."""
        for other in self.book.packages.values():
            if other.replaced_by == package.code:
                successor = package.replaced_by
                reason = f"{package.code}, which replaced it, was uninstalled"
                if successor is not None:
                    reason = f"replaced by {successor}, on which its tasks run"
                yield dataclasses.replace(other, replaced_by=successor, reason=reason)

    def _package(self, entry: JournalEntry) -> AlgoPackage:
        return self.book.packages[ServiceId(str(entry.subject))]
