"""Takes some photos of a shard, reinforced or not, replays their views and compares these with the photos' texts."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.augment.operations import OPERATIONS
from mctrain.data.augment.replay import replay
from mctrain.data.reinforced.embeddings import columns_of, unpack_arrays
from mctrain.data.reinforced.layout import role_of
from mctrain.data.reinforced.manifest import load_manifest
from mctrain.data.reinforced.parse import parse_sample
from mctrain.data.shards import grouped
from mctrain.data.words import CAPTIONS, CLASSES, QUERIES, words_of
from mctrain.errors import DataError
from mctrain.reinforce.look.sheet import Entry, Line, Paragraph, Sheet, Tile, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray
    from PIL.Image import Image

    from mctrain.data.augment.records import View
    from mctrain.data.reinforced.sample import ReinforcedSample
    from mctrain.data.shards import Group

VIEW_SIDE = 168  # pixels of a replayed view
_MOST_TEACHERS = 9  # that are guessed
_TIE = 1e-5  # of cosines: the same caption twice is no rival
_CAPTIONS_SHOWN, _SYNTHETIC_SHOWN = 5, 3  # of each tag
_BY_PEOPLE, _FOR_WANT = "Captions by people", "First text, for want of a person's caption"
_KINDS = {CAPTIONS: "captions", QUERIES: "searches", CLASSES: "names"}
_NOTABLE = ("license", "source")


@dataclass(frozen=True, slots=True)
class _Teachers:
    """The widths of the embeddings that stand end to end, the teachers in words, and whether they are only guessed."""

    widths: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    guessed: bool = False

    def cosines(self, left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float32]:
        """[teachers, a, b] of [a, D] and [b, D]."""
        return np.stack([left[:, own] @ right[:, own].T for own in columns_of(self.widths)])


@dataclass(frozen=True, slots=True)
class _Replayed:
    """A reinforced sample with its decoded photo and its views as pictures."""

    sample: ReinforcedSample
    picture: Image
    pictures: tuple[Image, ...]


def gather(shard: Path, count: int, manifest: Path) -> Sheet:
    """So many photos of a shard, or all: each from the middle of its part, always the same ones.

    Raises:
        DataError: the shard is missing, no photo of it can be shown, or the manifest is there and damaged.
    """
    whole, groups, faults = _choose(shard, count)
    teachers = _find_teachers(groups, manifest)
    shown: list[Entry | _Replayed] = []
    for group in groups:
        try:
            shown.append(_replay(group, teachers.widths) if _packed_arrays(group) else _plain(group))
        except DataError as fault:
            faults.append(str(fault))
    if not shown:
        advice = (
            " The teachers' widths were guessed: name the manifest with --manifest."
            if teachers.guessed
            else ""
        )
        raise DataError(
            f"No photo of {shard} can be shown. {faults[0] if faults else 'It is empty.'}{advice}"
        )
    first = [own.sample.caption_embeddings[0] for own in shown if isinstance(own, _Replayed)]
    entries = tuple(
        _compare(own, np.stack(first), teachers) if isinstance(own, _Replayed) else own for own in shown
    )
    return Sheet(shard.name, whole, teachers.names, teachers.guessed, entries, tuple(faults))


def _choose(shard: Path, count: int) -> tuple[int, list[Group], list[str]]:
    """How many samples are usable, those that are shown, and what is wrong with the others."""
    faults: list[str] = []
    whole = 0
    for group in grouped(shard):
        whole += group.fault is None
        if group.fault is not None:
            faults.append(group.fault.sentence)
    count = min(count, whole)
    numbers = {(2 * part + 1) * whole // (2 * count) for part in range(count)}
    usable = (group for group in grouped(shard) if group.fault is None)
    return whole, [group for number, group in enumerate(usable) if number in numbers], faults


def _packed_arrays(group: Group) -> tuple[str, bytes] | None:
    """Suffix and bytes of the member that makes a sample a reinforced one."""
    return next((own for own in group.members.items() if role_of(own[0]) == "embeddings"), None)


def _find_teachers(groups: Sequence[Group], manifest: Path) -> _Teachers:
    """Those of the manifest; without one, as many equal ones as the squared length of the embeddings says."""
    packed = [found for group in groups if (found := _packed_arrays(group))]
    if not packed:
        return _Teachers()
    if manifest.exists():
        own = load_manifest(manifest).teachers
        names = tuple(f"{teacher.name} ({teacher.width} numbers)" for teacher in own)
        return _Teachers(tuple(teacher.width for teacher in own), names)
    widths = next(filter(None, itertools.starmap(_guess, packed)), ())
    return _Teachers(widths, tuple(f"not named ({width} numbers)" for width in widths), guessed=True)


def _guess(suffix: str, content: bytes) -> tuple[int, ...]:
    """The widths of the teachers, taken for equal, by the first embedding of a sample: each gives a length of 1."""
    try:
        arrays = unpack_arrays(content, suffix, "A sample")
    except DataError:
        return ()  # told where the sample is parsed
    for rows in arrays.values():
        if rows.ndim == 2 and len(rows):
            squared = float(np.square(rows[0]).sum())
            count = round(squared) if 1 <= squared < _MOST_TEACHERS else 1
            return (rows.shape[1] // count,) * count
    return ()


def _replay(group: Group, widths: Sequence[int]) -> _Replayed:
    sample = parse_sample(group.key, group.members, widths)
    picture = sample.image()
    return _Replayed(sample, picture, tuple(replay(picture, view, VIEW_SIDE) for view in sample.views))


def _plain(group: Group) -> Entry:
    """A photo that is not reinforced, with its texts."""
    picture = group.image()
    words = words_of(group.members, group.key)
    said = [_paragraph(_BY_PEOPLE, words.human, [])]
    said += [_paragraph(tag, texts, []) for tag, texts in words.synthetic.items()]
    return Entry(
        group.key, _about(words.about, picture), picture, (), tuple(own for own in said if own.lines)
    )


def _compare(own: _Replayed, captions: NDArray[np.float32], teachers: _Teachers) -> Entry:
    """A reinforced photo; its views are compared with the first captions [n, D] of all that are shown."""
    sample = own.sample
    cosines = teachers.cosines(sample.image_embeddings, sample.caption_embeddings[:1])  # [teachers, A, 1]
    rivals = teachers.cosines(sample.image_embeddings, captions)  # [teachers, A, n]
    ranks = 1 + (rivals > cosines + _TIE).sum(axis=2)  # [teachers, A]
    tiles = tuple(
        Tile(
            _name_cut(view, own.picture),
            _name_operations(view),
            own.pictures[number],
            tuple(map(Verdict, cosines[:, number, 0].tolist(), ranks[:, number].tolist())),
        )
        for number, view in enumerate(sample.views)
    )
    first = _BY_PEOPLE if sample.words.human else _FOR_WANT
    told = {first: None} | {tag: tag for tag, texts in sample.words.synthetic.items() if texts}
    paragraphs = [
        _paragraph(
            title,
            sample.texts_of(tag),
            teachers.cosines(sample.rows_of(tag), sample.image_embeddings[:1])[:, :, 0].T.tolist(),
        )
        for title, tag in told.items()
    ]
    return Entry(sample.key, _about(sample.words.about, own.picture), own.picture, tiles, tuple(paragraphs))


def _paragraph(kind: str, texts: Sequence[str], cosines: Sequence[Sequence[float]]) -> Paragraph:
    """The first texts of a kind, which is a tag where a model made them; `cosines` [texts, teachers], or none."""
    synthetic = kind != _BY_PEOPLE
    title = kind if kind in {_BY_PEOPLE, _FOR_WANT} else f"{_KINDS.get(kind, 'texts').capitalize()} ({kind})"
    most = _SYNTHETIC_SHOWN if synthetic else _CAPTIONS_SHOWN
    rows = cosines or [()] * len(texts)
    lines = tuple(Line(text, tuple(row)) for text, row in zip(texts, rows, strict=True))
    return Paragraph(title, synthetic, lines[:most], len(lines[most:]))


def _about(about: Mapping[str, Any], picture: Image) -> tuple[str, ...]:
    """What is known of a photo beside its texts."""
    told = (f"{name}: {about[name]}" for name in _NOTABLE if about.get(name))
    return (f"{picture.width} by {picture.height} pixels", *told)


def _name_cut(view: View, picture: Image) -> str:
    if view.crop is None:
        return "whole photo"
    share = view.crop.height * view.crop.width / (picture.height * picture.width)
    return "whole photo" if share == 1 else f"{share:.0%} of it"


def _name_operations(view: View) -> str:
    """The operations that do something; a sign tells in which direction."""
    named = ["mirrored"] if view.flip else []
    for number, magnitude in view.operations:
        operation = OPERATIONS[number]
        sign = ("-" if magnitude < 0 else "+") if operation.signed else ""
        if operation.name != "Identity":
            named.append(operation.name + sign)
    return ", ".join(named) or "unchanged"
