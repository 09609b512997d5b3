"""Requests in, answers out: the parameters of a call (AM-08) and the envelope around its result."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from aiohttp import web

from cad.base.errors import (
    BadValueError,
    CadError,
    ContradictionError,
    RefusedError,
    TooLargeError,
)
from cad.control.api.annexes import annex_of
from cad.control.api.routing import Match
from cad.control.api.services import DEVICE, STRICTNESS
from cad.control.api.subject import concern
from cad.domain.access import Caller
from cad.wire.duplicates import duplicate_members
from cad.wire.envelope import SUCCESS, EnvelopeStyle
from cad.wire.model import WireModel, read_json
from cad.wire.oauth import AnswerStyle

Model = TypeVar("Model", bound=WireModel)

MATCH: web.RequestKey[Match] = web.RequestKey("match", Match)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)
CALLER: web.RequestKey[Caller] = web.RequestKey("caller", Caller)
"""Who calls, once it is proved."""
CLAIMED: web.RequestKey[str] = web.RequestKey("claimed", str)
"""Under which name somebody tried to prove it."""
CODE: web.RequestKey[int] = web.RequestKey("code", int)
"""The result code of the answer."""


async def parse(request: web.Request, model: type[Model]) -> Model:
    """Return the parameters of the request, wherever they stand, as `model`."""
    return model.read(await gather(request, model))


async def gather(request: web.Request, model: type[WireModel]) -> dict[str, object]:
    """Return the members of path, query and body under the table's names, unchecked.

    Raises:
        ContradictionError: two places give one member different values.
        BadValueError: the body is no JSON object, or strict mode and it has a member twice.
        TooLargeError: the body is larger than this device takes.
        LookupError: a bug: the route's contract does not say that it takes `model`.
    """
    if model not in request[MATCH].route.contract.takes:
        raise LookupError(f"{request[MATCH].route.path} does not take {model.__name__}")
    places = {
        "path": request[MATCH].variables,
        "query": _query(request),
        "body": await _body(request),
    }
    merged = merge({place: model.named(members) for place, members in places.items()})
    concern(request, {name: merged.get(name) for name in request[MATCH].route.contract.subject})
    return merged


def merge(places: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """Return the members of all `places`; the first wins, equal values may repeat (AM-08)."""
    merged: dict[str, object] = {}
    origin: dict[str, str] = {}
    for place, members in places.items():
        for name, value in members.items():
            if name not in merged:
                merged[name], origin[name] = value, place
            elif _as_text(merged[name]) != _as_text(value):
                expected = f"expected in the {place} what the {origin[name]} says"
                raise ContradictionError(expected, field=name, given=value)
    return merged


def _as_text(value: object) -> str:
    """Return `value` as it would stand in a path or query."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _query(request: web.Request) -> Mapping[str, object]:
    """Return the query's members; a repeated one is a list."""
    query = request.query
    return {name: _one_or_all(query.getall(name)) for name in query}


def _one_or_all(values: Sequence[str]) -> object:
    different = list(dict.fromkeys(values))
    return different[0] if len(different) == 1 else different


async def _body(request: web.Request) -> Mapping[str, object]:
    """Return the body's members; no body = none, whatever the method."""
    text = await read_body(request)
    if not text.strip():
        return {}
    value = read_json(text)
    if not isinstance(value, Mapping):
        raise BadValueError("expected a JSON object", field="body")
    for member in duplicate_members(text):
        deviation = BadValueError("expected each member once", field=member)
        call = f"{request.method} {request[MATCH].route.path}"
        request.app[STRICTNESS].object_to(deviation, call)
    return value


async def read_body(request: web.Request) -> bytes:
    """Return the body, or raise `TooLargeError` or `BadValueError`."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        limit = request.client_max_size
        raise TooLargeError(f"expected at most {limit} bytes", field="body") from None
    except web.RequestPayloadError:
        raise BadValueError("expected a body as its headers announce it", field="body") from None


def answer_style(request: web.Request) -> AnswerStyle:
    """Return the envelope that answers the request: its route's, else that of its path's annex."""
    match = request.get(MATCH)
    style = match.route.style if match else annex_of(request.rel_url.raw_path).style
    return style.spoken_in(request.app[DEVICE].dialect)


def reply(request: web.Request, data: object = None) -> web.Response:
    """Answer that the call was done, with `data` as its result."""
    return respond(request, data)


def refuse(request: web.Request, error: CadError) -> web.Response:
    """Answer what is wrong; what a program may want to know of it stands in `error` again."""
    details = _details(error) if isinstance(error, RefusedError) else None
    return respond(
        request, status=error.status, code=error.code, message=str(error), details=details
    )


def _details(error: RefusedError) -> dict[str, str]:
    found = {"field": error.field, "given": error.given, "expected": error.expected}
    return {name: text for name, text in found.items() if text}


def respond(  # noqa: PLR0913 - the parts of an envelope
    request: web.Request,
    data: object = None,
    *,
    status: int = 200,
    code: int = SUCCESS,
    message: str = "success",
    details: dict[str, str] | None = None,
) -> web.Response:
    """Answer in the envelope of the annex; `details` of an error are an extension member."""
    style = answer_style(request)
    envelope = style.write(data, code=code, message=message, request_id=request.get(REQUEST_ID, ""))
    request[CODE] = code
    if details and isinstance(style, EnvelopeStyle):
        envelope["error"] = details
    return web.json_response(envelope, status=status)
