"""One bounded HTTP exchange with the platform; every way it can fail has a sentence."""

import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

import aiohttp
from yarl import URL

import cad
from cad.base.errors import BadValueError
from cad.base.redact import redact
from cad.config.settings import PlatformSettings
from cad.control.platform.errors import PlatformAnswerError, PlatformUnreachableError
from cad.control.platform.tls import renewed_tls

ANSWER_LIMIT = 64 * 1024
"""Bytes; the answers of Annex H have about a hundred."""

CALL_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the platform sent back."""

    call: str
    """Method and path, for messages."""
    status: int
    body: bytes


class PlatformHttp:
    """Connections to one platform. An async context: it owns them."""

    def __init__(self, settings: PlatformSettings, *, timeout: float = CALL_TIMEOUT) -> None:
        """Take the platform's address from `settings`.

        Raises:
            BadValueError: `platform.url` cannot be called.
        """
        self.origin = _origin(settings.url)
        """Scheme, host and port of the platform."""
        self.url = redact(settings.url.rstrip("/"))
        """The platform's address, fit for logs."""
        self._base, self._settings, self._timeout = settings.url.rstrip("/"), settings, timeout
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether the platform is reached over TLS."""
        return self.origin.scheme == "https"

    async def __aenter__(self) -> Self:
        """Read the certificates, whose changes are taken into use from now on.

        Raises:
            BadValueError: one of the configured files is unusable.
        """
        context = await self._stack.enter_async_context(renewed_tls(self._settings))
        self._session = await self._stack.enter_async_context(_session(context, self._timeout))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
        self._session = None

    def address(self, path: str) -> str:
        """Return the URL of `path` at the platform."""
        return self._base + path

    async def exchange(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        json: Mapping[str, object] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and read its answer, of whatever status; redirects are not followed.

        Raises:
            PlatformUnreachableError: there was no answer in time.
            PlatformAnswerError: the answer is larger than any platform's.
        """
        if self._session is None:
            raise LookupError("the connections to the platform are not open")
        call = f"{method} {path}"
        request = self._session.request(
            method, self.address(path), json=json, data=form, headers=headers, allow_redirects=False
        )
        try:
            async with request as response:
                return Answer(call, response.status, await _read(call, response.content))
        except TimeoutError as error:
            reason = f"no answer to {call} within {self._timeout:g} s"
            raise PlatformUnreachableError(self.url, reason) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise PlatformUnreachableError(self.url, _reason(error)) from error


def _origin(url: str) -> URL:
    try:
        return URL(url).origin()
    except ValueError as error:
        raise BadValueError(
            f"expected http(s)://HOST[:PORT]: {error}", field="platform.url", given=url
        ) from error


def _session(context: ssl.SSLContext, timeout: float) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=4),
        timeout=aiohttp.ClientTimeout(total=timeout),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"cad/{cad.__version__}"},
    )


async def _read(call: str, content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in content.iter_chunked(ANSWER_LIMIT):
        body += chunk
        if len(body) > ANSWER_LIMIT:
            raise PlatformAnswerError(call, f"an answer of more than {ANSWER_LIMIT} bytes")
    return bytes(body)


def _reason(error: Exception) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not accepted: {error.certificate_error} (platform.ca_file)"
        case aiohttp.ClientConnectorError():
            return f"no connection: {error.os_error.strerror or error.os_error}"
        case _:
            return redact(str(error)) or type(error).__name__
