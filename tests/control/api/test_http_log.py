"""What becomes of what never reaches the application: bytes that are no HTTP request, a bug."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cad.base.clock import SystemClock
from cad.config.settings import ApiSettings
from cad.control.api.http_log import LINE_LIMIT
from cad.control.api.server import ApiServer

LONG = b"s3cret" + b"x" * 9000
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def bug(request: web.Request) -> web.StreamResponse:
    raise LookupError("s3cret")


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    settings = ApiSettings(host="127.0.0.1", port=0, allow_http=True, socket=tmp_path / "cad.sock")
    server, app = ApiServer(settings, tmp_path, ["127.0.0.1"], SystemClock()), web.Application()
    app.router.add_get("/CAP/bug", bug)
    async with server.serving(app, web.Application()):
        yield server.port


async def answer_to(port: int, sent: bytes) -> tuple[bytes, Any]:
    """Return head and parsed body of the answer to `sent`, after which the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head, json.loads(body)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"s3cret\r\n\r\n", "HTTP/1.1"),
        (b"\x16\x03\x01s3cret\r\n\r\n", "HTTP/1.1"),
        (b"GET / s3cret\r\n\r\n", "HTTP/1.1"),
        (b"GET /" + LONG + b" HTTP/1.1\r\n\r\n", f"at most {LINE_LIMIT} bytes"),
        (b"GET /?" + LONG + b" HTTP/1.1\r\n\r\n", f"at most {LINE_LIMIT} bytes"),
        (HEAD + b"X: " + LONG + b"\r\n\r\n", f"at most {LINE_LIMIT} bytes"),
        (HEAD + b"Content-Length: s3cret\r\n\r\n", "HTTP/1.1"),
        (HEAD + b"s3cret\x00: 1\r\n\r\n", "HTTP/1.1"),
        (
            HEAD + b"Content-Type: s3cret\r\n" * 2 + b"\r\n",
            "each header once",
        ),
    ],
)
async def test_it_is_refused_in_an_envelope_and_not_repeated(
    port: int, caplog: pytest.LogCaptureFixture, sent: bytes, expected: str
) -> None:
    caplog.set_level(logging.INFO)
    head, body = await answer_to(port, sent)
    assert head.startswith(b"HTTP/1.0 400 ")
    assert body["code"] == "40000"
    assert expected in body["message"]
    [line] = [record for record in caplog.records if record.name.endswith("http_log")]
    assert (line.levelno, line.exc_info) == (logging.INFO, None)
    assert "s3cret" not in caplog.text + str(body)


async def test_its_refusal_has_an_id_and_no_name_of_the_server(port: int) -> None:
    head, body = await answer_to(port, b"GARBAGE\r\n\r\n")
    assert f"X-Request-Id: {body['requestId']}".encode() in head
    assert b"application/json" in head
    assert b"server:" not in head.lower()


async def test_a_bug_outside_of_the_application_is_logged_and_not_shown(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    head, body = await answer_to(port, b"GET /CAP/bug HTTP/1.1\r\nHost: a\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 500 ")
    assert (body["code"], body["message"]) == (50000, "internal error")
    assert any(record.exc_info and record.levelname == "ERROR" for record in caplog.records)
