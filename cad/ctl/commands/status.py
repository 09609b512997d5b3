"""`cadctl status`: the device in one view."""

import typer

from cad.ctl.output import console, duration, print_pairs, print_table, size
from cad.ctl.session import Json, api, run, show
from cad.wire.local import STATUS, EventsItem, OutboxItem, StatusItem


def status(context: typer.Context, *, as_json: Json = False) -> None:
    """Show the device: platform, host, workers, outbox, tasks."""
    show(run(api(context).call("GET", STATUS)), as_json, _render)


def _render(data: object) -> None:
    item = StatusItem.read(data)
    host, link = item.host, item.link
    states = ", ".join(f"{n} {state}" for state, n in sorted(item.counts.tasks_by_state.items()))
    print_pairs(
        [
            ("device", f"{item.machine.code}, version {item.machine.version}"),
            ("up", duration(item.machine.uptime_seconds)),
            ("platform", link.state.value),
            ("", _link_line(link.url, link.since, link.last_error)),
            ("cpu", f"{host.cpu_utilization:.0%}"),
            ("memory", _used(host.memory_used_bytes, host.memory_free_bytes)),
            ("disk", _used(host.disk_used_bytes, host.disk_free_bytes)),
            ("packages", item.counts.packages),
            ("tasks", f"{item.counts.tasks} ({states})" if states else item.counts.tasks),
            ("streams", item.counts.streams),
            ("events", _events_line(item.events)),
            ("outbox", _outbox_line(item.outbox)),
        ]
    )
    console().print()
    if item.outbox.destinations:
        print_table(
            ["DESTINATION", "WAITING", "REFUSED", "LAST ERROR"],
            [(d.name, d.waiting, d.dead, d.last_error) for d in item.outbox.destinations],
            "",
        )
        console().print()
    print_table(
        ["WORKER", "STATE", "PID", "RESTARTS", "PROVIDERS", "STREAMS", "MEMORY", "LAST END"],
        [
            (
                worker.name,
                worker.state.value,
                worker.pid,
                worker.restarts,
                ", ".join(worker.providers),
                worker.streams,
                size(worker.resident_bytes),
                worker.last_end,
            )
            for worker in item.workers
        ],
        "no analysis worker",
    )


def _link_line(url: str, since: str, error: str | None) -> str:
    parts = [url, f"since {since}", error or ""]
    return ", ".join(part for part in parts if part)


def _used(used: int, free: int) -> str:
    return f"{size(used)} used, {size(free)} free"


def _outbox_line(outbox: OutboxItem) -> str:
    line = f"{outbox.waiting} waiting, {outbox.delivered} delivered"
    line += _where_any(
        (outbox.dead, "refused for good"),
        (outbox.dropped, "dropped"),
        (outbox.internal_errors, "tries ended by internal errors"),
    )
    return f"{line}; {outbox.last_error}" if outbox.last_error else line


def _events_line(events: EventsItem) -> str:
    line = f"{events.stored} stored"
    line += _where_any(
        (events.orphaned, "of deleted tasks"),
        (events.unmade, "unreadable and lost"),
        (events.failures, "failed tries"),
        (events.refused_now, "refused by the disk now"),
    )
    return f"{line}; {events.last_error}" if events.last_error else line


def _where_any(*counts: tuple[int, str]) -> str:
    """Return those of the counts that are not zero, each after a comma."""
    return "".join(f", {count} {name}" for count, name in counts if count)
