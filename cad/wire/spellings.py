"""Which of the printed spellings of a path a peer serves: tried once, then remembered (AM-10)."""

from collections.abc import Sequence


class Spellings:
    """The spellings of one family of paths towards one peer."""

    def __init__(self, standard: str, spellings: Sequence[str]) -> None:
        """Take the family's prefix as our constants print it, and what it may be in its place."""
        self._standard, self._spellings = standard, tuple(spellings)
        self._proven = False

    def of(self, path: str) -> tuple[str, ...]:
        """Return `path` in every spelling that is to be tried, the likeliest first."""
        rest = path.removeprefix(self._standard)
        if rest == path:
            return (path,)
        tried = self._spellings[:1] if self._proven else self._spellings
        return tuple(spelling + rest for spelling in tried)

    def prove(self, spelled: str) -> None:
        """Remember that the peer serves `spelled`: from now on its spelling is the only one."""
        for spelling in self._spellings:
            if spelled.startswith(spelling):
                self._spellings = (spelling, *(s for s in self._spellings if s != spelling))
                self._proven = True
                return
