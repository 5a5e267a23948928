"""Whose embeddings a published set holds: its shards do not say."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from mctrain.data.reinforced.embeddings import find_fault, unpack_arrays
from mctrain.data.reinforced.layout import role_of
from mctrain.data.reinforced.manifest import MANIFEST, TeacherRecord, load_manifest
from mctrain.data.reinforced.sample import IMAGES
from mctrain.data.shards import grouped
from mctrain.data.words import CAPTIONS, parse_tags
from mctrain.errors import DataError

if TYPE_CHECKING:
    from mctrain.data.shards import Group
    from mctrain.places import Place

_LOOKED_AT = 100  # samples, of which one is whole
# in the order of their embeddings, with the scales of their logits, as Apple published them
DATACOMPDR = (
    TeacherRecord("open_clip:ViT-L-14-quickgelu@openai", 768, 100.0, ""),
    TeacherRecord("open_clip:ViT-L-14@datacomp_xl_s13b_b90k", 768, 100.0, ""),
)
DFNDR = (
    TeacherRecord("open_clip:hf-hub:apple/DFN2B-CLIP-ViT-L-14", 768, 70.0, ""),
    TeacherRecord("open_clip:hf-hub:apple/DFN2B-CLIP-ViT-L-14-39B", 768, 60.0, ""),
)


def teachers_of(shard: Place) -> tuple[TeacherRecord, ...]:
    """Those of the manifest beside a shard, where `mctrain reinforce` wrote one, or else those of the public set that it is of.

    DataCompDR keeps its captions under `syn_text`, DFNDR under a tag with its captioner's name.

    Raises:
        DataError: it is of no set that is known here.
    """
    if (shard.parent / MANIFEST).is_file():
        return load_manifest(shard.parent / MANIFEST).teachers
    fault = "no sample has embeddings"
    # without texts nothing tells the two sets apart
    reinforced = (
        own for own in grouped(shard) if "syn.json" in own.members and any(map(_is_embeddings, own.members))
    )
    for group in itertools.islice(reinforced, _LOOKED_AT):
        try:
            return _recognised(group)
        except DataError as found:  # it may be the one that is broken
            fault = str(found).rstrip(".")
    raise DataError(
        f"{shard} is of no reinforced set that is known: two teachers of 768 numbers (DataCompDR, DFNDR), or a manifest.json "
        f"of `mctrain reinforce` beside it. {fault}."
    )


def _is_embeddings(suffix: str) -> bool:
    return role_of(suffix) == "embeddings"


def _recognised(group: Group) -> tuple[TeacherRecord, ...]:
    suffix = next(filter(_is_embeddings, group.members))
    images = unpack_arrays(group.members[suffix], suffix, group.key).get(IMAGES)
    tags = parse_tags(group.members["syn.json"], group.key)
    if not tags:
        raise DataError(f"{group.key} has no synthetic text")
    teachers = DATACOMPDR if CAPTIONS in tags else DFNDR
    if images is None or not images.ndim:
        raise DataError(f"In {group.key}.{suffix} {IMAGES} is missing, or a single number")
    if fault := find_fault(images, len(images), [teacher.width for teacher in teachers]):
        raise DataError(f"In {group.key}.{suffix} {IMAGES} {fault}")
    return teachers
