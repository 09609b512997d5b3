"""What can go wrong between this device and its platform."""

from cad.base.errors import UnavailableError


class PlatformUnreachableError(UnavailableError):
    """The platform gave no answer: no connection, no trust, or no time."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"platform {url}: {reason}")


class PlatformAnswerError(UnavailableError):
    """What came back is no answer of a platform."""

    def __init__(self, call: str, reason: str) -> None:
        super().__init__(f"{call}: {reason}")


class PlatformRefusedError(UnavailableError):
    """The platform understood the call and refused it. It may change its mind."""

    def __init__(self, call: str, answer_code: int, reason: str) -> None:
        super().__init__(f"{call}: refused with {answer_code}: {reason}")
        self.family = family_of(answer_code)


def family_of(code: int) -> int:
    """Return the HTTP status that the first three digits of a result code repeat (AM-07)."""
    return int(str(code)[:3])


class TokenRefusedError(UnavailableError):
    """The platform gives this device no token."""

    def __init__(self, call: str, status: int) -> None:
        super().__init__(
            f"{call}: no token, HTTP status {status} (platform.client_id, platform.client_secret)"
        )


class PasswordUnprotectedError(UnavailableError):
    """The API password cannot be sent: nothing would keep it secret on its way."""

    def __init__(self) -> None:
        super().__init__(
            "the API password cannot be sent: the platform is reached over http and offers no SM2 "
            "key; use https, or set platform.sm2_public_key"
        )
