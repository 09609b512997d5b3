"""Checks the proofs of callers: tokens, and names with secrets."""

from collections.abc import Sequence
from urllib.parse import unquote_plus

from cad.control.access.accounts import knows
from cad.control.access.book import AccessBook
from cad.control.access.errors import InvalidClientError, InvalidTokenError, SlowDownError
from cad.control.access.throttle import LoginThrottle
from cad.control.access.timekeeper import Timekeeper
from cad.domain.access import Caller, Login, Means


class Door:
    """Says who somebody is; nothing here waits."""

    def __init__(self, book: AccessBook, timekeeper: Timekeeper, grace: float) -> None:
        """Take what checking needs; `grace` is how many seconds a replaced secret stays valid."""
        self._book, self._timekeeper, self._grace = book, timekeeper, grace
        self._throttle = LoginThrottle()

    def is_known(self, name: str) -> bool:
        """Whether there is an account called `name`."""
        return name in self._book.accounts

    def check_token(self, token: str) -> Caller:
        """Return whose access token it is.

        Raises:
            InvalidTokenError: it is none of ours, has expired, or its account is gone.
        """
        claims = self._book.ring.check(token, self._timekeeper.moment())
        account = self._book.accounts.get(claims.account)
        if account is None:
            raise InvalidTokenError("expected the access token of a known account")
        return Caller(account.name, claims.scopes & {*account.scopes}, Means.BEARER)

    def check_login(self, login: Login, address: str) -> Caller:
        """Return who `login` is, tried from `address`.

        Raises:
            InvalidClientError: name and secret do not belong together.
            SlowDownError: there were too many wrong secrets before.
        """
        return self._check([login], address)

    def check_client(self, login: Login, address: str) -> Caller:
        """Return which client `login` is; raises what `check_login` does.

        Clients must encode name and secret before they put them into HTTP Basic (RFC 6749 §2.3.1),
        and most do not: both is understood.
        """
        decoded = Login(unquote_plus(login.name), unquote_plus(login.secret))
        return self._check([login, decoded], address)

    def _check(self, spellings: Sequence[Login], address: str) -> Caller:
        now = self._timekeeper.moment()
        found = (self._book.accounts.get(login.name) for login in spellings)
        account = next((account for account in found if account), None)
        # Names that there are not share one record: they must not fill the memory.
        tried = account.name if account else ""
        wait = self._throttle.wait(address, tried, now.uptime)
        if wait > 0:
            raise SlowDownError(wait)
        compared = account or self._book.user  # an unknown name takes as long as a known one
        fits = [knows(compared, login.secret, self._grace, now) for login in spellings]
        if account is None or not any(fits):
            self._throttle.failed(address, tried, now.uptime)
            raise InvalidClientError("expected a known name and its secret")
        self._throttle.passed(address, tried)
        return Caller(account.name, frozenset(account.scopes), Means.BASIC)
