"""Whether a change concerns the trainer, whose tests take half of the time."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Besides the engine's modules that it imports; a folder ends with a slash.
ITS_FILES = (
    "trainer/",
    "tests/trainer/",
    "packaging/bench/",
    "packaging/constraints.txt",
    "assets/",
    "docs/training.md",
)
SHARED = re.compile(r"pyproject\.toml|tests/[^/]+\.py")
IMPORT = re.compile(r"^\s*(?:from|import) (picsight_engine(?:\.\w+)*)", re.MULTILINE)


def concerns_trainer(root: Path) -> bool:
    """Whether files that the trainer depends on differ from the default branch; also true if nothing differs or git fails."""
    changed, imported = changed_files(root), imported_by_trainer(root)
    return not changed or any(
        path.startswith(ITS_FILES) or SHARED.fullmatch(path) or root / path in imported for path in changed
    )


def changed_files(root: Path) -> list[str]:
    """Paths that differ from the merge base with the default branch, whether committed, uncommitted or untracked."""
    bases = (_git(root, "merge-base", "HEAD", branch) for branch in ("origin/HEAD", "main", "master"))
    base = next(filter(None, bases), None)
    if base is None:
        return []
    changed = _git(root, "diff", "--name-only", "--no-renames", base.strip())
    return (changed + _git(root, "ls-files", "--others", "--exclude-standard")).splitlines()


def imported_by_trainer(root: Path) -> set[Path]:
    """The files of the engine that the trainer imports, directly or indirectly."""
    found: set[Path] = set()
    waiting = list(root.glob("trainer/**/*.py"))
    while waiting:
        for name in IMPORT.findall(waiting.pop().read_text(encoding="utf-8")):
            module = root / "engine" / name.replace(".", "/")
            new = {place for place in (module.with_suffix(".py"), module / "__init__.py") if place.is_file()}
            waiting += new - found
            found |= new
    return found


def _git(root: Path, *words: str) -> str:
    """The output of git; empty if it fails or is missing."""
    try:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
