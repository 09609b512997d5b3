"""A reference platform over TLS, and everything a device needs to register with it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import repeat
from pathlib import Path

import pytest

from cad.base.clock import SystemClock
from cad.config.settings import PlatformSettings
from cad.control.platform.client import PlatformClient
from cad.control.platform.http import PlatformHttp
from cad.control.platform.introduction import Device, Introduction
from cad.control.platform.link import PlatformLink
from cad.control.platform.tokens import Anonymous
from cad.control.platform.told import ToldStore
from cad.domain.access import Login, ToldLogins
from cad.sim.platform.server import PlatformOptions, ReferencePlatform

CODE = "machine-1"
PASSWORD = "密码-s3cret-Passw0rd"


def soon() -> Iterator[float]:
    """Give back-off delays that a test can wait for."""
    return repeat(0.02)


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[ReferencePlatform]:
    options = PlatformOptions(folder=tmp_path / "platform", shortest_lease=0.1)
    async with ReferencePlatform(options) as server:
        yield server


@pytest.fixture
def settings(platform: ReferencePlatform) -> PlatformSettings:
    return PlatformSettings(url=platform.url, ca_file=str(platform.ca_file))


class OneBoot:
    """Remembers what was told until the power is cut."""

    def __init__(self) -> None:
        self.told: ToldLogins | None = None

    async def told_logins(self) -> ToldLogins | None:
        return self.told

    async def keep_told_logins(self, told: ToldLogins) -> None:
        self.told = told


@asynccontextmanager
async def open_link(
    settings: PlatformSettings,
    *,
    passwords: Sequence[str] = (PASSWORD,),
    expires: float = 0.6,
    timeout: float = 2.0,
    store: ToldStore | None = None,
) -> AsyncIterator[PlatformLink]:
    """Open a link as the appliance does, with a lease that a test can wait for.

    The first of `passwords` is the API password.
    """
    device = Device(CODE, lambda: Login("admin", passwords[0]), port=lambda: 8123)
    async with PlatformHttp(settings, timeout=timeout) as http:
        client = PlatformClient(http, Anonymous())
        introduction = Introduction(settings, client, device, store or OneBoot())
        async with PlatformLink(
            client, introduction, expires=expires, clock=SystemClock(), delays=soon
        ) as link:
            yield link
