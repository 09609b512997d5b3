import logging

import pytest

from cad.daemon.journal import LineFormatter


def line(message: str, *, under_systemd: bool = False, level: int = logging.INFO) -> str:
    record = logging.LogRecord("cad.x", level, "", 0, message, None, None)
    return LineFormatter(under_systemd=under_systemd).format(record)


def test_one_event_is_one_line() -> None:
    assert line("a\nb").endswith(r"a\nb")


def test_nobody_forges_a_line_or_steers_the_terminal() -> None:
    forged = line("GET /\x1b[2J\r\nerror cad forged\x9b\u2028")
    assert forged.endswith(r"GET /\x1b[2J\r\nerror cad forged\x9b\u2028")


def test_a_traceback_has_lines_of_its_own_indented() -> None:
    error = ValueError("given:\x1b\nerror cad forged")
    record = logging.LogRecord(
        "cad.x", logging.ERROR, "", 0, "bug", None, (ValueError, error, None)
    )
    _, *rest = LineFormatter(under_systemd=False).format(record).split("\n")
    assert rest == [r"  ValueError: given:\x1b", "  error cad forged"]


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
    assert "55" not in line(text, under_systemd=True)


def test_systemd_gets_the_priority() -> None:
    assert line("x", under_systemd=True, level=logging.WARNING).startswith("<4>cad.x x")


def test_a_line_names_the_request_it_belongs_to() -> None:
    record = logging.LogRecord("cad.x", logging.INFO, "", 0, "refused", None, None)
    record.request_id = "r-1"

    assert LineFormatter(under_systemd=False).format(record).endswith("refused request=r-1")
