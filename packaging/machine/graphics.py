"""The system's graphics libraries for Qt: finds missing ones, and installs them if it can."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from machine.commands import Failure, run

if TYPE_CHECKING:
    from collections.abc import Sequence

# Names that Debian 12, 13 and Ubuntu all know; libglib2.0-0 is also what libglib2.0-0t64 provides.
ALWAYS = (
    "libegl1", "libgl1", "libxkbcommon0", "libdbus-1-3", "libfontconfig1", "libfreetype6", "libglib2.0-0",
    "libatomic1", "libx11-6",
)  # fmt: skip
FOR_A_SCREEN = (
    "libxkbcommon-x11-0", "libx11-xcb1", "libxcb-cursor0", "libxcb-icccm4", "libxcb-keysyms1", "libxcb-image0",
    "libxcb-randr0", "libxcb-render-util0", "libxcb-shape0", "libxcb-shm0", "libxcb-sync1", "libxcb-xfixes0",
    "libxcb-xkb1", "libwayland-cursor0", "libwayland-egl1",
)  # fmt: skip
FOR_TESTS = ("xvfb", "xauth")
LOADED = (
    "Qt/lib/libQt6Gui.so.6",
    "Qt/lib/libQt6Widgets.so.6",
    "Qt/plugins/platforms/libqoffscreen.so",
    "Qt/plugins/platforms/libqxcb.so",
)


def has_screen() -> bool:
    """Whether a window can be opened here: on Linux, whether the display that the desktop names exists."""
    if not sys.platform.startswith("linux"):
        return True
    wayland = Path(os.environ.get("XDG_RUNTIME_DIR", "/"), os.environ.get("WAYLAND_DISPLAY") or "/")
    if wayland.is_socket():
        return True
    host, _, number = os.environ.get("DISPLAY", "").partition(":")
    if host not in ("", "unix"):
        return True  # another machine's, as through ssh
    return Path(f"/tmp/.X11-unix/X{number.partition('.')[0]}").is_socket()  # noqa: S108 - where X servers listen


def provide(qt_folder: Path, *, for_tests: bool) -> None:
    """Installs the missing system libraries that Qt needs; does nothing if none is missing.

    Raises:
        Failure: something is missing and only the person can install it; says the line to type.
    """
    if not sys.platform.startswith("linux"):
        return
    missing = missing_libraries([qt_folder / name for name in LOADED])
    if for_tests and shutil.which("Xvfb") is None:
        missing.append("Xvfb")
    if not missing:
        return
    print(f"The system lacks {', '.join(missing)}.")
    packages = [*ALWAYS, *FOR_A_SCREEN, *(FOR_TESTS if for_tests else ())]
    if shutil.which("apt-get") is None:
        raise Failure("Install them with your system's package manager, then type the same again.")
    install = ["apt-get", "install", "--yes", "--quiet", "--quiet", "--no-install-recommends", *packages]
    if os.geteuid() != 0:
        line = f"sudo apt-get update && sudo apt-get install {' '.join(packages)}"
        raise Failure(
            f"Only the administrator can install them. Type this line, then the same again:\n{line}"
        )
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    advice = "Is the network reachable, and does no other installation run? Then type the same again."
    run(["apt-get", "update", "--quiet", "--quiet"], environment=variables, advice=advice, chatty=True)
    run(install, environment=variables, advice=advice, chatty=True)
    missing = missing_libraries([qt_folder / name for name in LOADED])
    if missing:
        raise Failure(f"The system still lacks {', '.join(missing)}. Install the packages that hold them.")


def missing_libraries(files: Sequence[Path]) -> list[str]:
    """The names of the shared libraries that these files need and the system does not have, sorted.

    Raises:
        Failure: a file cannot be examined.
    """
    names: set[str] = set()
    for file in files:
        try:
            answer = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False)
        except OSError as fault:
            raise Failure(
                f"ldd, which lists the libraries that Qt needs, does not start: {fault.strerror}."
            ) from fault
        if not file.is_file():
            raise Failure(f"{file} is missing. Remove .venv and type the same again.")
        names.update(line.split()[0] for line in answer.stdout.splitlines() if "not found" in line)
    return sorted(names)
