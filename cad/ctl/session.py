"""What every command shares: the socket, the exit codes, the two ways to print."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from cad.base.errors import CadError
from cad.config.settings import Settings
from cad.ctl.client import LocalApi, RefusedByDaemonError, UnreachableError

EXIT_FINDING = 1
EXIT_UNREACHABLE = 3

T = TypeVar("T")

Json = Annotated[bool, typer.Option("--json", help="Print the answer's data as JSON.")]
Socket = Annotated[
    Path,
    typer.Option(
        "--socket", envvar="CAD_API__SOCKET", help="The daemon's socket.", show_default=True
    ),
]
DEFAULT_SOCKET = Settings().api.socket


def api(context: typer.Context) -> LocalApi:
    """Return the local API on the socket that the command line names."""
    return LocalApi(context.ensure_object(dict)["socket"])


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work`; what the daemon or the network says against it ends the command."""
    with reporting():
        return asyncio.run(work)


@contextmanager
def reporting() -> Generator[None]:
    """Turn errors with a sentence for people into that sentence and an exit code."""
    try:
        yield
    except UnreachableError as error:
        fail(str(error), EXIT_UNREACHABLE)
    except (RefusedByDaemonError, CadError) as error:
        fail(str(error), EXIT_FINDING)


def fail(message: str, code: int = EXIT_FINDING) -> NoReturn:
    """Say what is wrong on standard error and end with `code`."""
    print(f"cadctl: {message}", file=sys.stderr)
    raise typer.Exit(code)


def show(data: object, as_json: bool, render: Callable[[Any], None]) -> None:
    """Print `data` as JSON, or as `render` prints it for people."""
    if as_json:
        print(json.dumps(data, ensure_ascii=False, indent=2))
        return
    with reporting():  # a daemon of another version may answer what is not understood here
        render(data)
