"""The user name and password under which the platform calls this device (H.6, AM-81)."""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cad.config.secret_file import read_secret_file
from cad.config.settings import ApiSettings

logger = logging.getLogger(__name__)

GENERATED_BYTES = 24
"""192 random bits: 32 characters that any platform's form and shell takes."""


@dataclass(frozen=True, slots=True)
class ApiCredentials:
    """What the API asks of the platform, and what the platform is told at registration."""

    username: str
    password: str = field(repr=False)


class CredentialStore(Protocol):
    """Where a generated password outlives a restart, encrypted."""

    async def api_password(self) -> str | None:
        """Return the kept password; None if there is none."""

    async def keep_api_password(self, password: str) -> None:
        """Keep `password` in place of the last one."""


async def api_credentials(settings: ApiSettings, store: CredentialStore) -> ApiCredentials:
    """Return the configured credentials, else those generated when this device first ran.

    Raises:
        BadValueError: `api.password_file` cannot be read or is empty.
    """
    password = settings.password
    if not password and settings.password_file:
        path = Path(settings.password_file)
        password = await asyncio.to_thread(read_secret_file, path, "api.password_file")
    if not password:
        password = await _kept_or_generated(store)
    return ApiCredentials(settings.username, password)


async def _kept_or_generated(store: CredentialStore) -> str:
    kept = await store.api_password()
    if kept is not None:
        return kept
    password = secrets.token_urlsafe(GENERATED_BYTES)
    await store.keep_api_password(password)
    logger.info("generated the API password; `cadctl platform credentials` shows it")
    return password
