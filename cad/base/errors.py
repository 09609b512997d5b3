"""The error tree.

* `CadError`: every error that has a result code of the standard (AM-07)
    * `RefusedError`: the caller's fault; says which field, what was given, what was expected
        * `MissingFieldError`, `BadValueError`, `ContradictionError` (400xx)
        * `UnauthorisedError` (401xx), `ForbiddenError` (403xx), `NotFoundError` (404xx)
        * `ConflictError` (409xx), `TooLargeError` (413xx), `TooManyError` (429xx)
    * `InsufficientError` (507xx): the device lacks room or power; the message has the numbers
    * `UnavailableError` (503xx): something this device needs does not answer now

Leaf classes live in the module that raises them.
"""

from collections.abc import Sequence
from typing import ClassVar

from cad.base.printable import printable
from cad.base.redact import redact

GIVEN_LIMIT = 80
NAMED_LIMIT = 8


class CadError(Exception):
    """Base of every error that has a result code in the standard.

    A `transient` error is worth another try; any other ends the work that raised it.
    """

    code: ClassVar[int] = 50000
    status: ClassVar[int] = 500
    transient: ClassVar[bool] = False


class RefusedError(CadError):
    """What was asked for cannot be done as it was asked.

    `field` is the member at fault in dotted form (`taskInfo.rulesParams[0].eventType`), `given` is
    its value as it arrived (shortened, secrets cut), `expected` says what would have been accepted.
    """

    code = 40000
    status = 400

    def __init__(self, expected: str, *, field: str = "", given: object = None) -> None:
        self.field, self.expected = field, expected
        self.given = None if given is None else shorten(given)
        super().__init__(_sentence(field, self.given, expected))


class MissingFieldError(RefusedError):
    """A mandatory member is absent or null."""

    code = 40001

    def __init__(self, field: str, expected: str = "a value") -> None:
        super().__init__(f"missing; expected {expected}", field=field)


class BadValueError(RefusedError):
    """A member has a value outside what is allowed."""

    code = 40002


class ContradictionError(RefusedError):
    """Two places of one request say different things (AM-08)."""

    code = 40003


class UnauthorisedError(RefusedError):
    """The caller did not prove who it is."""

    code = 40101
    status = 401


class ForbiddenError(RefusedError):
    """The caller is known and may not do this."""

    code = 40301
    status = 403


class NotFoundError(RefusedError):
    """What the request names does not exist here."""

    code = 40401
    status = 404


class ConflictError(RefusedError):
    """What is asked for contradicts what is there."""

    code = 40901
    status = 409


class TooLargeError(RefusedError):
    """The request is larger than this device takes."""

    code = 41301
    status = 413


class TooManyError(RefusedError):
    """The caller asks more often than this device allows."""

    code = 42901
    status = 429


class InsufficientError(CadError):
    """The device lacks the room or the power; the message has the numbers."""

    code = 50701
    status = 507


class UnavailableError(CadError):
    """Something this device needs does not answer now."""

    code = 50301
    status = 503
    transient = True


def shorten(value: object) -> str:
    """Return `value` as text fit for a message: at most 80 characters, secrets cut, printable."""
    text = printable(redact(value if isinstance(value, str) else repr(value)))
    return text if len(text) <= GIVEN_LIMIT else text[: GIVEN_LIMIT - 1] + "…"


def some_of(things: Sequence[object], separator: str = "; ") -> str:
    """Return the first 8 of `things` as text fit for a message, and how many more there are."""
    named = [str(thing) for thing in things[:NAMED_LIMIT]]
    more = len(things) - len(named)
    return separator.join([*named, f"and {more} more"] if more else named)


def _sentence(field: str, given: str | None, expected: str) -> str:
    head = f"{field}: " if field else ""
    tail = "" if given is None else f" (given: {given})"
    return f"{head}{expected}{tail}"
