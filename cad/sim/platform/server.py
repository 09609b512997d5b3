"""The reference platform as a server: what devices call."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from cad.base.clock import Clock, SystemClock
from cad.base.supervise import background
from cad.sim.platform.ca import CertificateAuthority, Identity
from cad.sim.platform.content import FilePackageLibrary
from cad.sim.platform.faults import Faults
from cad.sim.platform.licence import LicenceResponder
from cad.sim.platform.receiver import EVENTS, EventReceiver
from cad.sim.platform.registry import SHORTEST_LEASE, Registry
from cad.sim.platform.routes import Desk, build_app
from cad.sim.platform.sm2_keys import Sm2KeyRing
from cad.sim.platform.tokens import TokenOffice
from cad.wire.event import EventDocument

logger = logging.getLogger(__name__)

SWEEP_INTERVAL = 0.2
"""Seconds between two looks at the leases."""

HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformOptions:
    """How the platform is set up."""

    folder: Path
    """Where its certificates go; its CA is the same whenever it starts there again."""
    host: str = "127.0.0.1"
    port: int = 0
    """0 = any free port, the same after `come_back`."""
    names: tuple[str, ...] = HOSTS
    """Host names and addresses in its certificate."""
    offer_sm2_key: bool = True
    require_token: bool = False
    clients: dict[str, str] = field(default_factory=dict, repr=False)
    """Client ids and secrets of OAuth2."""
    shortest_lease: float = SHORTEST_LEASE


class ReferencePlatform:
    """A platform on its own port. An async context."""

    def __init__(
        self,
        options: PlatformOptions,
        *,
        clock: Clock | None = None,
        on_event: Callable[[EventDocument], None] | None = None,
    ) -> None:
        self.options, self._clock = options, clock or SystemClock()
        self.registry = Registry(options.shortest_lease)
        self.tokens = TokenOffice(options.clients, self._clock)
        self.packages = FilePackageLibrary()
        self.licence = LicenceResponder()
        self.receiver = EventReceiver(on_event)
        self.faults = Faults()
        self.sm2_keys: Sm2KeyRing | None = None
        """Its key pairs; None = it offers none."""
        self._authority: CertificateAuthority | None = None
        self._identity: Identity | None = None
        self._port = options.port
        self._open = AsyncExitStack()
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """Where devices reach it."""
        return f"https://{self.options.host}:{self._port}"

    @property
    def event_url(self) -> str:
        """Where tasks send their events."""
        return self.url + EVENTS

    @property
    def ca_file(self) -> Path:
        """The certificate that devices must trust."""
        return self.options.folder / "ca.pem"

    async def __aenter__(self) -> Self:
        self._authority, self._identity = await asyncio.to_thread(self._make_certificates)
        if self.options.offer_sm2_key:
            self.sm2_keys = await asyncio.to_thread(Sm2KeyRing, self._clock)
        await self.come_back()
        await self._stack.enter_async_context(background("lease supervision", self._supervise))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()
        await self.go_away()

    async def go_away(self) -> None:
        """Close the port and every connection, as a crash would; what is known stays known."""
        await self._open.aclose()

    async def come_back(self) -> None:
        """Listen again, on the same port."""
        if self._identity is None:
            raise LookupError("the platform has not been started")
        context = await asyncio.to_thread(self._identity.server_context)
        runner = web.AppRunner(build_app(self._desk()), shutdown_timeout=0.2, access_log=None)
        await self._open.enter_async_context(_running(runner))
        site = web.TCPSite(runner, self.options.host, self._port, ssl_context=context)
        try:
            await site.start()
        except OSError:
            await self.go_away()
            raise
        self._port = runner.addresses[0][1]

    def forget(self, code: str) -> None:
        """Lose a machine: its next keepalive is answered with 404xx."""
        self.registry.forget(code)

    def _desk(self) -> Desk:
        return Desk(
            registry=self.registry,
            tokens=self.tokens,
            packages=self.packages,
            licence=self.licence,
            receiver=self.receiver,
            faults=self.faults,
            sm2_keys=self.sm2_keys,
            require_token=self.options.require_token,
            clock=self._clock,
        )

    def _make_certificates(self) -> tuple[CertificateAuthority, Identity]:
        authority = CertificateAuthority(self.options.folder, self._clock.now())
        return authority, authority.issue("platform", self.options.names)

    async def _supervise(self) -> None:
        while True:
            for machine in self.registry.sweep(self._clock.monotonic()):
                logger.warning("machine %s is lost: no keepalive in time", machine.code)
            await asyncio.sleep(SWEEP_INTERVAL)


@asynccontextmanager
async def _running(runner: web.AppRunner) -> AsyncGenerator[None]:
    await runner.setup()
    try:
        yield
    finally:
        await runner.cleanup()
