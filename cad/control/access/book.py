"""Keys, accounts and refresh tokens in memory, written through to the store."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from cad.control.access import accounts as secrets_of
from cad.control.access.ports import AccessStore
from cad.control.access.refresh import is_alive
from cad.control.access.signing import KeyRing, SigningKey
from cad.domain.access import (
    AccessRecord,
    Account,
    AccountKind,
    Moment,
    RefreshFamily,
)

logger = logging.getLogger(__name__)


class AccessBook:
    """What is known. A change is on disk before it is seen here; `changing` is held meanwhile."""

    def __init__(self, store: AccessStore, user: Account, ring: KeyRing) -> None:
        self._store, self._user_name = store, user.name
        self.ring = ring
        self.accounts: dict[str, Account] = {user.name: user}
        self.families: dict[str, RefreshFamily] = {}
        """By name, the one that was used least lately first."""
        self.changing = asyncio.Lock()

    @classmethod
    async def open(
        cls, store: AccessStore, issuer: str, user: Account, now: Moment
    ) -> "AccessBook":
        """Return what is kept, with `user` and, if there is no key, a first one.

        Of what is kept of a user only the former passwords count: the present one is configured, or
        kept elsewhere.
        """
        state = await store.load()
        keys = sorted(state.keys, key=lambda key: key.retired is not None)
        if not keys or keys[0].retired is not None:
            first = SigningKey.generate(now).stored
            await store.apply(keep=[first])
            keys = [first, *keys]
        ring = KeyRing(issuer, tuple(SigningKey.opened(key) for key in keys))
        book = cls(store, user, ring)
        for account in state.accounts:
            book._take(account)
        book.families = {family.family: family for family in state.families}
        return book

    def _take(self, kept: Account) -> None:
        if kept.kind is AccountKind.CLIENT and kept.name == self._user_name:
            logger.warning("client %s is not served: it has the name of api.username", kept.name)
        elif kept.kind is AccountKind.CLIENT:
            self.accounts[kept.name] = kept
        elif kept.name == self._user_name:
            user = self.user
            former = tuple(secret for secret in kept.secrets if secret.retired)
            self.accounts[kept.name] = replace(user, secrets=(*user.secrets, *former))

    @property
    def user(self) -> Account:
        """The user that the platform is told."""
        return self.accounts[self._user_name]

    async def keep_account(self, account: Account) -> None:
        """Write `account` to disk, for its caller to put into `accounts`."""
        await self._store.apply(keep=[_as_kept(account)])

    async def save_account(self, account: Account) -> None:
        """Keep `account` in place of the one of its name."""
        await self.keep_account(account)
        self.accounts[account.name] = account

    async def remove_account(self, account: Account) -> None:
        """Forget `account` and end its logins."""
        families = [f for f in self.families.values() if f.account == account.name]
        await self._store.apply(forget=[account, *families])
        del self.accounts[account.name]
        for family in families:
            del self.families[family.family]

    async def save_family(
        self, family: RefreshFamily, surplus: Sequence[RefreshFamily] = ()
    ) -> None:
        """Keep `family` in place of the one of its name, and forget those in `surplus`."""
        await self._store.apply(keep=[family], forget=surplus)
        for gone in (family, *surplus):
            self.families.pop(gone.family, None)
        self.families[family.family] = family

    async def end_family(self, family: RefreshFamily) -> None:
        """Forget `family`."""
        await self._store.apply(forget=[family])
        self.families.pop(family.family, None)

    async def rotate_keys(self, now: Moment) -> str:
        """Have a new key sign; return its id."""
        new = SigningKey.generate(now)
        ring = self.ring.rotated(new, now)
        await self._store.apply(keep=[key.stored for key in ring.keys[:2]])
        self.ring = ring
        return new.stored.kid

    async def prune(self, grace: float, now: Moment) -> None:
        """Forget what is over."""
        ring = self.ring.pruned(now)
        dead = [family for family in self.families.values() if not is_alive(family, now)]
        accounts = {name: secrets_of.pruned(a, grace, now) for name, a in self.accounts.items()}
        changed = [a for name, a in accounts.items() if a != self.accounts[name]]
        gone: list[AccessRecord] = [k.stored for k in self.ring.keys if k not in ring.keys]
        if not (changed or dead or gone):
            return
        await self._store.apply(keep=[_as_kept(a) for a in changed], forget=[*gone, *dead])
        self.ring, self.accounts = ring, accounts
        for family in dead:
            del self.families[family.family]


def _as_kept(account: Account) -> Account:
    """Return what of `account` goes to disk: of a user only former passwords, for they were random.

    The hash of a password that a person chose could be guessed.
    """
    if account.kind is AccountKind.CLIENT:
        return account
    return replace(account, secrets=tuple(secret for secret in account.secrets if secret.retired))
