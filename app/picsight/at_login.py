"""Starts `picsight watch` when the user logs in, by the means of each system: XDG autostart, a LaunchAgent, the Run key."""

from __future__ import annotations

import plistlib
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from picsight.locations import user_folder
from picsight_engine.foundation.errors import StorageError, faults_as

if TYPE_CHECKING:
    from collections.abc import Sequence

_LABEL, _FILE = "org.picsight.watch", "picsight-watch.desktop"
_RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"


def start_at_login(*, wanted: bool, system: str = sys.platform) -> None:
    """Lets `picsight watch` start at each login, or no longer; raises StorageError if the user's entry cannot be written."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "picsight"]
    command = [*program, "--quiet", "watch"]
    if sys.platform == "win32":
        _set_run_key(subprocess.list2cmdline(command) if wanted else None)
        return
    if system == "darwin":
        entry = Path.home() / "Library" / "LaunchAgents" / f"{_LABEL}.plist"
        content = plistlib.dumps({"Label": _LABEL, "ProgramArguments": command, "RunAtLoad": True})
    else:
        entry = user_folder("config", "autostart") / _FILE
        lines = ("[Desktop Entry]", "Type=Application", "Name=Picsight", f"Exec={_quoted(command)}")
        content = "".join(f"{line}\n" for line in (*lines, "NoDisplay=true")).encode()
    words = "{file} cannot be written ({reason}), so nothing starts at login. Make room, or check its permissions."
    with faults_as(OSError, StorageError, words, file=entry):
        if wanted:
            entry.parent.mkdir(parents=True, exist_ok=True)
            entry.write_bytes(content)
        else:
            entry.unlink(missing_ok=True)


def _quoted(command: Sequence[str]) -> str:
    """The value of Exec, by the Desktop Entry Specification."""
    parts = []
    for part in command:
        escaped = "".join(f"\\{each}" if each in '"`$\\' else each for each in part)
        parts.append(f'"{escaped}"'.replace("\\", "\\\\").replace("%", "%%"))
    return " ".join(parts)


if sys.platform == "win32":

    def _set_run_key(command: str | None) -> None:
        import winreg

        words = "The registry cannot be written ({reason}), so nothing starts at login."
        with (
            faults_as(OSError, StorageError, words),
            winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key,
            suppress(FileNotFoundError),
        ):
            if command is None:
                winreg.DeleteValue(key, _LABEL)
            else:
                winreg.SetValueEx(key, _LABEL, 0, winreg.REG_SZ, command)
