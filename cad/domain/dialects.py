"""Dialects: named profiles of a platform's habits, where the standard can be read in several ways.

A dialect is data. Those that are added to the built-in one are entry points of the group
`cad.dialects`, each the name of a `Dialect`; no handler knows any of them (AM-140).
"""

from dataclasses import dataclass
from enum import StrEnum

from cad.domain.plugins import find_plugin

ENTRY_POINT_GROUP = "cad.dialects"


class CodeType(StrEnum):
    """The JSON type of result codes."""

    TEXT = "text"
    NUMBER = "number"


class EmptyData(StrEnum):
    """How an answer without a payload prints `data` (AM-04, AM-05)."""

    NULL = "null"
    LEFT_OUT = "left out"
    TRUE = "true"
    """On success; left out on failure."""
    OBJECT = "object"
    """`{}` on success, as examples print it; left out on failure."""


class MultiLine(StrEnum):
    """What the points of a MULTI_LINE are (AM-110)."""

    POLYLINE = "polyline"
    PAIRS = "pairs"
    """Each two points are a line of their own."""


class Reading(StrEnum):
    """Where a peer looks for the parameters of a GET (AM-08)."""

    QUERY = "query"
    """In path and query only."""
    BODY = "body"
    """In the JSON body that the examples print."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one kind of peer writes and expects; the defaults are the standard as we read it."""

    name: str
    code_type: CodeType | None = None
    """None = that of each annex's tables (AM-01)."""
    empty_data: EmptyData | None = None
    """None = that of each annex."""
    multi_line: MultiLine = MultiLine.POLYLINE
    get_reading: Reading = Reading.QUERY
    machine_paths: tuple[str, ...] = ("/CAD/machine", "/ACP/machine")
    """Where the platform may have H.2–H.4, the likeliest first (AM-10, AM-116)."""
    package_paths: tuple[str, ...] = (
        "/CAD/machine/algoPackages",
        "/CAD/machine/algorithmPackages",
    )
    """Where a device may have I.4–I.7, the likeliest first (AM-10, AM-117)."""


STANDARD = Dialect(name="standard")


def find_dialect(name: str) -> Dialect:
    """Return the dialect called `name`.

    Raises:
        BadValueError: there is none, or its plugin cannot be loaded; names those there are.
    """
    built_in = {STANDARD.name: STANDARD}
    return find_plugin(name, built_in, Dialect, group=ENTRY_POINT_GROUP, field="machine.dialect")
