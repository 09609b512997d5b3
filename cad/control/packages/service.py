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
from cad.control.packages.arguments import parse_args
from cad.control.packages.book import Book
from cad.control.packages.durable import MEGABYTE
from cad.control.packages.fetch import Fetcher
from cad.control.packages.installing import Installing
from cad.control.packages.jobs import Jobs
from cad.control.packages.layout import Layout
from cad.control.packages.locate import AllowedHosts
from cad.control.packages.ports import Authorizer, PackageStore, Preparer, ServiceHost
from cad.control.packages.pushing import Pushing
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.packages import (
    AlgoPackage,
    AlgorithmManifest,
    FilePackage,
    FilePackageState,
    Operation,
    OperationState,
    PackageState,
    PushOrder,
    Step,
)

logger = logging.getLogger(__name__)


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


class PackageService:
    """Takes orders one at a time and carries them out in background while its context is open.

    Entering it finishes or undoes what the last run left half done, and has all RUNNING packages
    served again.
    """

    def __init__(self, neighbours: Neighbours, config: PackageConfig) -> None:
        self._clock, self._host = neighbours.clock, neighbours.host
        self._strict = config.machine.strict
        self._disk = WorkThread("packages-disk")
        self._book = Book(neighbours.store)
        self._layout = Layout(config.machine.data_dir)
        self._pushing = self._make_pushing(neighbours, config)
        self._installing = Installing(
            book=self._book,
            layout=self._layout,
            host=neighbours.host,
            preparer=neighbours.preparer,
            disk=self._disk,
            accelerator=config.accelerator,
            delays=neighbours.delays,
        )
        self._jobs = Jobs(
            self._book,
            {**self._pushing.actions(), **self._installing.actions()},
            {
                Operation.PUSH: self._pushing.give_up,
                Operation.INSTALL: self._installing.give_up,
            },
        )
        self._orders = asyncio.Lock()
        self._scope = AsyncExitStack()

    def _make_pushing(self, neighbours: Neighbours, config: PackageConfig) -> Pushing:
        fetcher = Fetcher(
            session=neighbours.session,
            authorizer=neighbours.authorizer,
            hosts=AllowedHosts.of(config.platform),
            disk=self._disk,
            limit_bytes=config.packages.max_size_mb * MEGABYTE,
            delays=neighbours.delays,
        )
        return Pushing(
            book=self._book,
            layout=self._layout,
            fetcher=fetcher,
            disk=self._disk,
            platform=config.platform,
            strict=self._strict,
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as scope:
            scope.push_async_callback(self._disk.aclose)
            await self._book.load()
            await self._remove_leftovers()
            await scope.enter_async_context(self._jobs)
            await self._jobs.recover()
            for package in self.packages(PackageState.RUNNING):
                if package.operation is not OperationState.WORKING:
                    await self._run_again(package)
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
        package = self._book.packages.get(ServiceId(code))
        if package is None:
            raise _unknown(code, "an installed algorithm package")
        return package

    async def push(self, order: PushOrder) -> None:
        """Begin to fetch a file package (I.2); the same order again changes nothing (AM-21).

        Raises:
            ConflictError: another content is here, or coming, under this number.
            RefusedError: the archive's URL or digest is not acceptable.
        """
        source = self._pushing.locate(order)
        if order.md5 and not source.md5:
            number = order.file_package_id
            logger.warning("file package %s: %r is no MD5; not checked", number, order.md5)
        async with self._orders:
            known = self._book.files.get(order.file_package_id)
            if known is not None and known.state is not FilePackageState.FAILED:
                _refuse_other_content(known, order)
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
            await self._jobs.begin(Operation.PUSH, order.file_package_id, package)

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
            await self._jobs.begin(Operation.DELETE, package.file_package_id, deleting)
            await self._jobs.finish(package.file_package_id)

    async def install(self, code: str, args: str = "") -> None:
        """Begin to install and run an algorithm package (I.4), or to run it with other `args`.

        Raises:
            NotFoundError: no available file package has it.
            BadValueError: `args` are not acceptable (AM-122).
        """
        async with self._orders:
            await self._install(ServiceId(code), args)

    async def uninstall(self, code: str, *, force: bool = False) -> None:
        """Remove an algorithm package and all that was made for it (I.5).

        Raises:
            NotFoundError: it is not installed.
            ConflictError: tasks use it; with `force` they are deleted.
        """
        async with self._orders:
            package = self.package(code)
            tasks = self._host.task_ids(package.code)
            if tasks and not force:
                raise ConflictError(
                    f"expected a package without tasks; {len(tasks)} use it: "
                    + ", ".join(tasks[:5]),
                    field="algoPackageCode",
                    given=code,
                )
            await self._jobs.cancel(package.code)
            leaving = dataclasses.replace(package, operation=OperationState.WORKING)
            await self._jobs.begin(Operation.UNINSTALL, package.code, leaving)
            await self._jobs.finish(package.code)

    async def start(self, code: str) -> None:
        """Begin to run an installed package that is STOPPED (extension, AM-122)."""
        async with self._orders:
            package = self.package(code)
            await self._install(package.code, package.args)

    async def stop(self, code: str) -> None:
        """Stop running a package; it stays installed (extension, AM-122)."""
        async with self._orders:
            package = self.package(code)
            if package.operation is OperationState.WORKING:
                raise ConflictError(
                    f"expected a package at rest; it is in step {package.step}",
                    field="algoPackageCode",
                    given=code,
                )
            stopped = dataclasses.replace(
                package, state=PackageState.STOPPED, reason="stopped on request"
            )
            await self._book.apply(keep=[stopped])
            await self._host.withdraw(package.code)

    async def _install(self, code: ServiceId, args: str) -> None:
        number, manifest = self._offer(code)
        settings, ignored = parse_args(args, manifest.model.labels, strict=self._strict)
        if ignored:
            logger.warning("package %s: args without meaning: %s", code, ", ".join(ignored))
        entry = self._book.entries.get(code)
        if entry is not None and entry.operation is Operation.UNINSTALL:
            raise ConflictError(
                "expected a package that is not being removed", field="algoPackageCode", given=code
            )
        current = self._book.packages.get(code)
        if current is not None and current.settings == settings and _is_up(current):
            return
        await self._jobs.cancel(code)
        previous = self._former(code)
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
            created_at=previous.created_at if previous else self._clock.now(),
        )
        await self._jobs.begin(Operation.INSTALL, code, package, previous)

    def _offer(self, code: ServiceId) -> tuple[FilePackageId, AlgorithmManifest]:
        """Return where `code` comes from: what it was installed from, else the latest push."""
        current = self._book.packages.get(code)
        origin = current.file_package_id if current else None
        offers = [
            (package, algorithm)
            for package in self._book.files.values()
            if package.state is FilePackageState.AVAILABLE
            for algorithm in package.algorithms
            if algorithm.code == code
        ]
        if not offers:
            raise _unknown(code, "an algorithm package of an available file package")
        package, algorithm = max(
            offers, key=lambda offer: (offer[0].file_package_id == origin, offer[0].created_at)
        )
        return package.file_package_id, algorithm

    def _former(self, code: ServiceId) -> AlgoPackage | None:
        """Return what undoing an installation of `code` brings back."""
        entry = self._book.entries.get(code)
        if entry is not None and entry.operation is Operation.INSTALL:
            return entry.previous
        current = self._book.packages.get(code)
        return current if current and current.prepared else None

    async def _run_again(self, package: AlgoPackage) -> None:
        working = dataclasses.replace(package, operation=OperationState.WORKING, step=Step.PREPARE)
        await self._jobs.begin(Operation.INSTALL, package.code, working, package)

    async def _remove_leftovers(self) -> None:
        pushed = [e.subject for e in self._book.entries.values() if e.operation is Operation.PUSH]
        records = [*self._book.packages.values(), *self._formers()]
        used = [Path(p.prepared.compiled_dir) for p in records if p.prepared]
        available = [
            self._layout.content(number)
            for number, package in self._book.files.items()
            if package.state is FilePackageState.AVAILABLE
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


def _is_up(package: AlgoPackage) -> bool:
    """Return whether nothing needs to be done for the package to run."""
    return package.operation is OperationState.WORKING or (
        package.operation is OperationState.DONE and package.state is PackageState.RUNNING
    )


def _is_installed(package: AlgoPackage) -> bool:
    """Return whether the record is more than the memory of an installation that failed."""
    return package.prepared is not None or package.operation is OperationState.WORKING


def _refuse_other_content(known: FilePackage, order: PushOrder) -> None:
    here = (known.url, known.md5, known.auth_address, known.license_file)
    wanted = (order.url, order.md5, order.auth_address, order.license_file)
    if here != wanted or known.state is FilePackageState.DELETING:
        raise ConflictError(
            f"expected a number that is free, or the same order as before; the file package is "
            f"{known.state.name.lower()}",
            field="algoFilePackageId",
            given=order.file_package_id,
        )


def _unknown(code: str, expected: str) -> NotFoundError:
    return NotFoundError(f"expected {expected}", field="algoPackageCode", given=code)
