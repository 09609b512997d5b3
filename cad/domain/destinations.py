"""Where the events of a rule go (Table G.8, AM-102)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpDestination:
    """`HTTPDest`: each event is POSTed."""

    url: str
    """May hold credentials; never to be printed."""


Destination = HttpDestination
"""Every kind of destination; Kafka and an object store join here."""
