"""The envelope of every annex (AM-01..AM-06)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import BadValueError
from cad.wire.envelope import (
    ANNEX_G,
    ANNEX_G_QUERY,
    ANNEX_H,
    ANNEX_I,
    Envelope,
    EnvelopeStyle,
    read_answer,
    read_envelope,
)
from tests.spec import EXAMPLES, example

RESPONSES = sorted(path.stem for path in EXAMPLES.glob("*.response.json"))


@pytest.mark.parametrize(
    ("style", "written"),
    [
        (ANNEX_G, {"code": 0, "msg": "success", "message": "success", "data": True}),
        (ANNEX_G_QUERY, {"code": 0, "mgs": "success", "msg": "success", "message": "success"}),
        (ANNEX_H, {"code": "0", "message": "success", "data": None}),
        (ANNEX_I, {"code": "0", "message": "success"}),
    ],
)
@pytest.mark.row("COM-02")
def test_success_without_a_payload_is_written_as_its_annex_prints_it(
    style: EnvelopeStyle, written: dict[str, object]
) -> None:
    envelope = style.write(request_id="r")
    assert envelope.items() >= {**written, "requestId": "r"}.items()
    assert ("data" in envelope) == (style is not ANNEX_I)


@pytest.mark.parametrize("style", [ANNEX_G, ANNEX_I])
def test_a_failure_has_no_payload(style: EnvelopeStyle) -> None:
    assert "data" not in style.write(code=40401, message="no such task", request_id="r")


@pytest.mark.parametrize("name", RESPONSES)
def test_every_example_is_read_as_a_success(name: str) -> None:
    assert read_envelope(example(name)).succeeded


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"code": "0"}, Envelope(code=0)),
        ({"code": " 40401 ", "msg": "no"}, Envelope(code=40401, message="no")),
        ({"code": 1, "mgs": "a", "msg": None}, Envelope(code=1, message="a")),
        ({"code": 0, "message": "a", "msg": "b"}, Envelope(code=0, message="a")),
        ({"code": 0, "data": {}, "requestId": "r"}, Envelope(code=0, request_id="r")),
        ({"code": 0, "data": True}, Envelope(code=0)),
        ({"code": 0, "data": [1]}, Envelope(code=0, data=[1])),
    ],
)
@pytest.mark.row("COM-01")
def test_every_printed_form_is_understood(value: object, read: Envelope) -> None:
    assert read_envelope(value) == read


@pytest.mark.parametrize("value", [None, [], {}, {"code": True}, {"code": "x"}, {"code": "²"}])
def test_anything_else_is_no_envelope(value: object) -> None:
    with pytest.raises(BadValueError):
        read_envelope(value)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b'{"code": "0"}', 0),
        (200, b'{"code": 40901, "msg": "in use"}', 40901),
        (500, b'{"code": 0}', 0),
        (204, b"", 0),
        (201, b"<html>", 0),
        (401, b"<html>", 40100),
        (502, b"\xff", 50200),
    ],
)
def test_the_code_counts_and_the_status_only_without_one(
    status: int, body: bytes, code: int
) -> None:
    assert read_answer(status, body).code == code


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.sampled_from([ANNEX_G, ANNEX_G_QUERY, ANNEX_H, ANNEX_I]), json_values, st.integers(0))
def test_what_is_written_is_read_again(style: EnvelopeStyle, data: Any, code: int) -> None:
    written = style.write(data, code=code, message="m", request_id="r")
    payload = None if data is True or data == {} else data
    read = read_envelope(json.loads(json.dumps(written)))
    assert read == Envelope(code=code, message="m", data=payload, request_id="r")


@given(st.integers(100, 599), st.binary())
def test_no_answer_breaks_the_reader(status: int, body: bytes) -> None:
    assert read_answer(status, body).code >= 0 or body


@given(json_values)
def test_no_json_breaks_the_reader(value: Any) -> None:
    read_answer(200, json.dumps({"code": value, "message": value, "data": value}).encode())
