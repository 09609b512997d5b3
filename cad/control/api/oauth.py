"""Tokens for those who call this device, and the renewal of keys (RFC 6749, AM-34, AM-35)."""

from urllib.parse import parse_qsl

from aiohttp import web

from cad.base.errors import ConflictError, ForbiddenError, UnavailableError
from cad.control.access.errors import InsufficientScopeError, InvalidRequestError
from cad.control.api.auth import read_basic
from cad.control.api.contract import Contract
from cad.control.api.http import CALLER, CLAIMED, parse, read_body, reply
from cad.control.api.routing import ANY_SCOPE, ANYBODY, CAD_ONLY, Route
from cad.control.api.services import ACCESS
from cad.domain.access import Caller, Grant, Login, Means, TokenRequest
from cad.wire.oauth import (
    JWKS,
    OAUTH,
    ROTATE,
    KeySet,
    RotatedKeys,
    RotatedSecret,
    RotateRequest,
    TokenForm,
)
from cad.wire.platform_access import TOKEN, AccessToken

FORM = "application/x-www-form-urlencoded"
FIELD_LIMIT = 32
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""On answers that hold secrets (RFC 6749 §5.1)."""
JWKS_AGE = 300
"""Seconds that readers may keep the public keys."""


async def give_token(request: web.Request) -> web.Response:
    """Give an access token for a password, a client's secret or a refresh token (AM-34)."""
    form = TokenForm.read(await _form(request))
    wanted = TokenRequest(
        grant_type=form.grant_type,
        client=_client(request, form),
        user=_login(form.username, form.password),
        refresh_token=form.refresh_token or "",
        scope=form.scope or "",
    )
    request[CLAIMED] = _claimed(wanted)
    grant = await request.app[ACCESS].office.grant(wanted, request.remote or "")
    request[CALLER] = Caller(grant.account, grant.scopes, Means.SECRET)
    return _secret(reply(request, _token(grant).to_wire()))


async def show_keys(request: web.Request) -> web.Response:
    """Show the public keys that check this device's tokens (RFC 7517)."""
    response = reply(request, request.app[ACCESS].jwks())
    response.headers["Cache-Control"] = f"public, max-age={JWKS_AGE}"
    return response


async def rotate(request: web.Request) -> web.Response:
    """Give the caller a new secret, or have a new key sign tokens; the old stay valid (AM-35)."""
    wanted = await parse(request, RotateRequest)
    access, caller = request.app[ACCESS], request[CALLER]
    if wanted.keys == "client":
        made = await access.rotate_secret(caller.name)
        answer = RotatedSecret(
            client_id=made.account,
            client_secret=made.secret,
            old_secret_expires_in=round(made.grace),
        )
        return _secret(reply(request, answer.to_wire()))
    if not caller.scopes & CAD_ONLY:
        raise InsufficientScopeError(CAD_ONLY)
    return reply(request, RotatedKeys(kid=await access.rotate_keys()).to_wire())


def _token(grant: Grant) -> AccessToken:
    return AccessToken(
        access_token=grant.access_token,
        expires_in=grant.lifetime,
        refresh_token=grant.refresh_token,
        scope=" ".join(sorted(grant.scopes)),
    )


def _client(request: web.Request, form: TokenForm) -> Login | None:
    """Return who asks for a token, from HTTP Basic or the form (RFC 6749 §2.3.1).

    Raises:
        InvalidRequestError: they are two.
    """
    basic = read_basic(request.headers.get("Authorization", ""))
    posted = _login(form.client_id, form.client_secret)
    if basic is None or posted is None:
        return basic or posted
    if posted.secret or posted.name != basic.name:
        raise InvalidRequestError("expected one way to name the client", field="client_id")
    return basic


def _login(name: str | None, secret: str | None) -> Login | None:
    return None if name is None else Login(name, secret or "")


def _claimed(wanted: TokenRequest) -> str:
    login = wanted.user or wanted.client
    return login.name if login else ""


async def _form(request: web.Request) -> dict[str, str]:
    """Return the parameters in the body (RFC 6749 §3.2).

    Raises:
        InvalidRequestError: it is no form, or has a parameter twice.
    """
    if request.content_type != FORM:
        raise InvalidRequestError(f"expected {FORM}", field="Content-Type")
    text = await read_body(request)
    try:
        pairs = parse_qsl(text.decode(), errors="strict", max_num_fields=FIELD_LIMIT)
    except ValueError:
        raise InvalidRequestError("expected a form in UTF-8", field="body") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise InvalidRequestError("expected each parameter once", field="body")
    return form


def _secret(response: web.Response) -> web.Response:
    response.headers.update(NO_STORE)
    return response


ROUTES = (
    Route(
        "POST",
        TOKEN,
        give_token,
        OAUTH,
        Contract(
            takes=(TokenForm,),
            answers=AccessToken,
            refuses=(UnavailableError,),
            body_type=FORM,
        ),
        scopes=ANYBODY,
    ),
    Route("GET", JWKS, show_keys, OAUTH, Contract(answers=KeySet), scopes=ANYBODY),
    Route(
        "POST",
        ROTATE,
        rotate,
        OAUTH,
        Contract(
            takes=(RotateRequest,),
            subject=("keys",),
            answers=RotatedSecret | RotatedKeys,
            refuses=(ConflictError, ForbiddenError, UnavailableError),
        ),
        scopes=ANY_SCOPE,
    ),
)
