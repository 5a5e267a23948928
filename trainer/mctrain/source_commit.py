"""The commit of the running sources, recorded in everything that is made with them."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

CHANGED = "-dirty"


@cache
def commit_of_sources() -> str | None:
    """The commit at the first call, ending in `CHANGED` if tracked files differ from it; None without git or a repository."""
    git = shutil.which("git")
    if git is None:
        return None
    asked = [git, "-C", str(Path(__file__).parent)]
    known, found = (
        subprocess.run([*asked, *words], capture_output=True, text=True, check=False)  # noqa: S603 (fixed commands)
        for words in (
            # untracked: a virtual environment inside another repository
            ("ls-files", "--error-unmatch", Path(__file__).name),
            ("describe", "--always", f"--dirty={CHANGED}", "--abbrev=40", "--exclude=*"),
        )
    )
    return None if known.returncode else found.stdout.strip() or None
