"""The token endpoint: what a token is given for (RFC 6749 §4.3, §4.4, §6; AM-34)."""

import logging

from cad.control.access.book import AccessBook
from cad.control.access.door import Door
from cad.control.access.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    UnsupportedGrantError,
)
from cad.control.access.refresh import begin, family_of, follow, is_alive, is_current, surplus
from cad.control.access.signing import TOKEN_LIFETIME
from cad.control.access.timekeeper import Timekeeper
from cad.domain.access import Grant, RefreshFamily, Scope, TokenRequest

logger = logging.getLogger(__name__)


class TokenOffice:
    """Gives tokens."""

    def __init__(self, book: AccessBook, door: Door, timekeeper: Timekeeper) -> None:
        self._book, self._door, self._timekeeper = book, door, timekeeper

    async def grant(self, request: TokenRequest, address: str) -> Grant:
        """Give a token for what `request`, from `address`, proves.

        Raises:
            RefusedError: one of `cad.control.access.errors`.
        """
        match request.grant_type:
            case "password":
                return await self._to_user(request, address)
            case "client_credentials":
                return self._to_client(request, address)
            case "refresh_token":
                return await self._again(request, address)
            case "":
                raise InvalidRequestError("expected it in the form", field="grant_type")
            case other:
                raise UnsupportedGrantError(
                    "expected password, client_credentials or refresh_token",
                    field="grant_type",
                    given=other,
                )

    async def _to_user(self, request: TokenRequest, address: str) -> Grant:
        if request.user is None:
            raise InvalidRequestError("expected username and password", field="username")
        self._check_client(request, address)
        try:
            caller = self._door.check_login(request.user, address)
        except InvalidClientError:
            raise InvalidGrantError("expected a known user name and its password") from None
        scopes = _granted(request.scope, caller.scopes)
        async with self._book.changing:
            family, token = begin(caller.name, scopes, self._timekeeper.moment())
            too_many = surplus([*self._book.families.values(), family], caller.name)
            await self._book.save_family(family, too_many)
        return self._give(caller.name, scopes, token)

    def _to_client(self, request: TokenRequest, address: str) -> Grant:
        if request.client is None:
            raise InvalidClientError("expected client id and secret")
        caller = self._door.check_client(request.client, address)
        return self._give(caller.name, _granted(request.scope, caller.scopes))

    async def _again(self, request: TokenRequest, address: str) -> Grant:
        self._check_client(request, address)
        async with self._book.changing:
            family = await self._family(request.refresh_token)
            scopes = _granted(request.scope, frozenset(family.scopes))
            renewed, token = follow(family, self._timekeeper.moment())
            await self._book.save_family(renewed)
        return self._give(family.account, scopes, token)

    def _check_client(self, request: TokenRequest, address: str) -> None:
        """Check the client beside a user or a refresh token; a public one proves nothing."""
        if request.client is not None and request.client.secret:
            self._door.check_client(request.client, address)

    async def _family(self, token: str) -> RefreshFamily:
        """Return the family whose valid token is shown; an earlier one ends the family."""
        family = self._book.families.get(family_of(token))
        if family is None or not is_alive(family, self._timekeeper.moment()):
            raise InvalidGrantError("expected a refresh token that is valid")
        if not is_current(family, token):
            await self._book.end_family(family)
            logger.warning("a refresh token of %s was used twice; its login ends", family.account)
            raise InvalidGrantError("expected a refresh token that was not used before")
        return family

    def _give(
        self, account: str, scopes: frozenset[Scope], refresh_token: str | None = None
    ) -> Grant:
        return Grant(
            account=account,
            scopes=scopes,
            access_token=self._book.ring.issue(account, scopes, self._timekeeper.moment()),
            lifetime=TOKEN_LIFETIME,
            refresh_token=refresh_token,
        )


def _granted(wanted: str, allowed: frozenset[Scope]) -> frozenset[Scope]:
    """Return those of the wanted scopes that are allowed (RFC 6749 §3.3)."""
    if not wanted.strip():
        return allowed
    granted = allowed & {scope for scope in Scope if scope in wanted.split()}
    if not granted:
        expected = f"expected one of: {' '.join(sorted(allowed))}"
        raise InvalidScopeError(expected, field="scope", given=wanted)
    return granted
