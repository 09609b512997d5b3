import ctypes

from cad.control.host.ntp import STATUS_OFFSET, clock_is_synchronised


class Timex(ctypes.Structure):
    """The head of `struct timex` as the C compiler lays it out (adjtimex(2))."""

    _fields_ = [  # type: ignore[mutable-override] # as ctypes has it
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
    ]


def test_the_status_is_read_where_the_kernel_writes_it() -> None:
    assert Timex.status.offset == STATUS_OFFSET


def test_the_answer_is_the_kernels() -> None:
    timex = ctypes.create_string_buffer(256)
    state = ctypes.CDLL(None).adjtimex(timex)  # TIME_ERROR = 5: not synchronised

    assert clock_is_synchronised() == (0 <= state < 5)
