"""`imageDest`: the pictures of an event go into buckets of an object store (S3).

The library makes the signature, in the URL; the picture travels over the HTTP client that all of
this device uses, without the threads of the library's own. Storing a picture again under its key
changes nothing. Nothing is ever given up here: an event is not complete without its pictures, and
whatever a store has against one now may be mended there.
"""

import asyncio
import base64
import hashlib
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from minio import Minio
from yarl import URL

from cad.base.errors import RefusedError
from cad.base.redact import redact
from cad.base.tls import client_context
from cad.config.secret_file import read_secret_file
from cad.config.settings import ObjectSettings
from cad.control.sinks.queue import Outcome, Verdict
from cad.domain.deliveries import Delivery
from cad.wire.event import JPEG, EventDocument

TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10)
SIGNATURE_LIFE = timedelta(minutes=15)
"""What stores allow clocks to differ by."""
ERROR_LIMIT = 4096

_CODE = re.compile(r"<Code>([A-Za-z0-9]{1,64})</Code>")


@dataclass(frozen=True, slots=True)
class ObjectAccess:
    """Where the store is, and what it lets this device in with."""

    settings: ObjectSettings = field(default_factory=ObjectSettings)
    """Without an endpoint, nothing can be stored."""
    secret_key: str = field(default="", repr=False)
    context: ssl.SSLContext | bool = True


def object_access(settings: ObjectSettings) -> ObjectAccess:
    """Return the access that `settings` ask for; reads the files they name. Blocks.

    Raises:
        BadValueError: a file cannot be read or is not what it should be.
    """
    if not settings.endpoint:
        return ObjectAccess()
    return ObjectAccess(
        settings,
        read_secret_file(Path(settings.secret_key_file), "objects.secret_key_file"),
        client_context("objects", ca_file=settings.ca_file),
    )


class ObjectSink:
    """Takes the pictures of events to the object store. Open while the context is."""

    def __init__(self, access: ObjectAccess, *, timeout: aiohttp.ClientTimeout = TIMEOUT) -> None:
        self._access, self._timeout = access, timeout
        self._signer = _signer(access) if access.settings.endpoint else None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._access.context, limit=0),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
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

    @property
    def receiver(self) -> str:
        """The store."""
        return self._access.settings.endpoint or "object store"

    async def send(self, delivery: Delivery) -> Outcome:
        """Store the pictures of the event that have a key in it."""
        try:
            for place, jpeg in _pictures(delivery):
                if complaint := await self._put(place, jpeg):
                    return self._failure(complaint)
        except TimeoutError:
            return self._failure("no answer in time")
        except (aiohttp.ClientError, OSError) as error:
            return self._failure(redact(str(error) or repr(error)).partition("?")[0])
        except (RefusedError, ValueError) as error:
            return self._failure(f"the stored event cannot be read: {error}")
        return Outcome(Verdict.DELIVERED)

    async def _put(self, place: str, jpeg: bytes) -> str:
        """Store one picture; return what the store has against it, empty if nothing."""
        if self._signer is None or self._session is None:
            return "objects.endpoint is not configured"
        bucket, _, key = place.partition("/")
        url = self._signer.presigned_put_object(bucket, key, SIGNATURE_LIFE)
        headers = {"Content-Type": JPEG, "Content-MD5": await asyncio.to_thread(_md5, jpeg)}
        async with self._session.put(
            URL(url, encoded=True), data=jpeg, headers=headers, allow_redirects=False
        ) as response:
            return "" if response.status == 200 else await _complaint(response, bucket)

    def _failure(self, complaint: str) -> Outcome:
        return Outcome(Verdict.FAILED, f"{self.receiver}: {complaint}")


def _signer(access: ObjectAccess) -> Minio:
    """Return what signs URLs; it needs no connection, as the region is given."""
    settings, parts = access.settings, urlsplit(access.settings.endpoint)
    return Minio(
        parts.netloc,
        access_key=settings.access_key,
        secret_key=access.secret_key,
        secure=parts.scheme == "https",
        region=settings.region,
    )


def _pictures(delivery: Delivery) -> Iterator[tuple[str, bytes]]:
    """Yield where each picture goes (`bucket/key`), and its JPEG."""
    images = EventDocument.parse(delivery.document).images
    for image, jpeg in ((images.full, delivery.full_image), (images.crop, delivery.crop_image)):
        if image.key:
            yield image.key, jpeg


async def _complaint(response: aiohttp.ClientResponse, bucket: str) -> str:
    """Return what the store answered, by its own name for it."""
    text = (await response.content.read(ERROR_LIMIT)).decode(errors="replace")
    code = _CODE.search(text)
    name = code[1] if code else response.reason or ""
    return f"bucket {bucket}: answers {response.status} {name}".rstrip()


def _md5(data: bytes) -> str:
    """Return the digest with which stores (RFC 1864) check that all of `data` came through."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode("ascii")
