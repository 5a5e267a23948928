"""Which visible photos a fact holds for: of one with several files, it holds if it does for any that is present."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from picsight_engine.store.database import Database

Column = Literal["taken", "lat", "place", "camera", "lens", "rating", "keywords", "description"]
Shape = Literal["portrait", "landscape", "square", "panorama"]

_SQUARE = 1.02  # the longer side by the shorter one up to which a picture looks square
_PANORAMA = 2.0  # ... and from which it looks like one

_VISIBLE = "SELECT id FROM photos WHERE missing_since IS NULL"
_PRESENT = "SELECT photo_id FROM files WHERE present AND photo_id IS NOT NULL"
_TAKEN = f"{_PRESENT} AND substr(taken, 1, 10) BETWEEN ? AND ?"
_TAKEN_YEARLY = f"{_PRESENT} AND substr(taken, 6, 5) BETWEEN ? AND ?"
_TAKEN_TURN_OF_YEAR = f"{_PRESENT} AND (substr(taken, 6, 5) >= ? OR substr(taken, 6, 5) <= ?)"
_UNDATED = f"{_PRESENT} GROUP BY photo_id HAVING max(taken) IS NULL"
_COPIES = f"{_PRESENT} GROUP BY photo_id HAVING count(*) > 1"
_RATED = f"{_PRESENT} AND rating BETWEEN ? AND ?"
_SHAPES: dict[Shape, str] = {
    "portrait": f"{_VISIBLE} AND height > width * {_SQUARE}",
    "landscape": f"{_VISIBLE} AND width > height * {_SQUARE}",
    "square": f"{_VISIBLE} AND max(width, height) <= min(width, height) * {_SQUARE}",
    "panorama": f"{_VISIBLE} AND max(width, height) >= min(width, height) * {_PANORAMA}",
}
_PLACES = """
SELECT photo_id, folders.path, files.name FROM files JOIN folders ON folders.id = folder_id
WHERE present AND photo_id IS NOT NULL"""


def library_state(db: Database) -> int:
    """A number that changes for the calling thread whenever anything was written to the library."""
    with db.reading() as connection:
        state: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return state


def visible_photos(db: Database) -> NDArray[np.int64]:
    """Every photo that a present file shows, ascending, as all arrays of ids here are."""
    return _ids(db, _VISIBLE)


def photos_taken(db: Database, first: str, last: str) -> NDArray[np.int64]:
    """The photos taken from one ISO day to another, both included, by their own clock."""
    return _ids(db, _TAKEN, first, last)


def photos_taken_yearly(db: Database, first: str, last: str) -> NDArray[np.int64]:
    """The photos taken from one day to another ("06-01", "08-31") of any year; a turn of the year may lie between."""
    return _ids(db, _TAKEN_YEARLY if first <= last else _TAKEN_TURN_OF_YEAR, first, last)


def undated_photos(db: Database) -> NDArray[np.int64]:
    """The photos of which no present file says when they were taken."""
    return _ids(db, _UNDATED)


def photos_of_shape(db: Database, shape: Shape) -> NDArray[np.int64]:
    """The photos of this shape, upright."""
    return _ids(db, _SHAPES[shape])


def photos_with_copies(db: Database) -> NDArray[np.int64]:
    """The photos that several present files show."""
    return _ids(db, _COPIES)


def photos_rated(db: Database, least: int, most: int) -> NDArray[np.int64]:
    """The photos with so many stars."""
    return _ids(db, _RATED, least, most)


def photos_with(db: Database, column: Column) -> NDArray[np.int64]:
    """The photos of which something of this kind is known."""
    return _ids(db, f"{_PRESENT} AND {column} IS NOT NULL")


def photos_saying(db: Database, column: Column, fits: Callable[[str], bool]) -> NDArray[np.int64]:
    """The photos with a text of this kind that fits; each text is asked for once."""
    with db.reading() as connection:
        rows = connection.execute(
            f"SELECT photo_id, {column} FROM files WHERE present AND photo_id IS NOT NULL AND {column} IS NOT NULL"
        ).fetchall()
    verdicts = {text: fits(text) for text in {text for _, text in rows}}
    return _unique(photo_id for photo_id, text in rows if verdicts[text])


def photos_in_folder(db: Database, fits: Callable[[str], bool]) -> NDArray[np.int64]:
    """The photos in folders whose absolute path, ending in "/", fits; each path is asked for once."""
    with db.reading() as connection:
        rows = connection.execute(_PLACES).fetchall()
    verdicts: dict[tuple[bytes, bytes], bool] = {}
    found = []
    for photo_id, folder, name in rows:
        place = folder, name.rpartition(b"/")[0]
        verdict = verdicts.get(place)
        if verdict is None:
            verdict = verdicts[place] = fits(_path_of(*place))
        if verdict:
            found.append(photo_id)
    return _unique(found)


def photos_named(db: Database, fits: Callable[[str], bool]) -> NDArray[np.int64]:
    """The photos with a file whose name, with its folders inside the library, fits."""
    with db.reading() as connection:
        rows = connection.execute(
            "SELECT photo_id, name FROM files WHERE present AND photo_id IS NOT NULL"
        ).fetchall()
    return _unique(photo_id for photo_id, name in rows if fits(os.fsdecode(name)))


def photos_ending(db: Database, suffixes: Sequence[str]) -> NDArray[np.int64]:
    """The photos with a file whose name ends so; suffixes are lower-case ASCII."""
    endings = " OR ".join(["lower(substr(name, ?)) = ?"] * len(suffixes))
    values = [value for suffix in suffixes for value in (-len(suffix), suffix)]
    return _ids(db, f"{_PRESENT} AND ({endings})", *values)


def folded(text: str) -> str:
    """A text without case and accents, as names are compared."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()


def _path_of(folder: bytes, inside: bytes) -> str:
    path = f"{os.fsdecode(folder)}/{os.fsdecode(inside)}/".replace(os.sep, "/")
    return path.replace("//", "/")


def _ids(db: Database, statement: str, *values: object) -> NDArray[np.int64]:
    with db.reading() as connection:
        rows = connection.execute(statement, values).fetchall()
    return _unique(photo_id for (photo_id,) in rows)


def _unique(photo_ids: Iterable[int]) -> NDArray[np.int64]:
    return np.unique(np.fromiter(photo_ids, np.int64))
