from datetime import UTC, datetime

import pytest

from cad.protocols.sm2 import BadCiphertextError, Form, encrypt_text
from cad.sim.platform.sm2_keys import Sm2KeyRing


class Clock:
    """Stands until it is turned."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


def test_a_replaced_key_opens_during_the_overlap_and_not_after() -> None:
    clock = Clock()
    ring = Sm2KeyRing(clock, overlap=60)
    sealed, before = encrypt_text("secret", ring.offered, Form()), ring.offered

    ring.renew()
    clock.seconds = 59
    assert ring.offered != before
    assert ring.open(sealed) == "secret"

    clock.seconds = 60
    with pytest.raises(BadCiphertextError):
        ring.open(sealed)


def test_what_is_not_sealed_is_not_opened() -> None:
    assert Sm2KeyRing(Clock()).detect("secret") is None
