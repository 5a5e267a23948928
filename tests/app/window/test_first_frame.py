"""The first frame is on the screen before anything heavy is imported, large walls cause no pauses, a signal closes the window."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

from PySide6.QtWidgets import QWidget

from picsight.window import Interrupts

PROBE = """
import gc, json, os, sys
from pathlib import Path
import picsight.window as window
from picsight.window.shell.main_window import MainWindow

def report(self, folders):
    loaded = [m for m in ("numpy", "onnxruntime", "tokenizers", "PIL", "torch") if m in sys.modules]
    if sys.argv[2] == "stay with a tag that is not saved":
        self.tag_pages.new()
        self.tag_pages.studio.words.line.setText("ox")
        self.frame.grid.set_row_height(12)
    before = gc.get_stats()[2]["collections"]
    photos = [[] for _ in range(300_000)]  # as the records of a large wall
    if gc.get_stats()[2]["collections"] > before:  # it stops all threads for a third of a second
        loaded.append("a full collection of garbage")
    if sys.getswitchinterval() > 0.001:  # painting waits so long, many times, for each thread that computes
        loaded.append("a long wait for other threads")
    print(json.dumps(loaded), flush=True)
    if sys.argv[2] == "close":
        self.close()

MainWindow.start = report
os._exit(window.run_window(Path(sys.argv[1])))  # as the program ends
"""


def start(tmp_path, what):
    (tmp_path / "temporary").mkdir()
    home = {"XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path), "TMPDIR": str(tmp_path / "temporary")}
    environment = os.environ | home | {"QT_QPA_PLATFORM": "offscreen"}
    return subprocess.Popen(
        [sys.executable, "-c", PROBE, str(tmp_path / "library"), what],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_nothing_heavy_is_imported_before_the_first_frame_and_a_large_wall_is_read_without_pauses(tmp_path):
    process = start(tmp_path, "close")
    out, err = process.communicate(timeout=60)
    assert (json.loads(out), process.returncode, err) == ([], 0, "")


def test_a_signal_closes_the_window_as_its_button_does_without_a_question_or_a_temporary_file(tmp_path):
    process = start(tmp_path, "stay with a tag that is not saved")
    assert process.stdout.readline().strip() == "[]"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    process.communicate()
    assert "row_height = 12" in (tmp_path / "picsight" / "settings.toml").read_text()
    assert not list((tmp_path / "temporary").iterdir())


class SignalledWhilePainted(QWidget):
    """Gets a signal in the middle of its first painting, and records paintings and its end."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def paintEvent(self, _event):  # noqa: N802 - the name that Qt calls
        if not self.noted:
            os.kill(os.getpid(), signal.SIGINT)
            self.noted.append("painted")

    def closeEvent(self, _event):  # noqa: N802 - the name that Qt calls
        self.noted.append("closed")


def test_a_signal_closes_the_window_but_not_in_the_middle_of_its_painting(qtbot):
    window = SignalledWhilePainted()
    qtbot.addWidget(window)
    interrupts = Interrupts()
    interrupts.interrupted.connect(window.close)
    try:
        window.show()
        qtbot.waitUntil(lambda: "closed" in window.noted)
    finally:
        interrupts.close()
    assert window.noted == ["painted", "closed"]
