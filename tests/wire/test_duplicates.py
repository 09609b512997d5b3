"""Members that stand twice (AM-61)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import BadValueError
from cad.wire.duplicates import duplicate_members
from cad.wire.model import read_json


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"{}", []),
        (b'{"a":1,"a":1}', ["a"]),
        (b'{"a":1,"a":2,"a":3}', ["a", "a"]),
        (b'{"a":{"b":1,"b":2},"c":[{"d":0},{"d":1,"d":2}]}', ["a.b", "c[1].d"]),
        (b'[[{"a":1,"a":1}]]', ["[0][0].a"]),
        (b'\xef\xbb\xbf{"a":1,"A":1}', []),
        (b'{"a":NaN,"b":Infinity,"c":' + b"9" * 9999 + b"}", []),
    ],
)
def test_each_is_named_by_its_path(text: bytes, found: list[str]) -> None:
    assert duplicate_members(text) == found


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_what_a_writer_makes_has_none(value: object) -> None:
    assert duplicate_members(json.dumps(value).encode()) == []


@given(st.binary() | st.text().map(str.encode))
def test_whatever_is_read_can_be_looked_at(text: bytes) -> None:
    try:
        read_json(text)
    except BadValueError:
        return
    assert isinstance(duplicate_members(text), list)


def test_the_deepest_text_that_is_read_can_be_looked_at() -> None:
    depth = 199
    text = b'{"a":' * depth + b"1" + b"}" * depth
    read_json(text)
    assert duplicate_members(text) == []
