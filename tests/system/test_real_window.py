"""The program in a real window: it opens on an X screen, indexes a folder, and closes on a signal."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress

import pytest
from tests.shell import Shell

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the screen is an X server")

PATIENCE = 60  # seconds; it takes three
# Read first by every process: whoever asks for an internet socket is noted and refused.
REFUSAL = """
import os, sys

def refuse(event, args):
    if event == "socket.getaddrinfo" or (event == "socket.__new__" and args[1] not in (-1, 1)):
        open(os.path.join({folder!r}, "asked"), "a").write(event)
        raise OSError("no network here")

sys.addaudithook(refuse)
"""


@pytest.fixture
def screen():
    """The name of an X screen that nobody sees."""
    if shutil.which("Xvfb") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Xvfb is missing although CI=true")
        pytest.skip("needs Xvfb, a screen that nobody sees")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1200x800x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as output:
            number = output.readline().strip()  # written once the server is ready
        yield f":{number}"
        server.terminate()


@pytest.fixture
def variables(screen, tmp_path):
    """The environment of a user with an empty home and a screen, but no network."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(
        REFUSAL.format(folder=str(tmp_path)), encoding="utf-8"
    )
    paths = [str(tmp_path / "guard"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "HOME": str(tmp_path / "home"),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "DISPLAY": screen,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(paths),
    }


def test_a_window_indexes_a_folder_and_a_signal_closes_it(few_photos, variables, tmp_path):
    program = [sys.executable, "-m", "picsight", "--library", str(tmp_path / "library")]
    command, pipe = [*program, "--add", str(few_photos)], subprocess.PIPE
    with subprocess.Popen(command, env=variables, stdout=pipe, stderr=pipe, text=True) as window:
        try:
            wait_for_photos(tmp_path / "library" / "library.db", window, len(list(few_photos.iterdir())))
            window.send_signal(signal.SIGTERM)
            out, err = window.communicate(timeout=PATIENCE)
        finally:
            window.kill()
    assert (window.returncode, out) == (0, "")
    assert "Traceback" not in err
    assert not (tmp_path / "asked").exists()
    answer = Shell(tmp_path / "library").json("search", "a dog", "-n", "2", "--min", "all")
    assert len(answer["results"]) == 2


def wait_for_photos(library, window, count):
    """Looks into the library, past the window, until it is all there; neither disturbs the other."""
    latest = time.monotonic() + PATIENCE
    while window.poll() is None and time.monotonic() < latest:
        with (
            suppress(sqlite3.OperationalError),
            closing(sqlite3.connect(f"file:{library}?mode=ro", uri=True)) as db,
        ):
            if db.execute("SELECT count(*) FROM vectors").fetchone() == (count,):
                return
        with suppress(subprocess.TimeoutExpired):
            window.wait(0.05)
    window.kill()
    pytest.fail(f"the window indexed nothing: {window.communicate()}")
