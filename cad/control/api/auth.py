"""Who may call. Whoever can open the local socket is trusted; the network has to prove itself."""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Protocol

CHALLENGE = 'Basic realm="CAD", charset="UTF-8"'


class Gate(Protocol):
    """Decides who may call."""

    def admits(self, authorization: str) -> bool:
        """Whether the value of the header `Authorization` proves a known caller."""


@dataclass(frozen=True, slots=True)
class BasicGate:
    """Admits who knows the API's user name and password (H.6, AM-81; RFC 7617)."""

    username: str
    password: str = field(repr=False)

    def admits(self, authorization: str) -> bool:
        """Whether `authorization` is Basic with the right pair; takes the same time if not."""
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{self.username}:{self.password}".encode())
