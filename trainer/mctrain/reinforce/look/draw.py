"""Draws a contact sheet: a row a photo, behind it its views, and behind these its texts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from string import ascii_uppercase
from typing import TYPE_CHECKING

import PIL.Image

from mctrain.evaluation.page import MISS, QUIET, Page, line_height, wrapped
from mctrain.reinforce.look.gather import VIEW_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.reinforce.look.sheet import Entry, Paragraph, Sheet, Tile, Verdict

_MARGIN, _GAP = 32, 20
_PHOTO = 256  # pixels of a photo's longer side
_TEXTS = 560  # pixels of the column of texts
_NUMBER = 52  # of that, a column of cosines
_FEW, _MANY = 5, 8  # views side by side: of up to twice as many, of more
_TITLE, _BODY, _SMALL = 26, 15, 13  # sizes of letters
_MARK = 11
_READABLE = 1100  # pixels of a line of sentences
_MOST_LINES = 3  # of a text


@dataclass(frozen=True, slots=True)
class _Names:
    """What the teachers are called on the sheet (a single one needs no name), and how many captions are compared."""

    teachers: tuple[str, ...]
    rivals: int


def draw_sheet(sheet: Sheet) -> PIL.Image.Image:
    """The whole sheet."""
    count = len(sheet.teachers)
    names = _Names(tuple(ascii_uppercase[:count]) if count > 1 else ("",) * count, len(sheet.reinforced))
    most = max(len(entry.tiles) for entry in sheet.entries)
    columns = min(most, _FEW if most <= 2 * _FEW else _MANY)
    views = _MARGIN + _PHOTO + _GAP
    texts = views + columns * (VIEW_SIDE + _GAP)
    page = Page(texts + _TEXTS + _MARGIN)
    _draw_head(page, sheet, names)
    for entry in sheet.entries:
        page.rule(page.bottom + _GAP)
        top = page.bottom + _GAP
        _draw_photo(page, entry, top)
        for number, tile in enumerate(entry.tiles):
            row, column = divmod(number, columns)
            corner = views + column * (VIEW_SIDE + _GAP), top + row * _tile_height(names)
            _draw_tile(page, tile, number, corner, names)
        _draw_texts(page, entry.paragraphs, (texts, top), names)
    return page.paint(_MARGIN)


def _draw_head(page: Page, sheet: Sheet, names: _Names) -> None:
    width = min(page.width - 2 * _MARGIN, _READABLE)
    page.text(_MARGIN, _MARGIN, wrapped(sheet.shard, _TITLE, width, 1)[0], _TITLE)
    for sentence in _introduction(sheet, names):
        for line in wrapped(sentence, _BODY, width, _MOST_LINES):
            page.text(_MARGIN, page.bottom + 3, line, _BODY, ink=QUIET)


def _introduction(sheet: Sheet, names: _Names) -> list[str]:
    """What is on the sheet, and how it is read."""
    told = [f"{len(sheet.entries)} of {sheet.whole} photos, spread evenly over the shard."]
    if not names.rivals:
        return [*told, "The shard is not reinforced: it has no views and no teachers' embeddings."]
    for place, (letter, name) in enumerate(zip(names.teachers, sheet.teachers, strict=True)):
        told.append(f"Teacher{letter and ' '}{letter}: {name}. {_score(sheet.reinforced, place)}")
    if sheet.guessed:
        told.append(
            "There was no manifest: how many teachers there are is taken from the embeddings' length."
        )
    told.append(
        "Below a view: its number, what of the photo it shows, what was done to it, and its cosine with the photo's first "
        f"text. Tick: of the first texts of all {names.rivals} photos here its own is the nearest. Cross: the rank of its "
        "own. Behind a text: its cosine with view 0."
    )
    return told


def _score(entries: Sequence[Entry], teacher: int) -> str:
    first = [entry.tiles[0].verdicts[teacher] for entry in entries]
    every = [tile.verdicts[teacher] for entry in entries for tile in entry.tiles]
    mean = sum(own.cosine for own in every) / len(every)
    return (
        f"The own text is the nearest for {sum(own.hit for own in first)} of {len(first)} first views and for "
        f"{sum(own.hit for own in every)} of all {len(every)}; mean cosine {mean:.2f}."
    )


def _draw_photo(page: Page, entry: Entry, top: int) -> None:
    scale = _PHOTO / max(entry.picture.size)
    size = max(1, round(entry.picture.width * scale)), max(1, round(entry.picture.height * scale))
    image = entry.picture.resize(size, PIL.Image.Resampling.LANCZOS)
    page.picture(_MARGIN, top, image)
    top += image.height + 8
    for line in wrapped(entry.key, _BODY, _PHOTO, 2):
        page.text(_MARGIN, top, line, _BODY)
        top += line_height(_BODY)
    for line in chain.from_iterable(wrapped(fact, _SMALL, _PHOTO, 2) for fact in entry.about):
        page.text(_MARGIN, top, line, _SMALL, ink=QUIET)
        top += line_height(_SMALL)


def _tile_height(names: _Names) -> int:
    return VIEW_SIDE + 6 + (2 + len(names.teachers)) * line_height(_SMALL) + _GAP


def _draw_tile(page: Page, tile: Tile, number: int, corner: tuple[int, int], names: _Names) -> None:
    left, top = corner
    page.picture(left, top, tile.picture)
    top += VIEW_SIDE + 6
    for words in (f"{number} · {tile.cut}", tile.operations):
        for line in wrapped(words, _SMALL, VIEW_SIDE + _GAP // 2, 1):
            page.text(left, top, line, _SMALL, ink=QUIET)
        top += line_height(_SMALL)
    for letter, verdict in zip(names.teachers, tile.verdicts, strict=True):
        _draw_verdict(page, verdict, (left, top), letter, names.rivals)
        top += line_height(_SMALL)


def _draw_verdict(page: Page, verdict: Verdict, corner: tuple[int, int], letter: str, rivals: int) -> None:
    left, top = corner
    page.text(left, top, f"{letter} {verdict.cosine:.2f}".strip(), _SMALL)
    left += _NUMBER if letter else _NUMBER - 12
    page.mark(left, top + 3, _MARK, hit=verdict.hit)
    if not verdict.hit:
        page.text(left + _MARK + 7, top, f"{verdict.rank} of {rivals}", _SMALL, ink=MISS)


def _draw_texts(page: Page, paragraphs: Sequence[Paragraph], corner: tuple[int, int], names: _Names) -> None:
    """The paragraphs, with a column of cosines for each teacher at the right."""
    left, top = corner
    count = len(names.teachers)
    numbers = [left + _TEXTS - _NUMBER * place for place in reversed(range(count))]  # their right ends
    width = _TEXTS - _NUMBER * count - _GAP
    for right, letter in zip(numbers, names.teachers, strict=True):
        page.text(right, top, letter or "view 0", _SMALL, ink=QUIET, align="right")
    for paragraph in paragraphs:
        title = paragraph.title + (" · synthetic" if paragraph.synthetic else "")
        page.text(left, top, wrapped(title, _SMALL, width, 1)[0], _SMALL, ink=QUIET)
        top += line_height(_SMALL) + 2
        for own in paragraph.lines:
            for right, cosine in zip(
                numbers, own.cosines, strict=False
            ):  # a plain photo beside others has none
                page.text(right, top, f"{cosine:.2f}", _BODY, align="right")
            for line in wrapped(own.text, _BODY, width, _MOST_LINES) or ["(empty)"]:
                page.text(left, top, line, _BODY)
                top += line_height(_BODY)
            top += 4
        if paragraph.more:
            page.text(left, top, f"and {paragraph.more} more", _SMALL, ink=QUIET)
            top += line_height(_SMALL)
        top += 10
