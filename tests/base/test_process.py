"""Processes that do not outlive who started them."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

CHILD = """
import time
from cad.base.process import die_with_the_parent
die_with_the_parent()
print("ready", flush=True)
time.sleep(60)
"""
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.peer
@pytest.mark.parametrize("is_stopped", [False, True], ids=["running", "stopped"])
def test_a_child_goes_with_a_killed_parent(*, is_stopped: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        parent.stdout.readline()
        if is_stopped:
            os.kill(child.pid, signal.SIGSTOP)
        parent.kill()
        deadline = time.monotonic() + 10
        while not has_ended(child):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def has_ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
