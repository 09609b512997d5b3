"""Dialects and profiles among the installed plugins."""

from pathlib import Path

import pytest

from cad.base.errors import BadValueError
from cad.config.settings import MachineSettings
from cad.domain import dialects, profiles
from cad.domain.dialects import STANDARD, CodeType, find_dialect
from cad.domain.profiles import find_profile
from tests.entry_points import install

DIALECT = """
from cad.domain.dialects import CodeType, Dialect
PLUGIN = Dialect(name="acme", code_type=CodeType.NUMBER)
"""


def test_the_standard_needs_no_plugin() -> None:
    assert find_dialect("standard") is STANDARD


def test_an_installed_dialect_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, DIALECT, group=dialects.ENTRY_POINT_GROUP, name="acme")
    assert find_dialect("acme").code_type is CodeType.NUMBER
    assert MachineSettings(dialect="acme").dialect == "acme"


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(BadValueError, match=r"machine.dialect: expected one of: standard \(given"):
        find_dialect("acme")
    with pytest.raises(BadValueError, match=r"machine.profiles: expected one of: none"):
        find_profile("part3")


@pytest.mark.parametrize(
    ("source", "expected"),
    [("import no_such_module", "can be loaded"), ("", "can be loaded"), ("PLUGIN = 1", "Dialect")],
)
def test_a_plugin_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, expected: str
) -> None:
    install(tmp_path, monkeypatch, source, group=dialects.ENTRY_POINT_GROUP, name="acme")
    with pytest.raises(BadValueError, match=expected):
        find_dialect("acme")


def test_a_profile_must_have_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = profiles.ENTRY_POINT_GROUP
    install(tmp_path, monkeypatch, "PLUGIN = object()", group=group, name="part3")
    with pytest.raises(BadValueError, match="DeviceProfile"):
        find_profile("part3")
