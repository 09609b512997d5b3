"""What the HTTP server itself logs, before a request reaches the application."""

import logging

from aiohttp.http_exceptions import (
    BadStatusLine,
    HttpProcessingError,
    InvalidHeader,
    InvalidURLError,
    LineTooLong,
    PayloadEncodingError,
)
from typing_extensions import override

LINE_LIMIT = 8190
"""Bytes of the request line, and of each header."""


class _PeerFaults(logging.Filter):
    """Turns the traceback of a message that is no HTTP into one line: it is no fault of ours."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite such a record; keep all."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
            record.msg = "refused what is no HTTP request: %s: %s"
            record.args = (type(error).__name__, expected_of(error))
            record.exc_info = record.exc_text = None
        return True


def expected_of(error: BaseException | None) -> str:
    """Return what a message should have been, in words of our own: theirs hold what was sent."""
    if not isinstance(error, HttpProcessingError):
        return "internal error"
    return next((text for kind, text in _EXPECTED if isinstance(error, kind)), _ELSE)


_EXPECTED = (
    (LineTooLong, f"expected at most {LINE_LIMIT} bytes in the request line and in each header"),
    (BadStatusLine, "expected a request line of HTTP/1.1"),
    (InvalidURLError, "expected a path in the request line"),
    (InvalidHeader, "expected headers of a name, a colon and a value (RFC 9112 §5)"),
    (PayloadEncodingError, "expected a body as its headers announce it"),
)
_ELSE = "expected an HTTP/1.1 request, with Host and with each header once that may stand once"

http_logger = logging.getLogger(__name__)
http_logger.addFilter(_PeerFaults())
