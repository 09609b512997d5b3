"""Records as the database keeps them, in JSON: a damaged one makes no other unreadable."""

import logging
from collections.abc import Iterable
from typing import TypeVar

import msgspec

logger = logging.getLogger(__name__)

T = TypeVar("T")


def read_record(kind: type[T], key: object, text: str) -> T | None:
    """Return the record kept under `key`, or None, with a word in the log, if it is damaged."""
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        logger.error("%s %s is left out, its record is damaged: %s", kind.__name__, key, error)  # noqa: TRY400 - the sentence says it all
        return None


def read_records(kind: type[T], rows: Iterable[tuple[object, str]]) -> list[T]:
    """Return the records of `rows` (key, text) that can be read."""
    found = (read_record(kind, key, text) for key, text in rows)
    return [record for record in found if record is not None]
