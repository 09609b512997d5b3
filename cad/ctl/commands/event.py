"""`cadctl event …`: events as they are stored."""

import json
from collections.abc import Mapping

import typer

from cad.ctl.client import LocalApi
from cad.ctl.output import console
from cad.ctl.session import Json, api, run
from cad.wire.local import EVENTS_TAIL

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
