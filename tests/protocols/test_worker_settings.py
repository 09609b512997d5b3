"""The settings argument of a worker survives the command line, and anything else is refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.protocols.worker.settings import WorkerSettings, parse_settings, settings_argument

seconds = st.floats(0, 1e6)
values = st.builds(WorkerSettings, open_timeout=seconds, silence_timeout=seconds)


@given(values)
def test_settings_come_back_as_they_were(settings: WorkerSettings) -> None:
    assert parse_settings(settings_argument(settings)) == settings


@given(st.text(max_size=50))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        parse_settings(text)


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="colour"):
        parse_settings('{"accelerator": "cpu", "threads": 1, "colour": "red"}')
