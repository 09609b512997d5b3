"""`HTTPDest`: each event is POSTed as JSON; 2xx means that the receiver has it."""

import ssl
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from cad.base.clock import Clock
from cad.base.errors import RefusedError
from cad.base.redact import redact
from cad.base.tls import client_context
from cad.base.tls_renewal import renewed_context
from cad.config.settings import PlatformSettings
from cad.control.sinks.payload import event_body
from cad.control.sinks.queue import Outcome, Verdict
from cad.domain.deliveries import Delivery
from cad.domain.destinations import HttpDestination
from cad.domain.ids import EventId
from cad.wire.event import IDEMPOTENCY_HEADER

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
MAX_REDIRECTS = 5

_WAITING_HELPS = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_REDIRECTS = {
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
}


def http_context(platform: PlatformSettings) -> ssl.SSLContext:
    """Return how receivers of events are met: by the platform's CA, without its client certificate.

    A receiver is whatever URL a task names; it learns nothing of what proves this device elsewhere.
    Blocks.

    Raises:
        BadValueError: the file cannot be read or is not what it should be.
    """
    return client_context("platform", ca_file=platform.ca_file)


def renewed_http_context(
    platform: PlatformSettings,
) -> AbstractAsyncContextManager[ssl.SSLContext]:
    """Return the scope of such a context, in which a changed CA file is taken into use.

    Entering it raises what `http_context` does.
    """
    files = [Path(platform.ca_file)] if platform.ca_file else []
    return renewed_context("receivers", files, partial(http_context, platform))


class HttpSinks:
    """Makes sinks that share one pool of connections. Open while the context is."""

    def __init__(
        self,
        context: ssl.SSLContext,
        clock: Clock,
        *,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        self._context, self._clock, self._timeout = context, clock, timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # The dispatcher bounds the number of posts.
        connector = aiohttp.TCPConnector(ssl=self._context, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def __call__(self, destination: HttpDestination) -> "HttpSink":
        """Return the sink for `destination`."""
        if self._session is None:
            raise LookupError("sinks are made while their context is open")
        return HttpSink(self._session, destination, self._clock)


class HttpSink:
    """Takes events to one URL."""

    def __init__(
        self, session: aiohttp.ClientSession, destination: HttpDestination, clock: Clock
    ) -> None:
        self._session, self._clock = session, clock
        self._url, self._name = destination.url, destination.name

    @property
    def receiver(self) -> str:
        """Scheme, host and port."""
        return self._name

    async def send(self, delivery: Delivery) -> Outcome:
        """POST the event once, over up to `MAX_REDIRECTS` redirects."""
        try:
            return await self._post(await event_body(delivery), delivery.event_id)
        except TimeoutError:
            return Outcome(Verdict.FAILED, f"{self.receiver}: no answer in time")
        except aiohttp.InvalidURL:
            return Outcome(Verdict.REFUSED, f"{self.receiver}: not a URL to post to")
        except (aiohttp.ClientError, OSError) as error:
            return Outcome(Verdict.FAILED, f"{self.receiver}: {redact(str(error) or repr(error))}")
        except ValueError:  # last: errors about certificates are value errors too
            return Outcome(Verdict.REFUSED, f"{self.receiver}: not a URL to post to")
        except RefusedError as error:
            return Outcome(Verdict.REFUSED, f"the stored event cannot be read: {error}")

    async def _post(self, body: bytes, event_id: EventId) -> Outcome:
        url = home = URL(self._url)
        for _ in range(MAX_REDIRECTS + 1):
            headers = {
                "Content-Type": "application/json",
                IDEMPOTENCY_HEADER: event_id,
                **_authorisation(home, url),
            }
            async with self._session.post(
                url.with_user(None), data=body, headers=headers, allow_redirects=False
            ) as response:
                target = _redirect(response)
                if target is None:
                    return self._outcome(response)
            if target.scheme not in {url.scheme, "https"}:
                return Outcome(Verdict.REFUSED, f"{self.receiver}: redirects away from https")
            url = target
        return Outcome(Verdict.REFUSED, f"{self.receiver}: redirects in a circle")

    def _outcome(self, response: aiohttp.ClientResponse) -> Outcome:
        status = response.status
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            return Outcome(Verdict.DELIVERED)
        reason = f"{self.receiver}: answers {status} {response.reason or ''}".rstrip()
        if status in _WAITING_HELPS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            asked = retry_after(response.headers.get("Retry-After", ""), self._clock.now())
            return Outcome(Verdict.FAILED, reason, asked)
        return Outcome(Verdict.REFUSED, reason)


def retry_after(value: str, now: datetime) -> float:
    """Return the seconds that a `Retry-After` header asks for, 0 if it says nothing useful."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (TypeError, ValueError):  # no date; or one without a zone
        return 0.0


def _redirect(response: aiohttp.ClientResponse) -> URL | None:
    """Return where the receiver wants the event posted instead."""
    if response.status not in _REDIRECTS or "Location" not in response.headers:
        return None
    return response.url.join(URL(response.headers["Location"]))


def _authorisation(home: URL, url: URL) -> dict[str, str]:
    """Return the header for the user in `home`, unless `url` leads elsewhere."""
    if home.user is None or url.origin() != home.origin():
        return {}
    return {"Authorization": aiohttp.encode_basic_auth(home.user, home.password or "", "utf-8")}
