"""Parquet files of photos, as img2dataset writes them: one file, or all of a folder.

Their photos are laid out as files first, for packing goes by the order of the pictures, and in a Parquet file single
rows can only be read with all of their group.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mctrain.data.parquet import photo_column, rows
from mctrain.data.sources.listing import Entry, Listing
from mctrain.data.words import described, texts_of
from mctrain.errors import DataError, TrainerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mctrain.data.words import Words

SUFFIX = ".parquet"

# What goes from a row into a shard, beside its text: a downloader knows places and cameras too.
_FACTS = ("url", "uid", "license", "source")
_UNSAFE = re.compile(r"[^\w.-]")


def tables_of(source: Path) -> list[Path]:
    """The Parquet files that a source is, or that lie in it and below."""
    return sorted(source.rglob(f"*{SUFFIX}")) if source.is_dir() else [source]


def read_tables(tables: Sequence[Path], spool: Path) -> Listing:
    """The photos of Parquet files, in the order of their rows, laid out in `spool`; of a table without photos there are none.

    A row without a photo is a download that failed.
    """
    entries: list[Entry] = []
    faults: list[str] = []
    for number, table in enumerate(tables):
        try:
            entries += _entries(table, spool / f"{number:05}-{table.stem}", faults)
        except (DataError, TrainerError) as fault:
            faults.append(str(fault))
    return Listing(tuple(entries), tuple(faults))


def _entries(table: Path, folder: Path, faults: list[str]) -> Iterator[Entry]:
    column = photo_column(table)
    if column is None:
        return
    folder.mkdir(parents=True)
    lost = 0
    for number, row in enumerate(rows(table), start=1):
        photo = row[column]
        if not photo:
            lost += 1
            continue
        name = _UNSAFE.sub("_", str(row.get("key") or number))[:64]
        path = folder / f"{number:07}-{name}.{column}"
        path.write_bytes(photo)
        try:
            words = _words(row)
        except DataError as fault:
            faults.append(f"{table}, row {number}: {fault}")
            continue
        yield Entry(path, words)
    if lost:
        faults.append(f"{table}: no photo in {lost} of its rows, downloads that failed.")


def _words(row: Mapping[str, Any]) -> Words:
    """The texts under their usual names, and what else is told of it."""
    caption = next((text for name in ("txt", "caption", "text") for text in texts_of(row, name)), "")
    facts = {name: row[name] for name in _FACTS if isinstance(row.get(name), str)}
    return described({"captions": [caption], **facts})
