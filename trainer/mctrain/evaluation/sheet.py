"""Picture sheets of search results: a row per search, with the nearest photos in order.

A sheet is composed of blocks, which are pictures themselves, stacked or side by side.
"""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps

from mctrain.data.shards import grouped
from mctrain.data.sources.listing import read_text
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from mctrain.evaluation.subject import Subject

INK, QUIET, _RULE, PAPER = "#1d1d1f", "#66666b", "#d5d5da", "white"
FIRST = 10  # photos per search
SIDE = 160  # pixels of a photo's longer side
_MARGIN, _GAP = 32, 14
_TITLE, _BODY, _SMALL = 24, 18, 12  # font sizes
_LINE_HEIGHT = 1.35  # times the font size
_SYSTEM_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial.ttf", "arial.ttf")


@lru_cache(maxsize=8)
def font_of(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A system font with more than English letters, or Pillow's built-in one."""
    for name in _SYSTEM_FONTS:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)


def wrapped(text: str, size: int, width: int, most: int) -> list[str]:
    """Wraps a text into at most `most` lines of `width` pixels: longer words are split, and a cut text ends in an ellipsis.
    Control characters and lone surrogates are left out.
    """
    font = font_of(size)
    drawn = unicodedata.normalize("NFC", text)
    drawn = "".join(
        each if each.isprintable() else " " for each in drawn if unicodedata.category(each) != "Cf"
    )
    letters = max(1, len(drawn))
    while True:
        lines = textwrap.wrap(drawn, letters, max_lines=most, placeholder="…")
        longest = max(map(font.getlength, lines), default=0)
        if longest <= width or letters == 1:
            return lines
        letters = max(1, min(letters - 1, int(letters * width / longest)))


def text_block(text: str, size: int, width: int, most: int, ink: str = INK) -> Image.Image:
    """A block of this width with at most `most` lines of text."""
    height = round(size * _LINE_HEIGHT)
    lines = wrapped(text, size, width, most)
    block = Image.new("RGB", (width, height * len(lines)), PAPER)
    for number, line in enumerate(lines):
        ImageDraw.Draw(block).text((0, number * height), line, ink, font_of(size))
    return block


def rule(width: int) -> Image.Image:
    """A thin line."""
    return Image.new("RGB", (width, 1), _RULE)


def column(blocks: Sequence[Image.Image], gap: int = 0, width: int = 0) -> Image.Image:
    """Stacks blocks, at least as wide as the widest."""
    height = sum(each.height + gap for each in blocks) - gap * bool(blocks)
    block = Image.new("RGB", (max([width, *(each.width for each in blocks)]), height), PAPER)
    top = 0
    for each in blocks:
        block.paste(each, (0, top))
        top += each.height + gap
    return block


def row(blocks: Sequence[Image.Image], gap: int) -> Image.Image:
    """Puts blocks side by side, aligned at the top."""
    width = sum(each.width + gap for each in blocks) - gap * bool(blocks)
    block = Image.new("RGB", (width, max((each.height for each in blocks), default=0)), PAPER)
    left = 0
    for each in blocks:
        block.paste(each, (left, 0))
        left += each.width + gap
    return block


@dataclass(frozen=True, slots=True)
class RankedPhotos:
    """A search, and its nearest photos with their cosines."""

    query: str
    found: tuple[tuple[Image.Image, float], ...]


def read_queries(path: Path) -> list[str]:
    """Reads one search per line; blank lines are skipped.

    Raises:
        DataError: the file cannot be read, or has no search.
    """
    queries = [line for each in read_text(path).splitlines() if (line := each.strip())]
    if not queries:
        raise DataError(f"{path} holds no search; write one per line.")
    return queries


def answer(subject: Subject, shards: Sequence[Path], queries: Sequence[str]) -> list[RankedPhotos]:
    """The first photos of each search, the nearest first; ties in gallery order.

    Raises:
        DataError: a shard is damaged.
    """
    gallery = subject.gallery(shards)
    scores = subject.texts(queries) @ gallery.vectors.T  # [queries, photos]
    first = np.argsort(-scores, axis=1, kind="stable")[:, :FIRST]
    pictures = _pictures(shards, set(first.ravel().tolist()))
    return [
        RankedPhotos(query, tuple((pictures[row], float(each[row])) for row in rows.tolist()))
        for query, each, rows in zip(queries, scores, first, strict=True)
    ]


def draw_answers(answers: Sequence[RankedPhotos], title: str) -> Image.Image:
    """The sheet of answers."""
    width = FIRST * (SIDE + _GAP) - _GAP
    blocks = [text_block(title, _TITLE, width, 1)]
    for each in answers:
        found = [
            column([_square(picture), text_block(f"{cosine:.2f}", _SMALL, SIDE, 1, QUIET)], 2)
            for picture, cosine in each.found
        ]
        blocks += [rule(width), text_block(each.query, _BODY, width, 1), row(found, _GAP)]
    return ImageOps.expand(column(blocks, _GAP), _MARGIN, PAPER)


def _square(picture: Image.Image) -> Image.Image:
    """Puts a picture in the upper left corner of a white square."""
    square = Image.new("RGB", (SIDE, SIDE), PAPER)
    square.paste(picture)
    return square


def _pictures(shards: Sequence[Path], rows: Collection[int]) -> dict[int, Image.Image]:
    """Thumbnails of some rows of a gallery of these shards."""
    found = {}
    for place, group in enumerate(group for shard in shards for group in grouped(shard)):
        if place in rows:
            found[place] = group.image()
            found[place].thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return found
