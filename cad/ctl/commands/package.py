"""`cadctl package …`: what is installed, and what it came in."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from cad.ctl.commands import package_making, package_watch
from cad.ctl.output import console, print_pairs, print_table, size
from cad.ctl.session import EXIT_FINDING, Json, api, run, show
from cad.wire.annex_i_packages import (
    CapacityItem,
    MachineAlgoFilePackage,
    MachineAlgoPackage,
    MachineAlgoPackageDetail,
)
from cad.wire.local import PACKAGES, PackagesItem
from cad.wire.local_packages import FILE_PACKAGES, PushedItem

app = typer.Typer(no_args_is_help=True)
app.command("init")(package_making.init)
app.command("build")(package_making.build)
app.command("check")(package_making.check)

Code = Annotated[str, typer.Argument(help="algoPackageCode")]


@app.command("ls")
def ls(context: typer.Context, *, as_json: Json = False) -> None:
    """List algorithm packages and file packages."""
    show(run(api(context).call("GET", PACKAGES)), as_json, _render_list)


@app.command("show")
def show_one(context: typer.Context, code: Code, *, as_json: Json = False) -> None:
    """Show one algorithm package."""
    show(run(api(context).call("GET", _path(code))), as_json, _render_one)


@app.command("push")
def push(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Archive that the daemon may read.")],
    *,
    as_json: Json = False,
) -> None:
    """Have the device copy an archive, and tell the number that it gets."""
    body = {"path": str(file.resolve())}
    show(run(api(context).call("POST", FILE_PACKAGES, body)), as_json, _render_pushed)


def _render_pushed(data: object) -> None:
    number = PushedItem.read(data).algo_file_package_id
    console().print(f"file package {number} is being copied; cadctl package watch {number}")


@app.command("rm")
def rm(
    context: typer.Context,
    number: Annotated[int, typer.Argument(help="algoFilePackageId")],
    *,
    as_json: Json = False,
) -> None:
    """Remove a file package of which nothing is installed."""
    done = run(api(context).call("DELETE", f"{FILE_PACKAGES}/{number}"))
    show(done, as_json, lambda _: console().print(f"file package {number} is removed"))


@app.command("install")
def install(
    context: typer.Context,
    code: Code,
    *,
    args: Annotated[str, typer.Option(help="key=value pairs (AM-122).")] = "",
    replaces: Annotated[str, typer.Option(help="Running package whose tasks it takes over.")] = "",
    as_json: Json = False,
) -> None:
    """Install and run an algorithm package, or run it with other args."""
    body = {"algoPackageCode": code, "args": args, "replaces": replaces}
    done = run(api(context).call("POST", PACKAGES, body))
    show(done, as_json, lambda _: console().print(f"{code} is being installed"))


@app.command("uninstall")
def uninstall(
    context: typer.Context,
    code: Code,
    *,
    force: Annotated[bool, typer.Option("--force", help="Its tasks go with it.")] = False,
    as_json: Json = False,
) -> None:
    """Remove an algorithm package and all that was made for it."""
    done = run(api(context).call("DELETE", _path(code), {"force": force}))
    show(done, as_json, lambda _: console().print(f"{code} is uninstalled"))


@app.command("start")
def start(context: typer.Context, code: Code, *, as_json: Json = False) -> None:
    """Run a stopped algorithm package again."""
    done = run(api(context).call("POST", f"{_path(code)}:start"))
    show(done, as_json, lambda _: console().print(f"{code} is being started"))


@app.command("stop")
def stop(context: typer.Context, code: Code, *, as_json: Json = False) -> None:
    """Run an algorithm package no more; it stays installed, and its tasks wait."""
    done = run(api(context).call("POST", f"{_path(code)}:stop"))
    show(done, as_json, lambda _: console().print(f"{code} is stopped"))


@app.command("watch")
def watch(
    context: typer.Context,
    wanted: Annotated[str, typer.Argument(metavar="[CODE|ID]", help="Default: all.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Show downloads in bytes and installations in steps until they are over."""
    if not run(package_watch.watch(api(context), wanted, as_json=as_json)):
        raise typer.Exit(EXIT_FINDING)


def _path(code: str) -> str:
    return f"{PACKAGES}/{quote(code, safe='')}"


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
