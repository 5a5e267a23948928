"""Reads Parquet files with one photo per row, as bytes, with its text and metadata, as img2dataset writes them.

For packing, the photos are first extracted to files: packing sorts them by key, and a Parquet file can only be read by whole
row groups.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mctrain.data.shards import PHOTO_SUFFIXES
from mctrain.data.sources.listing import PARQUET, SourceEntry, SourceListing
from mctrain.data.texts import described, text_field
from mctrain.errors import DataError, TrainerError, demand_extra
from mctrain.paths import opened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mctrain.paths import AnyPath


# The fields that are copied into a shard besides the text; others may contain places and cameras.
_FACTS = ("url", "uid", "license", "source")
_TEXTS = ("txt", "caption", "text")  # the first usual column that has a caption
_UNSAFE = re.compile(r"[^\w.-]")
_ROWS = 64  # read at a time


def photo_column(file: AnyPath) -> str | None:
    """The column with the photos' bytes; None if there is none.

    Raises:
        DataError: the file is missing or not Parquet.
        TrainerError: pyarrow is not installed.
    """
    with _opened(file) as table:
        found = PHOTO_SUFFIXES.intersection(table.schema_arrow.names)
    return min(found) if found else None


def rows(file: AnyPath, without: str | None = None) -> Iterator[Mapping[str, Any]]:
    """The rows of a file as mappings by column; `without` names a column to leave out.

    Raises:
        DataError: the file is missing or damaged.
        TrainerError: pyarrow is not installed.
    """
    with _opened(file) as table:
        wanted = [name for name in table.schema_arrow.names if name != without]
        for batch in table.iter_batches(_ROWS, columns=wanted):
            yield from batch.to_pylist()


def row_at(file: AnyPath, number: int) -> Mapping[str, Any]:
    """One row; its row group is cached for the next call.

    Raises:
        DataError: the file is missing, damaged, or has no such row.
        TrainerError: pyarrow is not installed.
    """
    for group, count in enumerate(_groups(file)):
        if number < count:
            return _group(file, group).slice(number, 1).to_pylist()[0]  # type: ignore[no-any-return]
        number -= count
    raise DataError(f"{file} has changed while it was read; type the same command again.")


@lru_cache(maxsize=256)
def _groups(file: AnyPath) -> tuple[int, ...]:
    """The number of rows in each row group."""
    with _opened(file) as table:
        return tuple(table.metadata.row_group(number).num_rows for number in range(table.num_row_groups))


@lru_cache(maxsize=4)
def _group(file: AnyPath, number: int) -> Any:
    with _opened(file) as table:
        return table.read_row_group(number)


@contextmanager
def _opened(file: AnyPath) -> Iterator[Any]:
    with demand_extra("pyarrow", f"{file} is Parquet"):
        from pyarrow import ArrowException  # imported here because it takes 0.3 s
        from pyarrow.parquet import ParquetFile
    try:
        with opened(file) as source, ParquetFile(source) as table:
            yield table
    except (ArrowException, OSError) as fault:
        raise DataError(f"{file} cannot be read: {str(fault).partition(chr(10))[0].rstrip('.')}.") from fault


def read_tables(source: Path, spool: Path) -> SourceListing:
    """Extracts the photos of a Parquet file, or of those in a folder and its subfolders, to `spool`, in the order of their rows.

    A row without a photo is a failed download. A table without photos is ignored.
    """
    entries: list[SourceEntry] = []
    faults: list[str] = []
    tables = sorted(source.rglob(f"*{PARQUET}")) if source.is_dir() else [source]
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
            caption = next((text for name in _TEXTS for text in text_field(row, name)), "")
            facts = {name: row[name] for name in _FACTS if isinstance(row.get(name), str)}
            words = described({"captions": [caption], **facts})
        except DataError as fault:
            faults.append(f"{table}, row {number}: {fault}")
            continue
        yield SourceEntry(path, words)
    if lost:
        faults.append(f"{table}: no photo in {lost} of its rows, downloads that failed.")
