"""Downloads archives: resumable, bounded, with digests while the bytes stream by."""

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp

from cad.base.backoff import backoff
from cad.base.errors import BadValueError, RefusedError, TooLargeError, UnavailableError
from cad.base.redact import redact
from cad.base.threads import WorkThread, run_long
from cad.control.packages.durable import require_room
from cad.control.packages.locate import AllowedHosts, Source
from cad.control.packages.partfile import Digests, Origin, PartFile
from cad.control.packages.ports import Authorizer

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1024 * 1024
REDIRECT_LIMIT = 5
PATIENCE = 24 * 3600.0
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)

_PASSING = {401, 408, 425, 429}
"""Refusals that another try may lift; 401 when the platform's tokens fail for a while."""
_REDIRECTS = {301, 302, 303, 307, 308}
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class DownloadBrokenError(UnavailableError):
    """The download broke off; it goes on where it stopped."""


class DownloadRefusedError(RefusedError):
    """The server does not give the archive, or gives what cannot be it."""


class DownloadStalledError(UnavailableError):
    """Nothing has come for so long that nobody waits any more."""

    transient = False


class DigestMismatchError(BadValueError):
    """The downloaded archive is not the one that was announced (I.2)."""


class Listener(Protocol):
    """Hears how a download goes."""

    def progressed(self, received_bytes: int, total_bytes: int) -> None:
        """Take note of the bytes on disk; a total of 0 is not known."""

    def broke(self, reason: str) -> None:
        """Take note of why the download pauses before its next try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """Downloads archives into part files; any number at once."""

    session: aiohttp.ClientSession
    authorizer: Authorizer
    hosts: AllowedHosts
    disk: WorkThread
    limit_bytes: int
    patience: float = PATIENCE
    """Seconds without a new byte after which a download is given up."""
    delays: Callable[[], Iterator[float]] = backoff

    async def fetch(self, source: Source, target: Path, listener: Listener) -> Digests:
        """Download `source` into the part file `target`, going on with what is there.

        Faults that pass (network, 5xx) are waited out as long as patience lasts.

        Raises:
            DownloadStalledError: it does not.
            DownloadRefusedError: the server refuses for good.
            DigestMismatchError: the archive came whole and is another one.
            TooLargeError, InsufficientError: it does not fit; seen before the first byte where the
                server tells the size.
        """
        part = PartFile(target)
        await run_long("package-part", part.load)
        download = _Download(self, source, part, listener)
        digests = await download.complete()
        if download.pieced and _differs(digests, source):
            # The archive may have been replaced on the server between two of the pieces.
            await self.disk.run(part.restart, download.origin())
            digests = await download.complete()
        if _differs(digests, source):
            raise DigestMismatchError(
                f"expected {digests.md5}, the MD5 of the {part.size} bytes that came",
                field="md5",
                given=source.md5,
            )
        return digests


class _Download:
    """One archive on its way into one part file."""

    def __init__(self, fetcher: Fetcher, source: Source, part: PartFile, listen: Listener) -> None:
        self._fetcher, self._source, self._part, self._listener = fetcher, source, part, listen
        self.pieced = False
        """Whether the bytes on disk come from several answers."""

    def origin(self, validator: str = "", total_bytes: int = 0) -> Origin:
        """Return what the bytes of this download are a part of."""
        digest = hashlib.sha256(self._source.url.encode()).hexdigest()
        return Origin(digest, validator, total_bytes)

    async def complete(self) -> Digests:
        """Try until the whole archive is there."""
        clock, delays = asyncio.get_running_loop().time, self._fetcher.delays()
        arrived = clock()
        while not self._is_whole():
            before = self._part.size
            try:
                await self._continue()
            except (aiohttp.ClientError, TimeoutError, UnavailableError) as error:
                if self._part.size > before:
                    arrived, delays = clock(), self._fetcher.delays()
                elif clock() - arrived > self._fetcher.patience:
                    raise DownloadStalledError(f"given up: {_reason(error)}") from error
                await self._pause(_reason(error), next(delays))
            else:
                break
        return await self._fetcher.disk.run(self._part.finish)

    async def _pause(self, reason: str, delay: float) -> None:
        logger.info("download pauses at byte %d: %s", self._part.size, reason)
        self._listener.broke(reason)
        await asyncio.sleep(delay)

    async def _continue(self) -> None:
        """Download what is missing, as far as one answer brings it."""
        fetcher, part = self._fetcher, self._part
        async with self._answer() as answer:
            total = await self._position(answer)
            self._listener.progressed(part.size, total)
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                self._check_size(part.size + len(chunk))
                await fetcher.disk.run(part.append, chunk)
                self._listener.progressed(part.size, total)
        if total and part.size != total:
            raise DownloadBrokenError(f"{part.size} of {total} bytes came")

    async def _position(self, answer: aiohttp.ClientResponse) -> int:
        """Make the part end where the body of `answer` begins; return the total size, 0 = unknown.

        What does not fit is refused here, before anything is written.
        """
        length = answer.content_length or 0
        if answer.status == 206:
            total = await self._check_range(answer)
            self.pieced = True
        else:
            total = length
            origin = self.origin(_validator(answer), total)
            self.pieced = False
            await self._fetcher.disk.run(self._part.restart, origin)
        self._check_size(total)
        await self._fetcher.disk.run(require_room, self._part.folder, length, "the download")
        return total

    async def _check_range(self, answer: aiohttp.ClientResponse) -> int:
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        known = self._part.origin.total_bytes if self._part.origin else 0
        if found and int(found[1]) == self._part.size and int(found[2]) == (known or int(found[2])):
            return int(found[2])
        await self._start_over()
        raise DownloadBrokenError("the server offers another range than it was asked for")

    async def _start_over(self) -> None:
        await self._fetcher.disk.run(self._part.restart, self.origin())

    @asynccontextmanager
    async def _answer(self) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Ask for what is missing, along redirects, with a new token if the first is refused."""
        renewed, url = False, self._source.url
        for _ in range(REDIRECT_LIMIT + 2):
            async with await self._ask(url) as answer:
                if answer.status in _REDIRECTS:
                    url = self._redirected(url, answer)
                elif answer.status == 401 and not renewed:
                    renewed = True
                    await self._fetcher.authorizer.renew()
                else:
                    await self._check_status(answer)
                    yield answer
                    return
        raise DownloadRefusedError(f"expected at most {REDIRECT_LIMIT} redirects", field="url")

    async def _ask(self, url: str) -> aiohttp.ClientResponse:
        headers = {
            **await self._fetcher.authorizer.headers(url),
            "Accept-Encoding": "identity",
            **self._range_headers(),
        }
        return await self._fetcher.session.get(
            url, headers=headers, allow_redirects=False, timeout=TIMEOUT
        )

    def _range_headers(self) -> dict[str, str]:
        """Return what asks for the rest, where the pieces are sure to be of one archive.

        Without a validator only the digest at the end can tell that they are.
        """
        origin, size = self._part.origin, self._part.size
        if origin is None or not self._is_ours(origin) or not size:
            return {}
        if origin.validator:
            return {"Range": f"bytes={size}-", "If-Range": origin.validator}
        return {"Range": f"bytes={size}-"} if self._source.md5 else {}

    def _redirected(self, url: str, answer: aiohttp.ClientResponse) -> str:
        target = urljoin(url, answer.headers.get("Location", ""))
        self._fetcher.hosts.check(target)
        if urlsplit(target).scheme == "http" and not self._source.md5:
            raise BadValueError("expected 32 hex digits, since it leads to http", field="md5")
        return target

    async def _check_status(self, answer: aiohttp.ClientResponse) -> None:
        """Raise unless `answer` brings bytes of the archive."""
        if answer.status == 416:
            await self._start_over()
            raise DownloadBrokenError("the server has fewer bytes than are here; starting over")
        what = f"HTTP {answer.status} from {answer.url.host}"
        if answer.status >= 500 or answer.status in _PASSING:
            raise DownloadBrokenError(what)
        if answer.status not in {200, 206}:
            raise DownloadRefusedError("expected the file", field="url", given=what)
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise DownloadRefusedError("expected no Content-Encoding", field="url", given=what)

    def _check_size(self, size: int) -> None:
        limit = self._fetcher.limit_bytes
        if size > limit:
            raise TooLargeError(
                f"expected at most {limit} bytes",
                field="the download",
                given=f"{size} bytes",
            )

    def _is_whole(self) -> bool:
        origin = self._part.origin
        return bool(
            origin
            and origin.total_bytes
            and self._is_ours(origin)
            and origin.total_bytes == self._part.size
        )

    def _is_ours(self, origin: Origin) -> bool:
        return origin.url_digest == self.origin().url_digest


def _reason(error: Exception) -> str:
    return redact(f"{error}" or type(error).__name__)


def _validator(answer: aiohttp.ClientResponse) -> str:
    """Return what identifies the archive's content for If-Range (RFC 9110 §13.1.5)."""
    etag = answer.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return answer.headers.get("Last-Modified", "")


def _differs(digests: Digests, source: Source) -> bool:
    return bool(source.md5) and digests.md5 != source.md5
