"""`cadctl stream …`: how the streams go."""

import typer

from cad.ctl.client import table_of
from cad.ctl.output import age, print_table, reason
from cad.ctl.session import Json, api, run, show
from cad.wire.local import STREAMS, StreamItem

app = typer.Typer(no_args_is_help=True)


@app.callback()
def streams() -> None:
    """Video streams."""


@app.command("ls")
def ls(context: typer.Context, *, as_json: Json = False) -> None:
    """List the open streams; a stream is named by its id, never by its URL."""
    show(run(api(context).call("GET", STREAMS)), as_json, _render)


def _render(data: object) -> None:
    print_table(
        ["STREAM", "WORKER", "PHASE", "VIDEO", "RECEIVED", "DECODED", "AGE", "CONNECTS", "REASON"],
        [_row(StreamItem.read(row)) for row in table_of(data)],
        "no stream is open",
    )


def _row(stream: StreamItem) -> tuple[object, ...]:
    video = f"{stream.codec} {stream.width}x{stream.height} {stream.frame_rate:g}/s"
    return (
        stream.stream_id,
        stream.worker,
        stream.phase.value,
        video if stream.codec else None,
        stream.received,
        stream.decoded,
        age(stream.last_frame_age_ms),
        stream.connects,
        reason(stream.fault),
    )
