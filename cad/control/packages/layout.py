"""Where packages lie below the data directory."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import msgspec

from cad.control.packages.durable import disk_errors, remove
from cad.control.packages.partfile import note_path
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.models import ModelSpec


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of every package: drafts are beside what they become."""

    data_dir: Path

    def part(self, package: FilePackageId) -> Path:
        """Return the archive that is being downloaded."""
        return self._incoming / f"{package}.part"

    def unpacked_draft(self, package: FilePackageId) -> Path:
        """Return the folder into which the archive is unpacked."""
        return self._incoming / f"{package}.content"

    def content(self, package: FilePackageId) -> Path:
        """Return the content of an available file package."""
        return self._packages / str(package)

    def licence_draft(self, package: FilePackageId) -> Path:
        """Return the licence file that is being downloaded."""
        return self._incoming / f"{package}.licence"

    def licence(self, package: FilePackageId) -> Path:
        """Return the licence file of a file package."""
        return self._licences / str(package)

    def compiled_draft(self, code: ServiceId) -> Path:
        """Return the folder into which the model is compiled."""
        return self._compiled / code / "draft"

    def compiled(self, code: ServiceId, fingerprint: str) -> Path:
        """Return a compiled package."""
        return self._compiled / code / fingerprint

    def all_compiled(self, code: ServiceId) -> Path:
        """Return the folder of all that was compiled for an algorithm package."""
        return self._compiled / code

    def remove_others(
        self, pushed: Collection[FilePackageId], kept: Collection[Path]
    ) -> list[Path]:
        """Delete whatever belongs to no operation and to no package; return what it was. Blocks.

        Args:
            pushed: the file packages whose archives are under way.
            kept: the contents, licences and compiled packages in use.
        """
        parts = {path for package in pushed for path in _with_note(self.part(package))}
        removed = []
        with disk_errors("looking for leftovers"):
            folders = (self._incoming, self._packages, self._licences)
            for folder in (*folders, *self._compiled_folders()):
                for path in folder.iterdir() if folder.exists() else ():
                    if path not in parts and path not in kept:
                        remove(path)
                        removed.append(path)
            for folder in self._compiled_folders():
                if not any(folder.iterdir()):
                    folder.rmdir()
        return removed

    def _compiled_folders(self) -> list[Path]:
        if not self._compiled.exists():
            return []
        return [path for path in self._compiled.iterdir() if path.is_dir()]

    @property
    def _incoming(self) -> Path:
        return self.data_dir / "incoming"

    @property
    def _packages(self) -> Path:
        return self.data_dir / "packages"

    @property
    def _licences(self) -> Path:
        return self.data_dir / "licences"

    @property
    def _compiled(self) -> Path:
        return self.data_dir / "compiled"


def fingerprint(model_digest: str, spec: ModelSpec, accelerator: str, provider: str) -> str:
    """Return what a compiled package depends on, as a name: another one, another package."""
    text = msgspec.json.encode((model_digest, spec, accelerator, provider))
    return hashlib.sha256(text).hexdigest()


def _with_note(part: Path) -> tuple[Path, Path]:
    return part, note_path(part)
