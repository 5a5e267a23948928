"""`picsight` without a command: opens the window, or says in one sentence what it lacks to do so."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from picsight.cli.streams import say

_NO_WINDOW = 1
_DEBIAN_PACKAGES = (
    "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libfreetype6 libglib2.0-0t64 libatomic1 libx11-6 "
    "libxkbcommon-x11-0 libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-randr0 "
    "libxcb-render-util0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1"
)


def open_window(library: Path) -> int:
    """Opens the window on the library's folder and returns its exit code once it is closed."""
    if not _has_screen():
        say("There is no screen to open a window on. Without one, type: picsight --help")
        return _NO_WINDOW
    try:
        from picsight.window import run_window  # Qt: 140 ms that no command pays

        _load_screen_plugin()
    except (ImportError, OSError) as fault:
        say(_what_is_missing(fault))
        return _NO_WINDOW
    return run_window(library)


def _on_x11() -> bool:
    return sys.platform.startswith(("linux", "freebsd")) and not os.environ.get("QT_QPA_PLATFORM")


def _has_screen() -> bool:
    if not _on_x11():
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _load_screen_plugin() -> None:
    """Loads what Qt is about to load; where a library of it is missing Qt itself would abort the process.

    Raises:
        OSError: with the name of the library that is missing.
    """
    import PySide6

    plugin = Path(PySide6.__file__).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    if _on_x11() and not os.environ.get("WAYLAND_DISPLAY") and plugin.exists():
        ctypes.CDLL(str(plugin))


def _what_is_missing(fault: ImportError | OSError) -> str:
    if isinstance(fault, ModuleNotFoundError):
        return (
            f"The window needs the package PySide6-Essentials ({fault}). Type: pip install PySide6-Essentials"
        )
    return (
        f"The window needs graphics libraries of the system ({fault}). "
        f"On Debian or Ubuntu type: sudo apt-get install {_DEBIAN_PACKAGES}"
    )
