"""Which files a person means by the photos and captions to join with: a downloader's output in any of its three layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.data.joining.folders import FolderHolder
from mctrain.data.joining.tables import TableHolder
from mctrain.data.joining.tars import TarHolder
from mctrain.data.named import SHARDS, divided, find_shards
from mctrain.data.parquet import photo_column
from mctrain.errors import DataError
from mctrain.places import files_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.data.joining.holder import Holder
    from mctrain.places import Place

_TABLE = ".parquet"
_STATISTICS = "_stats.json"  # img2dataset's, beside each shard


def find_holders(texts: Sequence[str]) -> list[Holder]:
    """The files that are named, by patterns or one by one, `.tar` or `.parquet`; of a folder, what a downloader left in it.

    Raises:
        DataError: there is nothing of the kind.
    """
    return [holder for text in texts for holder in _find(text)]


def _find(text: str) -> Sequence[Holder]:
    folder, pattern = divided(text)
    if pattern != SHARDS:
        return [_holder(place) for place in find_shards(folder, [pattern])]
    if tars := files_of(folder, pattern):  # tables beside them have no photos
        return [TarHolder(place) for place in tars]
    tables = [place for place in files_of(folder, f"**/*{_TABLE}") if photo_column(place)]
    if tables:
        return [TableHolder(place) for place in tables]
    records = (place for place in files_of(folder, "**/*.json") if not place.name.endswith(_STATISTICS))
    if folders := dict.fromkeys(place.parent for place in records):
        return [FolderHolder(place) for place in folders]
    raise DataError(
        f"{text} holds no .tar, no .parquet with photos and no photos with .json beside them; "
        "choose the folder that img2dataset wrote into."
    )


def _holder(place: Place) -> Holder:
    return TableHolder(place) if place.name.endswith(_TABLE) else TarHolder(place)
