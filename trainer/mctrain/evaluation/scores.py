"""What subjects scored, kept in the cache by the digest of their weights: a checkpoint that moves is known again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mctrain.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mctrain.evaluation.report import Result

_FOLDER = "scores"


def keep_scores(cache: Path, digest: str, results: Sequence[Result]) -> None:
    """Keeps the line of each task; a task that was asked before is replaced.

    Raises:
        OSError: the disk refuses it.
    """
    kept = _read(_file(cache, digest)) | {own.task: own.sentences()[0] for own in results}
    with write_whole(_file(cache, digest)) as file:
        file.write(json.dumps(kept, indent=1).encode())


def kept_scores(cache: Path, digest: str) -> list[str]:
    """A line a task, as `eval` told them; none where it was never measured here."""
    return list(_read(_file(cache, digest)).values())


def _file(cache: Path, digest: str) -> Path:
    return cache / _FOLDER / f"{digest}.json"


def _read(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (
        OSError,
        ValueError,
    ):  # a cache may be deleted at any time, and a damaged file is one to make again
        return {}
    return {str(task): str(line) for task, line in kept.items()} if isinstance(kept, dict) else {}
