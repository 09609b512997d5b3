"""The secret box."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.control.store.secrets import SecretBox, SecretKeyError

BOX = SecretBox(bytes(range(32)))


@given(st.text())
def test_what_is_encrypted_comes_back_and_is_not_readable(text: str) -> None:
    sealed = BOX.encrypt(text)
    assert BOX.decrypt(sealed) == text
    assert len(text) < 4 or text.encode() not in sealed


def test_the_same_text_is_never_sealed_the_same_way() -> None:
    assert BOX.encrypt("password") != BOX.encrypt("password")


@given(st.binary(max_size=80))
def test_garbage_is_refused_with_a_clear_error(sealed: bytes) -> None:
    with pytest.raises(SecretKeyError, match="this device's key"):
        BOX.decrypt(sealed)


def test_the_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    sealed = SecretBox.open(tmp_path / "data").encrypt("text")
    assert SecretBox.open(tmp_path / "data").decrypt(sealed) == "text"
    assert stat.S_IMODE((tmp_path / "data" / "secret.key").stat().st_mode) == 0o600


def test_a_draft_left_by_a_power_cut_does_not_stand_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "secret.new").write_bytes(b"half")
    assert SecretBox.open(tmp_path).mac("x")


def test_the_key_of_the_service_manager_has_precedence(tmp_path: Path) -> None:
    credential = tmp_path / "cad-secret-key"
    credential.write_bytes(b"k" * 32)
    assert SecretBox.open(tmp_path, credential).mac("a") == SecretBox(b"k" * 32).mac("a")
    assert not (tmp_path / "secret.key").exists()


def test_a_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(b"short")
    with pytest.raises(SecretKeyError, match="5 bytes, expected at least 32"):
        SecretBox.open(tmp_path)


def test_names_are_stable_and_differ_by_text_and_key() -> None:
    assert BOX.mac("rtsp://camera") == BOX.mac("rtsp://camera")
    assert len({BOX.mac("a"), BOX.mac("b"), SecretBox(b"k" * 32).mac("a")}) == 3
