"""Orders about algorithm packages (I.4, I.5): what is acceptable, and which operation it begins."""

import dataclasses
import logging
from dataclasses import dataclass, field

from cad.base.clock import Clock
from cad.base.errors import BadValueError, ConflictError, NotFoundError
from cad.control.packages.arguments import parse_args
from cad.control.packages.book import Book
from cad.control.packages.jobs import Jobs
from cad.control.packages.ports import ServiceHost
from cad.control.packages.succession import predecessor, replaced_by
from cad.control.packages.upgrading import Upgrading
from cad.domain.accelerators import capacities_on, find_accelerator
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.packages import (
    AlgoPackage,
    AlgorithmManifest,
    FilePackageState,
    JournalEntry,
    Operation,
    OperationState,
    PackageState,
    ServiceSettings,
    Step,
)

logger = logging.getLogger(__name__)

FIELD = "algoPackageCode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithms:
    """Takes orders; the caller lets in one at a time."""

    book: Book
    jobs: Jobs
    host: ServiceHost
    upgrading: Upgrading
    clock: Clock
    strict: bool
    leaving: set[ServiceId] = field(default_factory=set)
    """About to be removed: no task may slip in between the look for tasks and the journal."""

    def package(self, code: str) -> AlgoPackage:
        """Return one algorithm package, or raise NotFoundError (I.7)."""
        package = self.book.packages.get(ServiceId(code))
        if package is None:
            raise NotFoundError("expected an installed algorithm package", field=FIELD, given=code)
        return package

    async def install(self, code: ServiceId, args: str, replaces: str) -> None:
        """Begin an installation, or an upgrade of what it is the next version of (I.4)."""
        current = self.book.packages.get(code)
        if current is not None and current.replaced_by is not None and not replaces:
            if current.args != args:
                raise _was_replaced(current)
            return
        former = self._former(self._offer(code)[1], replaces)
        replaced = None if former is None else former.code
        await self._begin(code, args, replaced, is_named=bool(replaces))

    async def start(self, code: str) -> None:
        """Begin to run what is installed; nothing is replaced by that."""
        package = self.package(code)
        if package.replaced_by is not None:
            raise _was_replaced(package)
        await self._begin(package.code, package.args, None)

    async def stop(self, code: str) -> None:
        """Stop running a package; one that is stopped stays as it is."""
        package = self.package(code)
        self._refuse_on_trial(package.code)
        if package.operation is OperationState.WORKING:
            raise ConflictError(
                f"expected a package at rest; it is in step {package.step}", field=FIELD, given=code
            )
        if package.state is PackageState.STOPPED:
            return
        stopped = dataclasses.replace(
            package, state=PackageState.STOPPED, reason="stopped on request"
        )
        await self.book.apply(keep=[stopped])
        await self.host.withdraw(package.code)

    async def uninstall(self, code: str, *, force: bool) -> None:
        """Remove a package; with `force` together with the tasks that run on it."""
        package = self.package(code)
        self._refuse_on_trial(package.code)
        self.leaving.add(package.code)
        try:
            await self._begin_removal(package, force=force)
        finally:
            self.leaving.discard(package.code)
        await self.jobs.finish(package.code)

    def refuse_tasks(self, package: AlgoPackage) -> None:
        """Raise ConflictError if `package` takes no new tasks."""
        entry = self.book.entries.get(package.code)
        is_removed = entry is not None and entry.operation is Operation.UNINSTALL
        if is_removed or package.code in self.leaving:
            raise ConflictError(
                "expected a package that is not being removed",
                field="algoServiceId",
                given=package.code,
            )
        if package.prepared is None and package.operation is not OperationState.WORKING:
            raise ConflictError(
                f"expected an installed package; this one is {package.state}, its installation "
                f"{package.operation} at {package.step or 'its begin'}: {package.reason}",
                field="algoServiceId",
                given=package.code,
            )

    async def _begin_removal(self, package: AlgoPackage, *, force: bool) -> None:
        tasks = self._task_ids(package)
        if tasks and not force:
            raise ConflictError(
                f"expected a package without tasks; {len(tasks)} use it: " + ", ".join(tasks[:5]),
                field=FIELD,
                given=package.code,
            )
        await self.jobs.cancel(package.code)
        leaving = dataclasses.replace(package, operation=OperationState.WORKING)
        await self.jobs.begin(
            JournalEntry(operation=Operation.UNINSTALL, subject=package.code, step=Step.WITHDRAW),
            leaving,
        )

    async def run_again(self, package: AlgoPackage) -> None:
        """Have a package that was running before a restart served again."""
        working = dataclasses.replace(package, operation=OperationState.WORKING, step=Step.PREPARE)
        await self.jobs.begin(_install_entry(package), working)

    async def prepare_again(self, package: AlgoPackage) -> None:
        """Have a package prepared anew and served as that; it is served as it was meanwhile."""
        working = dataclasses.replace(
            package, operation=OperationState.WORKING, step=Step.PREPARE, prepared=None
        )
        await self.jobs.begin(_install_entry(package), working)

    async def _begin(
        self, code: ServiceId, args: str, replaces: ServiceId | None, *, is_named: bool = False
    ) -> None:
        number, manifest = self._offer(code)
        settings = self._settings(code, args, manifest)
        self._refuse_leaving(code)
        if self._is_as_ordered(code, settings, replaces):
            return
        self._refuse_on_trial(code)
        await self.jobs.cancel(code)
        previous = self._previous(code)
        package = AlgoPackage(
            code=code,
            file_package_id=number,
            manifest=manifest,
            state=previous.state if previous else PackageState.STOPPED,
            operation=OperationState.WORKING,
            step=Step.PREPARE,
            args=args,
            settings=settings,
            prepared=previous.prepared if previous else None,
            replaced_by=previous.replaced_by if previous else None,
            created_at=previous.created_at if previous else self.clock.now(),
        )
        entry = JournalEntry(
            operation=Operation.INSTALL if replaces is None else Operation.UPGRADE,
            subject=code,
            step=Step.PREPARE,
            previous=previous,
            replaces=replaces,
            is_named=is_named,
        )
        await self.jobs.begin(entry, package)
        # An upgrade on trial that begins anew has no tasks until it switches again.
        self.upgrading.redirect()

    def _is_as_ordered(
        self, code: ServiceId, settings: ServiceSettings, replaces: ServiceId | None
    ) -> bool:
        """Return whether nothing needs to be done: it runs, or is on its way to (AM-21)."""
        current = self.book.packages.get(code)
        if current is None or current.settings != settings:
            return False
        if current.operation is OperationState.WORKING:
            entry = self.book.entries.get(code)
            return replaces is None or (entry is not None and entry.replaces == replaces)
        is_running = current.state is PackageState.RUNNING
        return replaces is None and is_running and current.operation is OperationState.DONE

    def _settings(self, code: ServiceId, args: str, manifest: AlgorithmManifest) -> ServiceSettings:
        settings, ignored = parse_args(args, manifest.model.labels, strict=self.strict)
        if ignored:
            logger.warning("package %s: args without meaning: %s", code, ", ".join(ignored))
        self._check_card(settings.xpu_type, manifest)
        return settings

    def _check_card(self, card: str, manifest: AlgorithmManifest) -> None:
        """Refuse, or report if not strict, a card on which the package is not said to run."""
        if card and find_accelerator(card) is None:
            logger.info("package %s: card %s is not known and passes through", manifest.code, card)
        cards = [f"{entry.vendor} {entry.accelerator}" for entry in manifest.capacities]
        if not card or not cards or capacities_on(card, manifest.capacities):
            return
        expected = f"expected one of the cards of its manifest: {', '.join(cards)}"
        error = BadValueError(expected, field="args.xpuType", given=card)
        if self.strict:
            raise error
        logger.warning("package %s: %s", manifest.code, error)

    def _offer(self, code: ServiceId) -> tuple[FilePackageId, AlgorithmManifest]:
        """Return where `code` comes from: what it was installed from, else the latest push."""
        current = self.book.packages.get(code)
        origin = current.file_package_id if current else None
        offers = [
            (package, algorithm)
            for package in self.book.files.values()
            if package.state is FilePackageState.AVAILABLE
            for algorithm in package.algorithms
            if algorithm.code == code
        ]
        if not offers:
            raise NotFoundError(
                "expected an algorithm package of an available file package",
                field=FIELD,
                given=code,
            )
        package, algorithm = max(
            offers, key=lambda offer: (offer[0].file_package_id == origin, offer[0].created_at)
        )
        return package.file_package_id, algorithm

    def _former(self, manifest: AlgorithmManifest, replaces: str) -> AlgoPackage | None:
        """Return the running package that `manifest` is to replace, None if there is none."""
        if replaces:
            named = self._replaceable(manifest.code, replaces)
            return None if named.replaced_by == manifest.code else named
        former = predecessor(manifest, self.book.packages.values())
        if former is not None:
            self._refuse_upgrading(manifest.code, former.code)
        return former

    def _replaceable(self, code: ServiceId, replaces: str) -> AlgoPackage:
        """Return the package that the extension member `replaces` names."""
        former = self.book.packages.get(ServiceId(replaces))
        if former is None:
            raise NotFoundError(
                "expected an installed algorithm package", field="replaces", given=replaces
            )
        if former.code == code:
            raise ConflictError("expected another package", field="replaces", given=replaces)
        self._refuse_leaving(former.code)
        self._refuse_upgrading(code, former.code)
        if former.state is not PackageState.RUNNING and former.replaced_by != code:
            raise ConflictError("expected a running package", field="replaces", given=replaces)
        return former

    def _previous(self, code: ServiceId) -> AlgoPackage | None:
        """Return what undoing an installation of `code` brings back."""
        entry = self.book.entries.get(code)
        if entry is not None and entry.operation in {Operation.INSTALL, Operation.UPGRADE}:
            return entry.previous
        current = self.book.packages.get(code)
        return current if current and current.prepared else None

    def _task_ids(self, package: AlgoPackage) -> list[str]:
        """Return the live tasks that end with the package; those of a replaced one go on."""
        if package.replaced_by is not None:
            return []
        codes = [package.code, *replaced_by(package.code, self.book.packages.values())]
        return [task_id for code in codes for task_id in self.host.task_ids(code)]

    def _refuse_leaving(self, code: ServiceId) -> None:
        entry = self.book.entries.get(code)
        if entry is not None and entry.operation is Operation.UNINSTALL:
            raise ConflictError(
                "expected a package that is not being removed", field=FIELD, given=code
            )

    def _refuse_on_trial(self, code: ServiceId) -> None:
        """Refuse to touch what an upgrade under way may go back to."""
        for entry in self.book.entries.values():
            if entry.operation is Operation.UPGRADE and entry.replaces == code:
                raise ConflictError(
                    f"expected a package at rest; {entry.subject} is replacing it "
                    f"(step {entry.step}); uninstall that one to end the upgrade",
                    field=FIELD,
                    given=code,
                )

    def _refuse_upgrading(self, code: ServiceId, former: ServiceId) -> None:
        """Refuse a second upgrade of, or upon, one that is under way."""
        for entry in self.book.entries.values():
            if (
                entry.operation is Operation.UPGRADE
                and entry.subject != code
                and former in {entry.replaces, entry.subject}
            ):
                raise ConflictError(
                    f"expected no upgrade under way; {entry.subject} is replacing "
                    f"{entry.replaces} (step {entry.step})",
                    field=FIELD,
                    given=code,
                )


def _install_entry(package: AlgoPackage) -> JournalEntry:
    """Return the entry of an installation that keeps what a running package is."""
    return JournalEntry(
        operation=Operation.INSTALL, subject=package.code, step=Step.PREPARE, previous=package
    )


def _was_replaced(package: AlgoPackage) -> ConflictError:
    return ConflictError(
        f"expected a package that was not replaced; to have it back, install it with replaces = "
        f"{package.replaced_by}",
        field=FIELD,
        given=package.code,
    )
