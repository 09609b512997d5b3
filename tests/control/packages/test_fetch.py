"""Downloading from a server with faults."""

import dataclasses
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cad.base.errors import BadValueError, InsufficientError, TooLargeError
from cad.control.packages.fetch import (
    DigestMismatchError,
    DownloadRefusedError,
    DownloadStalledError,
    Fetcher,
)
from cad.control.packages.locate import Source
from tests.control.packages.servers import ArchiveServer, fetching, serving

CONTENT = os.urandom(300_000)
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class FullDisk:
    free = 64 * 1024 * 1024


class Notes:
    """Remembers what a download told."""

    def __init__(self) -> None:
        self.received: list[tuple[int, int]] = []
        self.reasons: list[str] = []

    def progressed(self, received_bytes: int, total_bytes: int) -> None:
        self.received.append((received_bytes, total_bytes))

    def broke(self, reason: str) -> None:
        self.reasons.append(reason)


def stored(part: Path) -> bytes:
    return part.read_bytes()


@pytest.fixture
async def server(notes: Notes) -> AsyncIterator[ArchiveServer]:
    async with serving(CONTENT) as server:
        server.arrived = lambda: notes.received[-1][0] if notes.received else 0
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    async with fetching() as fetcher:
        yield fetcher


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "incoming" / "1.part"


async def test_an_archive_comes_whole_with_its_digests(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    digests = await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert stored(part) == CONTENT
    assert digests.md5 == MD5
    assert digests.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert notes.received[-1] == (300_000, 300_000)


async def test_a_broken_download_goes_on_where_it_stopped(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.breaks = [100_000, 50_000]
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert stored(part) == CONTENT
    assert [r.get("Range") for r in server.requests] == [None, "bytes=100000-", "bytes=150000-"]
    assert len(notes.reasons) == 2


async def test_it_goes_on_after_a_restart_of_the_process(
    server: ArchiveServer, notes: Notes, part: Path
) -> None:
    server.breaks, server.statuses = [120_000], [200, 404]
    async with fetching() as fetcher:
        with pytest.raises(DownloadRefusedError):
            await fetcher.fetch(Source(server.url, MD5), part, notes)
    async with fetching() as fetcher:
        await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert server.requests[-1]["Range"] == "bytes=120000-"
    assert stored(part) == CONTENT


async def test_what_is_whole_already_is_not_asked_for_again(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert len(server.requests) == 1


async def test_without_ranges_it_starts_anew(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.breaks, server.ranges = [100_000], False
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert stored(part) == CONTENT


async def test_without_validator_and_digest_no_pieces_are_joined(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.breaks, server.etag = [100_000], ""
    await fetcher.fetch(Source(server.url, ""), part, notes)
    assert all("Range" not in request for request in server.requests)
    assert stored(part) == CONTENT


async def test_an_archive_that_changes_meanwhile_is_fetched_anew(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    part.parent.mkdir()
    server.etag, server.breaks = "", [100_000]
    server.content, new = b"old" * 100_000, server.content
    server.statuses = [200, 404]
    with pytest.raises(DownloadRefusedError):
        await fetcher.fetch(Source(server.url, MD5), part, notes)
    server.content = new
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert stored(part) == CONTENT


async def test_bytes_of_another_url_are_not_gone_on_with(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    server.content = b"other"
    await fetcher.fetch(Source(server.url + "/other", ""), part, notes)
    assert stored(part) == b"other"


@pytest.mark.row("CAD-12")
async def test_an_archive_of_another_digest_is_refused(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    with pytest.raises(DigestMismatchError, match=f"md5: expected {MD5}"):
        await fetcher.fetch(Source(server.url, "0" * 32), part, notes)


async def test_a_refused_token_is_renewed_once(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.statuses = [401]
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert [r["Authorization"] for r in server.requests] == ["Bearer token-0", "Bearer token-1"]
    assert notes.reasons == []


async def test_server_errors_are_waited_out(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.statuses = [503, 429, 401, 401, 500]
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert notes.reasons[0] == "HTTP 503 from 127.0.0.1"
    assert len(notes.reasons) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 410])
async def test_a_refusal_ends_the_download(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path, status: int
) -> None:
    server.statuses = [status]
    with pytest.raises(DownloadRefusedError, match=f"HTTP {status} from"):
        await fetcher.fetch(Source(server.url, MD5), part, notes)


async def test_a_range_that_is_gone_starts_anew(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.breaks, server.statuses = [100_000], [200, 416]
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert stored(part) == CONTENT


async def test_redirects_are_followed_to_allowed_hosts(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.locations = ["/elsewhere", server.url]
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert stored(part) == CONTENT


async def test_a_redirect_to_another_host_is_refused(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.locations = [server.url.replace("127.0.0.1", "127.0.0.2")]
    with pytest.raises(BadValueError, match=r"download_hosts.*127\.0\.0\.2"):
        await fetcher.fetch(Source(server.url, MD5), part, notes)


async def test_endless_redirects_are_refused(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.locations = ["/again"] * 20
    with pytest.raises(DownloadRefusedError, match="redirects"):
        await fetcher.fetch(Source(server.url, MD5), part, notes)


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_archive_beyond_the_limit_is_refused(
    server: ArchiveServer, notes: Notes, part: Path, chunked: bool
) -> None:
    server.chunked = chunked
    async with fetching(limit_bytes=200_000) as fetcher:
        with pytest.raises(TooLargeError, match=r"at most 200000 bytes"):
            await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert len(stored(part)) <= 200_000


async def test_an_archive_without_announced_length_comes_whole(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.chunked = True
    await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert stored(part) == CONTENT


async def test_a_full_disk_is_named_with_the_numbers(
    server: ArchiveServer,
    fetcher: Fetcher,
    notes: Notes,
    part: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class FullDisk:
        free = 64 * 1024 * 1024

    monkeypatch.setattr("shutil.disk_usage", lambda _: FullDisk)
    with pytest.raises(InsufficientError, match="the download needs 1 MB; 64 MB are free"):
        await fetcher.fetch(Source(server.url, MD5), part, notes)
    assert len(stored(part)) == 0


async def test_a_download_without_a_byte_is_given_up_when_patience_ends(
    server: ArchiveServer, fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    server.statuses = [503] * 1000
    hasty = dataclasses.replace(fetcher, patience=0.05)
    with pytest.raises(DownloadStalledError, match="given up: HTTP 503"):
        await hasty.fetch(Source(server.url, MD5), part, notes)
    assert not DownloadStalledError.transient


async def test_a_server_that_is_not_there_is_waited_for(
    fetcher: Fetcher, notes: Notes, part: Path
) -> None:
    async with serving(CONTENT) as gone:
        url = gone.url

    class EnoughError(Exception):
        pass

    def stop(reason: str) -> None:
        notes.reasons.append(reason)
        if len(notes.reasons) == 3:
            raise EnoughError

    notes.broke = stop  # type: ignore[method-assign]  # ends the endless waiting
    with pytest.raises(EnoughError):
        await fetcher.fetch(Source(url, MD5), part, notes)
    assert "Cannot connect" in notes.reasons[0]
