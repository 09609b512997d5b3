"""What all wire classes have in common (AM-20)."""

import contextlib
import json
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from cad.base.errors import BadValueError, MissingFieldError, RefusedError
from cad.wire.model import AlsoRead, AlsoWritten, Name, Number, WireModel, dotted, read_json


class Inner(WireModel):
    """A structure inside another."""

    some_number: Number = 0.0


class Outer(WireModel):
    """A structure with every kind of spelling."""

    device_code: Annotated[Name, AlsoWritten("code")]
    service_id: Annotated[Name | None, AlsoRead("packageCode")] = None
    inner_parts: list[Inner] = Field(default_factory=list)
    password: Name | None = None


@pytest.mark.parametrize(
    "given_members",
    [
        {"deviceCode": "m"},
        {"code": "m"},
        {"DEVICECODE": "m"},
        {"Code": "m", "deviceCode": None},
        {"deviceCode": "m", "code": "other", "unknown": [1]},
        {"device_code": "m"},
    ],
)
def test_every_spelling_of_a_member_is_read(given_members: object) -> None:
    assert Outer.read(given_members).device_code == "m"


@pytest.mark.row("COM-07")
def test_members_are_written_under_every_printed_name() -> None:
    written = Outer(device_code="m", service_id="s").to_wire()
    assert written == {"deviceCode": "m", "code": "m", "serviceId": "s", "innerParts": []}


def test_null_counts_as_absent() -> None:
    assert Outer.read({"code": "m", "innerParts": None, "packageCode": None}) == Outer(
        device_code="m"
    )


@pytest.mark.parametrize(
    ("members", "refusal", "message"),
    [
        ({}, MissingFieldError, "deviceCode: missing"),
        ({"code": ""}, BadValueError, "deviceCode: expected at least 1 character"),
        ({"code": "x" * 129}, BadValueError, "deviceCode: expected at most 128 characters"),
        ({"code": "m", "innerParts": 1}, BadValueError, "innerParts: expected an array"),
        ({"code": "m", "innerParts": [[]]}, BadValueError, "innerParts[0]: expected an object"),
        (
            {"code": "m", "innerParts": [{}, {"someNumber": float("inf")}]},
            BadValueError,
            "innerParts[1].someNumber: expected a finite number (given: inf)",
        ),
        ([], BadValueError, "expected an object"),
    ],
)
def test_a_refusal_names_the_member(
    members: object, refusal: type[RefusedError], message: str
) -> None:
    with pytest.raises(refusal) as error:
        Outer.read(members)
    assert str(error.value).startswith(message)


def test_a_refusal_never_repeats_a_secret() -> None:
    with pytest.raises(BadValueError) as error:
        Outer.read({"code": "m", "password": "x" * 200})
    assert "xxx" not in str(error.value)


def test_a_location_is_dotted() -> None:
    assert (
        dotted(("taskInfo", "rulesParams", 0, "areas", 1, "x"))
        == "taskInfo.rulesParams[0].areas[1].x"
    )


@given(st.binary())
def test_any_bytes_are_json_or_a_bad_value(text: bytes) -> None:
    with contextlib.suppress(BadValueError):
        read_json(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(json_values)
def test_json_is_read_as_any_other_reader_does(value: object) -> None:
    text = json.dumps(value).encode()
    assert read_json(text) == json.loads(text)
    assert read_json(b"\xef\xbb\xbf" + text) == json.loads(text)


@given(json_values | st.dictionaries(st.sampled_from(["code", "innerParts"]), json_values))
def test_any_json_is_read_or_refused(value: object) -> None:
    with contextlib.suppress(RefusedError):
        assert Outer.read(value).device_code
