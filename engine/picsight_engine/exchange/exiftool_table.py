"""Writes tags and stars to a table from which ExifTool writes them into photo files; running it is left to the user."""

from __future__ import annotations

import csv
import io
from functools import partial
from typing import TYPE_CHECKING

from picsight_engine.exchange.replacement import write_export
from picsight_engine.exchange.tagged_photo import CHANGED
from picsight_engine.exchange.xmp_writing import keywords_by_path
from picsight_engine.foundation.errors import RequestError, as_text
from picsight_engine.foundation.other_programs import package_of
from picsight_engine.photos.metadata.keyword_lists import HIERARCHICAL, SUBJECT, TAGS_LIST, written_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from picsight_engine.exchange.tagged_photo import TaggedPhoto

EXIFTOOL_DIVIDER = "/|/"  # separates tags in a field of the table; only names made of "|" could contain it
# The last column marks our tables; it stays empty, so that ExifTool ignores it.
_COLUMNS = ("SourceFile", "Subject", "HierarchicalSubject", "TagsList", "Rating", "Picsight")


def export_table(photos: Iterable[TaggedPhoto], file: Path, *, replace: bool = False) -> int:
    """Writes a CSV from which ExifTool can write tags and stars into the photo files; returns the number of lines.

    It serves programs that ignore side-cars of JPEGs. Photos in packages of other programs are left out. Raises RequestError
    if a photo changed since it was indexed, and what `write_export` raises.
    """
    rows: dict[str, list[str]] = {}
    for photo in photos:
        keywords = keywords_by_path(photo.tags)
        if (keywords or photo.stars is not None) and not package_of(photo.path):
            if photo.path.is_file() and not photo.is_as_indexed():
                raise RequestError(CHANGED.about(files=photo.path))
            lists = [
                [written_form(keyword, name) for keyword in keywords]
                for name in (SUBJECT, HIERARCHICAL, TAGS_LIST)
            ]
            fields = [EXIFTOOL_DIVIDER.join(dict.fromkeys(texts)) for texts in lists]
            rows[str(photo.path)] = [*fields, "" if photo.stars is None else str(photo.stars), ""]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_COLUMNS, *([path, *fields] for path, fields in rows.items())])
    chunks = [out.getvalue().encode("utf-8", "surrogateescape")]
    write_export(file, chunks, partial(_lacking, rows=rows), replace=replace)
    return len(rows)


def _lacking(file: Path, rows: Mapping[str, Sequence[str]]) -> str | None:
    """A photo for which a table holds something that these rows lack, or None; raises RequestError if it is no such table."""
    try:
        with file.open(encoding="utf-8", errors="surrogateescape", newline="") as source:
            header, *lines = csv.reader(source)
    except (csv.Error, ValueError):
        header, lines = [], []
    if tuple(header) != _COLUMNS:
        raise RequestError("{file} is not a table from Picsight.", file=file)
    for path, *fields in filter(None, lines):  # skip blank lines
        here = rows.get(path, ())
        if len(fields) > len(here) or any(map(_holds_more, fields, here)):
            return f"something about {as_text(path)}"
    return None


def _holds_more(field: str, other: str) -> bool:
    return not {*field.split(EXIFTOOL_DIVIDER)} <= {"", *other.split(EXIFTOOL_DIVIDER)}
