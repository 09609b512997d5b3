"""What every request goes through: its id, its errors, its caller's proof."""

import logging
import re
import uuid

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from cad.base import log_context
from cad.base.errors import CadError, RefusedError
from cad.base.redact import redact
from cad.control.access.errors import SlowDownError
from cad.control.api.auth import Gate, challenges
from cad.control.api.http import CALLER, MATCH, REQUEST_ID, answer_style, refuse, respond
from cad.control.api.routing import ANY_SCOPE, ROUTE_TABLE, MethodNotAllowedError
from cad.domain.access import Scope
from cad.wire.oauth import OAUTH

logger = logging.getLogger(__name__)

REQUEST_ID_HEADER = "X-Request-Id"
GATE: web.AppKey[Gate] = web.AppKey("gate")

_ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_BUG_CODE = 50000


@web.middleware
async def with_request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, the caller's own if it is usable, for its answer and the log."""
    own = request.headers.get(REQUEST_ID_HEADER, "")
    request[REQUEST_ID] = own if _ACCEPTABLE_ID.fullmatch(own) else uuid.uuid4().hex
    token = log_context.request_id.set(request[REQUEST_ID])
    try:
        return await handler(request)
    finally:
        log_context.request_id.reset(token)


async def sign(request: web.Request, response: web.StreamResponse) -> None:
    """Put the id on an answer whose headers are about to be sent, and the server's version off."""
    response.headers[REQUEST_ID_HEADER] = request.get(REQUEST_ID, "")
    response.headers.popall(hdrs.SERVER, None)


@web.middleware
async def with_envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into the envelope of its annex (AM-06)."""
    try:
        return await handler(request)
    except CadError as error:
        logger.info("%s %s: %s", request.method, redact(request.rel_url.raw_path), error)
        response = refuse(request, error)
        response.headers.extend(_headers(request, error))
        return response
    except web.HTTPException as error:
        code = error.status * 100 + 1
        return respond(request, status=error.status, code=code, message=error.reason)
    except Exception:
        logger.exception("%s %s", request.method, redact(request.rel_url.raw_path))
        return respond(request, status=500, code=_BUG_CODE, message="internal error")


def _headers(request: web.Request, error: CadError) -> list[tuple[str, str]]:
    oauth = answer_style(request) is OAUTH
    headers = [("Cache-Control", "no-store")] if oauth else []  # RFC 6749 §5.2
    match error:
        case MethodNotAllowedError():
            headers.append(("Allow", error.allowed))
        case SlowDownError():
            headers.append(("Retry-After", str(error.retry_after)))
        case _:
            gate = request.app.get(GATE)
            # Clients may always name themselves to the token endpoint so (RFC 6749 §2.3.1).
            basic = oauth or (gate is not None and gate.basic)
            headers += [("WWW-Authenticate", text) for text in challenges(error, basic=basic)]
    return headers


@web.middleware
async def with_proof(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve only callers that the gate admits (9.1)."""
    scopes = _wanted_scopes(request)
    if scopes:
        authorization = request.headers.get("Authorization", "")
        address = request.remote or ""
        request[CALLER] = request.app[GATE].admit(authorization, address, scopes)
    return await handler(request)


def _wanted_scopes(request: web.Request) -> frozenset[Scope]:
    """Return the scopes of which one is needed, none if anybody may call.

    What is not served needs a proof too: strangers do not learn what there is.
    """
    try:
        match = request.app[ROUTE_TABLE].find(request.method, request.rel_url.raw_path)
    except RefusedError:
        return ANY_SCOPE
    request[MATCH] = match
    return match.route.scopes
