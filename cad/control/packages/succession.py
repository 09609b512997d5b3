"""Which algorithm package takes the place of which, and what runs on what then. Pure."""

import re
from collections.abc import Collection, Iterable

from cad.domain.ids import ServiceId
from cad.domain.packages import (
    AlgoPackage,
    AlgorithmManifest,
    JournalEntry,
    Operation,
    PackageState,
    Step,
)

ON_TRIAL = frozenset({Step.SWITCH, Step.WATCH, Step.COMMIT})
"""Steps of an upgrade in which the tasks run on the new package."""

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")

Precedence = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def precedence(version: str) -> Precedence:
    """Return what versions are compared by (Semantic Versioning 2.0.0, clause 11)."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return (), False, ((True, 0, version),)
    early = found[4] or ""
    parts = tuple(
        (False, int(part), "") if part.isdecimal() else (True, 0, part)
        for part in early.split(".")
        if part
    )
    return tuple(map(int, found.group(1, 2, 3))), not early, parts


def predecessor(new: AlgorithmManifest, packages: Iterable[AlgoPackage]) -> AlgoPackage | None:
    """Return the running package that `new` is the next version of: same cabin, lower version."""
    lower = [
        package
        for package in packages
        if package.state is PackageState.RUNNING
        and package.code != new.code
        and package.manifest.cabin_name == new.cabin_name
        and precedence(package.manifest.version) < precedence(new.version)
    ]
    return max(lower, key=lambda package: precedence(package.manifest.version), default=None)


def aliases(
    packages: Iterable[AlgoPackage], entries: Iterable[JournalEntry]
) -> dict[ServiceId, ServiceId]:
    """Return on which package the tasks of each replaced one run, upgrades on trial included."""
    direct = {p.code: p.replaced_by for p in packages if p.replaced_by is not None}
    for entry in entries:
        if entry.operation is Operation.UPGRADE and entry.step in ON_TRIAL and entry.replaces:
            new = ServiceId(str(entry.subject))
            direct.pop(new, None)  # it replaces what it was replaced by: an upgrade taken back
            direct[entry.replaces] = new
    return {code: _end_of(code, direct) for code in direct}


def replaced_by(code: ServiceId, packages: Collection[AlgoPackage]) -> list[ServiceId]:
    """Return the packages whose tasks run on `code`."""
    ends = aliases(packages, ())
    return [old for old, new in ends.items() if new == code]


def _end_of(code: ServiceId, direct: dict[ServiceId, ServiceId]) -> ServiceId:
    while code in direct:
        code = direct[code]
    return code
