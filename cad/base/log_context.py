"""What a log line belongs to."""

import logging
from contextvars import ContextVar

from typing_extensions import override

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The API request being served; empty outside of one."""


class RequestIdFilter(logging.Filter):
    """Gives each record the attribute `request_id`, for the handler's format."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Mark the record; keep all."""
        record.request_id = request_id.get()
        return True
