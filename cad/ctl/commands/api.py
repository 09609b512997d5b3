"""`cadctl api`: the calls that the device serves."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import typer

from cad.ctl.output import print_table
from cad.ctl.session import Json, run, show
from cad.ctl.session import api as local_api
from cad.wire.local import OPENAPI

Row = tuple[str, str, str, str]


def api(
    context: typer.Context,
    *,
    local: Annotated[bool, typer.Option("--local", help="Those of the local socket.")] = False,
    as_json: Json = False,
) -> None:
    """List the calls of the device's API; --json prints its OpenAPI document."""
    surface = "local" if local else "public"
    document = run(local_api(context).call("GET", f"{OPENAPI}?surface={surface}"))
    show(document, as_json, _render)


def _render(document: Mapping[str, object]) -> None:
    print_table(["METHOD", "PATH", "CLAUSE", "DOES"], list(_rows(document)), "no calls")


def _rows(document: Mapping[str, object]) -> Iterator[Row]:
    for path, methods in _members(document.get("paths")).items():
        for method, operation in _members(methods).items():
            told = _members(operation)
            clause, summary = told.get("x-clause", ""), told.get("summary", "")
            yield method.upper(), path, str(clause), str(summary)


def _members(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
