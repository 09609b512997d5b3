"""What access needs of others."""

from collections.abc import Sequence
from typing import Protocol

from cad.domain.access import AccessRecord, AccessState


class AccessStore(Protocol):
    """Where keys, accounts and refresh tokens outlive a restart."""

    async def load(self) -> AccessState:
        """Return everything that is kept."""

    async def apply(
        self, *, keep: Sequence[AccessRecord] = (), forget: Sequence[AccessRecord] = ()
    ) -> None:
        """Keep records, in place of those of the same name, and forget others: all or nothing."""


class PasswordStore(Protocol):
    """Where the generated password of the API outlives a restart, encrypted."""

    async def keep_api_password(self, password: str) -> None:
        """Keep `password` in place of the last one."""
