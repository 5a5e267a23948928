"""`picsight` without a command: opens the window, or says in one sentence what is missing."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from picsight.cli.streams import say
from picsight.texts import tr
from picsight_engine.foundation.signals import signals_deferred

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_WINDOW = 1
_DEBIAN_PACKAGES = (
    "libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libfreetype6 libglib2.0-0 libatomic1 libx11-6 "
    "libxkbcommon-x11-0 libx11-xcb1 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-randr0 "
    "libxcb-render-util0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0 libxcb-xkb1"
)


def open_window(library: Path, folders: Sequence[Path] = ()) -> int:
    """Opens the window on the library's folder and returns its exit code once it is closed.

    `folders` are added to the library, and indexed while the window is open.
    A missing screen or system library is detected first, since Qt would abort the process.
    """
    if _chooses_screen() and not (_wayland_answers() or _x11_answers()):
        say(tr("There is no screen to open a window on. Without one, type: picsight --help"))
        return _NO_WINDOW
    try:
        with signals_deferred():  # an exception during the import of PySide6 ends the process with a dump
            from picsight.window import run_window  # Qt: 140 ms that no command pays

            if _chooses_screen() and not _wayland_answers():
                _load_x11_plugin()
    except (ImportError, OSError) as fault:
        say(_missing_part(fault))
        return _NO_WINDOW
    return run_window(library, folders)


def _chooses_screen() -> bool:
    """Whether Qt uses a Wayland or X11 screen here, its default."""
    return sys.platform.startswith(("linux", "freebsd")) and not os.environ.get("QT_QPA_PLATFORM")


def _wayland_answers() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY", "")
    return bool(name) and (Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name).is_socket()


def _x11_answers() -> bool:
    """Whether the X server accepts a connection; True without its library, which loading the plugin then names."""
    if not os.environ.get("DISPLAY"):
        return False
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    refused = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not refused


def _load_x11_plugin() -> None:
    """Loads the platform plugin that Qt is about to load.

    Raises:
        OSError: a system library is missing; the error names it.
    """
    import PySide6

    plugin = Path(PySide6.__file__).parent / "Qt" / "plugins" / "platforms" / "libqxcb.so"
    if plugin.exists():
        ctypes.CDLL(str(plugin))


def _missing_part(fault: ImportError | OSError) -> str:
    if isinstance(fault, ModuleNotFoundError):
        words = "The window needs the package {package} ({fault}). Type: pip install {package}"
        return tr(words, package="PySide6-Essentials", fault=fault)
    words = "The window needs graphics libraries of the system ({fault}). On Debian or Ubuntu type: {command}"
    return tr(words, fault=fault, command=f"sudo apt-get install {_DEBIAN_PACKAGES}")
