"""The platform's token endpoint: client credentials, opaque tokens (RFC 6749 §4.4, RFC 6750)."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import unquote_plus

from cad.base.clock import Clock
from cad.base.errors import UnauthorisedError


class TokenOffice:
    """Gives tokens to the clients it knows and takes them back."""

    def __init__(self, clients: Mapping[str, str], clock: Clock, lifetime: float = 3600.0) -> None:
        self.clients, self.lifetime = dict(clients), lifetime
        self.given = 0
        """How many tokens were given out."""
        self._clock = clock
        self._tokens: dict[str, tuple[str, float]] = {}

    def give(self, client_id: str, client_secret: str) -> str | None:
        """Return a new token; None if id and secret do not belong together."""
        known = self.clients.get(client_id, "")
        if not known or not hmac.compare_digest(known.encode(), client_secret.encode()):
            return None
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (client_id, self._clock.monotonic() + self.lifetime)
        self.given += 1
        return token

    def revoke_all(self) -> None:
        """Take every token back, as a restart of the platform does."""
        self._tokens.clear()

    def client_of(self, authorization: str | None) -> str | None:
        """Return whose token a request carries; None if it carries none.

        Raises:
            UnauthorisedError: the token is unknown or has expired.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        client_id, expires_at = self._tokens.get(token, ("", 0.0))
        if not client_id or self._clock.monotonic() >= expires_at:
            raise UnauthorisedError("expected a valid access token")
        return client_id


def read_basic(authorization: str | None) -> tuple[str, str] | None:
    """Return user and password of HTTP Basic, each form-decoded (RFC 6749 §2.3.1)."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote_plus(user), unquote_plus(password)
