"""Looks at coded pictures just far enough to see whether others depend on them."""

from collections.abc import Iterator

START = b"\x00\x00\x01"
HEVC_LAST_PICTURE_TYPE = 31
HEVC_LAST_NON_REFERENCE_TYPE = 14
H264_PICTURE_TYPES = range(1, 6)


def is_reference(codec: str, data: bytes, length_size: int) -> bool:
    """Whether other pictures are predicted from this one; true when that cannot be seen.

    Args:
        codec: libav's name, `h264` or `hevc`; of others nothing is known.
        data: one access unit.
        length_size: bytes of the length before each NAL unit (ISO/IEC 14496-15); 0 = start codes.
    """
    for header in _headers(data, length_size):
        if codec == "h264" and header & 0x1F in H264_PICTURE_TYPES:
            return header >> 5 != 0  # nal_ref_idc (H.264 §7.4.1)
        if codec == "hevc" and (kind := header >> 1 & 0x3F) <= HEVC_LAST_PICTURE_TYPE:
            # Even types up to RSV_VCL_N14 are sub-layer non-reference (H.265 Table 7-1).
            return kind > HEVC_LAST_NON_REFERENCE_TYPE or kind % 2 == 1
    return True


def length_size(codec: str, extradata: bytes | None) -> int:
    """Return how many bytes the decoder configuration gives to lengths; 0 = start codes."""
    position = {"h264": 4, "hevc": 21}.get(codec)
    if not extradata or position is None or len(extradata) <= position or extradata[0] != 1:
        return 0
    return (extradata[position] & 3) + 1


def _headers(data: bytes, length_size: int) -> Iterator[int]:
    """Yield the first byte of each NAL unit."""
    return _after_lengths(data, length_size) if length_size else _after_start_codes(data)


def _after_lengths(data: bytes, length_size: int) -> Iterator[int]:
    start = length_size
    while start < len(data):
        yield data[start]
        start += int.from_bytes(data[start - length_size : start], "big") + length_size


def _after_start_codes(data: bytes) -> Iterator[int]:
    found = data.find(START)
    while 0 <= found < len(data) - len(START):
        yield data[found + len(START)]
        found = data.find(START, found + len(START))
