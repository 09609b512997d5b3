"""`cadctl config …`: what the configuration says; works with the daemon down."""

from pathlib import Path
from typing import Annotated

import typer

from cad.config.load import DEFAULT_FILE, ConfigError, load
from cad.ctl.output import console
from cad.ctl.session import EXIT_FINDING, Json, show

app = typer.Typer(no_args_is_help=True)


@app.callback()
def configuration() -> None:
    """The configuration."""


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="Configuration file.")] = DEFAULT_FILE,
    *,
    as_json: Json = False,
) -> None:
    """Name every problem of a configuration with key and value."""
    problems = _problems(file)
    show({"file": str(file), "problems": problems}, as_json, _render)
    if problems:
        raise typer.Exit(EXIT_FINDING)


def _problems(file: Path) -> list[str]:
    try:
        load(file)
    except ConfigError as error:
        return error.problems
    return []


def _render(found: dict[str, object]) -> None:
    problems = found["problems"]
    if not problems or not isinstance(problems, list):
        console().print(f"{found['file']}: good", markup=False)
        return
    for problem in problems:
        console().print(problem, markup=False)
