"""Codes are unique: another archive with the same code must hold the same model. Blocks."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from cad.control.packages.inspect import file_digest
from cad.domain.ids import FilePackageId, ServiceId
from cad.domain.packages import AlgorithmManifest, FilePackage, FilePackageState


class Twin(NamedTuple):
    """An algorithm package that another available file package has, too."""

    code: ServiceId
    model_path: str
    """Inside the new archive."""
    other: FilePackageId
    other_model_path: str
    """Inside the archive of `other`."""


def twins_of(
    number: FilePackageId, algorithms: Iterable[AlgorithmManifest], files: Iterable[FilePackage]
) -> list[Twin]:
    """Return where the codes of `algorithms`, which file package `number` has, are available."""
    known = [
        (file.file_package_id, algorithm)
        for file in files
        if file.state is FilePackageState.AVAILABLE and file.file_package_id != number
        for algorithm in file.algorithms
    ]
    return [
        Twin(new.code, new.model_path, other, found.model_path)
        for new in algorithms
        for other, found in known
        if found.code == new.code
    ]


def has_another_model(twin: Twin, folder: Path, other: Path) -> bool:
    """Return whether the models differ, in the content `folder` and that of the twin, `other`."""
    return file_digest(folder / twin.model_path) != file_digest(other / twin.other_model_path)
