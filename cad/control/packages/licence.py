"""The licence of a file package (AM-120): fetched, kept, and handed over by its path.

What is in it is between the algorithm and the licence server; this device does not read it.
"""

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cad.base.threads import WorkThread
from cad.config.settings import PlatformSettings
from cad.control.packages.durable import disk_errors
from cad.control.packages.fetch import Fetcher
from cad.control.packages.layout import Layout
from cad.control.packages.locate import Source, locate_licence
from cad.control.packages.partfile import remove_part
from cad.domain.ids import FilePackageId
from cad.domain.packages import AlgoPackage, FilePackage

logger = logging.getLogger(__name__)

LIMIT_BYTES = 1024 * 1024
PATIENCE = 60.0
"""Seconds for a server that does not answer."""

AUTH_ADDRESS, LICENSE_FILE, PACKAGE_CODE = "AUTH_ADDRESS", "LICENSE_FILE", "CAD_PACKAGE_CODE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licences:
    """Keeps one licence file for each file package that names one."""

    layout: Layout
    fetcher: Fetcher
    disk: WorkThread
    platform: PlatformSettings

    def locate(self, license_file: str) -> Source:
        """Return where a licence is, or raise RefusedError."""
        return locate_licence(license_file, self.platform)

    async def fetch(self, package: FilePackage) -> None:
        """Fetch the licence of `package` in place of the one that is kept.

        Raises:
            CadError: it does not come; what was kept is kept.
        """
        number = package.file_package_id
        draft = self.layout.licence_draft(number)
        await self.disk.run(remove_part, draft)
        try:
            fetcher = dataclasses.replace(self.fetcher, limit_bytes=LIMIT_BYTES, patience=PATIENCE)
            await fetcher.fetch(self.locate(package.license_file), draft, _Quiet(number))
            await self.disk.run(_keep, draft, self.layout.licence(number))
        finally:
            await self.disk.run(remove_part, draft)
        logger.info("file package %s: its licence is here", number)

    def environment(self, package: AlgoPackage, file: FilePackage) -> Mapping[str, str]:
        """Return what the algorithm gets as its environment."""
        found = {**package.manifest.env, PACKAGE_CODE: package.code}
        if address := file.auth_address or self._default_address():
            found[AUTH_ADDRESS] = address
        if file.license_file:
            found[LICENSE_FILE] = str(self.layout.licence(file.file_package_id))
        return found

    def _default_address(self) -> str:
        """Return the platform's licence server; empty = there is no platform."""
        host = urlsplit(self.platform.url).hostname
        return f"{host}:{self.platform.auth_port}" if host else ""


class _Quiet:
    """Follows a download that is over in a moment."""

    def __init__(self, number: FilePackageId) -> None:
        self._number = number

    def progressed(self, received_bytes: int, total_bytes: int) -> None:
        """Say nothing."""

    def broke(self, reason: str) -> None:
        """Log why it pauses."""
        logger.warning("file package %s: its licence does not come yet: %s", self._number, reason)


def _keep(draft: Path, final: Path) -> None:
    """Put the whole, synced file `draft` in its place. Blocks."""
    with disk_errors("storing the licence"):
        final.parent.mkdir(parents=True, exist_ok=True)
        draft.chmod(0o600)
        draft.rename(final)
