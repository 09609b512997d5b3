"""What becomes of bytes that are no HTTP request."""

import asyncio
import logging
from pathlib import Path

import pytest
from aiohttp import web

from cad.base.clock import SystemClock
from cad.config.settings import ApiSettings
from cad.control.api.server import ApiServer


@pytest.mark.parametrize(
    "sent",
    [
        b"s3cret\r\n\r\n",
        b"\x16\x03\x01s3cret\r\n\r\n",
        b"GET /s3cret" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: s3cret\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\ns3cret\x00: 1\r\n\r\n",
    ],
)
async def test_it_is_refused_without_a_traceback_and_not_repeated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    caplog.set_level(logging.INFO)
    settings = ApiSettings(host="127.0.0.1", port=0, allow_http=True, socket=tmp_path / "cad.sock")
    server = ApiServer(settings, tmp_path, ["127.0.0.1"], SystemClock())
    async with server.serving(web.Application(), web.Application()):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        answer = await reader.read(1024)
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.0 400 ")
    lines = [record for record in caplog.records if record.name.endswith("http_log")]
    assert all((line.levelno, line.exc_info) == (logging.INFO, None) for line in lines)
    assert "s3cret" not in caplog.text
