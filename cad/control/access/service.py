"""Access as a whole: accounts are made and removed, secrets and keys renewed, the old forgotten."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from cad.base.errors import ConflictError, NotFoundError
from cad.base.supervise import background
from cad.control.access.accounts import digest_of, new_secret, with_secret
from cad.control.access.book import AccessBook
from cad.control.access.door import Door
from cad.control.access.grants import TokenOffice
from cad.control.access.ports import AccessStore, PasswordStore
from cad.control.access.timekeeper import Timekeeper
from cad.domain.access import Account, AccountKind, HashedSecret, Login, NewSecret, Scope

logger = logging.getLogger(__name__)

USER_SCOPES = (Scope.CAD, Scope.CAP)
"""What the platform may use here: Annexes H and I, and G, whose paths are those of a CAP."""
TIDY_INTERVAL = 600.0
"""Seconds between two looks for what is over or due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPolicy:
    """How long what is valid."""

    issuer: str
    """Name of this device in its tokens."""
    grace: float
    """Seconds that a replaced secret stays valid."""
    key_life: float
    """Seconds after which another key signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiUser:
    """Who the platform is told at registration (H.6)."""

    login: Login
    is_generated: bool
    """Whether this device made the password, and may make another; else it is configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGround:
    """What access stands on."""

    store: AccessStore
    passwords: PasswordStore
    timekeeper: Timekeeper


class AccessService:
    """Who may call. What is changed is on disk before it counts."""

    def __init__(
        self, user: ApiUser, book: AccessBook, ground: AccessGround, policy: AccessPolicy
    ) -> None:
        self._user, self._book, self._ground, self._policy = user, book, ground, policy
        self.door = Door(book, ground.timekeeper, policy.grace)
        self.office = TokenOffice(book, self.door, ground.timekeeper)
        self._listeners: list[Callable[[], None]] = []

    @classmethod
    async def open(
        cls, user: ApiUser, ground: AccessGround, policy: AccessPolicy
    ) -> "AccessService":
        """Return the service with what is kept."""
        now = ground.timekeeper.moment()
        account = Account(
            name=user.login.name,
            kind=AccountKind.USER,
            scopes=USER_SCOPES,
            secrets=(HashedSecret(digest_of(user.login.secret), now),),
            made=now,
        )
        book = await AccessBook.open(ground.store, policy.issuer, account, now)
        return cls(user, book, ground, policy)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Renew keys and forget what is over while the context is open."""
        async with background("access", self._stay_tidy):
            yield

    @property
    def login(self) -> Login:
        """What the platform is told at registration."""
        return self._user.login

    def on_new_login(self, listener: Callable[[], None]) -> None:
        """Have `listener` called whenever `login` has changed."""
        self._listeners.append(listener)

    def accounts(self) -> Sequence[Account]:
        """Return the accounts, by name."""
        return [account for _, account in sorted(self._book.accounts.items())]

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys (RFC 7517 §5)."""
        return self._book.ring.jwks()

    async def rotate_secret(self, name: str) -> NewSecret:
        """Give the account called `name` a new secret; the last one stays valid for a while.

        Raises:
            NotFoundError: there is no such account.
            ConflictError: its password is configured, and changed there.
        """
        async with self._book.changing:
            account, now = self._account(name), self._ground.timekeeper.moment()
            secret, grace = new_secret(), self._policy.grace
            renewed = with_secret(account, secret, grace, now)
            if account.kind is AccountKind.USER:
                await self._keep_password(secret, renewed)
            else:
                await self._book.save_account(renewed)
        logger.info("account %s has a new secret", name)
        return NewSecret(name, secret, grace)

    async def rotate_keys(self) -> str:
        """Have a new key sign tokens; return its id. Tokens of the last one stay valid."""
        async with self._book.changing:
            kid = await self._book.rotate_keys(self._ground.timekeeper.moment())
        logger.info("tokens are signed with the new key %s", kid)
        return kid

    async def add_client(self, name: str, scopes: frozenset[Scope]) -> NewSecret:
        """Make a client.

        Raises:
            ConflictError: there is an account of that name.
        """
        async with self._book.changing:
            if self.door.is_known(name):
                raise ConflictError("expected a name that is not taken", field="name", given=name)
            now, secret = self._ground.timekeeper.moment(), new_secret()
            client = Account(name, AccountKind.CLIENT, tuple(sorted(scopes)), (), now)
            await self._book.save_account(with_secret(client, secret, 0, now))
        return NewSecret(name, secret, grace=0)

    async def remove_client(self, name: str) -> None:
        """Forget a client; its tokens are worth nothing from now on.

        Raises:
            NotFoundError: there is no such account.
            ConflictError: it is the configured user.
        """
        async with self._book.changing:
            account = self._account(name)
            if account.kind is AccountKind.USER:
                raise ConflictError("expected a client, not api.username", field="name", given=name)
            await self._book.remove_account(account)

    async def tidy(self) -> None:
        """Forget what is over, and have a new key sign if the last one is old enough."""
        now = self._ground.timekeeper.moment()
        async with self._book.changing:
            await self._book.prune(self._policy.grace, now)
        if self._book.ring.age(now) >= self._policy.key_life:
            await self.rotate_keys()

    async def _stay_tidy(self) -> None:
        while True:
            await self.tidy()
            await asyncio.sleep(TIDY_INTERVAL)

    def _account(self, name: str) -> Account:
        account = self._book.accounts.get(name)
        if account is None:
            raise NotFoundError("expected the name of an account", field="name", given=name)
        return account

    async def _keep_password(self, password: str, renewed: Account) -> None:
        """Keep a generated password; the old one's hash goes first, so that neither is lost."""
        if not self._user.is_generated:
            raise ConflictError(
                "expected an account whose secret this device made; the password of this one is "
                "configured (api.password, api.password_file)",
                field="name",
                given=renewed.name,
            )
        await self._book.keep_account(renewed)
        await self._ground.passwords.keep_api_password(password)
        self._book.accounts[renewed.name] = renewed
        self._user = replace(self._user, login=Login(renewed.name, password))
        for listener in self._listeners:
            listener()
