"""The SM2 key pairs of the platform: the one it offers, and those good a while longer (AM-35)."""

import math

from cad.base.clock import Clock
from cad.protocols.sm2 import BadCiphertextError, PrivateKey, PublicKey, detect

OVERLAP = 24 * 3600.0
"""Seconds for which a replaced key still opens what was sealed with it."""


class Sm2KeyRing:
    """Opens passwords that devices sealed. Its calls take about 10 ms for each key they try."""

    def __init__(self, clock: Clock, overlap: float = OVERLAP) -> None:
        self._clock, self._overlap = clock, overlap
        self._keys = [(PrivateKey.generate(), math.inf)]
        """Newest first, each with the monotonic time at which it ends."""

    @property
    def offered(self) -> PublicKey:
        """The key for which devices are to seal."""
        return self._keys[0][0].public

    def renew(self) -> None:
        """Offer a new key; the one before stays good for the overlap."""
        now = self._clock.monotonic()
        ends = [(key, min(end, now + self._overlap)) for key, end in self._keys]
        self._keys = [(PrivateKey.generate(), math.inf), *(e for e in ends if e[1] > now)]

    def open(self, sealed: str) -> str:
        """Return what `sealed` hides.

        Raises:
            BadCiphertextError: it was sealed for no key that is still good.
        """
        found = self.detect(sealed)
        if found is None:
            raise BadCiphertextError("expected a value encrypted for the key of this platform")
        return found

    def detect(self, value: str) -> str | None:
        """Return what `value` hides if it is sealed for a key that is still good (AM-82)."""
        now = self._clock.monotonic()
        for key, end in self._keys:
            if end > now and (plain := detect(value, key)) is not None:
                return plain
        return None
