"""`python -m cad.sim.platform`: the reference platform alone, for whoever integrates a device."""

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from cad.base.clock import SystemClock
from cad.base.errors import CadError
from cad.sim.platform.registry import Machine
from cad.sim.platform.server import HOSTS, PlatformOptions, ReferencePlatform
from cad.wire.event import EventDocument

LOOK_INTERVAL = 0.5
"""Seconds between two looks at the books."""


def main(  # noqa: PLR0913, PLR0917 - the options of a command
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 = any free one.")] = 9443,
    folder: Annotated[
        Path | None, typer.Option(help="Where its CA is kept; a temporary folder otherwise.")
    ] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Further name or address for the certificate.")
    ] = None,
    client: Annotated[
        list[str] | None, typer.Option(help="OAuth2 client as ID:SECRET; makes tokens mandatory.")
    ] = None,
    package: Annotated[
        list[str] | None, typer.Option(help="File package to offer for download, as NUMBER=FILE.")
    ] = None,
    sm2: Annotated[bool, typer.Option(help="Offer an SM2 key for passwords.")] = True,
) -> None:
    """Run the reference platform until Ctrl-C and print what devices do."""
    with tempfile.TemporaryDirectory(prefix="cad-platform-") as temporary:
        options = PlatformOptions(
            folder=folder or Path(temporary),
            host=host,
            port=port,
            names=(*HOSTS, host, *(name or ())),
            offer_sm2_key=sm2,
            require_token=bool(client),
            clients=dict(_pair(text, ":", "client") for text in client or ()),
        )
        packages = dict(_offer(text) for text in package or ())
        try:
            asyncio.run(_run(options, packages))
        except OSError as error:
            raise SystemExit(f"{host}:{port}: {error.strerror or error}") from error
        except CadError as error:
            raise SystemExit(str(error)) from error


async def _run(options: PlatformOptions, packages: dict[int, Path]) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(wanted, stop.set)
    async with ReferencePlatform(options, on_event=_show_event) as platform:
        print(f"platform  {platform.url}\nCA file   {platform.ca_file}")
        print(f"events    {platform.event_url}", flush=True)
        for number, path in packages.items():
            content = await platform.packages.offer(number, path)
            print(f"package   {number}: {path} (md5 {content.md5})", flush=True)
        await _watch(platform, stop)


async def _watch(platform: ReferencePlatform, stop: asyncio.Event) -> None:
    """Print every change in the books until `stop`."""
    shown: dict[str, str] = {}
    while not stop.is_set():
        books = {code: _line(machine) for code, machine in platform.registry.machines.items()}
        for code in books.keys() | shown.keys():
            if books.get(code) != shown.get(code):
                _say(f"{code}  {books.get(code, 'unregistered')}")
        shown = books
        try:
            async with asyncio.timeout(LOOK_INTERVAL):
                await stop.wait()
        except TimeoutError:
            continue


def _line(machine: Machine) -> str:
    secrecy = "SM2" if machine.password_encrypted else "plain"
    return (
        f"{machine.state}  {machine.ip}:{machine.port}  user {machine.login.username}"
        f"  password {secrecy}  registrations {machine.registrations}"
    )


def _show_event(event: EventDocument) -> None:
    _say(f"{event.device_code}  event {event.event_type}  task {event.task_id}  {event.event_time}")


def _say(text: str) -> None:
    print(f"{SystemClock().now().astimezone():%H:%M:%S}  {text}", flush=True)


def _pair(text: str, separator: str, option: str) -> tuple[str, str]:
    left, found, right = text.partition(separator)
    if not (left and found and right):
        raise typer.BadParameter(f"{text!r}: expected LEFT{separator}RIGHT", param_hint=option)
    return left, right


def _offer(text: str) -> tuple[int, Path]:
    number, path = _pair(text, "=", "package")
    if not number.isdecimal() or not Path(path).is_file():
        raise typer.BadParameter(f"{text!r}: expected a number and a file", param_hint="package")
    return int(number), Path(path)


if __name__ == "__main__":
    typer.run(main)
