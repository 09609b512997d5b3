"""Where the events of a rule go, and their pictures (Table G.8, example G.2, AM-102)."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class HttpDestination:
    """`HTTPDest`: each event is POSTed."""

    url: str = field(repr=False)
    """May hold credentials; never to be printed."""

    @property
    def name(self) -> str:
        """Scheme, host and port: a path may hold a token."""
        try:
            parts = urlsplit(self.url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            return "http destination"
        return f"{parts.scheme}://{parts.hostname}{port}"


@dataclass(frozen=True, slots=True)
class KafkaDestination:
    """`mqDest`: each event is a record of one topic."""

    brokers: tuple[str, ...]
    """`host:port`, those asked first for the others."""
    topic: str

    @property
    def name(self) -> str:
        """Brokers and topic."""
        return f"kafka://{','.join(self.brokers)}/{self.topic}"


@dataclass(frozen=True, slots=True)
class BucketDestination:
    """`imageDest`: the pictures of an event; its receivers get their keys, when they are stored."""

    full: str
    """Bucket of whole pictures; empty = they travel in the event."""
    crop: str
    """Bucket of cut-outs; empty likewise."""

    @property
    def name(self) -> str:
        """The buckets."""
        return f"s3://{','.join(dict.fromkeys(filter(None, (self.full, self.crop))))}"


Destination = HttpDestination | KafkaDestination | BucketDestination
"""Every kind of destination."""
