"""Packages follow the hardware: what runs on something else than it was prepared for is renewed."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

from cad.base.supervise import background
from cad.control.packages.book import Book
from cad.domain.ids import ServiceId
from cad.domain.packages import AlgoPackage, OperationState

logger = logging.getLogger(__name__)

LOOK_INTERVAL = 5.0
"""Seconds between two looks at what workers run packages on."""


class Renewing:
    """Has packages prepared anew while its context is open.

    A card that is gone, or one that has come, shows in what a worker says after loading. What is
    prepared anew and still runs on something else is left as it is.
    """

    def __init__(
        self,
        book: Book,
        providers: Callable[[ServiceId], Collection[str]],
        orders: asyncio.Lock,
        prepare: Callable[[AlgoPackage], Awaitable[None]],
        interval: float = LOOK_INTERVAL,
    ) -> None:
        """Take `providers`, which tells on what workers serve an algorithm now.

        `prepare` is called with `orders` held.
        """
        self._book, self._providers, self._orders = book, providers, orders
        self._prepare, self._interval = prepare, interval
        self._tried: dict[ServiceId, frozenset[str]] = {}
        """On what a package ran when it was prepared anew for that."""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Look at times while the context is open."""
        async with background("packages", self._look_for_ever):
            yield

    async def look(self) -> None:
        """Begin to prepare what runs on something else than it was prepared for."""
        for gone in self._tried.keys() - self._book.packages.keys():
            del self._tried[gone]
        for package in list(self._book.packages.values()):
            await self._look_at(package)

    async def _look_at(self, package: AlgoPackage) -> None:
        prepared, found = package.prepared, frozenset(self._providers(package.code))
        if prepared is None or not found or prepared.provider in found:
            self._tried.pop(package.code, None)
        elif package.operation is OperationState.DONE and self._tried.get(package.code) != found:
            self._tried[package.code] = found
            logger.warning(
                "package %s was prepared for %s and runs on %s: preparing it anew",
                package.code,
                prepared.provider,
                ", ".join(sorted(found)),
            )
            await self._prepare(package)

    async def _look_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            async with self._orders:
                await self.look()
