"""What the audit log prints of the parameters of a call."""

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from cad.base.errors import GIVEN_LIMIT
from cad.base.printable import has_controls
from cad.control.api.subject import concern, subject_of


def printed(name: str, value: object) -> str:
    request = make_mocked_request("POST", "/")
    concern(request, {name: value})
    return subject_of(request)


@pytest.mark.parametrize(
    ("name", "value", "subject"),
    [
        ("id", "task-1", "id=task-1"),
        ("id", None, ""),
        ("id", "password=s3cret", "id=password=***"),
        ("eventIds", list("abcdefghij"), "eventIds=a,b,c,d,e,f,g,h,and 2 more"),
        ("url", "http://files/s3cret.tar", "url=http://files"),
        ("url", "rtsp://u:s3@cret/s3cret@10.0.0.1:554/live", "url=rtsp://10.0.0.1"),
        ("url", "http://files/a?sig=a@s3cret", "url=http://files"),
        ("url", "gb28181://34020000001320000001/1", "url=gb28181://34020000001320000001"),
        ("url", "s3cret", "url="),
        ("args", "keep=a,b score_threshold=0.5", "args=keep,score_threshold"),
        ("args", "s3cret= --token s3cret==", "args="),
        ("args", 'pin="x, y=s3cret" z="s3cret', "args=pin,z"),
    ],
)
def test_names_are_printed_and_secrets_are_not(name: str, value: object, subject: str) -> None:
    assert printed(name, value) == subject


def test_what_is_noted_later_comes_last() -> None:
    request = make_mocked_request("POST", "/")
    concern(request, {"url": "rtsp://camera/live"})
    concern(request, {"id": "task-1"})
    assert subject_of(request) == "url=rtsp://camera id=task-1"


@given(st.sampled_from(["id", "url", "args"]), st.text() | st.integers() | st.lists(st.text()))
def test_any_value_fits_a_line(name: str, value: object) -> None:
    line = printed(name, value)
    assert not has_controls(line)
    assert len(line) <= GIVEN_LIMIT + len("args=")
