"""`cadctl package …`: what is installed, and what it came in."""

from typing import Annotated
from urllib.parse import quote

import typer

from cad.ctl.output import console, print_pairs, print_table, size
from cad.ctl.session import Json, api, run, show
from cad.wire.annex_i_packages import (
    CapacityItem,
    MachineAlgoFilePackage,
    MachineAlgoPackage,
    MachineAlgoPackageDetail,
)
from cad.wire.local import PACKAGES, PackagesItem

app = typer.Typer(no_args_is_help=True)

Code = Annotated[str, typer.Argument(help="algoPackageCode")]


@app.command("ls")
def ls(context: typer.Context, *, as_json: Json = False) -> None:
    """List algorithm packages and file packages."""
    show(run(api(context).call("GET", PACKAGES)), as_json, _render_list)


@app.command("show")
def show_one(context: typer.Context, code: Code, *, as_json: Json = False) -> None:
    """Show one algorithm package."""
    data = run(api(context).call("GET", f"{PACKAGES}/{quote(code, safe='')}"))
    show(data, as_json, _render_one)


def _render_list(data: object) -> None:
    item = PackagesItem.read(data)
    print_table(
        ["CODE", "NAME", "VERSION", "TYPE", "STATE", "OPERATION", "REASON"],
        [
            (
                package.algo_package_code,
                package.algo_package_name,
                package.algo_package_version,
                package.algo_package_type.value,
                package.status.value if package.status else None,
                _operation(package),
                package.status_reason,
            )
            for package in item.packages
        ],
        "no algorithm package is installed",
    )
    print_table(
        ["FILE PACKAGE", "NAME", "VERSION", "STATE", "RECEIVED", "CONTAINS", "REASON"],
        [
            (
                file_package.algo_file_package_id,
                file_package.name,
                file_package.version,
                file_package.status_text,
                _received(file_package),
                ", ".join(file_package.algo_package_codes),
                file_package.reason,
            )
            for file_package in item.file_packages
        ],
        "no file package is here",
    )


def _render_one(data: object) -> None:
    package = MachineAlgoPackageDetail.read(data)
    print_pairs(
        [
            ("code", package.algo_package_code),
            ("name", package.algo_package_name),
            ("version", package.algo_package_version),
            ("type", package.algo_package_type.value),
            ("state", package.status.value if package.status else None),
            ("reason", package.status_reason),
            ("operation", _operation(package)),
            ("file package", package.algo_file_package_id),
            ("replaced by", package.replaced_by),
            ("created", package.created_date),
            ("cabin", package.algo_cabin_name),
            ("events", ", ".join(package.event_types) or "any"),
            ("args", package.args),
            ("runs on", _device(package)),
            *((name, value) for name, value in package.environment.items()),
            *(("capacity", _capacity(capacity)) for capacity in package.capacities),
        ]
    )
    console().print()


def _device(package: MachineAlgoPackageDetail) -> str:
    if package.provider is None or package.seconds_per_frame is None:
        return ""
    return f"{package.provider}, {1000 * package.seconds_per_frame:.1f} ms a picture"


def _capacity(capacity: CapacityItem) -> str:
    return (
        f"{capacity.vendor} {capacity.accelerator}: {capacity.stream_video_quota} video and "
        f"{capacity.stream_capture_quota} picture channels at {capacity.resolution}, "
        f"{capacity.analyze_quota} requests/s, {capacity.quota:g} card(s) each"
    )


def _operation(package: MachineAlgoPackage) -> str:
    return ": ".join(part for part in (package.operation, package.step) if part)


def _received(file_package: MachineAlgoFilePackage) -> str:
    total = file_package.total_bytes
    received = size(file_package.received_bytes)
    return f"{received} of {size(total)}" if total else received
