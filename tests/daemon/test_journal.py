import logging

import pytest

from cad.daemon.journal import LineFormatter


def line(message: str, *, under_systemd: bool = False, level: int = logging.INFO) -> str:
    record = logging.LogRecord("cad.x", level, "", 0, message, None, None)
    return LineFormatter(under_systemd=under_systemd).format(record)


def test_one_event_is_one_line() -> None:
    assert line("a\nb").count("\n") == 1
    assert line("a\nb").endswith("a\n  b")


@pytest.mark.parametrize(
    "text",
    [
        "opening rtsp://user:pa55@camera/1",
        "opening rtsp://user:pa/55@camera/1",
        "password=pa55",
        '{"password": "pa55"}',
        "Authorization: Bearer pa55",
    ],
)
def test_secrets_are_cut(text: str) -> None:
    assert "55" not in line(text)


def test_systemd_gets_the_priority() -> None:
    assert line("x", under_systemd=True, level=logging.WARNING).startswith("<4>cad.x x")


def test_a_line_names_the_request_it_belongs_to() -> None:
    record = logging.LogRecord("cad.x", logging.INFO, "", 0, "refused", None, None)
    record.request_id = "r-1"

    assert LineFormatter(under_systemd=False).format(record).endswith("refused request=r-1")
