"""The command `cadctl`: what the technician in front of the device types.

Exit codes: 0 fine, 1 a finding or a refusal, 2 usage, 3 daemon unreachable.
"""

import typer

from cad.ctl.commands import (
    access,
    api,
    audit,
    config,
    event,
    package,
    platform,
    status,
    stream,
    task,
)
from cad.ctl.session import DEFAULT_SOCKET, Socket

app = typer.Typer(
    help="Talks to the central analysis device on this machine.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def remember_socket(context: typer.Context, socket: Socket = DEFAULT_SOCKET) -> None:
    """Keep what all commands need."""
    context.obj = {"socket": socket}


app.command("status")(status.status)
app.command("api")(api.api)
app.command("audit")(audit.audit)
app.add_typer(package.app, name="package", help="File packages and algorithm packages.")
app.add_typer(task.app, name="task", help="Analysis tasks.")
app.add_typer(stream.app, name="stream", help="Video streams.")
app.add_typer(event.app, name="event", help="Events.")
app.add_typer(config.app, name="config", help="The configuration.")
app.add_typer(platform.app, name="platform", help="The management platform.")
app.add_typer(access.app, name="access", help="Who may get tokens, and the keys that sign them.")


def main() -> None:
    """Run one command and leave with its exit code."""
    app()
