"""Times as callers write them (AM-14)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_EPOCH_DIGITS = 11
"""From this length on a row of digits is milliseconds; shorter ones are ISO 8601 basic dates."""


def read_time(text: str, zone: ZoneInfo) -> datetime:
    """Return the moment `text` names, aware, UTC.

    Understood are `yyyy-MM-dd HH:mm:ss` with or without a fraction, ISO 8601, and milliseconds
    since 1970. A time without an offset is local to `zone`.

    Raises:
        ValueError: `text` is none of these.
    """
    text = text.strip()
    try:
        if text.isascii() and text.isdigit() and len(text) >= _EPOCH_DIGITS:
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            "expected yyyy-MM-dd HH:mm:ss.SSS, ISO 8601 or milliseconds since 1970"
        ) from None
