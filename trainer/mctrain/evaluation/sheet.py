"""Sheets of photos as one HTML page with the photos in it: the nearest ones of searches, and whatever else has some."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.photo import data_uri
from mctrain.data.shards import grouped
from mctrain.data.sources.listing import read_text
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL.Image import Image

    from mctrain.evaluation.evaluated_model import EvaluatedModel

FIRST = 10  # photos per search
SIDE = 160  # pixels of a photo's longer side
_STYLE = """
body { font: 15px sans-serif; color: #1d1d1f; margin: 32px; overflow-wrap: anywhere }
section { display: flex; flex-wrap: wrap; gap: 14px; border-top: 1px solid #d5d5da; padding: 14px 0 }
h2 { font-size: 18px; width: 100%; margin: 0 }
figure { margin: 0; max-width: 256px }
small { display: block; color: #66666b; font-size: 12px; max-width: 168px }
"""


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture, and the lines below it."""

    picture: Image
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetSection:
    """A row of a sheet: pictures, and texts by their kind."""

    title: str
    pictures: tuple[ShownPicture, ...]
    texts: dict[str, list[str]]


def page(title: str, about: str, sections: Sequence[SheetSection]) -> bytes:
    """The sheet as HTML in UTF-8; texts stand in it as they are, whatever they hold."""
    rows = "\n".join(map(_row, sections))
    head = f'<!DOCTYPE html><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f"{head}\n<h1>{escape(title)}</h1><p>{escape(about)}</p>\n{rows}\n".encode(errors="replace")


def _row(section: SheetSection) -> str:
    figures = "".join(
        f'<figure><img src="{data_uri(shown.picture)}" alt="">'
        + "".join(f"<small>{escape(line)}</small>" for line in shown.lines)
        + "</figure>"
        for shown in section.pictures
    )
    texts = "".join(
        f"<div><small>{escape(kind)}</small>{'<br>'.join(map(escape, lines))}</div>"
        for kind, lines in section.texts.items()
    )
    return f'<section dir="auto"><h2>{escape(section.title)}</h2>{figures}{texts}</section>'


def read_queries(path: Path) -> list[str]:
    """Reads one search per line; blank lines are skipped.

    Raises:
        DataError: the file cannot be read, or has no search.
    """
    queries = [line for each in read_text(path).splitlines() if (line := each.strip())]
    if not queries:
        raise DataError(f"{path} holds no search; write one per line.")
    return queries


def answer(model: EvaluatedModel, shards: Sequence[Path], queries: Sequence[str]) -> list[SheetSection]:
    """The first photos of each search with their cosines, the nearest first; ties in gallery order.

    Raises:
        DataError: a shard is damaged.
    """
    gallery = model.gallery(shards)
    scores = model.texts(queries) @ gallery.vectors.T  # [queries, photos]
    first = np.argsort(-scores, axis=1, kind="stable")[:, :FIRST]
    wanted = set(first.ravel().tolist())
    pictures: dict[int, Image] = {}
    for place, group in enumerate(group for shard in shards for group in grouped(shard)):
        if place in wanted:
            pictures[place] = group.image()
            pictures[place].thumbnail((SIDE, SIDE))
    return [
        SheetSection(query, tuple(ShownPicture(pictures[row], (f"{of[row]:.2f}",)) for row in rows), {})
        for query, of, rows in zip(queries, scores, first.tolist(), strict=True)
    ]
