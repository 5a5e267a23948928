"""Every example in docs/commands.md works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

COMMANDS = Path(__file__).resolve().parents[2] / "docs" / "commands.md"


def test_the_commands_of_the_readme_run(outside, few_photos, tmp_path) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", COMMANDS.read_text(encoding="utf-8"), re.DOTALL)
    few_photos.rename(tmp_path / "Pictures")
    min((tmp_path / "Pictures").iterdir()).rename(tmp_path / "Pictures" / "IMG_2041.jpg")
    installed = tmp_path / "bin" / "picsight"
    installed.parent.mkdir()
    installed.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m picsight "$@"\n')
    installed.chmod(0o755)
    program = outside.given(HOME=str(tmp_path), PATH=f"{installed.parent}:{outside.environment['PATH']}")
    for line in block.splitlines():
        done = subprocess.run(
            ["sh", "-c", line],
            env=program.environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, (line, done.stderr)
        assert "no photos in the library" not in done.stderr
    assert (tmp_path / "small.jpg").exists()
