"""The licence responder of the reference platform."""

from pathlib import Path

import aiohttp

from cad.sim.platform.licence import LICENCE
from cad.sim.platform.server import PlatformOptions, ReferencePlatform
from tests.sim.platform.conftest import trusting


async def test_the_licence_is_what_was_put_in(
    platform: ReferencePlatform, http: aiohttp.ClientSession
) -> None:
    async with http.get(LICENCE) as response:
        assert response.status == 404
    platform.licence.content = b"valid until tomorrow"
    async with http.get(LICENCE) as response:
        assert await response.read() == b"valid until tomorrow"
    assert platform.licence.given == 1


async def test_the_licence_is_for_registered_clients(tmp_path: Path) -> None:
    options = PlatformOptions(folder=tmp_path, require_token=True)
    async with ReferencePlatform(options) as platform, trusting(platform) as http:
        platform.licence.content = b"secret"
        async with http.get(LICENCE) as response:
            assert response.status == 401
