"""`cadctl audit`: who did what."""

from typing import Annotated
from urllib.parse import urlencode

import typer

from cad.ctl.client import table_of
from cad.ctl.output import print_table
from cad.ctl.session import Json, api, run, show
from cad.wire.local_access import AUDIT, DEFAULT_ENTRIES, AuditItem

Since = Annotated[
    str | None, typer.Option(help="A time (2026-11-22 10:00:00) or an age (15m, 2h, 7d).")
]
Limit = Annotated[int, typer.Option(help="How many of the last entries.")]


def audit(
    context: typer.Context,
    *,
    since: Since = None,
    limit: Limit = DEFAULT_ENTRIES,
    as_json: Json = False,
) -> None:
    """List management calls: who, from where, what, with what result."""
    query = {"limit": str(limit)} | ({"since": since} if since else {})
    data = run(api(context).call("GET", f"{AUDIT}?{urlencode(query)}"))
    show(data or [], as_json, _render)


def _render(data: object) -> None:
    items = [AuditItem.read(row) for row in table_of(data)]
    rows = [
        (
            i.time,
            i.who,
            i.means,
            i.source,
            f"{i.method} {i.path}",
            i.subject,
            _result(i),
            i.request_id,
        )
        for i in items
    ]
    columns = ("time", "who", "by", "from", "call", "about", "result", "request")
    print_table(columns, rows, "no management calls")


def _result(item: AuditItem) -> str:
    result = str(item.code) if item.code else "done"
    return f"{result} (and {item.repeated} more)" if item.repeated else result
