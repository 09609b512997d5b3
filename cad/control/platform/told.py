"""Under which logins the platform may know this device: kept, for a power cut may come any time.

Without a token the platform knows this device by its login alone, so a device whose password has
changed is another one to it until the registration under the former login is gone.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from cad.base.errors import UnavailableError
from cad.domain.access import Login, ToldLogins

logger = logging.getLogger(__name__)


class ToldStore(Protocol):
    """Where that outlives a restart, encrypted."""

    async def told_logins(self) -> ToldLogins | None:
        """Return what was kept last; None if nothing is."""

    async def keep_told_logins(self, told: ToldLogins) -> None:
        """Keep `told` in place of what was told before."""


class Told:
    """What one platform was told. A login counts from before it is sent until another is taken."""

    def __init__(self, platform: str, store: ToldStore) -> None:
        self._platform, self._store = platform, store
        self._kept: ToldLogins | None = None

    async def others_than(self, login: Login) -> Sequence[Login]:
        """Return the logins, except `login`, under which the platform may know this device.

        The one told last comes first.
        """
        told = await self._read()
        return [each for each in reversed(told.logins) if each != login]

    async def will_hear(self, login: Login) -> None:
        """Note that `login` is about to be sent; on disk when this returns."""
        told = await self._read()
        if login not in told.logins:
            await self._keep(replace(told, logins=(*told.logins, login)))

    async def has_taken(self, login: Login) -> None:
        """Note that the platform knows this device by `login` and by nothing else.

        A disk that refuses is no failure: what is kept then names logins that do no harm.
        """
        told = await self._read()
        if told.logins != (login,):
            try:
                await self._keep(replace(told, logins=(login,)))
            except UnavailableError as error:
                logger.warning("former logins are not forgotten: %s", error)

    async def _read(self) -> ToldLogins:
        if self._kept is None:
            kept = await self._store.told_logins()
            if kept is None or kept.platform != self._platform:
                kept = ToldLogins(self._platform)
            self._kept = kept
        return self._kept

    async def _keep(self, told: ToldLogins) -> None:
        await self._store.keep_told_logins(told)
        self._kept = told
