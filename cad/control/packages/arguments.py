"""`args` of an installation (AM-122): what of a BIN package they may set.

`key=value` pairs separated by commas or blanks; a value with either in it is quoted. After `keep`,
words without `=` are further names: `keep=person,car score_threshold=0.5`.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from cad.base.errors import BadValueError
from cad.domain.packages import ServiceSettings

_WORD = re.compile(r'(?:"[^"]*"|[^\s,"])+')
_SEPARATED = re.compile(r'(?:"[^"]*"|[^"])*')
_XPU_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.\-]{0,126}")
BATCH_LIMIT = 256


class Arguments(NamedTuple):
    """What was understood, and what was not."""

    settings: ServiceSettings
    ignored: tuple[str, ...]
    """Keys and words without meaning for a BIN package; only if not strict."""


def parse_args(text: str, labels: Collection[str], *, strict: bool) -> Arguments:
    """Return the settings in `text`.

    Args:
        text: as it came.
        labels: the classes of the model, for `keep`.
        strict: refuse what has no meaning instead of reporting it.

    Raises:
        BadValueError: names the key, its value and what was expected.
    """
    if not _SEPARATED.fullmatch(text):
        raise BadValueError("expected closing quotes", field="args", given=text)
    values: dict[str, Any] = {}
    ignored: list[str] = []
    for key, given in _pairs(text):
        if key not in _READERS:
            ignored.append(key)
        elif key in values:
            raise BadValueError("expected each key once", field=f"args.{key}", given=given)
        else:
            values[key] = _READERS[key](key, given, labels)
    if strict and ignored:
        expected = f"expected one of {', '.join(_READERS)}"
        raise BadValueError(expected, field=f"args.{ignored[0]}")
    values = {_ATTRIBUTES.get(key, key): value for key, value in values.items()}
    return Arguments(ServiceSettings(**values), tuple(ignored))


def _pairs(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each key with the words of its value; a word that belongs to none is its own key."""
    pending: tuple[str, list[str]] | None = None
    for match in _WORD.finditer(text):
        key, equals, value = match[0].partition("=")
        if not equals and pending is not None and pending[0] == "keep":
            pending[1].append(_bare(match[0]))
            continue
        if pending is not None:
            yield pending
        pending = (key, [_bare(value)])
    if pending is not None:
        yield pending


def _bare(word: str) -> str:
    return word.replace('"', "")


def _fraction(key: str, given: list[str], _: Collection[str]) -> float:
    try:
        value = float(given[0])
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise BadValueError("expected a number 0..1", field=f"args.{key}", given=given[0])
    return value


def _batch(key: str, given: list[str], _: Collection[str]) -> int:
    if re.fullmatch(r"[0-9]{1,3}", given[0]) and 1 <= int(given[0]) <= BATCH_LIMIT:
        return int(given[0])
    expected = f"expected an integer 1..{BATCH_LIMIT}"
    raise BadValueError(expected, field=f"args.{key}", given=given[0])


def _names(key: str, given: list[str], labels: Collection[str]) -> tuple[str, ...]:
    unknown = [name for name in given if name not in labels]
    if unknown:
        known = ", ".join(labels)
        raise BadValueError(f"expected names out of {known}", field=f"args.{key}", given=unknown[0])
    return tuple(dict.fromkeys(given))


def _xpu_type(key: str, given: list[str], _: Collection[str]) -> str:
    if not _XPU_TYPE.fullmatch(given[0]):
        raise BadValueError("expected the name of a card", field=f"args.{key}", given=given[0])
    return given[0]


_READERS: dict[str, Callable[[str, list[str], Collection[str]], object]] = {
    "score_threshold": _fraction,
    "nms_iou": _fraction,
    "max_batch": _batch,
    "keep": _names,
    "xpuType": _xpu_type,
}
_ATTRIBUTES = {"xpuType": "xpu_type"}
