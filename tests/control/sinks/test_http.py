"""One attempt over HTTP: what each answer comes to, and what travels."""

import base64
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from cad.base.clock import SystemClock
from cad.config.settings import PlatformSettings
from cad.control.sinks.http import HttpSinks, http_context, retry_after
from cad.control.sinks.queue import Outcome, Verdict
from cad.domain.deliveries import Delivery, QueueKey
from cad.domain.destinations import HttpDestination
from cad.domain.ids import EventId, TaskId
from cad.sim.platform.ca import CertificateAuthority
from cad.wire.event import EventDocument
from tests.control.sinks.examples import CROP, FULL, NOW, ORIGIN, event, event_id, task
from tests.control.sinks.receiver import Fault, Receiver, answer, receiving, reset, silence

DOCUMENT = EventDocument.from_event(event(1), task(), ORIGIN, sequence=1).to_json()


@pytest.fixture
async def sinks() -> AsyncIterator[HttpSinks]:
    patience = aiohttp.ClientTimeout(total=0.5)
    async with HttpSinks(ssl.create_default_context(), SystemClock(), timeout=patience) as sinks:
        yield sinks


def delivery(url: str, document: bytes = DOCUMENT) -> Delivery:
    return Delivery(
        number=1,
        event_id=EventId(event_id(1)),
        queue=QueueKey(TaskId("task-1"), HttpDestination(url)),
        document=document,
        full_image=FULL,
        crop_image=CROP,
    )


async def send(sinks: HttpSinks, url: str) -> Outcome:
    return await sinks(HttpDestination(url)).send(delivery(url))


async def test_an_event_travels_as_json_with_its_images_and_key(
    sinks: HttpSinks, receiver: Receiver
) -> None:
    assert await send(sinks, receiver.url + "/events") == Outcome(Verdict.DELIVERED)
    (request,), (document,) = receiver.requests, receiver.taken
    assert (request.method, request.path, request.content_type) == (
        "POST",
        "/events",
        "application/json",
    )
    assert request.headers["Idempotency-Key"] == document.event_id == event_id(1)
    assert (document.images.full.jpeg(), document.images.crop.jpeg()) == (FULL, CROP)


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (answer(200), Verdict.DELIVERED),
        (answer(202), Verdict.DELIVERED),
        (answer(500), Verdict.FAILED),
        (answer(503), Verdict.FAILED),
        (answer(408), Verdict.FAILED),
        (answer(425), Verdict.FAILED),
        (answer(429), Verdict.FAILED),
        (reset, Verdict.FAILED),
        (silence, Verdict.FAILED),
        (answer(400), Verdict.REFUSED),
        (answer(401), Verdict.REFUSED),
        (answer(413), Verdict.REFUSED),
        (answer(303, Location="/elsewhere"), Verdict.REFUSED),
        (answer(307), Verdict.REFUSED),
    ],
)
async def test_each_answer_has_its_verdict(
    sinks: HttpSinks, receiver: Receiver, fault: Fault, verdict: Verdict
) -> None:
    receiver.faults.append(fault)
    outcome = await send(sinks, receiver.url)
    assert outcome.verdict is verdict
    assert outcome.reason.startswith(receiver.url) or verdict is Verdict.DELIVERED


async def test_a_receiver_that_is_away_is_a_failure(sinks: HttpSinks) -> None:
    async with receiving() as gone:
        url = gone.url
    outcome = await send(sinks, url)
    assert outcome.verdict is Verdict.FAILED
    assert url in outcome.reason


@pytest.mark.parametrize("url", ["http://", "nonsense", "http://a:b:c@host:99999/"])
async def test_what_is_no_url_is_refused(sinks: HttpSinks, url: str) -> None:
    assert (await send(sinks, url)).verdict is Verdict.REFUSED


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirected_event_is_posted_where_it_leads(
    sinks: HttpSinks, receiver: Receiver, status: int
) -> None:
    receiver.always["/old"] = answer(status, Location="/new")
    assert (await send(sinks, receiver.url + "/old")).verdict is Verdict.DELIVERED
    assert [(request.method, request.path) for request in receiver.requests] == [
        ("POST", "/old"),
        ("POST", "/new"),
    ]


async def test_a_redirect_loop_is_refused(sinks: HttpSinks, receiver: Receiver) -> None:
    receiver.always["/"] = answer(308, Location="/")
    outcome = await send(sinks, receiver.url + "/")
    assert outcome.verdict is Verdict.REFUSED
    assert "circle" in outcome.reason


async def test_a_user_in_the_url_becomes_basic_authentication(
    sinks: HttpSinks, receiver: Receiver
) -> None:
    await send(sinks, receiver.url.replace("://", "://user:p%40ss@"))
    expected = "Basic " + base64.b64encode(b"user:p@ss").decode()
    assert receiver.requests[0].headers["Authorization"] == expected


async def test_the_user_is_not_told_to_another_host(sinks: HttpSinks, receiver: Receiver) -> None:
    async with receiving() as other:
        receiver.always["/"] = answer(307, Location=other.url)
        await send(sinks, receiver.url.replace("://", "://user:pass@"))
        assert "Authorization" not in other.requests[0].headers


@pytest.mark.parametrize("fault", [answer(500), answer(404), reset, silence])
async def test_no_reason_holds_the_password(
    sinks: HttpSinks, receiver: Receiver, fault: Fault
) -> None:
    receiver.faults.append(fault)
    outcome = await send(sinks, receiver.url.replace("://", "://user:pass-word@"))
    assert "pass-word" not in outcome.reason
    assert "user" not in outcome.reason


async def test_patience_asked_for_is_part_of_the_outcome(
    sinks: HttpSinks, receiver: Receiver
) -> None:
    receiver.faults.append(answer(429, Retry_After="7"))
    assert (await send(sinks, receiver.url)).retry_after == 7


async def test_a_stored_event_that_cannot_be_read_is_refused(
    sinks: HttpSinks, receiver: Receiver
) -> None:
    sink = sinks(HttpDestination(receiver.url))
    outcome = await sink.send(delivery(receiver.url, document=b"{}"))
    assert outcome.verdict is Verdict.REFUSED
    assert receiver.requests == []


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", 0),
        ("120", 120),
        ("soon", 0),
        ("-5", 0),
        ("Sun, 22 Nov 2026 02:01:00 GMT", 60),
        ("Sun, 22 Nov 2026 01:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 02:01:00 -0000", 0),
    ],
)
def test_patience_is_asked_for_in_seconds_or_until_a_date(value: str, seconds: float) -> None:
    assert retry_after(value, NOW) == seconds


def test_a_sink_needs_open_sinks() -> None:
    sinks = HttpSinks(ssl.create_default_context(), SystemClock())
    with pytest.raises(LookupError):
        sinks(HttpDestination("http://host/"))


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path, datetime.now(UTC))


@pytest.fixture
def served(authority: CertificateAuthority) -> ssl.SSLContext:
    """What a receiver on loopback serves with, signed by `authority`."""
    return authority.issue("receiver", ["127.0.0.1"]).server_context()


async def test_a_receiver_with_a_trusted_certificate_gets_events(
    authority: CertificateAuthority, served: ssl.SSLContext
) -> None:
    context = ssl.create_default_context(cafile=str(authority.file))
    async with receiving(tls=served) as receiver, HttpSinks(context, SystemClock()) as sinks:
        assert (await send(sinks, receiver.url)).verdict is Verdict.DELIVERED


async def test_a_receiver_with_another_certificate_gets_none(
    sinks: HttpSinks, served: ssl.SSLContext
) -> None:
    async with receiving(tls=served) as receiver:
        outcome = await send(sinks, receiver.url)
        assert outcome.verdict is Verdict.FAILED
        assert "CERTIFICATE_VERIFY_FAILED" in outcome.reason
        assert receiver.requests == []


@pytest.fixture
def towards_receivers(authority: CertificateAuthority) -> ssl.SSLContext:
    """What receivers are met with by a device that has a certificate for its platform."""
    device = authority.issue("device", ["127.0.0.1"])
    return http_context(
        PlatformSettings(
            ca_file=str(authority.file),
            client_cert=str(device.certificate),
            client_key=str(device.key),
        )
    )


@pytest.mark.parametrize(
    ("demand", "verdict"),
    [(ssl.CERT_OPTIONAL, Verdict.DELIVERED), (ssl.CERT_REQUIRED, Verdict.FAILED)],
)
async def test_a_receiver_that_asks_is_not_shown_the_certificate_for_the_platform(
    towards_receivers: ssl.SSLContext,
    served: ssl.SSLContext,
    demand: ssl.VerifyMode,
    verdict: Verdict,
) -> None:
    served.verify_mode = demand
    sinks = HttpSinks(towards_receivers, SystemClock())
    async with receiving(tls=served) as receiver, sinks:
        assert (await send(sinks, receiver.url)).verdict is verdict


async def test_an_event_is_not_redirected_from_https_to_http(
    authority: CertificateAuthority, served: ssl.SSLContext, receiver: Receiver
) -> None:
    context = ssl.create_default_context(cafile=str(authority.file))
    async with receiving(tls=served) as secure, HttpSinks(context, SystemClock()) as sinks:
        secure.always["/"] = answer(307, Location=receiver.url)
        assert (await send(sinks, secure.url)).verdict is Verdict.REFUSED
        assert receiver.requests == []
