"""Who may call. Whoever can open the local socket is trusted; the network has to prove itself."""

import base64
import binascii

from cad.base.errors import CadError, UnauthorisedError
from cad.control.access.errors import InsufficientScopeError, InvalidClientError, InvalidTokenError
from cad.control.api.ports import Door
from cad.domain.access import Caller, Login, Scope

REALM = 'realm="CAD"'
BASIC_CHALLENGE = f'Basic {REALM}, charset="UTF-8"'


class Gate:
    """Lets in whom the door knows, by access token (RFC 6750) or, if allowed, HTTP Basic."""

    def __init__(self, door: Door, *, basic: bool) -> None:
        self._door, self.basic = door, basic

    def admit(self, authorization: str, address: str, scopes: frozenset[Scope]) -> Caller:
        """Return who calls from `address`, proved by the header `Authorization`.

        Raises:
            UnauthorisedError: it proves nothing.
            InsufficientScopeError: the caller may not use any of `scopes`.
            SlowDownError: there were too many wrong passwords before.
        """
        caller = self._proved(authorization, address)
        if not caller.scopes & scopes:
            raise InsufficientScopeError(scopes)
        return caller

    def _proved(self, authorization: str, address: str) -> Caller:
        scheme, _, proof = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return self._door.check_token(proof.strip())
        login = read_basic(authorization) if self.basic else None
        if login is None:
            raise UnauthorisedError(self._expected())
        try:
            return self._door.check_login(login, address)
        except InvalidClientError:
            raise UnauthorisedError(self._expected()) from None

    def _expected(self) -> str:
        other = ", or the user name and password of this device's API" if self.basic else ""
        return f"expected an access token{other}"


def read_basic(authorization: str) -> Login | None:
    """Return user and password of HTTP Basic (RFC 7617); None if `authorization` is none.

    UTF-8 is asked for; many clients send Latin-1 all the same.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        pair = raw.decode("utf-8")
    except UnicodeDecodeError:
        pair = raw.decode("latin-1")
    name, colon, secret = pair.partition(":")
    return Login(name, secret) if colon else None


def challenges(error: CadError, *, basic: bool) -> list[str]:
    """Return the values of `WWW-Authenticate` that say how to prove oneself (RFC 6750 §3)."""
    match error:
        case InvalidTokenError():
            bearer = f'Bearer {REALM}, error="invalid_token", error_description="{error}"'
        case InsufficientScopeError():
            return [f'Bearer {REALM}, error="insufficient_scope", scope="{error.wanted}"']
        case UnauthorisedError():
            bearer = f"Bearer {REALM}"
        case _:
            return []
    return [BASIC_CHALLENGE, bearer] if basic else [bearer]
