"""Why somebody is not let in (RFC 6749 §5.2, RFC 6750 §3.1)."""

import math

from cad.base.errors import ForbiddenError, RefusedError, TooManyError, UnauthorisedError
from cad.domain.access import Scope
from cad.wire import oauth


class InvalidTokenError(UnauthorisedError):
    """The access token is none of ours, or has expired."""

    code = oauth.INVALID_TOKEN


class InvalidClientError(UnauthorisedError):
    """A client asks for a token and does not prove who it is."""

    code = oauth.INVALID_CLIENT


class InvalidRequestError(RefusedError):
    """A parameter of the token request is missing, repeated or malformed."""

    code = oauth.INVALID_REQUEST


class InvalidGrantError(RefusedError):
    """The password or refresh token is not good for a token."""

    code = oauth.INVALID_GRANT


class UnsupportedGrantError(RefusedError):
    """Tokens are not given that way."""

    code = oauth.UNSUPPORTED_GRANT


class InvalidScopeError(RefusedError):
    """None of the wanted scopes is for this account."""

    code = oauth.INVALID_SCOPE


class InsufficientScopeError(ForbiddenError):
    """The caller is known, and may use other interfaces than this one."""

    code = oauth.INSUFFICIENT_SCOPE

    def __init__(self, wanted: frozenset[Scope]) -> None:
        self.wanted = " ".join(sorted(wanted))
        super().__init__(f"expected a token with one of the scopes: {self.wanted}")


class SlowDownError(TooManyError):
    """There were too many wrong secrets; nothing is looked at until some time has passed."""

    def __init__(self, wait: float) -> None:
        self.retry_after = max(1, math.ceil(wait))
        super().__init__(
            f"expected no further try for {self.retry_after} s after so many wrong ones"
        )
