"""Tables and sentences for people."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cad.wire.annex_g_tasks import StatusReason

GOOD, BAD, BUSY = "green", "red", "yellow"

_STYLES = {
    "RUNNING": GOOD, "online": GOOD, "open": GOOD, "ready": GOOD, "available": GOOD, "done": GOOD,
    "ERROR": BAD, "STOPPED": BAD, "offline": BAD, "failed": BAD,
    "PENDING": BUSY, "waiting": BUSY, "opening": BUSY, "registering": BUSY, "starting": BUSY,
    "restarting": BUSY, "downloading": BUSY, "verifying": BUSY, "working": BUSY,
}  # fmt: skip


def console() -> Console:
    """Return where people read; as wide as the terminal, never wrapped when piped."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=200)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print `rows` under `columns`, or the sentence `empty`."""
    if not rows:
        console().print(empty)
        return
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    console().print(table)


def print_pairs(pairs: Sequence[tuple[str, object]]) -> None:
    """Print names and values, one pair a line."""
    grid = Table.grid(padding=(0, 2))
    for name, value in pairs:
        grid.add_row(Text(name, style="bold"), cell(value))
    console().print(grid)


def cell(value: object) -> Text:
    """Return `value` as people read it; states in their colour."""
    if value is None or value == "":
        return Text("-", style="dim")
    text = str(value)
    return Text(text, style=_STYLES.get(text, ""))


def size(count: float) -> str:
    """Return a number of bytes in the unit that fits."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("the last unit takes every size")


def age(milliseconds: int | None) -> str:
    """Return an age in seconds."""
    return "" if milliseconds is None else f"{milliseconds / 1000:.1f} s"


def duration(seconds: float) -> str:
    """Return a span of time in its two largest units."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def reason(fault: StatusReason | None) -> str:
    """Return why something does not work, in one line."""
    return "" if fault is None else f"{fault.kind}: {fault.message} (since {fault.since})"
