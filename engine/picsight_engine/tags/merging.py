"""One tag becomes a part of another: its words, its photos, what was decided for it, and the tags below it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from picsight_engine.store.tags import name_key, tags_below, tags_merged_into
from picsight_engine.tags.tree import MOST_PROMPTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from picsight_engine.store.runs import Recording
    from picsight_engine.store.tags import Definition


def merge_into(run: Recording, source: Definition, target: Definition) -> Iterator[tuple[int, int]]:
    """Merges `source` into `target`, and tags below it into those of the same name; tells which tag went into which."""
    twins = {name_key(tag.name): tag for tag in tags_below(run.connection, target.id) if tag.id != source.id}
    for tag in tags_below(run.connection, source.id):
        twin = twins.get(name_key(tag.name))
        if twin is None:
            run.define(replace(tag, parent_id=target.id))
        else:
            yield from merge_into(run, tag, twin)
    for tag in (source, *tags_merged_into(run.connection, source.id)):
        run.define(replace(tag, removed_at=tag.removed_at or run.now, merged_into=target.id))
    if target.kind == "tag":
        run.define(_joined(target, source))
    yield source.id, target.id


def _joined(tag: Definition, other: Definition) -> Definition:
    """The tag with the other one's words and examples; what it says itself of a photo holds."""
    known = {*tag.examples, *tag.against}
    return replace(
        tag,
        prompts=tuple(dict.fromkeys((*tag.prompts, *other.prompts)))[:MOST_PROMPTS],
        examples=(*tag.examples, *(photo for photo in other.examples if photo not in known)),
        against=(*tag.against, *(photo for photo in other.against if photo not in known)),
        threshold=other.threshold if tag.threshold is None else tag.threshold,
        suggests=tag.suggests or other.suggests,
    )
