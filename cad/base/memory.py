"""What a process gives back of its memory."""

import ctypes


def return_free_memory() -> None:
    """Give the kernel what the C library keeps of freed memory. Blocks for some milliseconds.

    glibc gives back by itself only what is free at the end of a heap; a loaded model leaves holes.
    A C library that keeps nothing has nothing to call.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
