"""Downloads of file packages: whole, in ranges, and when the file has changed."""

import base64
import hashlib
from pathlib import Path

import aiohttp
import pytest

from cad.sim.platform.content import FilePackageContent
from cad.sim.platform.server import PlatformOptions, ReferencePlatform
from tests.sim.platform.conftest import trusting

URL = "/ACP/AlgoFilePackages/7/content"
DATA = bytes(range(256)) * 400


@pytest.fixture
async def offered(platform: ReferencePlatform, tmp_path: Path) -> FilePackageContent:
    path = tmp_path / "package.tar"
    path.write_bytes(DATA)
    return await platform.packages.offer(7, path)


async def fetch(http: aiohttp.ClientSession, **headers: str) -> tuple[int, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.get(URL, headers=named) as response:
        return response.status, await response.read()


async def test_the_whole_archive_comes_with_its_digest(
    http: aiohttp.ClientSession, offered: FilePackageContent
) -> None:
    async with http.get(URL) as response:
        assert await response.read() == DATA
        digest = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
        assert response.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        assert response.headers["ETag"] == f'"{offered.etag}"'
    assert offered.md5 == hashlib.md5(DATA, usedforsecurity=False).hexdigest()


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("start", [0, 1, 65536, len(DATA) - 1])
async def test_a_download_is_resumed(http: aiohttp.ClientSession, start: int) -> None:
    assert await fetch(http, Range=f"bytes={start}-") == (206, DATA[start:])


@pytest.mark.row("PKG-04")
async def test_a_resumed_download_of_the_same_file_goes_on(
    http: aiohttp.ClientSession, offered: FilePackageContent
) -> None:
    answer = await fetch(http, Range="bytes=1000-", If_Range=f'"{offered.etag}"')
    assert answer == (206, DATA[1000:])


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize("etag", ['"another"', 'W/"weak"'])
async def test_a_resumed_download_of_a_changed_file_starts_again(
    http: aiohttp.ClientSession, etag: str
) -> None:
    assert await fetch(http, Range="bytes=1000-", If_Range=etag) == (200, DATA)


@pytest.mark.usefixtures("offered")
async def test_a_range_beyond_the_end_is_refused(http: aiohttp.ClientSession) -> None:
    status, _ = await fetch(http, Range=f"bytes={len(DATA)}-")
    assert status == 416


@pytest.mark.parametrize("number", ["8", "x", "%2e%2e"])
async def test_a_package_that_is_not_offered_is_not_found(
    http: aiohttp.ClientSession, number: str
) -> None:
    async with http.get(f"/ACP/AlgoFilePackages/{number}/content") as response:
        assert response.status == 404


async def test_ranges_asked_for_are_on_record(
    http: aiohttp.ClientSession, platform: ReferencePlatform, offered: FilePackageContent
) -> None:
    await fetch(http)
    await fetch(http, Range="bytes=5-")
    assert platform.packages.ranges == [None, "bytes=5-"]
    assert offered.size == len(DATA)


@pytest.mark.row("PKG-04")
async def test_a_download_may_need_a_token(tmp_path: Path) -> None:
    options = PlatformOptions(
        folder=tmp_path / "closed", require_token=True, clients={"machine": "secret"}
    )
    async with ReferencePlatform(options) as closed:
        token = closed.tokens.give("machine", "secret")
        await closed.packages.offer(7, options.folder / "ca.pem")
        async with trusting(closed) as http:
            assert (await fetch(http))[0] == 401
            assert (await fetch(http, Authorization=f"Bearer {token}"))[0] == 200
