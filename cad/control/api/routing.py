"""Which handler answers a request: a table, matched against the raw path.

The path is cut at its slashes before anything is decoded, so that an id keeps its encoded slash.
A verb after the last colon (AM-11) is split off only if the table knows it, since ids may hold
colons. Fixed segments match in any case (AM-10).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from aiohttp import web

from cad.base.errors import BadValueError, NotFoundError, RefusedError
from cad.control.api.annexes import annex_of
from cad.control.api.contract import NOTHING, Contract
from cad.domain.access import Scope
from cad.wire.oauth import AnswerStyle

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class NoSuchPathError(NotFoundError):
    """Nothing is served under the path; says which annex it belongs to if none of that is."""

    def __init__(self, raw_path: str) -> None:
        annex = annex_of(raw_path).unserved
        expected = f"{annex} is not served by this version" if annex else "nothing is served here"
        super().__init__(expected, field="path", given=raw_path)


class MethodNotAllowedError(RefusedError):
    """The path is served, by other methods."""

    code = 40501
    status = 405

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        self.allowed = ", ".join(sorted(allowed))
        super().__init__(f"expected {self.allowed}", field="method", given=method)


class Effect(Enum):
    """What a call does, for the audit log."""

    READS = "reads"
    CHANGES = "changes"
    REVEALS = "reveals"
    """Shows a secret."""


ANYBODY: frozenset[Scope] = frozenset()
ANY_SCOPE = frozenset(Scope)
CAD_ONLY = frozenset({Scope.CAD})


@dataclass(frozen=True, slots=True)
class Route:
    """One call: `path` may hold `{variable}` segments and end in `:verb`."""

    method: str
    path: str
    handler: Handler
    style: AnswerStyle
    contract: Contract = NOTHING
    scopes: frozenset[Scope] = CAD_ONLY
    """Each of which lets a caller in; none = anybody may call."""
    effect: Effect | None = None
    """None = as the method says: GET reads, any other changes."""

    @property
    def is_audited(self) -> bool:
        """Whether calls go to the audit log."""
        effect = self.effect or (Effect.READS if self.method == "GET" else Effect.CHANGES)
        return effect is not Effect.READS


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request, and the decoded variables of its path."""

    route: Route
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Shape:
    """A path cut into segments, with its verb."""

    segments: tuple[str, ...]
    verb: str = ""

    @classmethod
    def of(cls, template: str) -> "_Shape":
        """Return the shape of a route's path."""
        path, _, verb = template.partition(":")
        return cls(_segments(path), verb)

    def variables(self, path: "_Shape") -> dict[str, str] | None:
        """Return what the variables stand for if `path`, decoded, has this shape."""
        if len(path.segments) != len(self.segments) or path.verb != self.verb:
            return None
        found: dict[str, str] = {}
        for own, given in zip(self.segments, path.segments, strict=True):
            if own.startswith("{"):
                found[own.strip("{}")] = given
            elif own.lower() != given.lower():
                return None
        return found if all(found.values()) else None


class RouteTable:
    """Finds the route of a request."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, _Shape.of(route.path)) for route in routes]
        self._verbs = {shape.verb for _, shape in self._routes} - {""}

    def find(self, method: str, raw_path: str) -> Match:
        """Return the route of `method` and `raw_path`, the path as it came, still encoded.

        Raises:
            NoSuchPathError, MethodNotAllowedError: nothing fits.
            BadValueError: the path's encoding is broken.
        """
        path, allowed = self._cut(raw_path), set[str]()
        for route, shape in self._routes:
            variables = shape.variables(path)
            if variables is None:
                continue
            if route.method == method:
                return Match(route, variables)
            allowed.add(route.method)
        if allowed:
            raise MethodNotAllowedError(method, allowed)
        raise NoSuchPathError(raw_path)

    def _cut(self, raw_path: str) -> _Shape:
        *front, last = _segments(raw_path) or ("",)
        name, colon, verb = last.replace("%3A", ":").replace("%3a", ":").rpartition(":")
        if colon and verb.lower() in self._verbs:
            return _Shape((*map(_decoded, front), _decoded(name)), verb.lower())
        return _Shape((*map(_decoded, front), _decoded(last)))


ROUTE_TABLE = web.AppKey("route_table", RouteTable)


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))


def _decoded(segment: str) -> str:
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise BadValueError("expected UTF-8 after each %", field="path", given=segment) from None
