"""What the HTTP server itself logs, before a request reaches the application."""

import logging

from aiohttp.http_exceptions import HttpProcessingError
from typing_extensions import override

from cad.base.errors import shorten


class _PeerFaults(logging.Filter):
    """Turns the traceback of a message that is no HTTP into one line: it is no fault of ours."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite such a record; keep all."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
            record.msg, record.args = "refused what is no HTTP request: %s", (_cause(error),)
            record.exc_info = record.exc_text = None
        return True


def _cause(error: HttpProcessingError) -> str:
    """Return what is wrong, without what the peer sent."""
    first_line = error.message.strip().partition("\n")[0]
    return f"{type(error).__name__}: {shorten(first_line.partition(': bytearray')[0])}"


http_logger = logging.getLogger(__name__)
http_logger.addFilter(_PeerFaults())
