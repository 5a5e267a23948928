"""A contact sheet of a shard: photos with their texts; for reinforced shards also views and each teacher's cosines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import ImageOps

from mctrain.data.reinforced.embeddings import columns_of
from mctrain.data.reinforced.manifest import load_manifest
from mctrain.data.reinforced.sample import parse_sample, role_of
from mctrain.data.replay import replay
from mctrain.data.shards import grouped
from mctrain.data.texts import texts_of
from mctrain.data.views import OPERATIONS
from mctrain.errors import DataError
from mctrain.evaluation.sheet import PAPER, QUIET, column, row, rule, text_block

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray
    from PIL.Image import Image

    from mctrain.data.reinforced.manifest import TeacherRecord
    from mctrain.data.shards import SampleMembers
    from mctrain.data.views import DrawnView

VIEW_SIDE = 168  # pixels of a replayed view
_PHOTO, _TEXTS = 256, 560  # pixels of a photo's longer side, and of the column of texts
_MARGIN, _GAP = 32, 20
_COLUMNS = 5  # views side by side
_TITLE, _BODY, _SMALL = 26, 15, 13  # font sizes
_MOST_TEXTS, _MOST_LINES = 5, 3  # texts of each kind, lines of each
_CAPTIONS = "captions"

Cosines = tuple[float, ...]  # one per teacher


@dataclass(frozen=True, slots=True)
class ShownView:
    """A replayed view, a description of its crop and operations, and its cosines with the photo's first caption."""

    picture: Image
    made_by: str
    cosines: Cosines


@dataclass(frozen=True, slots=True)
class ShownPhoto:
    """A photo, its facts, and its texts by kind, each with its cosines with view 0; a plain photo has no views."""

    key: str
    facts: tuple[str, ...]
    picture: Image
    views: tuple[ShownView, ...]
    texts: Mapping[str, Sequence[tuple[str, Cosines]]]


@dataclass(frozen=True, slots=True)
class SheetContent:
    """Photos of a shard with `whole` complete samples, and the teachers of its embeddings; `faults` lists skipped samples."""

    photos: tuple[ShownPhoto, ...]
    teachers: tuple[TeacherRecord, ...]
    whole: int
    faults: tuple[str, ...]


def gather(shard: Path, count: int, manifest: Path) -> SheetContent:
    """`count` photos, evenly spread over a shard; without a manifest all are plain photos.

    Raises:
        DataError: the shard is missing, no photo of it can be shown, or the manifest is damaged.
    """
    faults, reinforced = [], []
    for group in grouped(shard):
        if group.fault is None:
            reinforced.append(_is_reinforced(group))
        else:
            faults.append(group.fault.sentence)
    whole = len(reinforced)
    teachers = load_manifest(manifest).teachers if reinforced[:1] == [True] and manifest.exists() else ()
    numbers = {(2 * part + 1) * whole // (2 * min(count, whole)) for part in range(min(count, whole))}
    usable = (group for group in grouped(shard) if group.fault is None)
    photos = []
    for number, group in enumerate(usable):
        if number in numbers:
            try:
                photos.append(
                    _reinforced(group, teachers) if teachers and _is_reinforced(group) else _plain(group)
                )
            except DataError as fault:
                faults.append(str(fault))
    if not photos:
        raise DataError(f"No photo of {shard} can be shown. {faults[0] if faults else 'It is empty.'}")
    return SheetContent(tuple(photos), teachers, whole, tuple(faults))


def _is_reinforced(group: SampleMembers) -> bool:
    return any(role_of(suffix) == "embeddings" for suffix in group.members)


def _plain(group: SampleMembers) -> ShownPhoto:
    picture, words = group.image(), texts_of(group.members, group.key)
    texts = {
        title: [(text, ()) for text in each] for title, each in _titled(words.human, words.synthetic).items()
    }
    return ShownPhoto(group.key, _facts(words.about, picture), picture, (), texts)


def _reinforced(group: SampleMembers, teachers: Sequence[TeacherRecord]) -> ShownPhoto:
    widths = [each.width for each in teachers]
    sample = parse_sample(group.key, group.members, widths)
    picture = sample.image()

    def cosines(rows: NDArray[np.float32], one: NDArray[np.float32]) -> list[Cosines]:
        """The cosines of rows [n, D] with one vector [D]."""
        by_teacher = [rows[:, each] @ one[each] for each in columns_of(widths)]  # [teachers, n]
        return [tuple(each) for each in np.transpose(by_teacher).tolist()]

    likes = cosines(sample.image_embeddings, sample.caption_embeddings[0])
    views = tuple(
        ShownView(replay(picture, view, VIEW_SIDE), _made_by(view, picture), like)
        for view, like in zip(sample.views, likes, strict=True)
    )
    rows = {_CAPTIONS: sample.caption_embeddings, **sample.synthetic_embeddings}
    texts = {
        title: list(zip(each, cosines(rows[title], sample.image_embeddings[0]), strict=True))
        for title, each in _titled(sample.captions, sample.texts.synthetic).items()
    }
    return ShownPhoto(group.key, _facts(sample.texts.about, picture), picture, views, texts)


def _titled(captions: Sequence[str], synthetic: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    return {title: texts for title, texts in {_CAPTIONS: captions, **synthetic}.items() if texts}


def _facts(about: Mapping[str, Any], picture: Image) -> tuple[str, ...]:
    named = (f"{name}: {about[name]}" for name in ("license", "source") if about.get(name))
    return (f"{picture.width} by {picture.height} pixels", *named)


def _made_by(view: DrawnView, picture: Image) -> str:
    """The crop's share of the photo, and the operations with signed magnitudes."""
    share = view.crop.height * view.crop.width / (picture.height * picture.width) if view.crop else 1.0
    steps = ["whole photo" if share == 1 else f"{share:.0%} of it", *(["mirrored"] if view.flip else [])]
    for number, magnitude in view.operations:
        operation = OPERATIONS[number]
        sign = ("-" if magnitude < 0 else "+") if operation.signed else ""
        if operation.name != "Identity":
            steps.append(operation.name + sign)
    return ", ".join(steps)


def draw_sheet(gathered: SheetContent, title: str) -> Image:
    """Draws a row per photo: the photo, its views, its texts."""
    columns = min(max(len(each.views) for each in gathered.photos), _COLUMNS)
    views = columns * (VIEW_SIDE + _GAP)
    width = _PHOTO + _GAP + views + _TEXTS
    names = ", ".join(each.name for each in gathered.teachers) or "none"
    about = (
        f"{len(gathered.photos)} of {gathered.whole} photos. Teachers, in the order of their cosines: {names}. Cosines below a view "
        "are with the photo's first text, those after a text with view 0."
    )
    blocks = [
        column([text_block(title, _TITLE, width, 1), text_block(about, _BODY, width, _MOST_LINES, QUIET)])
    ]
    for photo in gathered.photos:
        drawn = [_view(each) for each in photo.views]
        lines = [row(drawn[at : at + columns], _GAP) for at in range(0, len(drawn), columns or 1)]
        texts = [_texts(kind, each) for kind, each in photo.texts.items()]
        parts = [_photo(photo), column(texts, _GAP // 2, _TEXTS)]
        if columns:
            parts.insert(1, column(lines, _GAP, views - _GAP))
        blocks += [rule(width), row(parts, _GAP)]
    return ImageOps.expand(column(blocks, _GAP), _MARGIN, PAPER)


def _photo(photo: ShownPhoto) -> Image:
    small = photo.picture.copy()
    small.thumbnail((_PHOTO, _PHOTO))
    facts = [text_block(fact, _SMALL, _PHOTO, _MOST_LINES, QUIET) for fact in photo.facts]
    return column([small, text_block(photo.key, _BODY, _PHOTO, _MOST_LINES), *facts])


def _view(view: ShownView) -> Image:
    made_by = text_block(view.made_by, _SMALL, VIEW_SIDE, 2, QUIET)
    return column([view.picture, made_by, text_block(_numbers(view.cosines), _SMALL, VIEW_SIDE, 1)])


def _texts(kind: str, lines: Sequence[tuple[str, Cosines]]) -> Image:
    more = f" ({len(lines)}, of which the first {_MOST_TEXTS})" if len(lines) > _MOST_TEXTS else ""
    texts = [
        text_block(f"{text or '(empty)'}  {_numbers(cosines)}", _BODY, _TEXTS, _MOST_LINES)
        for text, cosines in lines[:_MOST_TEXTS]
    ]
    return column([text_block(kind + more, _SMALL, _TEXTS, 1, QUIET), *texts])


def _numbers(cosines: Cosines) -> str:
    return " ".join(f"{each:.2f}" for each in cosines)
