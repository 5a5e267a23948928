"""Joins one reinforced sample with its photo and caption, or gives the reason why it is left out.

A uid identifies the page a photo came from, not its current content. The sample's `sha256` is that of the original
download. A photo matches if its bytes have this hash, or if the downloader recorded it for the original file (`sha256` in
its JSON, img2dataset's default), because img2dataset re-encodes photos. If the sample has no hash, the uid alone decides,
and such samples are counted. If the sample has a hash and the downloader kept none, the photo is left out.

Published crops are in pixels of the original photo. Most of DataComp's downloads are smaller, 512 pixels on the long side.
If the downloader recorded the original size, crops are scaled; a crop beyond the photo's edge would be black.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mctrain.data.photo import describe_photo
from mctrain.data.reinforced.embeddings import find_fault, unpack_arrays
from mctrain.data.reinforced.manifest import MANIFEST, TeacherRecord, load_manifest
from mctrain.data.reinforced.sample import IMAGES, missing_member, parse_sample, role_of
from mctrain.data.shards import grouped, parse_record
from mctrain.data.texts import CAPTIONS, SampleTexts, StoredPhoto, members_of, parse_tags
from mctrain.data.views import Slots, parse_views, rescaled, write_views
from mctrain.errors import DataError, SampleError, as_sample_error
from mctrain.research.joining.sample_files import parse_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mctrain.data.shards import SampleMembers
    from mctrain.paths import AnyPath
    from mctrain.research.joining.sample_files import FetchedSample


MISSING, ANOTHER, TEXTLESS, UNFIT = "no photo", "another photo", "no caption", "view beyond the photo"
_ROUNDED = 1.5  # rounding tolerance in pixels for a side scaled with its proportions


@dataclass(frozen=True, slots=True)
class MatchedPhoto:
    """A sample's photo, matched by its hash, by that of its original download, or by the uid alone."""

    fetched: FetchedSample
    by: str


BY_BYTES, BY_DOWNLOAD, BY_UID = "bytes", "download", "uid"


def match_photo(sha256: str, candidates: Iterable[FetchedSample], key: str) -> MatchedPhoto:
    """The first photo that matches this hash; empty ones are skipped.

    Raises:
        SampleError: there is no photo, or none that matches.
    """
    seen = False
    for candidate in candidates:
        seen = True
        if not sha256:
            return MatchedPhoto(candidate, BY_UID)
        if hashlib.sha256(candidate.photo).hexdigest() == sha256:
            return MatchedPhoto(candidate, BY_BYTES)
        if str(candidate.facts.get("sha256") or "").lower() == sha256:
            return MatchedPhoto(candidate, BY_DOWNLOAD)
    if seen:
        raise SampleError(f"The photo found for {key} does not match its sha256.", ANOTHER)
    raise SampleError(f"{key} has no photo.", MISSING)


def join_sample(
    key: str, members: Mapping[str, bytes], matched: MatchedPhoto, caption: str, widths: Sequence[int]
) -> tuple[dict[str, bytes], bool]:
    """The members of a sample as training reads it: the published ones, the photo, and the caption for row 0 of the text
    embeddings; and whether its crops were scaled.

    Raises:
        SampleError: a member is missing or broken, or its crops do not fit the photo.
    """
    if not caption.strip():
        raise SampleError(f"{key} has no caption.", TEXTLESS)
    for role in ("syn.json", "paug.json", "embeddings"):
        if role not in map(role_of, members):
            raise missing_member(key, role)
    with as_sample_error("broken photo"):
        photo = describe_photo(matched.fetched.photo, key)
    record, scaled = _views(key, members["paug.json"], photo, matched)
    facts = parse_facts(members.get("json", b""))
    about: dict[str, Any] = {
        "uid": key,
        "url": members.get("url.txt", b"").decode(errors="replace"),
        "published_sha256": facts.get("sha256", ""),
    }
    joined = {
        **members_of(SampleTexts(human=(caption,), about=about), photo),
        "syn.json": members["syn.json"],
        "paug.json": record,
        **{suffix: content for suffix, content in members.items() if role_of(suffix) == "embeddings"},
    }
    parse_sample(key, joined, widths)  # as training will
    return joined, scaled


def _views(key: str, content: bytes, photo: StoredPhoto, matched: MatchedPhoto) -> tuple[bytes, bool]:
    """The record of the views for this photo; the published bytes if nothing changes."""
    with as_sample_error("broken paug.json"):
        views = parse_views(parse_record(content, key, "paug.json").get("param_aug"), key)
    now = (photo.width, photo.height)
    before = _drawn_from(matched, now)
    scale = max(now) / max(before)  # both sides shrank equally, up to rounding
    scaled = all(abs(side - other * scale) <= _ROUNDED for side, other in zip(now, before, strict=True))
    if not scaled or not all(view.fits(*before) for view in views):
        raise SampleError(f"A view of {key} reaches beyond its photo, whose original size is unknown.", UNFIT)
    fitted = tuple(rescaled(view, before, now) for view in views)
    if fitted == views:
        return content, False
    slots = Slots(any(view.flip for view in views), any(view.operations for view in views))
    return json.dumps({"param_aug": write_views(fitted, slots)}).encode(), True


def _drawn_from(matched: MatchedPhoto, now: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the photo when its views were drawn: its own for the original file, else the recorded ones."""
    match (matched.fetched.facts.get("original_width"), matched.fetched.facts.get("original_height")):
        case (int() as width, int() as height) if matched.by != BY_BYTES and min(width, height) >= 1:
            return width, height
    return now


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


def teachers_of(shard: AnyPath) -> tuple[TeacherRecord, ...]:
    """The teachers in the manifest beside a shard, if `mctrain reinforce` wrote one, or else those of its public set.

    DataCompDR keeps its captions under `syn_text`, DFNDR under a tag with its captioner's name.

    Raises:
        DataError: it belongs to no known set.
    """
    if (shard.parent / MANIFEST).is_file():
        return load_manifest(shard.parent / MANIFEST).teachers
    fault = "no sample has embeddings"
    # without texts nothing tells the two sets apart
    reinforced = (
        sample
        for sample in grouped(shard)
        if "syn.json" in sample.members and any(map(_is_embeddings, sample.members))
    )
    for group in itertools.islice(reinforced, _LOOKED_AT):
        try:
            return _recognised(group)
        except DataError as found:  # it may be the one that is broken
            fault = str(found).rstrip(".")
    raise DataError(
        f"{shard} belongs to no known reinforced set: two teachers of 768 numbers (DataCompDR, DFNDR), or a manifest.json "
        f"of `mctrain reinforce` beside it. {fault}."
    )


def _is_embeddings(suffix: str) -> bool:
    return role_of(suffix) == "embeddings"


def _recognised(group: SampleMembers) -> tuple[TeacherRecord, ...]:
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
