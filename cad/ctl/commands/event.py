"""`cadctl event …`: events as they are stored."""

import json
from collections.abc import Mapping
from typing import Annotated

import typer

from cad.ctl.client import LocalApi, table_of
from cad.ctl.output import console, print_table
from cad.ctl.session import Json, api, run, show
from cad.wire.local_events import (
    EVENTS_DEAD,
    EVENTS_RESEND,
    EVENTS_TAIL,
    DeadLetterItem,
    ResentItem,
)

app = typer.Typer(no_args_is_help=True)


@app.callback()
def events() -> None:
    """Events."""


@app.command("tail")
def tail(context: typer.Context, *, as_json: Json = False) -> None:
    """Print every event when it is stored, until Ctrl-C."""
    try:
        run(_follow(api(context), as_json=as_json))
    except KeyboardInterrupt:
        return


@app.command("dead")
def dead(context: typer.Context, *, as_json: Json = False) -> None:
    """List the events that receivers refused for good, oldest first."""
    show(run(api(context).call("GET", EVENTS_DEAD)), as_json, _render_dead)


def _render_dead(data: object) -> None:
    letters = [DeadLetterItem.read(row) for row in table_of(data)]
    print_table(
        ["EVENT", "TASK", "STORED", "DESTINATION", "REASON"],
        [(e.event_id, e.task_id, e.stored_at, e.destination, e.reason) for e in letters],
        "no event was refused for good",
    )


@app.command("resend")
def resend(
    context: typer.Context,
    event_ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All that were refused for good.")] = False,
    as_json: Json = False,
) -> None:
    """Try again to deliver events that receivers refused for good."""
    if bool(event_ids) == every:
        raise typer.BadParameter("name events, or give --all")
    body = {"all": True} if every else {"eventIds": event_ids}
    show(run(api(context).call("POST", EVENTS_RESEND, body)), as_json, _render_resent)


def _render_resent(data: object) -> None:
    console().print(f"{ResentItem.read(data).resent} deliveries are tried again")


async def _follow(local: LocalApi, *, as_json: bool) -> None:
    async for event in local.lines(EVENTS_TAIL):
        if as_json:
            print(json.dumps(event, ensure_ascii=False), flush=True)
        elif isinstance(event, Mapping):
            console().print(_line(event))


def _line(event: Mapping[str, object]) -> str:
    targets = event.get("targets")
    seen = [
        f"{target.get('label')} #{target.get('trackId')}"
        for target in (targets if isinstance(targets, list) else [])
        if isinstance(target, Mapping)
    ]
    parts = [event.get("eventTime"), event.get("taskId"), event.get("eventType")]
    parts += [event.get("direction"), ", ".join(seen)]
    return "  ".join(str(part) for part in parts if part)
