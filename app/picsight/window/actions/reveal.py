"""Shows a file in the system's file browser, selected where the system can do that."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QProcess, QUrl
from PySide6.QtGui import QDesktopServices

from picsight.window.parts.words import isolated
from picsight.window.parts.words import say as words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from picsight.jobs import Jobs

WAIT_MS = 2000
SERVICE, OBJECT = "org.freedesktop.FileManager1", "/org/freedesktop/FileManager1"


def reveal(path: Path, jobs: Jobs, say: Callable[[str], None]) -> None:
    """Show a file selected in its folder, or open the folder where no file browser can select; else say where it is."""
    if sys.platform == "darwin":
        QProcess.startDetached("open", ["-R", str(path)])
    elif sys.platform == "win32":
        QProcess.startDetached("explorer", [f"/select,{path}"])
    else:
        jobs.read(
            lambda: _ask_file_manager(path),
            lambda shown: None if shown else open_folder(path.parent, path, say),
        )


def open_folder(folder: Path, wanted: Path, say: Callable[[str], None]) -> None:
    """Open a folder; where nothing can, say where what is `wanted` in it lies."""
    if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
        say(words("No file browser answers. Look at {path}.").format(path=isolated(str(wanted))))


def _ask_file_manager(path: Path) -> bool:
    """Ask over the session bus; waits for the answer, so it runs in a thread."""
    from PySide6.QtDBus import QDBus, QDBusConnection, QDBusMessage  # 10 ms, only when it is asked for

    bus = QDBusConnection.sessionBus()
    if not bus.isConnected():
        return False
    message = QDBusMessage.createMethodCall(SERVICE, OBJECT, SERVICE, "ShowItems")
    message.setArguments([[QUrl.fromLocalFile(str(path)).toString()], ""])
    reply = bus.call(message, QDBus.CallMode.Block, WAIT_MS)
    return reply.type() != QDBusMessage.MessageType.ErrorMessage
