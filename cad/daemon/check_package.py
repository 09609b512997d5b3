"""`cadd check-package`: whether a package could be installed here; needs no running daemon."""

import asyncio
import json
import sys
from pathlib import Path

from cad.config.settings import Settings
from cad.control.appliance import Commands
from cad.control.packages.check import Checker
from cad.control.packages.prepare import PreparingChild
from cad.wire.package_check import CheckedAlgorithm, PackageCheck

MEBIBYTE = 2**20
EXIT_FINDING = 1


def check_package(path: Path, settings: Settings, *, as_json: bool) -> int:
    """Print what is found about the archive or folder at `path`; return the exit code."""
    checker = Checker(
        preparer=PreparingChild(Commands.of(sys.executable).prepare),
        accelerator=settings.analysis.accelerator,
        limit_bytes=settings.packages.max_size_mb * MEBIBYTE,
        strict=settings.machine.strict,
        on_step=_tell_step,
    )
    found = asyncio.run(checker.check(path))
    if as_json:
        print(json.dumps(found.to_wire(), ensure_ascii=False, indent=2))  # noqa: T201
    else:
        _print(found)
    return 0 if found.is_good else EXIT_FINDING


def _tell_step(code: str, step: str) -> None:
    print(f"{code}: {step}", file=sys.stderr)  # noqa: T201


def _print(found: PackageCheck) -> None:
    for line in (found.problem, *map(_sentence, found.algorithms)):
        if line:
            print(line)  # noqa: T201


def _sentence(algorithm: CheckedAlgorithm) -> str:
    if algorithm.problem is not None:
        return f"{algorithm.algo_package_code}: {algorithm.problem}"
    milliseconds = 1000 * (algorithm.seconds_per_frame or 0.0)
    return (
        f"{algorithm.algo_package_code}: good; {algorithm.provider}, {milliseconds:.1f} ms a "
        f"picture, {algorithm.sample_boxes} objects on its sample"
    )
