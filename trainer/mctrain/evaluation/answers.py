"""What a subject answers to searches, for a person's eyes: a row a search, the nearest photos of some shards in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image

from mctrain.data.shards import grouped
from mctrain.errors import DataError
from mctrain.evaluation.page import QUIET, Page, wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from mctrain.evaluation.subject import Subject

FIRST = 10  # photos of a search
SIDE = 160  # pixels of a photo's longer side
_MARGIN, _GAP = 32, 14
_TITLE, _BODY, _SMALL = 24, 18, 12  # sizes of letters


@dataclass(frozen=True, slots=True)
class Answer:
    """A search, and the photos nearest to it with their cosines."""

    query: str
    found: tuple[tuple[PIL.Image.Image, float], ...]


def read_queries(path: Path) -> list[str]:
    """One search a line; blank lines are none.

    Raises:
        DataError: the file cannot be read, or holds none.
    """
    try:
        queries = [own.strip() for own in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, ValueError) as fault:
        raise DataError(f"{path} cannot be read as text: {fault}.") from fault
    if not any(queries):
        raise DataError(f"{path} holds no search; write one a line.")
    return [own for own in queries if own]


def answer(subject: Subject, shards: Sequence[Path], queries: Sequence[str]) -> list[Answer]:
    """The first photos of each search; the nearest first, of equally near ones the earlier.

    Raises:
        DataError: a shard is damaged.
    """
    gallery = subject.gallery(shards)
    scores = subject.texts(queries) @ gallery.vectors.T  # [queries, photos]
    first = np.argsort(-scores, axis=1, kind="stable")[:, :FIRST]
    pictures = _pictures(shards, set(first.ravel().tolist()))
    return [
        Answer(query, tuple((pictures[row], float(own[row])) for row in rows.tolist()))
        for query, own, rows in zip(queries, scores, first, strict=True)
    ]


def draw_answers(answers: Sequence[Answer], title: str) -> PIL.Image.Image:
    """The sheet."""
    page = Page(2 * _MARGIN + FIRST * (SIDE + _GAP) - _GAP)
    width = page.width - 2 * _MARGIN
    page.text(_MARGIN, _MARGIN, wrapped(title, _TITLE, width, 1)[0], _TITLE)
    for own in answers:
        page.rule(page.bottom + _GAP)
        page.text(_MARGIN, page.bottom + _GAP, wrapped(own.query, _BODY, width, 1)[0], _BODY)
        top = page.bottom + _GAP // 2
        for place, (picture, cosine) in enumerate(own.found):
            left = _MARGIN + place * (SIDE + _GAP)
            page.picture(left, top, picture)
            page.text(left, top + SIDE + 2, f"{cosine:.2f}", _SMALL, ink=QUIET)
    return page.paint(_MARGIN)


def _pictures(shards: Sequence[Path], rows: Collection[int]) -> dict[int, PIL.Image.Image]:
    """The small pictures of some rows of a gallery of these shards."""
    found = {}
    for row, group in enumerate(group for shard in shards for group in grouped(shard)):
        if row in rows:
            found[row] = group.image()
            found[row].thumbnail((SIDE, SIDE), PIL.Image.Resampling.LANCZOS)
    return found
