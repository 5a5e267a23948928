"""The virtual environment `.venv`: made once, and updated only when its sources have changed."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from typing import TYPE_CHECKING

from machine.commands import Failure, run

if TYPE_CHECKING:
    from pathlib import Path

EXTRAS = {"run": "[video]", "test": "[train,coreml,scale,dev]"}
# Left alone, pip tries versions of the tests' hundred packages for many minutes. What a run needs it finds at once, and there
# a system keeps its choice: not every one has wheels of the newest versions.
CONSTRAINTS = "packaging/constraints.txt"
CONSTRAINED = {"run": (), "test": ("--constraint", CONSTRAINTS)}
SATISFIED_BY = {"run": ("run", "test"), "test": ("test",)}
SIZES = {
    "run": "about 800 MB, half a minute",
    "test": "about 3 GB, with the torch for graphics cards that pip takes on Linux 7 GB; some minutes",
}
NOT_INHERITED = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


class Environment:
    """The repository's Python with its installed packages."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.python = self.folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        self.variables = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self.variables.setdefault(
            "OMP_NUM_THREADS", "1"
        )  # the tests start processes; each is to use one core
        self.variables.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")

    @property
    def qt_folder(self) -> Path:
        """Where PySide6 was installed."""
        library = (
            "Lib"
            if sys.platform == "win32"
            else f"lib/python{platform.python_version_tuple()[0]}.{sys.version_info.minor}"
        )
        return self.folder / library / "site-packages" / "PySide6"

    def install(self, purpose: str) -> None:
        """Prepares the environment for a purpose ("run" or "test"); does nothing if it is ready.

        Raises:
            Failure: Python lacks ensurepip, or a step failed.
        """
        self._make()
        wanted = self._mark(self.root / "pyproject.toml", self.root / CONSTRAINTS)
        if any(_read(self._stamp(done)) == wanted for done in SATISFIED_BY[purpose]):
            return
        print(f"Installing what is needed to {purpose} ({SIZES[purpose]}).")
        self._stamp(purpose).unlink(missing_ok=True)
        run(
            [
                str(self.python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--prefer-binary",
                *CONSTRAINED[purpose],
                "-e",
                f".{EXTRAS[purpose]}",
            ],
            environment=self.variables,
            advice="Is the network reachable, and is there room on the disk? Then type the same again.",
        )
        self._stamp(purpose).write_text(wanted, encoding="utf-8")

    def _make(self) -> None:
        wanted = self._mark()
        if self.python.exists() and _read(self._stamp("made")) == wanted:
            return
        try:
            import ensurepip  # noqa: F401 - Debian splits it off
        except ImportError:
            raise Failure(_without_ensurepip()) from None
        run(
            [sys.executable, "-m", "venv", "--clear", str(self.folder)],
            advice=f"Is {self.folder} writable, and is there room on the disk?",
        )
        self._stamp("made").write_text(wanted, encoding="utf-8")

    def _stamp(self, purpose: str) -> Path:
        return self.folder / f"{purpose}.stamp"

    def _mark(self, *files: Path) -> str:
        """What an installation depends on: the place (scripts name it), Python, and the given files."""
        place = f"{self.folder}\n{platform.python_version()}\n{sys.base_prefix}\n"
        return hashlib.sha256(b"".join([place.encode(), *(file.read_bytes() for file in files)])).hexdigest()


def _read(stamp: Path) -> str | None:
    try:
        return stamp.read_text(encoding="utf-8")
    except OSError:
        return None


def _without_ensurepip() -> str:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"This Python ({sys.executable}) cannot make a virtual environment: its module ensurepip is missing.\n"
        f"On Debian or Ubuntu type: sudo apt-get install python3-venv   (or python{version}-venv)\n"
        "Elsewhere install Python with pip and venv. Then type the same again."
    )
