"""Whose embeddings a published set holds: its shards do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.data.reinforced.embeddings import find_fault, unpack_arrays
from mctrain.data.reinforced.layout import role_of
from mctrain.data.reinforced.manifest import MANIFEST, Teacher, load_manifest
from mctrain.data.reinforced.sample import IMAGES
from mctrain.data.shards import grouped
from mctrain.data.words import CAPTIONS, parse_tags
from mctrain.errors import DataError

if TYPE_CHECKING:
    from mctrain.data.shards import Group
    from mctrain.places import Place

# in the order of their embeddings, with the scales of their logits, as Apple published them
DATACOMPDR = (
    Teacher("open_clip:ViT-L-14-quickgelu@openai", 768, 100.0, ""),
    Teacher("open_clip:ViT-L-14@datacomp_xl_s13b_b90k", 768, 100.0, ""),
)
DFNDR = (
    Teacher("open_clip:hf-hub:apple/DFN2B-CLIP-ViT-L-14", 768, 70.0, ""),
    Teacher("open_clip:hf-hub:apple/DFN2B-CLIP-ViT-L-14-39B", 768, 60.0, ""),
)


def teachers_of(shard: Place) -> tuple[Teacher, ...]:
    """Those of the manifest beside a shard, where `mctrain reinforce` wrote one, or else those of the public set that it is of.

    DataCompDR keeps its captions under `syn_text`, DFNDR under a tag with its captioner's name.

    Raises:
        DataError: it is of no set that is known here.
    """
    if (shard.folder / MANIFEST).exists():
        return load_manifest(shard.folder / MANIFEST).teachers
    for group in grouped(shard):
        if any(role_of(suffix) == "embeddings" for suffix in group.members):
            if (teachers := _recognised(group)) is not None:
                return teachers
            break
    raise DataError(
        f"{shard} is of no reinforced set that is known: two teachers of 768 numbers (DataCompDR, DFNDR), or a manifest.json "
        "of `mctrain reinforce` beside it."
    )


def _recognised(group: Group) -> tuple[Teacher, ...] | None:
    suffix = next(own for own in group.members if role_of(own) == "embeddings")
    try:
        images = unpack_arrays(group.members[suffix], suffix, group.key).get(IMAGES)
        tags = parse_tags(group.members.get("syn.json", b"{}"), group.key)
    except DataError:
        return None
    teachers = DATACOMPDR if CAPTIONS in tags else DFNDR
    widths = [own.width for own in teachers]
    return None if images is None or find_fault(images, len(images), widths) else teachers
