"""Which algorithm kills its workers. Pure.

A worker that dies does not say which of its algorithms did it. One that was at work in each of the
last deaths is given a worker of its own; if that one dies again and again too, the case is clear
and the algorithm is held: it gets no worker until somebody acts.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import NamedTuple

from cad.domain.ids import ServiceId

DEATHS = 3
WINDOW = 120.0
"""Seconds in which so many deaths count as again and again."""


class Death(NamedTuple):
    """One end of a worker by its own doing: crash, hang or garbage."""

    at: float
    """Monotonic."""
    services: frozenset[ServiceId]
    """Algorithms that were loading or had tasks there."""
    alone: bool
    """It was the own worker of a suspect."""


@dataclass(frozen=True, slots=True)
class Suspects:
    """What is known of the algorithms of this device."""

    deaths: tuple[Death, ...] = ()
    isolated: frozenset[ServiceId] = frozenset()
    """They have a worker of their own."""
    held: frozenset[ServiceId] = frozenset()
    """They have none."""

    def after(self, death: Death) -> "Suspects":
        """Return what follows from a death."""
        recent = tuple(past for past in self.deaths if death.at - past.at <= WINDOW)
        known = replace(self, deaths=(*recent, death))
        guilty = frozenset(name for name in death.services if known._is_usual(name, death.alone))
        if death.alone:
            return replace(known, isolated=self.isolated - guilty, held=self.held | guilty)
        return replace(known, isolated=self.isolated | (guilty - self.held))

    def released(self, service_id: ServiceId) -> "Suspects":
        """Return what is left when an algorithm gets another chance."""
        cleared = {service_id}
        return Suspects(
            tuple(death._replace(services=death.services - cleared) for death in self.deaths),
            self.isolated - cleared,
            self.held - cleared,
        )

    def limited_to(self, installed: AbstractSet[ServiceId]) -> "Suspects":
        """Return what is left when only these algorithms are installed."""
        return replace(self, isolated=self.isolated & installed, held=self.held & installed)

    def _is_usual(self, service_id: ServiceId, alone: bool) -> bool:
        """Whether it was there in each of the last deaths of that kind, and they are enough."""
        alike = [death for death in self.deaths if death.alone is alone]
        if alone:
            alike = [death for death in alike if service_id in death.services]
        last = alike[-DEATHS:]
        return len(last) == DEATHS and all(service_id in death.services for death in last)
