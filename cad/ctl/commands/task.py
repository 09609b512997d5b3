"""`cadctl task …`: analysis tasks."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from cad.base.errors import BadValueError
from cad.ctl.client import table_of
from cad.ctl.output import age, console, print_pairs, print_table, reason
from cad.ctl.session import Json, api, reporting, run, show
from cad.ctl.task_order import task_order
from cad.domain.tasks import RestartPolicy
from cad.wire.annex_g_tasks import AlgoTask, AlgoTaskCreateData, AlgoTaskPage, TaskFrames
from cad.wire.local import TASKS, TaskStepItem
from cad.wire.model import read_json

app = typer.Typer(no_args_is_help=True)

TaskArgument = Annotated[str, typer.Argument(metavar="TASK", help="Task id, see `task ls`.")]


@app.command("ls")
def ls(context: typer.Context, *, as_json: Json = False) -> None:
    """List the tasks with their result-based state."""
    show(run(api(context).call("GET", TASKS)), as_json, _render_list)


@app.command("show")
def show_one(context: typer.Context, task: TaskArgument, *, as_json: Json = False) -> None:
    """Show one task."""
    show(run(api(context).call("GET", _path(task))), as_json, _render_one)


@app.command("history")
def history(context: typer.Context, task: TaskArgument, *, as_json: Json = False) -> None:
    """List the last changes of a task's state, oldest first."""
    show(run(api(context).call("GET", f"{_path(task)}/history")), as_json, _render_history)


@app.command("add")
def add(  # noqa: PLR0913, PLR0917 - one parameter for each option
    context: typer.Context,
    service: Annotated[str, typer.Option(help="algoPackageCode of the algorithm.")] = "",
    stream: Annotated[str, typer.Option(help="Stream URL (rtsp://, file://).")] = "",
    event_type: Annotated[str, typer.Option("--event", help="Event type to report.")] = "",
    destination: Annotated[str, typer.Option("--to", help="URL that receives events.")] = "",
    polygon: Annotated[list[str] | None, typer.Option(help='Area "x,y x,y x,y …", 0..1.')] = None,
    line: Annotated[list[str] | None, typer.Option(help='Tripwire "x,y x,y …", 0..1.')] = None,
    both_ways: Annotated[bool, typer.Option("--both-ways", help="Lines count either way.")] = False,
    rate: Annotated[float, typer.Option("--fps", help="Pictures a second; 0 = every one.")] = 5.0,
    loop: Annotated[bool, typer.Option("--loop", help="Files: start again at the end.")] = False,
    restart: Annotated[RestartPolicy, typer.Option(help="What follows a failure.")] = (
        RestartPolicy.ALWAYS
    ),
    file: Annotated[
        Path | None, typer.Option("--file", help="Body of Annex G.2 instead of the options.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Make a task: from the options, or from a file with the body of Annex G.2."""
    with reporting():
        if file is not None:
            body = _body(file)
        else:
            _require(service=service, stream=stream, event=event_type, to=destination)
            body = task_order(
                service=service,
                url=stream,
                event_type=event_type,
                destination=destination,
                polygons=polygon or [],
                lines=line or [],
                both_ways=both_ways,
                rate=rate,
                loop=loop,
                restart=restart,
            )
    show(run(api(context).call("POST", TASKS, body)), as_json, _render_created)


@app.command("pause")
def pause(context: typer.Context, task: TaskArgument, *, as_json: Json = False) -> None:
    """Pause a task; its stream is closed if no other task watches it."""
    show(run(api(context).call("POST", f"{_path(task)}:pause")), as_json, _say(f"{task} paused"))


@app.command("resume")
def resume(context: typer.Context, task: TaskArgument, *, as_json: Json = False) -> None:
    """Resume a task, also one that finished or failed."""
    show(run(api(context).call("POST", f"{_path(task)}:resume")), as_json, _say(f"{task} resumed"))


@app.command("rm")
def rm(
    context: typer.Context,
    task: TaskArgument,
    *,
    force: Annotated[bool, typer.Option("--force", help="Drop its undelivered events.")] = False,
    as_json: Json = False,
) -> None:
    """Delete a task; its undelivered events are delivered first."""
    query = "?force=true" if force else ""
    show(run(api(context).call("DELETE", _path(task) + query)), as_json, _say(f"{task} deleted"))


def _path(task: str) -> str:
    return f"{TASKS}/{quote(task, safe='')}"


def _require(**options: str) -> None:
    missing = [f"--{name}" for name, value in options.items() if not value]
    if missing:
        raise typer.BadParameter(f"needed without --file: {', '.join(missing)}")


def _body(file: Path) -> object:
    try:
        return read_json(file.read_bytes())
    except OSError as error:
        raise BadValueError(f"cannot be read: {error.strerror}", field=str(file)) from error


def _say(sentence: str) -> Callable[[object], None]:
    return lambda _: console().print(sentence, markup=False)


def _render_list(data: object) -> None:
    tasks = AlgoTaskPage.read(data).records
    print_table(
        ["TASK", "SERVICE", "STATE", "ANALYSED", "DROPPED", "AGE", "EVENTS", "REASON"],
        [
            (
                task.task_info.id,
                task.algo_service_id,
                task.state.value if task.state else None,
                _frames(task).analysed,
                _frames(task).dropped,
                age(_frames(task).age_ms),
                task.task_info.events,
                reason(task.task_info.status_reason),
            )
            for task in tasks
        ],
        "no task",
    )


def _render_one(data: object) -> None:
    task = AlgoTask.read(data)
    info, frames, options = task.task_info, _frames(task), task.task_info.stream_options
    video = options.video_stream_options if options else None
    print_pairs(
        [
            ("task", info.id),
            ("service", task.algo_service_id),
            ("state", task.state.value if task.state else None),
            ("reason", reason(info.status_reason)),
            ("stream", video.url if video else None),
            ("restart policy", task.restart_policy.value if task.restart_policy else None),
            ("received", frames.received),
            ("decoded", frames.decoded),
            ("analysed", frames.analysed),
            ("dropped", frames.dropped),
            ("age", age(frames.age_ms)),
            ("events", info.events),
            ("created", task.created_date),
        ]
    )


def _render_history(data: object) -> None:
    steps = [TaskStepItem.read(row) for row in table_of(data)]
    print_table(
        ["AT", "EVENT", "BEFORE", "AFTER", "REASON"],
        [(it.at, it.event, it.before.value, it.after.value, it.reason) for it in steps],
        "nothing happened since the daemon started",
    )


def _render_created(data: object) -> None:
    done = AlgoTaskCreateData.read(data)
    for task in done.created_streams:
        console().print(f"{task.task_info.id} created", markup=False)
    for task in done.updated_streams:
        console().print(f"{task.task_info.id} was there; its rules are those given", markup=False)


def _frames(task: AlgoTask) -> TaskFrames:
    return task.task_info.frames or TaskFrames(received=0, decoded=0, analysed=0, dropped=0)
