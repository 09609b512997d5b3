"""What goes back to callers has no secrets in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.wire.echo import without_secrets


@pytest.mark.parametrize(
    ("given_value", "shown"),
    [
        ("rtsp://u:p@h/x", "rtsp://h/x"),
        ({"url": ["http://u:p@h/"]}, {"url": ["http://h/"]}),
        ("http://h/?key=p&mode=1", "http://h/?key=***&mode=1"),
        ({"Password": "p", "token": None}, {"Password": "***", "token": "***"}),
        ({"args": "password=p mode=1"}, {"args": "password=*** mode=1"}),
        ({"x": 1.5, "y": None, "z": True}, {"x": 1.5, "y": None, "z": True}),
    ],
)
def test_secrets_are_cut_wherever_they_are(given_value: object, shown: object) -> None:
    assert without_secrets(given_value) == shown


words = st.text(min_size=1)


@given(words, words)
def test_a_password_in_a_url_never_shows(user: str, tail: str) -> None:
    shown: Any = without_secrets({"url": f"rtsp://{user}:s3cret{tail}@h.example/x"})
    assert "s3cret" not in shown["url"]
