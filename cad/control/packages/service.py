"""File packages and algorithm packages of this device: what Annex I orders, done in background."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from cad.base.backoff import backoff
from cad.base.clock import Clock
from cad.base.errors import ConflictError, NotFoundError
from cad.base.threads import WorkThread
from cad.config.settings import MachineSettings, PackageSettings, PlatformSettings
from cad.control.packages.algorithms import Algorithms
from cad.control.packages.book import Book, Subject
from cad.control.packages.copying import check_file
from cad.control.packages.durable import MEGABYTE
from cad.control.packages.fetch import Fetcher
from cad.control.packages.installing import Installing
from cad.control.packages.jobs import Jobs
from cad.control.packages.layout import Layout
from cad.control.packages.licence import Licences
from cad.control.packages.locate import AllowedHosts
from cad.control.packages.plan import STEPS
from cad.control.packages.ports import Authorizer, PackageStore, Preparer, ServiceHost
from cad.control.packages.pushing import Pushing
from cad.control.packages.renewing import LOOK_INTERVAL, Renewing
from cad.control.packages.sameness import has_same_content, has_same_licence
from cad.control.packages.succession import aliases
from cad.control.packages.uninstalling import Uninstalling
from cad.control.packages.upgrading import PACE_SECONDS, Upgrading
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.packages import (
    AlgoPackage,
    AlgorithmManifest,
    FilePackage,
    FilePackageState,
    JournalEntry,
    Operation,
    OperationState,
    PackageState,
    PushOrder,
)

logger = logging.getLogger(__name__)

FIRST_LOCAL_NUMBER = 2**52
"""Of packages that no platform pushed: beyond its numbers, and exact in every JSON reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """Whom the service of packages works with."""

    store: PackageStore
    host: ServiceHost
    authorizer: Authorizer
    preparer: Preparer
    session: aiohttp.ClientSession
    """For downloads; trusts what the platform's certificates are checked with."""
    clock: Clock
    delays: Callable[[], Iterator[float]] = backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageConfig:
    """The settings that concern packages."""

    machine: MachineSettings
    platform: PlatformSettings
    packages: PackageSettings
    accelerator: str
    """`analysis.accelerator`."""
    look_interval: float = LOOK_INTERVAL
    pace_seconds: float = PACE_SECONDS


class PackageService:
    """Takes orders one at a time and carries them out in background while its context is open.

    Entering it finishes or undoes what the last run left half done, and has all RUNNING packages
    served again.
    """

    def __init__(self, neighbours: Neighbours, config: PackageConfig) -> None:
        self._clock, self._host = neighbours.clock, neighbours.host
        self._strict = config.machine.strict
        self._limit_bytes = config.packages.max_size_mb * MEGABYTE
        self._disk = WorkThread("packages-disk")
        self._book = Book(neighbours.store)
        self._layout = Layout(config.machine.data_dir)
        fetcher = self._make_fetcher(neighbours, config)
        self._licences = Licences(
            layout=self._layout, fetcher=fetcher, disk=self._disk, platform=config.platform
        )
        self._pushing = Pushing(
            book=self._book,
            layout=self._layout,
            fetcher=fetcher,
            disk=self._disk,
            licences=self._licences,
            platform=config.platform,
            strict=self._strict,
        )
        self._installing = Installing(
            book=self._book,
            layout=self._layout,
            host=neighbours.host,
            preparer=neighbours.preparer,
            disk=self._disk,
            licences=self._licences,
            accelerator=config.accelerator,
            delays=neighbours.delays,
        )
        self._upgrading = Upgrading(
            book=self._book,
            host=neighbours.host,
            installing=self._installing,
            clock=neighbours.clock,
            watch_seconds=config.packages.watch_seconds,
            halt=self._halt,
            pace_seconds=config.pace_seconds,
        )
        self._jobs = self._make_jobs()
        self._algorithms = Algorithms(
            book=self._book,
            jobs=self._jobs,
            host=neighbours.host,
            upgrading=self._upgrading,
            clock=neighbours.clock,
            strict=self._strict,
        )
        self._orders = asyncio.Lock()
        self._renewing = Renewing(
            self._book,
            neighbours.host.providers,
            self._orders,
            self._algorithms.prepare_again,
            config.look_interval,
        )
        self._scope = AsyncExitStack()

    def _make_fetcher(self, neighbours: Neighbours, config: PackageConfig) -> Fetcher:
        return Fetcher(
            session=neighbours.session,
            authorizer=neighbours.authorizer,
            hosts=AllowedHosts.of(config.platform),
            disk=self._disk,
            limit_bytes=self._limit_bytes,
            delays=neighbours.delays,
        )

    async def _halt(self, subject: Subject) -> None:
        await self._jobs.cancel(subject)

    def _make_jobs(self) -> Jobs:
        uninstalling = Uninstalling(
            book=self._book,
            layout=self._layout,
            host=self._host,
            disk=self._disk,
            redirect=self._upgrading.redirect,
        )
        actions = {
            **self._pushing.actions(),
            **self._installing.actions(),
            **self._upgrading.actions(),
            **uninstalling.actions(),
        }
        undo = {
            Operation.PUSH: self._pushing.give_up,
            Operation.LICENSE: self._pushing.give_up_licence,
            Operation.INSTALL: self._installing.give_up,
            Operation.UPGRADE: self._upgrading.give_up,
        }
        return Jobs(self._book, actions, undo)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as scope:
            scope.push_async_callback(self._disk.aclose)
            await self._book.load()
            await self._remove_leftovers()
            self._upgrading.redirect()
            await scope.enter_async_context(self._jobs)
            await self._jobs.recover()
            for package in self.packages(PackageState.RUNNING):
                if package.operation is not OperationState.WORKING:
                    await self._algorithms.run_again(package)
            await scope.enter_async_context(self._renewing.running())
            self._scope = scope.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._scope.__aexit__(kind, error, trace)

    def file_packages(self) -> list[FilePackage]:
        """Return all file packages, by number."""
        return sorted(self._book.files.values(), key=lambda package: package.file_package_id)

    def file_package(self, number: int) -> FilePackage:
        """Return one file package, or raise NotFoundError."""
        package = self._book.files.get(FilePackageId(number))
        if package is None:
            raise NotFoundError(
                "expected a file package of this device", field="algoFilePackageId", given=number
            )
        return package

    def packages(self, state: PackageState | None = None) -> list[AlgoPackage]:
        """Return the algorithm packages in `state`, or all, by code (I.6)."""
        wanted = [p for p in self._book.packages.values() if state in {None, p.state}]
        return sorted(wanted, key=lambda package: package.code)

    def package(self, code: str) -> AlgoPackage:
        """Return one algorithm package, or raise NotFoundError (I.7)."""
        return self._algorithms.package(code)

    def algorithm(self, service_id: ServiceId) -> AlgorithmManifest | None:
        """Return what is behind a service, None if nothing is.

        What was replaced keeps its name and version, and reports what its successor does.

        Raises:
            ConflictError: it takes no tasks: it is being removed, or was never installed.
        """
        package = self._book.packages.get(service_id)
        if package is None:
            return None
        self._algorithms.refuse_tasks(package)
        to = aliases(self._book.packages.values(), ()).get(service_id, service_id)
        event_types = self._book.packages[to].manifest.event_types
        return dataclasses.replace(package.manifest, event_types=event_types)

    async def push(self, order: PushOrder) -> None:
        """Begin to fetch a file package (I.2); the same order again changes nothing (AM-21).

        Only the licence of an available one is fetched, for it may be another or renewed.

        Raises:
            ConflictError: another content is here, or coming, under this number.
            RefusedError: the archive's URL or digest is not acceptable.
        """
        source = self._pushing.locate(order)
        if (order.url or order.md5) and not source.md5:
            number = order.file_package_id
            logger.warning("file package %s: %r is no MD5; not checked", number, order.md5)
        async with self._orders:
            known = self._book.files.get(order.file_package_id)
            if known is not None and known.state is not FilePackageState.FAILED:
                _refuse_other_content(known, order)
                await self._renew_licence(known, order)
                return
            package = FilePackage(
                file_package_id=order.file_package_id,
                state=FilePackageState.DOWNLOADING,
                url=order.url,
                md5=order.md5,
                auth_address=order.auth_address,
                license_file=order.license_file,
                created_at=self._clock.now(),
            )
            await self._jobs.begin(_entry(Operation.PUSH, order.file_package_id), package)

    async def push_file(self, path: Path) -> FilePackageId:
        """Begin to copy an archive that lies on this device; return the number that it gets.

        Raises:
            RefusedError: it is no file, cannot be read, or is too large.
        """
        await self._disk.run(check_file, path, self._limit_bytes)
        async with self._orders:
            number = FilePackageId(max([FIRST_LOCAL_NUMBER, *(n + 1 for n in self._book.files)]))
            package = FilePackage(
                file_package_id=number,
                state=FilePackageState.DOWNLOADING,
                url=path.as_uri(),
                created_at=self._clock.now(),
            )
            await self._jobs.begin(_entry(Operation.PUSH, number), package)
        return number

    async def _renew_licence(self, known: FilePackage, order: PushOrder) -> None:
        number = known.file_package_id
        is_free = number not in self._book.entries
        if not is_free or known.state is not FilePackageState.AVAILABLE:
            return
        if known.license_file or not has_same_licence(known, order):
            licensed = dataclasses.replace(
                known,
                auth_address=order.auth_address or known.auth_address,
                license_file=order.license_file or known.license_file,
            )
            await self._jobs.begin(_entry(Operation.LICENSE, number), licensed)

    async def delete_file_package(self, number: int) -> None:
        """Remove a file package, or end its download (I.3).

        Raises:
            NotFoundError: it is not there.
            ConflictError: packages of it are installed.
        """
        async with self._orders:
            package = self.file_package(number)
            codes = [
                p.code
                for p in self.packages()
                if p.file_package_id == package.file_package_id and _is_installed(p)
            ]
            if codes:
                raise ConflictError(
                    f"expected a file package of which nothing is installed: {', '.join(codes)}",
                    field="algoFilePackageId",
                    given=number,
                )
            await self._jobs.cancel(package.file_package_id)
            deleting = dataclasses.replace(package, state=FilePackageState.DELETING)
            await self._jobs.begin(_entry(Operation.DELETE, package.file_package_id), deleting)
            await self._jobs.finish(package.file_package_id)

    async def install(self, code: str, args: str = "", replaces: str = "") -> None:
        """Begin to install and run an algorithm package (I.4), or to run it with other `args`.

        A higher version of a running package of the same cabin, or of the one that `replaces`
        names, takes over its tasks; if it does not give results, they go back (see `upgrading`).
        One that finds nothing on its own sample takes over only what `replaces` names.

        Raises:
            NotFoundError: no available file package has it, or nothing is named `replaces`.
            BadValueError: `args` are not acceptable (AM-122).
            ConflictError: it is being removed, or an upgrade with it is under way.
        """
        async with self._orders:
            await self._algorithms.install(ServiceId(code), args, replaces)

    async def uninstall(self, code: str, *, force: bool = False) -> None:
        """Remove an algorithm package and all that was made for it (I.5).

        Raises:
            NotFoundError: it is not installed.
            ConflictError: tasks use it (with `force` they are deleted), or it is being replaced.
        """
        async with self._orders:
            await self._algorithms.uninstall(code, force=force)

    async def start(self, code: str) -> None:
        """Begin to run an installed package that is STOPPED (extension, AM-122)."""
        async with self._orders:
            await self._algorithms.start(code)

    async def stop(self, code: str) -> None:
        """Stop running a package; it stays installed (extension, AM-122)."""
        async with self._orders:
            await self._algorithms.stop(code)

    async def _remove_leftovers(self) -> None:
        pushed = [e.subject for e in self._book.entries.values() if e.operation is Operation.PUSH]
        records = [*self._book.packages.values(), *self._formers()]
        used = [Path(p.prepared.compiled_dir) for p in records if p.prepared]
        available = [
            path
            for number, package in self._book.files.items()
            if package.state is FilePackageState.AVAILABLE
            for path in (self._layout.content(number), self._layout.licence(number))
        ]
        removed = await self._disk.run(
            self._layout.remove_others,
            [number for number in self._book.files if number in pushed],
            {*used, *available},
        )
        for path in removed:
            logger.info("removed %s, which belongs to no package", path)

    def _formers(self) -> list[AlgoPackage]:
        return [e.previous for e in self._book.entries.values() if e.previous is not None]


def _entry(operation: Operation, number: FilePackageId) -> JournalEntry:
    return JournalEntry(operation=operation, subject=number, step=STEPS[operation][0])


def _is_installed(package: AlgoPackage) -> bool:
    """Return whether the record is more than the memory of an installation that failed."""
    return package.prepared is not None or package.operation is OperationState.WORKING


def _refuse_other_content(known: FilePackage, order: PushOrder) -> None:
    may_be_licensed = known.state is FilePackageState.AVAILABLE
    is_same = has_same_content(known, order) and (may_be_licensed or has_same_licence(known, order))
    if not is_same or known.state is FilePackageState.DELETING:
        raise ConflictError(
            f"expected a number that is free, or the same order as before; the file package is "
            f"{known.state.name.lower()}",
            field="algoFilePackageId",
            given=order.file_package_id,
        )
