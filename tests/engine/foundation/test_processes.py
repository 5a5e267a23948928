"""A process starts completely, with Ctrl-C blocked from its first moment."""

from __future__ import annotations

import subprocess
import sys

import pytest

START = """
import multiprocessing, os, signal, threading
from pathlib import Path
from picsight_engine.foundation import processes

class Interrupting:
    def __reduce__(self):
        "Ctrl-C in the middle of a start; the thread below may take it, as a library's would."
        os.kill(os.getpid(), signal.SIGINT)
        return str, ()

def serve(connection, *_given):
    processes.set_up()
    connection.send("at work")
    connection.recv_bytes()

if __name__ == "__main__":
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    first, here = processes.start(serve, name="first")
    print(Path(f"/proc/{first.pid}/status").read_text().partition("SigBlk:")[2].split()[0], here.recv(), flush=True)
    try:
        processes.start(serve, Interrupting(), name="second")
    except KeyboardInterrupt:
        print(len(multiprocessing.active_children()), flush=True)
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads blocked signals where Linux tells them")
def test_a_process_starts_with_ctrl_c_blocked_and_its_start_is_never_interrupted(tmp_path):
    script = tmp_path / "start.py"
    script.write_text(START)
    done = subprocess.run([sys.executable, script], check=False, capture_output=True, text=True)
    blocked, interrupted = done.stdout.splitlines()
    assert blocked.split(maxsplit=1) == ["0000000000000002", "at work"]  # the second signal, SIGINT
    assert interrupted == "2"
    assert "KeyboardInterrupt" not in done.stderr
