"""`cadctl platform …`: what concerns the management platform."""

import typer

from cad.ctl.output import print_pairs
from cad.ctl.session import Json, api, run, show
from cad.wire.local import PLATFORM_CREDENTIALS, CredentialsItem

app = typer.Typer(no_args_is_help=True)


@app.callback()
def platform() -> None:
    """The management platform."""


@app.command("credentials")
def credentials(context: typer.Context, *, as_json: Json = False) -> None:
    """Show what the platform logs in at this device with."""
    show(run(api(context).call("GET", PLATFORM_CREDENTIALS)), as_json, _render)


def _render(data: object) -> None:
    found = CredentialsItem.read(data)
    print_pairs([("username", found.username), ("password", found.password)])
