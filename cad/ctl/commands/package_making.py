"""`cadctl package init|build|check`: packages are made and tried; works with the daemon down."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from cad.ctl.output import console, print_table
from cad.ctl.session import EXIT_FINDING, Json, fail, reporting, show
from cad.packaging.archive import build_archive
from cad.packaging.skeleton import write_skeleton
from cad.wire.package_check import CheckedAlgorithm, PackageCheck

CHECK = (sys.executable, "-m", "cad.daemon")
USAGE_OR_WORSE = 2


def init(
    model: Annotated[Path, typer.Argument(help="ONNX file.")],
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
) -> None:
    """Begin a package: a folder with the model and a manifest with notes to fill in."""
    with reporting():
        manifest = write_skeleton(model, folder)
    console().print(f"{manifest} is to be filled in; then: cadctl package check {folder}")


def build(
    folder: Annotated[Path, typer.Argument(help="Folder with a manifest.json.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Archive to write; default FOLDER.tar.gz")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Make the archive of a package, and tell the digest with which it is pushed."""
    target = output or folder.resolve().parent / f"{folder.resolve().name}.tar.gz"
    with reporting():
        try:
            md5 = build_archive(folder, target)
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}")
    found = {"path": str(target), "size": target.stat().st_size, "md5": md5}
    show(found, as_json, lambda item: console().print("{path}: md5 {md5}".format_map(item)))


def check(
    path: Annotated[Path, typer.Argument(help="Folder or archive.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="The daemon's configuration file.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Compile and try a package as the device would when it installs it."""
    options = [] if config is None else ["--config", str(config)]
    command = [*CHECK, *options, "check-package", str(path), "--json"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if ended.returncode >= USAGE_OR_WORSE or ended.returncode < 0:
        raise typer.Exit(EXIT_FINDING)  # what is wrong was said on standard error
    show(json.loads(ended.stdout), as_json, _render_check)
    if ended.returncode:
        raise typer.Exit(EXIT_FINDING)


def _render_check(data: object) -> None:
    found = PackageCheck.read(data)
    if found.problem is not None:
        console().print(found.problem, markup=False)
        return
    print_table(
        ["ALGORITHM", "RESULT", "RUNS ON", "A PICTURE", "ON ITS SAMPLE"],
        [_row(algorithm) for algorithm in found.algorithms],
        "it holds no algorithm",
    )


def _row(algorithm: CheckedAlgorithm) -> tuple[object, ...]:
    if algorithm.problem is not None:
        return algorithm.algo_package_code, algorithm.problem, None, None, None
    return (
        algorithm.algo_package_code,
        "good",
        algorithm.provider,
        f"{1000 * (algorithm.seconds_per_frame or 0.0):.1f} ms",
        f"{algorithm.sample_boxes} objects",
    )
