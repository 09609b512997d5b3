"""Whether the wall clock is disciplined: what the kernel knows of it (adjtimex(2))."""

import ctypes

STA_UNSYNC = 0x0040
TIMEX_BYTES = 256
"""More than `struct timex` has on any architecture."""
STATUS_OFFSET = 40 if ctypes.sizeof(ctypes.c_long) == 8 else 20
"""Of `status`, after modes, offset, freq, maxerror and esterror, each aligned as a long."""

_libc = ctypes.CDLL(None, use_errno=True)


def clock_is_synchronised() -> bool:
    """Return whether a time service keeps the clock; False when the kernel does not tell."""
    timex = ctypes.create_string_buffer(TIMEX_BYTES)  # modes = 0: read only
    if _libc.adjtimex(timex) < 0:
        return False
    status = ctypes.c_int.from_buffer(timex, STATUS_OFFSET).value
    return not status & STA_UNSYNC
