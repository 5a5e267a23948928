"""Parquet files of img2dataset: photo, text and all that the downloader knows, a row a sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.data.joining.holder import Entry, Fetched, text_of, uid_of
from mctrain.data.parquet import photo_column, row_at, rows
from mctrain.places import version_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mctrain.places import Place

_STATUS, _DONE = "status", "success"


@dataclass(frozen=True, slots=True)
class TableHolder:
    """One such file; a download that failed is a row without a photo."""

    place: Place

    def version(self) -> str:
        """As `Holder`."""
        return version_of(self.place)

    def entries(self) -> Iterator[Entry]:
        """As `Holder`; photos are passed over unread."""
        column = photo_column(self.place)
        for at, row in enumerate(rows(self.place, without=column)):
            uid = uid_of(row, str(row.get("key", "")))
            if uid is not None:
                photo = column is not None and row.get(_STATUS, _DONE) == _DONE
                yield Entry(uid, at, 0, photo, bool(row.get("txt") or row.get("caption")))

    def fetch(self, at: int, size: int) -> Fetched:  # noqa: ARG002 (a row has none)
        """As `Holder`."""
        row = dict(row_at(self.place, at))
        photo = row.pop(photo_column(self.place) or "", None) or b""
        return Fetched(photo, row.pop("txt", None) or text_of(None, row), row)
