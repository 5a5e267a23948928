"""The entry that starts `picsight watch` at login, read as each system reads it; none of them was logged in to."""

from __future__ import annotations

import plistlib
import re
import shlex
import subprocess
import sys
from configparser import RawConfigParser

import pytest

from picsight import at_login
from picsight.at_login import start_at_login
from picsight_engine.foundation.errors import StorageError

ODD = '/opt/a "b" $c `d` \\e 100%/python'


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / ".config"))
    return tmp_path


@pytest.mark.parametrize("python", [sys.executable, ODD])
def test_an_autostart_entry_names_the_command_and_goes_again(home, monkeypatch, python):
    monkeypatch.setattr(at_login.sys, "executable", python)
    start_at_login(wanted=False, system="linux")
    start_at_login(wanted=True, system="linux")
    (file,) = (home / ".config" / "autostart").iterdir()
    parser = RawConfigParser(interpolation=None)
    parser.read_string(file.read_text())
    # a string value is unescaped first, then quotes are read as a shell reads them, then field codes
    value = re.sub(r"\\(.)", r"\1", parser["Desktop Entry"]["Exec"])
    words = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {value}"], capture_output=True, text=True, check=True
    ).stdout
    assert words.replace("%%", "%").splitlines() == [python, "-m", "picsight", "--quiet", "watch"]
    start_at_login(wanted=False, system="linux")
    assert not file.exists()


def test_a_launch_agent_has_the_command_as_a_list(home):
    start_at_login(wanted=True, system="darwin")
    (file,) = (home / "Library" / "LaunchAgents").iterdir()
    agent = plistlib.loads(file.read_bytes())
    assert agent["ProgramArguments"][-2:] == ["--quiet", "watch"]
    assert agent["RunAtLoad"] is True
    start_at_login(wanted=False, system="darwin")
    assert not file.exists()


def test_an_entry_that_cannot_be_written_is_a_sentence(home):
    (home / ".config").write_text("a file")
    with pytest.raises(StorageError, match="nothing starts at login"):
        start_at_login(wanted=True, system="linux")


def test_the_entry_starts_the_watch(home, monkeypatch):
    """The command in it is one that the program knows."""
    start_at_login(wanted=True, system="linux")
    (file,) = (home / ".config" / "autostart").iterdir()
    command = shlex.split(file.read_text().split("Exec=")[1].splitlines()[0])
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert "until Ctrl-C" in done.stdout
