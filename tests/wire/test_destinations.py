"""Where events go, as Table G.8 and example G.2 write it (AM-102)."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import BadValueError, ContradictionError, MissingFieldError, RefusedError
from cad.domain.destinations import (
    BucketDestination,
    Destination,
    HttpDestination,
    KafkaDestination,
)
from cad.wire.annex_g_rules import Destinations
from cad.wire.destinations import read_destinations
from tests.spec import example
from tests.spec.orders import rule_of

HTTP = {"url": "http://h/e"}
MQ = {"mqType": "KAFKA", "topic": "EVENTS", "url": "k1:9092"}
KAFKA = KafkaDestination(("k1:9092",), "EVENTS")


def read(body: Any) -> tuple[Destination, ...]:
    return read_destinations(Destinations.read(body), "destinations")


def refusal(body: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read(body)
    return caught.value


@pytest.mark.row("CAP-29")
@pytest.mark.row("CAP-30")
def test_the_printed_destinations_are_understood() -> None:
    printed = rule_of(example("G.2-create-task.request"))["destinations"]
    assert read(printed) == (
        KafkaDestination(("10.172.198.207:23310",), "PAAS_CAPTURE_ALL"),
        BucketDestination(full="aipaas-full-image", crop="aipaas-crop-image"),
    )


@pytest.mark.parametrize(
    "destinations",
    [
        {"HTTPDest": HTTP},
        {"httpDest": HTTP},
        {"eventDest": {"httpDest": HTTP}},
        {"eventDest": {"HTTPDest": HTTP}},
        {"HTTPDest": HTTP, "eventDest": {"httpDest": HTTP}},
    ],
)
@pytest.mark.row("CAP-28")
def test_every_printed_place_of_an_http_destination_counts_once(destinations: Any) -> None:
    assert read(destinations) == (HttpDestination("http://h/e"),)


def test_a_rule_may_have_several() -> None:
    body = {"HTTPDest": HTTP, "eventDest": {"mqDest": MQ}, "imageDest": {"fullImageDest": "full"}}
    assert read(body) == (HttpDestination("http://h/e"), KAFKA, BucketDestination("full", ""))


@pytest.mark.parametrize(
    "body", [{}, {"eventDest": {}}, {"imageDest": {"fullImageDest": "full-images"}}]
)
def test_events_need_a_destination(body: Any) -> None:
    assert isinstance(refusal(body), MissingFieldError)


def test_pictures_in_two_places_must_be_the_same() -> None:
    inside = {"mqDest": MQ, "imageDest": {"fullImageDest": "one"}}
    same = {"eventDest": inside, "imageDest": {"fullImageDest": "one", "cropImageDest": ""}}
    assert read(same) == (KAFKA, BucketDestination("one", ""))
    other = {"eventDest": inside, "imageDest": {"fullImageDest": "two"}}
    assert isinstance(refusal(other), ContradictionError)


@pytest.mark.parametrize("url", ["kafka://h", "http://", "http://h:99999/", "h/e", "http://h:x/"])
def test_a_destination_that_cannot_be_posted_to_is_refused(url: str) -> None:
    error = refusal({"HTTPDest": {"url": url}})
    assert (error.field, error.expected) == (
        "destinations.HTTPDest.url",
        "expected an http or https URL",
    )


@pytest.mark.parametrize(
    ("url", "brokers"),
    [
        ("10.0.0.1:9092", ("10.0.0.1:9092",)),
        ("kafka://k1:9092/", ("k1:9092",)),
        ("k1, k2:9093,k1:9092", ("k1:9092", "k2:9093")),
        ("[::1]:9092,[::1]", ("[::1]:9092",)),
    ],
)
def test_brokers_are_listed_with_commas(url: str, brokers: tuple[str, ...]) -> None:
    [destination] = read({"eventDest": {"mqDest": {**MQ, "url": url}}})
    assert destination == KafkaDestination(brokers, "EVENTS")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mqType": "RABBITMQ"}, "mqType"),
        ({"topic": "a b"}, "topic"),
        ({"topic": ".."}, "topic"),
        ({"topic": "x" * 250}, "topic"),
        ({"url": ""}, "url"),
        ({"url": "user:s3cret@k1:9092"}, "url"),
        ({"url": "k1:0"}, "url"),
        ({"url": "k1:99999"}, "url"),
        ({"url": "http://k1:9092"}, "url"),
        ({"url": ",".join(f"k{n}" for n in range(17))}, "url"),
    ],
)
def test_a_queue_that_cannot_be_written_to_is_refused(change: Any, field: str) -> None:
    error = refusal({"eventDest": {"mqDest": {**MQ, **change}}})
    assert error.field == f"destinations.eventDest.mqDest.{field}"
    assert "s3cret" not in str(error)


@pytest.mark.parametrize("name", ["ab", "Upper", "a_b", "a..b", "-ab", "10.0.0.1", "x" * 64, "a/b"])
def test_what_cannot_be_a_bucket_is_refused(name: str) -> None:
    body = {"HTTPDest": HTTP, "imageDest": {"cropImageDest": name}}
    error = refusal(body)
    assert isinstance(error, BadValueError)
    assert error.field == "destinations.imageDest.cropImageDest"


@given(st.text(), st.text(), st.text(), st.text())
def test_any_text_is_a_destination_or_a_refusal(kind: str, topic: str, url: str, name: str) -> None:
    mq = {"mqType": kind, "topic": topic, "url": url}
    for dest in ({"mqDest": mq}, {"mqDest": {**MQ, "url": url}}, {"httpDest": {"url": url}}):
        with suppress(RefusedError):
            assert read({"eventDest": {**dest, "imageDest": {"fullImageDest": name}}})


@given(st.text())
def test_names_of_destinations_hold_no_credentials(path: str) -> None:
    name = HttpDestination(f"http://user:s3cret@h:81/{path}").name
    assert name in {"http://h:81", "http destination"}


@pytest.mark.parametrize(
    "url",
    [
        "http://ex\tample\0.com/",
        "http://ex\x1fample.com/",
        "http://example.com/\x1b[2J",
        "http://ex%00ample.com/",
        "http://a..b/",
        "http://" + "a" * 64 + ".com/",
        "http://x:99999/",
        "http://[::1/",
        "http://ex\u2028ample.com/",
    ],
)
def test_a_url_that_cannot_be_posted_to_is_refused(url: str) -> None:
    with pytest.raises(BadValueError, match="http or https URL"):
        read_destinations(Destinations.read({"HTTPDest": {"url": url}}), "at")


@pytest.mark.parametrize(
    "url",
    [
        "http://例え.com/事件",
        "http://[::1]:80/",
        "https://up:s3@a_b.local.:1/x?y=z",
        "http://10.1.2.3",
    ],
)
def test_a_url_that_can_be_posted_to_is_taken_as_it_is(url: str) -> None:
    [destination] = read_destinations(Destinations.read({"HTTPDest": {"url": url}}), "at")
    assert destination == HttpDestination(url)
