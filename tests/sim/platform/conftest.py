"""A reference platform and an HTTP client that trusts it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from cad.sim.platform.server import PlatformOptions, ReferencePlatform


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[ReferencePlatform]:
    options = PlatformOptions(
        folder=tmp_path / "platform", shortest_lease=0.1, clients={"machine": "secret"}
    )
    async with ReferencePlatform(options) as server:
        yield server


@asynccontextmanager
async def trusting(platform: ReferencePlatform) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session that trusts the platform's authority and nobody else."""
    context = ssl.create_default_context(cafile=platform.ca_file)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(platform.url, connector=connector) as session:
        yield session


@pytest.fixture
async def http(platform: ReferencePlatform) -> AsyncIterator[aiohttp.ClientSession]:
    async with trusting(platform) as session:
        yield session
