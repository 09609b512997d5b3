"""Destinations in the database: sealed, and found again by a name that tells nothing of them."""

from pydantic import TypeAdapter

from cad.control.store.secrets import SecretBox
from cad.domain.destinations import Destination

_adapter: TypeAdapter[Destination] = TypeAdapter(Destination)


class DestinationSeal:
    """Seals destinations and opens them again. Any thread may use it."""

    def __init__(self, box: SecretBox) -> None:
        self._box = box

    def mac(self, destination: Destination) -> str:
        """Return the name under which `destination` is kept."""
        return self._box.mac(_text(destination))

    def close(self, destination: Destination) -> bytes:
        """Return `destination` encrypted."""
        return self._box.encrypt(_text(destination))

    def open(self, sealed: bytes) -> Destination:
        """Return the destination that `close` sealed.

        Raises:
            SecretKeyError: another key sealed it.
        """
        return _adapter.validate_json(self._box.decrypt(sealed))


def _text(destination: Destination) -> str:
    return _adapter.dump_json(destination).decode()
