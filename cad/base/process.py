"""What a process of this product tells the kernel about itself."""

import ctypes
import signal

PR_SET_PDEATHSIG = 1


def die_with_the_parent() -> None:
    """Have the kernel kill this process when the one that started it ends, however it ends.

    A process that is stopped, or inside native code, goes too. To be called early: a parent that
    has ended before is not noticed.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
