"""The steps by which a file package comes (I.2) and goes (I.3)."""

import dataclasses
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cad.base.errors import CadError
from cad.base.threads import WorkThread, run_long
from cad.config.settings import PlatformSettings
from cad.control.packages.book import Book
from cad.control.packages.content import unpack_content
from cad.control.packages.copying import copy_file, is_local
from cad.control.packages.durable import make_empty, publish, remove
from cad.control.packages.fetch import Fetcher
from cad.control.packages.inspect import file_digest, inspect
from cad.control.packages.layout import Layout
from cad.control.packages.licence import Licences
from cad.control.packages.locate import Source, locate, usable_md5
from cad.control.packages.partfile import remove_part
from cad.control.packages.progress import Progress
from cad.control.packages.twins import has_another_model, twins_of
from cad.domain.ids import FilePackageId
from cad.domain.packages import (
    FilePackage,
    FilePackageState,
    JournalEntry,
    Operation,
    PushOrder,
    Step,
)

logger = logging.getLogger(__name__)

Actions = Mapping[tuple[Operation, Step], Callable[[JournalEntry], Awaitable[None]]]


class LicenceMissingError(CadError):
    """The licence that was named does not come."""


class CodeTakenError(CadError):
    """An algorithm package of this code, with another model, is here already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushing:
    """Carries out the steps; who calls them in which order is written in `plan`."""

    book: Book
    layout: Layout
    fetcher: Fetcher
    disk: WorkThread
    licences: Licences
    platform: PlatformSettings
    strict: bool

    def actions(self) -> Actions:
        """Return what carries out each step."""
        return {
            (Operation.PUSH, Step.DOWNLOAD): self._download,
            (Operation.PUSH, Step.UNPACK): self._unpack,
            (Operation.PUSH, Step.VERIFY): self._verify,
            (Operation.PUSH, Step.LICENSE): self._license,
            (Operation.PUSH, Step.PUBLISH): self._publish,
            (Operation.LICENSE, Step.LICENSE): self._license_again,
            (Operation.DELETE, Step.REMOVE): self._remove,
        }

    def locate(self, order: PushOrder) -> Source:
        """Return where the archive of `order` is, or raise RefusedError; its licence likewise."""
        if order.license_file:
            self.licences.locate(order.license_file)
        return locate(order, self.platform, strict=self.strict)

    async def give_up(self, entry: JournalEntry, reason: str) -> None:
        """Undo a push: nothing of it stays but the record that says why."""
        package = self._file(entry)
        logger.error("file package %s: %s", package.file_package_id, reason)
        failed = dataclasses.replace(package, state=FilePackageState.FAILED, reason=reason)
        try:
            await self._clear(package.file_package_id)
            await self.disk.run(remove, self.layout.content(package.file_package_id))
            await self.disk.run(remove, self.layout.licence(package.file_package_id))
        finally:
            await self.book.apply(keep=[failed], forget=[entry])

    async def _download(self, entry: JournalEntry) -> None:
        package = self._file(entry)
        number = package.file_package_id
        target, progress = self.layout.part(number), Progress(self.book, number)
        if is_local(package.url):
            limit = self.fetcher.limit_bytes
            await copy_file(package.url, target, limit, self.disk, progress)
        else:
            order = PushOrder(file_package_id=number, url=package.url, md5=package.md5)
            await self.fetcher.fetch(self.locate(order), target, progress)
        digest = ""
        if not usable_md5(package.md5, strict=False):
            digest = await run_long("package-digest", file_digest, target, "md5")
        verifying = dataclasses.replace(
            self._file(entry), state=FilePackageState.VERIFYING, reason="", archive_md5=digest
        )
        await self.book.apply(keep=[verifying])

    async def _unpack(self, entry: JournalEntry) -> None:
        number = self._file(entry).file_package_id
        draft = self.layout.unpacked_draft(number)
        await self.disk.run(make_empty, draft)
        part, limit = self.layout.part(number), self.fetcher.limit_bytes
        await run_long("package-unpack", unpack_content, part, draft, limit, strict=self.strict)

    async def _verify(self, entry: JournalEntry) -> None:
        package = self._file(entry)
        draft = self.layout.unpacked_draft(package.file_package_id)
        manifest = await run_long("package-inspect", inspect, draft)
        inspected = dataclasses.replace(
            package,
            name=manifest.name,
            version=manifest.version,
            algorithms=manifest.algorithms,
        )
        reason = await self._code_problem(inspected, draft)
        if reason and self.strict:
            raise CodeTakenError(reason)
        self.book.show(dataclasses.replace(inspected, reason=reason))

    async def _code_problem(self, package: FilePackage, folder: Path) -> str:
        """Return which codes of `package`, unpacked in `folder`, have another model elsewhere."""
        number = package.file_package_id
        reasons = []
        for twin in twins_of(number, package.algorithms, self.book.files.values()):
            other = self.layout.content(twin.other)
            if await run_long("package-digest", has_another_model, twin, folder, other):
                reasons.append(f"{twin.code} has another model in file package {twin.other}")
        for reason in reasons:
            logger.warning("file package %s: %s", number, reason)
        return "; ".join(reasons)

    async def _license(self, entry: JournalEntry) -> None:
        """Fetch the licence; without it the package fails in strict mode, and else says so."""
        package = self._file(entry)
        reason = await self._licence_problem(package)
        if reason and self.strict:
            raise LicenceMissingError(reason)
        self.book.show(dataclasses.replace(package, reason=_joined(package.reason, reason)))

    async def _license_again(self, entry: JournalEntry) -> None:
        package = self._file(entry)
        content = self.layout.content(package.file_package_id)
        reason = _joined(
            await self._code_problem(package, content), await self._licence_problem(package)
        )
        await self.book.apply(keep=[dataclasses.replace(package, reason=reason)], forget=[entry])

    async def _licence_problem(self, package: FilePackage) -> str:
        """Return why there is no new licence; empty = it is here, or none was named."""
        if not package.license_file:
            return ""
        try:
            await self.licences.fetch(package)
        except CadError as error:
            reason = f"its licence could not be fetched: {error}"
            logger.warning("file package %s: %s", package.file_package_id, reason)
            return reason
        return ""

    async def give_up_licence(self, entry: JournalEntry, reason: str) -> None:
        """Leave the package as it is, with why its licence was not fetched again."""
        package = dataclasses.replace(self._file(entry), reason=reason)
        await self.book.apply(keep=[package], forget=[entry])

    async def _publish(self, entry: JournalEntry) -> None:
        package = self._file(entry)
        number = package.file_package_id
        draft, final = self.layout.unpacked_draft(number), self.layout.content(number)
        await run_long("package-publish", publish, draft, final)
        await self.book.apply(
            keep=[dataclasses.replace(package, state=FilePackageState.AVAILABLE)], forget=[entry]
        )
        await self._clear(number)
        logger.info("file package %s (%s %s) is available", number, package.name, package.version)

    async def _remove(self, entry: JournalEntry) -> None:
        package = self._file(entry)
        number = package.file_package_id
        await self._clear(number)
        await self.disk.run(remove, self.layout.content(number))
        await self.disk.run(remove, self.layout.licence(number))
        remnants = [p for p in self.book.packages.values() if p.file_package_id == number]
        await self.book.apply(forget=[package, entry, *remnants])
        logger.info("file package %s is deleted", number)

    async def _clear(self, number: FilePackageId) -> None:
        await self.disk.run(remove_part, self.layout.part(number))
        await self.disk.run(remove_part, self.layout.licence_draft(number))
        await self.disk.run(remove, self.layout.unpacked_draft(number))

    def _file(self, entry: JournalEntry) -> FilePackage:
        return self.book.files[FilePackageId(int(entry.subject))]


def _joined(*reasons: str) -> str:
    return "; ".join(filter(None, reasons))
