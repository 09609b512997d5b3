"""Keeps a flood of refusals from filling the audit log: pure, and bounded in memory."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from cad.domain.audit import AuditEntry

WINDOW = 60.0
"""Seconds in which refusals of the same kind are counted instead of listed."""
KINDS = 1024
"""How many kinds are counted at once; of more, the oldest is listed early."""

_Kind = tuple[str, str, int]


@dataclass(slots=True)
class _Window:
    """Refusals of one kind since the first one, which is listed."""

    ends: float
    last: AuditEntry
    repeated: int = 0

    def summary(self) -> list[AuditEntry]:
        """Return the last refusal with the number of those before it that are not listed."""
        return [replace(self.last, repeated=self.repeated - 1)] if self.repeated else []


class Repeats:
    """Decides which refusals are listed; `now` is in seconds and only grows."""

    def __init__(self) -> None:
        self._windows: OrderedDict[_Kind, _Window] = OrderedDict()

    def take(self, refusal: AuditEntry, now: float) -> list[AuditEntry]:
        """Return what is to be listed now that there was `refusal`."""
        kind = (refusal.who, refusal.source, refusal.code)
        listed = self.due(now)
        window = self._windows.get(kind)
        if window is not None:
            window.last, window.repeated = refusal, window.repeated + 1
            return listed
        self._windows[kind] = _Window(now + WINDOW, refusal)
        if len(self._windows) > KINDS:
            listed += self._windows.popitem(last=False)[1].summary()
        return [*listed, refusal]

    def due(self, now: float) -> list[AuditEntry]:
        """Return the summaries of the kinds whose time is over."""
        listed: list[AuditEntry] = []
        while self._windows and next(iter(self._windows.values())).ends <= now:
            listed += self._windows.popitem(last=False)[1].summary()
        return listed

    def rest(self) -> list[AuditEntry]:
        """Return the summaries of all that is still counted, and forget it."""
        listed = [entry for window in self._windows.values() for entry in window.summary()]
        self._windows.clear()
        return listed
