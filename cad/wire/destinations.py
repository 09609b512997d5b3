"""Where the events of a rule go: `destinations` of Table G.8 and example G.2 (AM-102)."""

import re
from collections.abc import Iterator

from yarl import URL

from cad.base.errors import BadValueError, ContradictionError, MissingFieldError
from cad.base.printable import has_controls
from cad.domain.destinations import (
    BucketDestination,
    Destination,
    HttpDestination,
    KafkaDestination,
)
from cad.wire.annex_g_rules import Destinations, HttpDest, ImageDest, MqDest
from cad.wire.urls import has_host, scheme_of, shown_url

KAFKA = "KAFKA"
KAFKA_PORT = 9092
MOST_BROKERS = 16

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
"""A name or an IPv4 address as it is resolved; an IPv6 address holds colons."""
_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}")
_BUCKET = re.compile(r"(?!.*(?:\.\.|\.-|-\.))(?!\d+(?:\.\d+){3}$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""What stores take: S3's rules, which are MinIO's too."""


def read_destinations(given: Destinations, at: str) -> tuple[Destination, ...]:
    """Return where the events of a rule go, each destination once, pictures last.

    Args:
        given: `destinations` of the rule.
        at: its place in the order, for messages.

    Raises:
        MissingFieldError: no destination for events.
        BadValueError, ContradictionError: name the member at fault.
    """
    receivers = tuple(dict.fromkeys(_receivers(given, at)))
    if not receivers:
        raise MissingFieldError(f"{at}.HTTPDest", "at least one event destination")
    buckets = list(dict.fromkeys(_buckets(given, at)))
    if len(buckets) > 1:
        raise ContradictionError(
            "expected the buckets that eventDest.imageDest names", field=f"{at}.imageDest"
        )
    return (*receivers, *buckets)


def _receivers(given: Destinations, at: str) -> Iterator[Destination]:
    if given.http_dest is not None:
        yield _http(given.http_dest, f"{at}.HTTPDest")
    event_dest = given.event_dest
    if event_dest is not None and event_dest.http_dest is not None:
        yield _http(event_dest.http_dest, f"{at}.eventDest.httpDest")
    if event_dest is not None and event_dest.mq_dest is not None:
        yield _kafka(event_dest.mq_dest, f"{at}.eventDest.mqDest")


def _buckets(given: Destinations, at: str) -> Iterator[BucketDestination]:
    inside = None if given.event_dest is None else given.event_dest.image_dest
    places = ((inside, f"{at}.eventDest.imageDest"), (given.image_dest, f"{at}.imageDest"))
    for image_dest, place in places:
        if image_dest is not None and (image_dest.full_image_dest or image_dest.crop_image_dest):
            yield _bucket_destination(image_dest, place)


def _http(dest: HttpDest, at: str) -> HttpDestination:
    if not _can_be_posted_to(dest.url):
        raise BadValueError(
            "expected an http or https URL", field=f"{at}.url", given=shown_url(dest.url)
        )
    return HttpDestination(url=dest.url)


def _can_be_posted_to(url: str) -> bool:
    """Whether `url` is what it seems, to the library that posts and to everybody else."""
    if scheme_of(url) not in {"http", "https"} or not has_host(url) or has_controls(url):
        return False
    try:
        host = URL(url).raw_host or ""
    except ValueError:
        return False
    return _HOST.fullmatch(host) is not None or ":" in host


def _kafka(dest: MqDest, at: str) -> KafkaDestination:
    if dest.mq_type.upper() != KAFKA:
        raise BadValueError(
            f"expected {KAFKA}; other message queues are not served by this version",
            field=f"{at}.mqType",
            given=dest.mq_type,
        )
    if not _TOPIC.fullmatch(dest.topic):
        raise BadValueError(
            "expected 1 to 249 letters, digits, dots, underscores or hyphens",
            field=f"{at}.topic",
            given=dest.topic,
        )
    return KafkaDestination(brokers=_brokers(dest.url, f"{at}.url"), topic=dest.topic)


def _brokers(text: str, at: str) -> tuple[str, ...]:
    """Return the brokers in `text`: `[kafka://]host[:port]`, further ones after commas."""
    listed = text.removeprefix("kafka://").rstrip("/").split(",")
    brokers = tuple(dict.fromkeys(_broker(each.strip()) for each in listed))
    if "" in brokers or len(brokers) > MOST_BROKERS:
        # An account in it would be repeated, so what was given is not.
        raise BadValueError(
            f"expected host:port of a broker, or up to {MOST_BROKERS} of them with commas", field=at
        )
    return brokers


def _broker(text: str) -> str:
    """Return `text` as `host:port`, empty if it is none."""
    if not re.fullmatch(r"\[[0-9A-Fa-f:.]+\](:\d{1,5})?|[A-Za-z0-9._-]+(:\d{1,5})?", text):
        return ""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return f"{text}:{KAFKA_PORT}"
    return f"{host}:{int(port)}" if 0 < int(port) <= 65535 else ""


def _bucket_destination(dest: ImageDest, at: str) -> BucketDestination:
    names = {"fullImageDest": dest.full_image_dest, "cropImageDest": dest.crop_image_dest}
    for member, name in names.items():
        if name and not _BUCKET.fullmatch(name):
            raise BadValueError(
                "expected the name of a bucket: 3 to 63 small letters, digits, dots or hyphens",
                field=f"{at}.{member}",
                given=name,
            )
    return BucketDestination(full=dest.full_image_dest or "", crop=dest.crop_image_dest or "")
