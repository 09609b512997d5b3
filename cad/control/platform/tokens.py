"""Access tokens for the calls of this device to its platform (RFC 6749, AM-34)."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote_plus

import aiohttp
from typing_extensions import override
from yarl import URL

from cad.base.clock import Clock
from cad.base.errors import RefusedError
from cad.control.platform.errors import PlatformAnswerError, TokenRefusedError
from cad.control.platform.http import Answer, PlatformHttp
from cad.wire.model import read_json
from cad.wire.platform_access import TOKEN, AccessToken

RENEW_BEFORE = 0.1
"""Fraction of a token's life that is not used, so that none expires on its way."""


class Authorizer(Protocol):
    """Says what proves this device to the owner of a URL."""

    async def headers(self, url: str) -> dict[str, str]:
        """Return the headers for a request to `url`; none for anybody but the platform."""

    async def renew(self) -> None:
        """Get a new proof: the platform did not take the last one."""


class Anonymous(Authorizer):
    """Proves nothing; for a platform that gives no tokens."""

    @override
    async def headers(self, url: str) -> dict[str, str]:
        return {}

    @override
    async def renew(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float


class ClientCredentials(Authorizer):
    """Keeps a token got with this device's id and secret (RFC 6749 §4.4). Any task may ask."""

    def __init__(
        self, http: PlatformHttp, client_id: str, client_secret: str, *, clock: Clock
    ) -> None:
        self._http, self._clock = http, clock
        self._proof = _basic(client_id, client_secret)
        self._token: _Token | None = None
        self._fetching = asyncio.Lock()

    @override
    async def headers(self, url: str) -> dict[str, str]:
        """Return the token for the platform's own host, never less protected than the platform.

        Raises:
            UnavailableError: no token can be got now.
        """
        if not self._is_platform(url):
            return {}
        async with self._fetching:
            if self._token is None or self._clock.monotonic() >= self._token.renew_at:
                self._token = await self._fetch()
            return {"Authorization": f"Bearer {self._token.value}"}

    @override
    async def renew(self) -> None:
        """Forget the token; the next request gets a new one."""
        self._token = None

    def _is_platform(self, url: str) -> bool:
        """Whether `url` is at the platform's host, and not in the clear if the platform is not."""
        try:
            target = URL(url)
        except ValueError:
            return False
        weaker = self._http.is_encrypted and target.scheme != "https"
        return target.host == self._http.origin.host and not weaker

    async def _fetch(self) -> _Token:
        form = {"grant_type": "client_credentials"}
        answer = await self._http.exchange("POST", TOKEN, form=form, headers=self._proof)
        token = _read(answer)
        life = token.expires_in * (1 - RENEW_BEFORE)
        return _Token(token.access_token, self._clock.monotonic() + life)


def _read(answer: Answer) -> AccessToken:
    if answer.status != 200:
        # Its body is not quoted: some servers repeat the request in it.
        raise TokenRefusedError(answer.call, answer.status)
    try:
        return AccessToken.read(read_json(answer.body))
    except RefusedError as error:
        raise PlatformAnswerError(answer.call, "an answer without an access token") from error


def _basic(client_id: str, client_secret: str) -> dict[str, str]:
    """Return HTTP Basic with both parts form-encoded first (RFC 6749 §2.3.1)."""
    user, password = quote_plus(client_id), quote_plus(client_secret)
    return {"Authorization": aiohttp.encode_basic_auth(user, password)}
