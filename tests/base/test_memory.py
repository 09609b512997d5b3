"""Freed memory leaves the process, holes included."""

import ctypes
import resource
from pathlib import Path

from cad.base.memory import return_free_memory

PIECES, PIECE_BYTES = 4000, 16 * 1024
"""Pieces too small to be mapped one by one; every 50th stays and pins the end of the heap."""


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


def test_holes_between_pieces_in_use_go_back_to_the_kernel() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    pieces = [libc.malloc(PIECE_BYTES) for _ in range(PIECES)]
    for piece in pieces:
        ctypes.memset(piece, 1, PIECE_BYTES)
    for number in range(PIECES):
        if number % 50:
            libc.free(pieces[number])
    before = resident_bytes()
    return_free_memory()
    assert before - resident_bytes() > PIECES * PIECE_BYTES // 2
    for piece in pieces[::50]:
        libc.free(piece)
