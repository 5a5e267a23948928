"""What a person types may be what a file is called: such photos lead an answer, whatever they show.

Only a whole name leads, with its suffix or without: "car" finds car.jpg and must not lift every Oscar. Names that hold the
text somewhere are for suggestions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from picsight_engine.store.text import photos_named

if TYPE_CHECKING:
    from picsight_engine.store.database import Database

_LONGEST = 255  # characters of a file name, on any system


def named(db: Database, text: str) -> list[int]:
    """The visible photos of which a present file is called so, ignoring case and accents; whole names before stems.

    Raises:
        LibraryError: the library is damaged.
    """
    typed = text.strip()
    return photos_named(db, typed) if 0 < len(typed) <= _LONGEST else []
