"""A window that cannot open says what is missing and which command installs it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from tests.interrupting import CTRL_C_AT_AN_IMPORT_OF_THE_PROGRAM

from picsight.cli.window import _missing_part, _wayland_answers, open_window


def test_a_missing_part_is_named_with_the_command_that_installs_it():
    sentence = _missing_part(OSError("libxcb-cursor.so.0: cannot open shared object file"))
    assert "libxcb-cursor.so.0" in sentence
    assert "sudo apt-get install" in sentence
    assert "libxcb-cursor0" in sentence
    missing = ModuleNotFoundError("No module named 'PySide6'")
    assert "pip install PySide6-Essentials" in _missing_part(missing)


@pytest.mark.parametrize("screen", [{}, {"DISPLAY": ":4711"}, {"WAYLAND_DISPLAY": "nothing-here"}])
def test_without_a_screen_that_answers_nothing_is_opened(monkeypatch, tmp_path, capsys, screen) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in screen.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert open_window(tmp_path / "library") == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "There is no screen" in printed.err
    assert not (tmp_path / "library").exists()


def test_a_wayland_screen_is_a_socket_in_the_runtime_folder(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-1")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with socket.socket(socket.AF_UNIX) as screen:
        screen.bind(os.fspath(tmp_path / "wayland-1"))
        assert _wayland_answers()


@pytest.mark.parametrize("module", ["PySide6.support.deprecated", "picsight.jobs"])
def test_ctrl_c_while_qt_is_imported_is_one_word_and_no_dump(tmp_path, module) -> None:
    script, library = CTRL_C_AT_AN_IMPORT_OF_THE_PROGRAM, tmp_path / "library"
    done = subprocess.run(
        [sys.executable, "-c", script, module, "--library", library], check=False, capture_output=True, text=True,
        timeout=60, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "Stopped.")
