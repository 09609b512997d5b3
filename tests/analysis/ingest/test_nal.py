"""Reference pictures in coded video."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cad.analysis.ingest.nal import is_reference, length_size

SPS, SEI = b"\x67abc", b"\x06abc"


def annex_b(*units: bytes) -> bytes:
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in units)


def with_lengths(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [(b"\x65idr", True), (b"\x41ref", True), (b"\x01non", False), (b"\x21ref", True)],
)
def test_h264_says_it_in_nal_ref_idc(unit: bytes, expected: bool) -> None:
    assert is_reference("h264", annex_b(SPS, SEI, unit), 0) is expected
    assert is_reference("h264", with_lengths(SPS, SEI, unit), 4) is expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(0, False), (1, True), (8, False), (9, True), (14, False), (16, True), (19, True), (21, True)],
)
def test_hevc_says_it_in_the_type(kind: int, expected: bool) -> None:
    parameters = bytes([33 << 1, 1]) + b"sps"
    data = annex_b(parameters, bytes([kind << 1, 1]) + b"slice")
    assert is_reference("hevc", data, 0) is expected


def test_other_codecs_are_taken_as_references() -> None:
    assert is_reference("mjpeg", annex_b(b"\x01"), 0)


@given(st.sampled_from(["h264", "hevc"]), st.binary(max_size=200), st.integers(0, 4))
def test_garbage_gives_an_answer(codec: str, data: bytes, size: int) -> None:
    assert is_reference(codec, data, size) in {True, False}


def test_the_length_size_is_in_the_decoder_configuration() -> None:
    assert length_size("h264", b"\x01\x64\x00\x1f\xff\xe1") == 4
    assert length_size("hevc", b"\x01" + bytes(20) + b"\xfd") == 2


@pytest.mark.parametrize("extradata", [None, b"", b"\x00\x00\x00\x01\x67", b"\x01"])
def test_start_codes_are_the_default(extradata: bytes | None) -> None:
    assert length_size("h264", extradata) == 0
