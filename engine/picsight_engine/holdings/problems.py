"""The files and directories of a library that could not be indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.store.overview.problems import all_problems, problem_at, retry_later, set_ignored

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from picsight_engine.store.database import Database
    from picsight_engine.store.overview.problems import Problem


class Problems:
    """The problems of one library; thread-safe."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def listed(self) -> list[Problem]:
        """The files and directories that could not be indexed, without the ignored ones."""
        return [problem for problem in all_problems(self._db) if not problem.ignored]

    def at(self, path: Path) -> Problem | None:
        """Why the file at `path` could not be indexed; None if there is no known problem."""
        return problem_at(self._db, path)

    def retry(self, problems: Sequence[Problem]) -> None:
        """Makes the next indexing retry these files even if they have not changed."""
        retry_later(self._db, problems)

    def ignore(self, problems: Sequence[Problem], *, ignored: bool = True) -> None:
        """Hides files from the list of problems, or shows them again."""
        set_ignored(self._db, problems, ignored=ignored)
