"""Parquet files in which photos lie as bytes, a row each, with their text and facts, as img2dataset writes them.

To be packed, photos are laid out as files first: packing goes by the order of the pictures, and a Parquet file gives a single
row only with all of its group.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mctrain.data.shards import PHOTO_SUFFIXES
from mctrain.data.sources.listing import SourceEntry, SourceListing
from mctrain.data.words import described, texts_of
from mctrain.errors import DataError, TrainerError, demand_extra
from mctrain.places import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from mctrain.data.words import SampleTexts
    from mctrain.places import Place


SUFFIX = ".parquet"
# What goes from a row into a shard, beside its text: a downloader knows places and cameras too.
_FACTS = ("url", "uid", "license", "source")
_UNSAFE = re.compile(r"[^\w.-]")
_ROWS = 64  # that are read at a time


def photo_column(file: Place) -> str | None:
    """The column of the photos' bytes; None where the file is a table without any.

    Raises:
        DataError: it is missing or no Parquet.
        TrainerError: pyarrow is not installed.
    """
    with _opened(file) as table:
        found = PHOTO_SUFFIXES.intersection(table.schema_arrow.names)
    return min(found) if found else None


def rows(file: Place, without: str | None = None) -> Iterator[Mapping[str, Any]]:
    """The rows of a file by column, all columns or all but one.

    Raises:
        DataError: it is missing or damaged.
        TrainerError: pyarrow is not installed.
    """
    with _opened(file) as table:
        wanted = [name for name in table.schema_arrow.names if name != without]
        for batch in table.iter_batches(_ROWS, columns=wanted):
            yield from batch.to_pylist()


def row_at(file: Place, number: int) -> Mapping[str, Any]:
    """One row; those of its group in the file are kept for the next call.

    Raises:
        DataError: it is missing, damaged, or has no such row.
        TrainerError: pyarrow is not installed.
    """
    for group, count in enumerate(_groups(file)):
        if number < count:
            return _group(file, group).slice(number, 1).to_pylist()[0]  # type: ignore[no-any-return]
        number -= count
    raise DataError(f"{file} has changed while it was read; type the same command again.")


@lru_cache(maxsize=256)
def _groups(file: Place) -> tuple[int, ...]:
    """How many rows each group of a file has."""
    with _opened(file) as table:
        return tuple(table.metadata.row_group(number).num_rows for number in range(table.num_row_groups))


@lru_cache(maxsize=4)
def _group(file: Place, number: int) -> Any:
    with _opened(file) as table:
        return table.read_row_group(number)


@contextmanager
def _opened(file: Place) -> Iterator[Any]:
    with demand_extra("pyarrow", f"{file} is Parquet"):
        from pyarrow import ArrowException  # 0.3 s that no other source pays
        from pyarrow.parquet import ParquetFile
    try:
        with opened(file) as source, ParquetFile(source) as table:
            yield table
    except (ArrowException, OSError) as fault:
        raise DataError(f"{file} cannot be read: {str(fault).partition(chr(10))[0].rstrip('.')}.") from fault


def tables_of(source: Path) -> list[Path]:
    """The Parquet files that a source is, or that lie in it and below."""
    return sorted(source.rglob(f"*{SUFFIX}")) if source.is_dir() else [source]


def read_tables(tables: Sequence[Path], spool: Path) -> SourceListing:
    """The photos of Parquet files, in the order of their rows, laid out in `spool`; of a table without photos there are none.

    A row without a photo is a download that failed.
    """
    entries: list[SourceEntry] = []
    faults: list[str] = []
    for number, table in enumerate(tables):
        try:
            entries += _entries(table, spool / f"{number:05}-{table.stem}", faults)
        except (DataError, TrainerError) as fault:
            faults.append(str(fault))
    return SourceListing(tuple(entries), tuple(faults))


def _entries(table: Path, folder: Path, faults: list[str]) -> Iterator[SourceEntry]:
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
        yield SourceEntry(path, words)
    if lost:
        faults.append(f"{table}: no photo in {lost} of its rows, downloads that failed.")


def _words(row: Mapping[str, Any]) -> SampleTexts:
    """The texts under their usual names, and what else is told of it."""
    caption = next((text for name in ("txt", "caption", "text") for text in texts_of(row, name)), "")
    facts = {name: row[name] for name in _FACTS if isinstance(row.get(name), str)}
    return described({"captions": [caption], **facts})
