"""A sheet of a shard: photos with their texts; for reinforced shards also views and each teacher's cosines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.reinforced.embeddings import columns_of
from mctrain.data.reinforced.manifest import load_manifest
from mctrain.data.reinforced.sample import parse_sample, role_of
from mctrain.data.replay import replay
from mctrain.data.shards import grouped
from mctrain.data.texts import texts_of
from mctrain.data.views import OPERATIONS
from mctrain.errors import DataError
from mctrain.evaluation.sheet import SheetSection, ShownPicture

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
_PHOTO = 256  # pixels of a photo's longer side
_CAPTIONS = "captions"


@dataclass(frozen=True, slots=True)
class SheetContent:
    """Photos of a shard with `whole` complete samples, and the teachers of its embeddings; `faults` lists skipped samples."""

    photos: tuple[SheetSection, ...]
    teachers: tuple[TeacherRecord, ...]
    whole: int
    faults: tuple[str, ...]

    def about(self) -> str:
        """What the sheet shows."""
        names = ", ".join(teacher.name for teacher in self.teachers) or "none"
        return (
            f"{len(self.photos)} of {self.whole} photos. Teachers, in the order of their cosines: {names}. Cosines below a view "
            "are with the photo's first text, those after a text with view 0."
        )


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


def _plain(group: SampleMembers) -> SheetSection:
    words = texts_of(group.members, group.key)
    kinds = {_CAPTIONS: words.human, **words.synthetic}
    return _section(group.key, words.about, group.image(), (), {kind: list(kinds[kind]) for kind in kinds})


def _reinforced(group: SampleMembers, teachers: Sequence[TeacherRecord]) -> SheetSection:
    widths = [teacher.width for teacher in teachers]
    sample = parse_sample(group.key, group.members, widths)
    picture = sample.image()

    def cosines(rows: NDArray[np.float32], one: NDArray[np.float32]) -> list[str]:
        """The cosines of rows [n, D] with one vector [D], a line per row."""
        by_teacher = [rows[:, columns] @ one[columns] for columns in columns_of(widths)]  # [teachers, n]
        return [" ".join(f"{cosine:.2f}" for cosine in row) for row in np.transpose(by_teacher)]

    likes = cosines(sample.image_embeddings, sample.caption_embeddings[0])
    views = tuple(
        ShownPicture(replay(picture, view, VIEW_SIDE), (_made_by(view, picture), like))
        for view, like in zip(sample.views, likes, strict=True)
    )
    rows = {_CAPTIONS: sample.caption_embeddings, **sample.synthetic_embeddings}
    texts = {
        kind: [
            f"{text}  {like}"
            for text, like in zip(lines, cosines(rows[kind], sample.image_embeddings[0]), strict=True)
        ]
        for kind, lines in {_CAPTIONS: sample.captions, **sample.texts.synthetic}.items()
        if lines
    }
    return _section(group.key, sample.texts.about, picture, views, texts)


def _section(
    key: str,
    about: Mapping[str, Any],
    picture: Image,
    views: tuple[ShownPicture, ...],
    texts: dict[str, list[str]],
) -> SheetSection:
    named = (f"{name}: {about[name]}" for name in ("license", "source") if about.get(name))
    facts = (f"{picture.width} by {picture.height} pixels", *named)
    small = picture.copy()
    small.thumbnail((_PHOTO, _PHOTO))
    return SheetSection(
        key, (ShownPicture(small, facts), *views), {kind: texts[kind] for kind in texts if texts[kind]}
    )


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
