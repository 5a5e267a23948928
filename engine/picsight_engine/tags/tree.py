"""Tags as the user sees them: valid names, paths with counts, and merging."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message, RequestError
from picsight_engine.store.tagging.tags import name_key, name_paths, tags_below, tags_merged_into

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from picsight_engine.store.tagging.decisions import State
    from picsight_engine.store.tagging.runs import RunRecorder
    from picsight_engine.store.tagging.tags import Definition, TagKind


LONGEST_NAME = 1000  # characters; keywords of photo files have no limit
_LONGEST_PROMPT = 2000  # as for a search
MOST_PROMPTS = 64
_SHOWN = 60  # characters of a name in a sentence
_UNTYPED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def checked_name(text: str) -> str:
    """The name as it is stored: runs of white space become one space, control characters are removed.

    Raises:
        RequestError: it is empty or too long, or contains "/".
    """
    name = _plain(text)
    if not name_key(name):
        raise RequestError("A tag needs a name.")
    if "/" in name:
        raise RequestError(
            'The name "{name}" holds "/", which separates a tag from its parent; give the parent separately.',
            name=shortened(name),
        )
    if len(name) > LONGEST_NAME:
        raise RequestError(
            "A tag's name has at most {most:,} characters, and this one {length:,}.",
            most=LONGEST_NAME,
            length=len(name),
        )
    return name


def checked_prompts(texts: Iterable[str]) -> tuple[str, ...]:
    """The words of a tag, each once, without empty ones.

    Raises:
        RequestError: there are too many, or one is too long.
    """
    prompts = tuple(dict.fromkeys(filter(None, map(_plain, texts))))
    if len(prompts) > MOST_PROMPTS:
        raise RequestError(
            "A tag has at most {most} descriptions, and these are {number}.",
            most=MOST_PROMPTS,
            number=len(prompts),
        )
    longest = max(map(len, prompts), default=0)
    if longest > _LONGEST_PROMPT:
        raise RequestError(
            "A description has at most {most:,} characters, and this one {longest:,}.",
            most=_LONGEST_PROMPT,
            longest=longest,
        )
    return prompts


def checked_threshold(threshold: float | None) -> float | None:
    """The threshold, unchanged; raises RequestError if it is not between 0 and 1."""
    if threshold is not None and not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise RequestError(
            "A threshold lies between 0 and 1, and {threshold:g} does not.", threshold=threshold
        )
    return threshold


def shortened(name: str) -> str:
    """The name, shortened for a message."""
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"


def photos_counted(number: int) -> Message:
    """Such as "1 photo" and "1,200 photos"."""
    return Message.counted(number, "{number:,} photo", "{number:,} photos")


def tags_counted(number: int) -> Message:
    """Such as "1 tag" and "12 tags"."""
    return Message.counted(number, "{number:,} tag", "{number:,} tags")


def _plain(text: str) -> str:
    return " ".join(_UNTYPED.sub(" ", unicodedata.normalize("NFC", text)).split())


USUAL_THRESHOLD = 0.5  # the score from which a photo is suggested, unless the tag has its own
FAVOURITES = "Favourites"  # the reserved path of the built-in tag


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag, a hand-made album or the favourites; `path` is "Birds/Waders", `parent` "Birds".

    `threshold` is None for a tag that never suggests. The numbers count visible photos, including those of
    the tags below it; `rejected` counts those of this tag alone.
    """

    id: int
    name: str
    path: str
    parent: str | None
    kind: TagKind
    prompts: tuple[str, ...]
    examples: tuple[int, ...]
    against: tuple[int, ...]
    threshold: float | None
    suggests: bool
    accepted: int
    rejected: int
    suggested: int


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of a photo on the wall: its stars, and the paths of its tags and albums with its state in each."""

    rating: int | None
    favourite: bool
    tags: tuple[tuple[str, State], ...]


def threshold_of(tag: Definition) -> float:
    """The probability from which a photo is suggested."""
    return USUAL_THRESHOLD if tag.threshold is None else tag.threshold


def listed_tags(tags: Iterable[Definition], counts: Mapping[tuple[int, State], int]) -> list[Tag]:
    """All tags that are not removed: the favourites first, then by path, every tag before those below it."""
    by_id = {tag.id: tag for tag in tags}
    names = name_paths({tag.id: (tag.name, tag.parent_id) for tag in by_id.values()})
    ordered = sorted(
        by_id.values(), key=lambda tag: (tag.kind != "favourite", [name_key(name) for name in names[tag.id]])
    )
    return [listed_tag(tag, "/".join(names[tag.id]), counts) for tag in ordered]


def listed_tag(tag: Definition, path: str, counts: Mapping[tuple[int, State], int]) -> Tag:
    """One tag as the user sees it."""
    return Tag(
        id=tag.id,
        name=tag.name,
        path=path,
        parent=path.rpartition("/")[0] or None,
        kind=tag.kind,
        prompts=tag.prompts,
        examples=tag.examples,
        against=tag.against,
        threshold=threshold_of(tag) if tag.kind == "tag" else None,
        suggests=tag.suggests,
        accepted=counts.get((tag.id, "accepted"), 0),
        rejected=counts.get((tag.id, "rejected"), 0),
        suggested=counts.get((tag.id, "suggested"), 0),
    )


def merge_into(run: RunRecorder, source: Definition, target: Definition) -> Iterator[tuple[int, int]]:
    """Merges `source` into `target`, and tags below it into those of the same name; yields pairs (merged, into)."""
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
    """The tag with the other one's words and examples; if both name a photo, the tag's own example counts."""
    known = {*tag.examples, *tag.against}
    return replace(
        tag,
        prompts=tuple(dict.fromkeys((*tag.prompts, *other.prompts)))[:MOST_PROMPTS],
        examples=(*tag.examples, *(photo for photo in other.examples if photo not in known)),
        against=(*tag.against, *(photo for photo in other.against if photo not in known)),
        threshold=other.threshold if tag.threshold is None else tag.threshold,
        suggests=tag.suggests or other.suggests,
    )
