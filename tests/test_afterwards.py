"""What a test run has started ends with it, even by kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from onyx.embedded import processes
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[1]
RUN = """
import signal, subprocess, sys, time
from pathlib import Path
from onyx import embedded
from onyx.embedded import places, redis_server
from tests import afterwards
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a script runs the tests in the background
afterwards.begin()
afterwards.look_after(Path(sys.argv[1]))
one = subprocess.Popen(["sleep", "600"], start_new_session=True)
embedded.start(Path(sys.argv[1]), lambda _: None)
print(one.pid, redis_server.server_pid(places.of(Path(sys.argv[1]))), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what belongs to a run is found in /proc")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_servers_end_with_the_run_that_started_them(how):
    with tempfile.TemporaryDirectory(prefix="onyx-test-") as folder:
        var = Path(folder) / "var"
        var.parent.chmod(0o711)
        var.mkdir(mode=0o711)
        command = [sys.executable, "-c", RUN, str(var)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as run:
            pids = [int(word) for word in run.stdout.readline().split()]
            assert len(pids) == 2 and all(processes.command(pid) for pid in pids)
            os.kill(run.pid, how)
        until(lambda: not any(processes.command(pid) for pid in pids))
        until(lambda: not var.exists())
