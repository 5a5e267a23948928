"""Where one is: all photos, one folder, the answer to words, or photos like another. A value to go back to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from picsight_engine.search.answer import Result

MEANING_FROM = 3  # letters: fewer find noise


@dataclass(frozen=True, slots=True)
class Place:
    """What the wall is asked to show; everything empty is all photos. Words are looked for inside of the folder."""

    words: str = ""
    like: Result | None = None
    folder: Path | None = None

    @property
    def is_search(self) -> bool:
        """True where the library is asked for an answer: such a wall is never appended to."""
        return bool(self.words) or self.like is not None

    @property
    def query(self) -> str:
        """The words with the folder, as the query language spells it; they keep their positions."""
        return self.words if self.folder is None else f'{self.words} folder:"{self.folder.as_posix()}/"'


def ready(text: str) -> str | None:
    """The words to search for, "" for none, or None while too little is typed: meaning needs three letters or a whole word."""
    words = " ".join(text.split())
    if not words:
        return ""
    finished = len(words) > 1 and text[-1:].isspace()
    return words if len(words) >= MEANING_FROM or finished else None
