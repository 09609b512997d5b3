"""Members that a JSON text has twice: the last one counts, strict mode refuses them (AM-61)."""

import json
from collections.abc import Iterator, Sequence


class _Duplicates(list[str]):
    """What stands in for an object: the paths, inside it, of the members it has twice."""


def duplicate_members(text: bytes) -> list[str]:
    """Return the members that stand twice in one object, in dotted form.

    `text` is what `read_json` has taken, which bounds its nesting.
    """
    top = json.loads(
        text.removeprefix(b"\xef\xbb\xbf"),
        object_pairs_hook=_of_object,
        parse_int=_ignored,
        parse_float=_ignored,
    )
    return [path.removeprefix(".") for path in _inside(top, "")]


def _of_object(members: Sequence[tuple[str, object]]) -> _Duplicates:
    found, seen = _Duplicates(), set[str]()
    for name, value in members:
        if name in seen:
            found.append(f".{name}")
        seen.add(name)
        found.extend(_inside(value, f".{name}"))
    return found


def _inside(value: object, path: str) -> Iterator[str]:
    """Yield the findings in `value`, which stands at `path`."""
    if isinstance(value, _Duplicates):
        yield from (path + found for found in value)
    elif isinstance(value, list):
        for place, element in enumerate(value):
            yield from _inside(element, f"{path}[{place}]")


def _ignored(_: str) -> None:
    """Stand in for a number, which has no members and may have too many digits to be read."""
