"""The steps by which an algorithm package is installed (I.4)."""

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import msgspec

from cad.base.backoff import backoff
from cad.base.errors import CadError
from cad.base.threads import WorkThread, run_long
from cad.control.packages.book import Book
from cad.control.packages.durable import disk_errors, make_empty, publish, remove
from cad.control.packages.inspect import file_digest
from cad.control.packages.layout import Layout, fingerprint
from cad.control.packages.licence import Licences
from cad.control.packages.ports import Preparer, ServiceHost
from cad.control.packages.pushing import Actions
from cad.domain.ids import ServiceId
from cad.domain.models import PreparedModel
from cad.domain.packages import (
    AlgoPackage,
    JournalEntry,
    Operation,
    OperationState,
    PackageState,
    ServiceOrder,
    Step,
)
from cad.protocols.worker.preparation import PrepareRequest

logger = logging.getLogger(__name__)

SERVE_TRIES = 5
ENVIRONMENT_FILE = "environment.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installing:
    """Carries out the steps; who calls them in which order is written in `plan`."""

    book: Book
    layout: Layout
    host: ServiceHost
    preparer: Preparer
    disk: WorkThread
    licences: Licences
    accelerator: str
    delays: Callable[[], Iterator[float]] = backoff
    one_at_a_time: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """Measuring wants the machine for itself."""

    def actions(self) -> Actions:
        """Return what carries out each step."""
        return {
            (Operation.INSTALL, Step.PREPARE): self.prepare,
            (Operation.INSTALL, Step.SERVE): self.serve,
            (Operation.INSTALL, Step.COMMIT): self._commit,
        }

    async def give_up(self, entry: JournalEntry, reason: str) -> None:
        """Undo an installation: what was installed before is served again, or nothing is."""
        package = self._package(entry)
        logger.error("package %s: %s failed: %s", package.code, entry.step, reason)
        back = entry.previous or dataclasses.replace(
            package, state=PackageState.STOPPED, prepared=None
        )
        if back.state is PackageState.RUNNING and _was_replaced(entry, package):
            back, reason = await self._serve_again(back, reason)
        elif back.state is PackageState.STOPPED:
            await self.host.withdraw(package.code)
        failed = dataclasses.replace(
            back, operation=OperationState.FAILED, step=entry.step, reason=reason
        )
        try:
            await self.remove_unused(failed)
        finally:
            await self.book.apply(keep=[failed], forget=[entry])

    async def _serve_again(self, back: AlgoPackage, reason: str) -> tuple[AlgoPackage, str]:
        try:
            await self.host.serve(service_order(back))
        except CadError as error:
            stopped = dataclasses.replace(back, state=PackageState.STOPPED)
            return stopped, f"{reason}; and serving the former again: {error}"
        return back, reason

    async def prepare(self, entry: JournalEntry) -> None:
        """Compile, try and measure the model, unless that was done already."""
        package = self._package(entry)
        model_path = self.layout.content(package.file_package_id) / package.manifest.model_path
        digest = await run_long("package-digest", file_digest, model_path)
        prepared = package.prepared
        if prepared is None or not await self.disk.run(
            _still_fits, prepared, self._compiled(package, digest, prepared.provider)
        ):
            async with self.one_at_a_time:
                prepared = await self._compile(package, digest)
        file = self.book.files[package.file_package_id]
        environment = self.licences.environment(package, file)
        await self.disk.run(_write_environment, Path(prepared.compiled_dir), environment)
        ready = dataclasses.replace(package, prepared=prepared, environment=environment)
        await self.book.apply(keep=[ready])

    async def _compile(self, package: AlgoPackage, digest: str) -> PreparedModel:
        """Return the model prepared for what this machine has, in its final place."""
        content = self.layout.content(package.file_package_id)
        draft, model = self.layout.compiled_draft(package.code), package.manifest.model
        await self.disk.run(make_empty, draft)
        prepared = await self.preparer.prepare(
            PrepareRequest(
                model_path=str(content / package.manifest.model_path),
                spec=model,
                sample_path=str(content / model.sample) if model.sample else "",
                output_dir=str(draft),
                accelerator=self.accelerator,
            ),
            lambda step: self._show_step(package.code, step),
        )
        final = self._compiled(package, digest, prepared.provider)
        await run_long("package-publish", publish, draft, final)
        return dataclasses.replace(prepared, compiled_dir=str(final))

    def _compiled(self, package: AlgoPackage, digest: str, provider: str) -> Path:
        name = fingerprint(digest, package.manifest.model, self.accelerator, provider)
        return self.layout.compiled(package.code, name)

    async def serve(self, entry: JournalEntry) -> None:
        """Have it served; what was running before is waited for as long as it takes."""
        package = self._package(entry)
        tries = repeat(None) if _ran_before(entry, package) else repeat(None, SERVE_TRIES - 1)
        for _, delay in zip(tries, self.delays(), strict=False):
            self._show_step(package.code, Step.SERVE)
            try:
                await self.host.serve(service_order(package))
            except CadError as error:
                if not error.transient:
                    raise
                self.book.show(dataclasses.replace(self._package(entry), reason=str(error)))
                logger.warning("package %s is not served yet: %s", package.code, error)
                await asyncio.sleep(delay)
            else:
                return
        await self.host.serve(service_order(package))

    async def _commit(self, entry: JournalEntry) -> None:
        running = dataclasses.replace(
            self._package(entry),
            state=PackageState.RUNNING,
            operation=OperationState.DONE,
            step="",
            reason="",
        )
        await self.book.apply(keep=[running], forget=[entry])
        await self.remove_unused(running)
        logger.info("package %s is installed and running", running.code)

    async def remove_unused(self, package: AlgoPackage) -> None:
        """Remove what was compiled for the package and is not used any more."""
        used = Path(package.prepared.compiled_dir) if package.prepared else None
        await self.disk.run(_remove_except, self.layout.all_compiled(package.code), used)

    def _show_step(self, code: ServiceId, step: str) -> None:
        self.book.show(dataclasses.replace(self.book.packages[code], step=step))

    def _package(self, entry: JournalEntry) -> AlgoPackage:
        return self.book.packages[ServiceId(str(entry.subject))]


def service_order(package: AlgoPackage) -> ServiceOrder:
    """Return what a worker needs to serve `package`, which is prepared."""
    if package.prepared is None:
        raise LookupError(f"package {package.code} is not prepared")
    return ServiceOrder(
        service_id=package.code,
        model=package.manifest.model,
        settings=package.settings,
        prepared=package.prepared,
    )


def _ran_before(entry: JournalEntry, package: AlgoPackage) -> bool:
    """Return whether this installation only brings back what ran before a restart."""
    return (
        entry.previous is not None
        and entry.previous.state is PackageState.RUNNING
        and entry.previous.settings == package.settings
    )


def _was_replaced(entry: JournalEntry, package: AlgoPackage) -> bool:
    """Return whether workers may no longer serve what was installed before."""
    return entry.step is not Step.PREPARE or _ran_before(entry, package)


def _still_fits(prepared: PreparedModel, final: Path) -> bool:
    """Return whether what was prepared before is what would be prepared now, and is there."""
    return prepared.compiled_dir == str(final) and final.is_dir()


def _write_environment(folder: Path, environment: Mapping[str, str]) -> None:
    """Write what the algorithm gets as its environment beside what was compiled. Blocks."""
    draft = folder / f"{ENVIRONMENT_FILE}.new"
    with disk_errors(f"writing {ENVIRONMENT_FILE}"):
        draft.write_bytes(msgspec.json.encode(environment))
        draft.rename(folder / ENVIRONMENT_FILE)


def _remove_except(folder: Path, used: Path | None) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path != used:
            remove(path)
    if used is None:
        remove(folder)
