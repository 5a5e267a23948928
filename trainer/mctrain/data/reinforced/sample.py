"""A sample: a photo and its texts; in a reinforced set also the views of the photo and the teachers' embeddings.

Its members are `KEY.jpg|webp`, `.txt`, `.json`, `.syn.json`, `.paug.json` and `.npz|pth.gz`: the layout of DataCompDR and
DFNDR after their photos and captions are merged in. A plain WebDataset sample needs only a photo and `.txt`. Other members
(`.url.txt`) are ignored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.photo import decode_photo
from mctrain.data.reinforced.embeddings import find_fault, pack_arrays, unpack_arrays
from mctrain.data.shards import PHOTO_SUFFIXES, parse_record
from mctrain.data.texts import SYNTHETIC, SampleTexts, StoredPhoto, parse_tags, parse_text, tags_member
from mctrain.data.texts import members_of as text_members
from mctrain.data.views import parse_views, write_views
from mctrain.errors import DataError, SampleError, as_sample_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.data.reinforced.manifest import Storage
    from mctrain.data.views import DrawnView, Slots


ROLES = ("photo", "txt", "json", "syn.json", "paug.json", "embeddings")  # one member each
_CHOICES = {"photo": tuple(sorted(PHOTO_SUFFIXES)), "embeddings": ("npz", "pth.gz")}
_ROLE_OF = {suffix: role for role in ROLES for suffix in _CHOICES.get(role, (role,))}
SUFFIXES = tuple(_ROLE_OF)


@dataclass(frozen=True, slots=True)
class Needs:
    """The roles that a reader reads, and those that it requires."""

    read: tuple[str, ...]
    demanded: tuple[str, ...]

    def missing(self, filled: Iterable[str | None]) -> str | None:
        """The first required role that is not filled; None if there is none."""
        there = set(filled)
        return next((role for role in self.demanded if role not in there), None)


REINFORCED = Needs(ROLES, ROLES)
PLAIN = Needs(("photo", "txt", "json", "syn.json"), ("photo", "txt"))  # embeddings are not read


def role_of(suffix: str) -> str | None:
    """The role of a member; None for members that no reader uses."""
    return _ROLE_OF.get(suffix)


def name_role(role: str) -> str:
    """A role as messages name it."""
    return f"{role} ({', '.join(_CHOICES[role])})" if role in _CHOICES else role


IMAGES, CAPTIONS, OF_TAG = "image_emb", "text_emb", "_emb"  # names of arrays; the last is appended to a tag


@dataclass(frozen=True, slots=True)
class PlainSample:
    """A photo, as the bytes of its file, and its texts."""

    key: str
    suffix: str
    photo: bytes
    texts: SampleTexts

    @property
    def captions(self) -> tuple[str, ...]:
        """The captions of the photo (`SampleTexts.captions`)."""
        return self.texts.captions

    def texts_of(self, tag: str | None) -> tuple[str, ...]:
        """The texts of a tag; the captions if there is no tag."""
        return self.captions if tag is None else self.texts.synthetic[tag]

    def rows_of(self, tag: str | None) -> NDArray[np.float32]:
        """The embeddings of these texts [texts, D]; D is 0, because a plain sample has none."""
        return np.zeros((len(self.texts_of(tag)), 0), np.float32)

    def image(self) -> PIL.Image.Image:
        """The decoded photo, RGB, as the public teachers saw it: not rotated upright, transparency dropped.

        Raises:
            SampleError: the photo cannot be decoded, is truncated or too large.
        """
        with as_sample_error("broken photo"):
            return decode_photo(self.photo, self.key)


@dataclass(frozen=True, slots=True)
class ReinforcedSample(PlainSample):
    """The rows of `image_embeddings` [A, D] match `views`, those of `caption_embeddings` match `captions`, and those of a tag its texts."""

    views: tuple[DrawnView, ...]
    image_embeddings: NDArray[np.float32]
    caption_embeddings: NDArray[np.float32]
    synthetic_embeddings: Mapping[str, NDArray[np.float32]]

    def rows_of(self, tag: str | None) -> NDArray[np.float32]:
        """The embeddings [texts, D] of a tag's texts; those of the captions if there is no tag."""
        return self.caption_embeddings if tag is None else self.synthetic_embeddings[tag]


def members_of(sample: ReinforcedSample, storage: Storage, slots: Slots) -> dict[str, bytes]:
    """The members of a sample by suffix, in order; equal samples give equal bytes.

    Raises:
        SampleError: the sample has no text, or its photo cannot be decoded.
    """
    photo = StoredPhoto(sample.suffix, sample.photo, *sample.image().size)
    arrays = {IMAGES: sample.image_embeddings, CAPTIONS: sample.caption_embeddings}
    arrays |= {tag + OF_TAG: rows for tag, rows in sample.synthetic_embeddings.items()}
    members = {
        **text_members(sample.texts, photo),
        "syn.json": tags_member(sample.texts.synthetic),
        "paug.json": json.dumps({"param_aug": write_views(sample.views, slots)}).encode(),
        storage.suffix: pack_arrays(arrays, storage),
    }
    if role := REINFORCED.missing(map(role_of, members)):
        raise missing_member(sample.key, role)
    return members


def missing_member(key: str, role: str) -> SampleError:
    """The error for a sample that lacks a member."""
    return SampleError(f"{key} has no {name_role(role)}.", f"no {role}")


def parse_plain(key: str, members: Mapping[str, bytes]) -> PlainSample:
    """Parses a plain sample from its members by suffix; drops blank texts, of which public sets have many.

    Raises:
        SampleError: a member is missing or broken, or all texts are blank.
    """
    suffixes = {role: suffix for suffix in members if (role := role_of(suffix))}
    if role := PLAIN.missing(suffixes):
        raise missing_member(key, role)
    words = _parse_texts(key, {"json": b"{}", "syn.json": b"{}", **members})
    tagged = {tag: _without_blanks(texts) for tag, texts in words.synthetic.items()}
    words = replace(words, human=_without_blanks(words.human), synthetic=tagged)
    if not words.captions:
        raise SampleError(f"All texts of {key} are blank.", "blank texts")
    return PlainSample(key, suffixes["photo"], members[suffixes["photo"]], words)


def _without_blanks(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text for text in texts if text.strip())


def parse_sample(key: str, members: Mapping[str, bytes], widths: Sequence[int]) -> ReinforcedSample:
    """Parses a sample from its members by suffix; `widths` are the teachers' embedding widths, in order.

    Raises:
        SampleError: a member is missing or broken, or two members do not match.
    """
    suffixes = {role: suffix for suffix in members if (role := role_of(suffix))}
    if role := REINFORCED.missing(suffixes):
        raise missing_member(key, role)
    words = _parse_texts(key, members)
    with as_sample_error("broken paug.json"):
        views = parse_views(parse_record(members["paug.json"], key, "paug.json").get("param_aug"), key)
    with as_sample_error("broken embeddings"):
        arrays = unpack_arrays(members[suffixes["embeddings"]], suffixes["embeddings"], key)
        _split_old_form(arrays, len(words.human) or 1, words.synthetic, key)
        rows = {IMAGES: len(views), CAPTIONS: len(words.human) or 1}
        rows |= {tag + OF_TAG: len(texts) for tag, texts in words.synthetic.items()}
        _check_arrays(arrays, rows, widths, key)
    return ReinforcedSample(
        key=key,
        suffix=suffixes["photo"],
        photo=members[suffixes["photo"]],
        texts=words,
        views=views,
        image_embeddings=arrays[IMAGES],
        caption_embeddings=arrays[CAPTIONS],
        synthetic_embeddings={tag: arrays[tag + OF_TAG] for tag in words.synthetic},
    )


def _parse_texts(key: str, members: Mapping[str, bytes]) -> SampleTexts:
    """All texts unchanged, because embeddings match them by position."""
    with as_sample_error("broken json"):
        about = parse_record(members["json"], key)
        further = _texts(about.pop("texts", []), f"{key}.json")
    with as_sample_error("broken syn.json"):
        tagged = parse_tags(members["syn.json"], key)
        synthetic = {tag: _texts(value, f"{key}.syn.json") for tag, value in tagged.items()}
    with as_sample_error("broken txt"):
        first = parse_text(members["txt"], key)
        if about.pop("txt_source", None) != SYNTHETIC:
            return SampleTexts((first, *further), synthetic, about)
        words = SampleTexts(further, synthetic, about)
        if not words.human and words.captions != (first,):
            raise DataError(f"{key}.txt is marked as the first synthetic text, and is not.")
        return words


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise DataError(f"{name} holds something else where a list of texts should be.")
    return tuple(value)


def _split_old_form(
    arrays: dict[str, NDArray[np.float32]], captions: int, synthetic: Mapping[str, tuple[str, ...]], key: str
) -> None:
    """Splits DataCompDR's single array of rows, in which those of synthetic captions follow those of the real ones."""
    if any(tag + OF_TAG in arrays for tag in synthetic) or CAPTIONS not in arrays:
        return
    if len(synthetic) > 1:
        raise DataError(f"{key} has one {CAPTIONS} for the texts of {len(synthetic)} tags.")
    for tag in synthetic:
        arrays[CAPTIONS], arrays[tag + OF_TAG] = arrays[CAPTIONS][:captions], arrays[CAPTIONS][captions:]


def _check_arrays(
    arrays: Mapping[str, NDArray[np.float32]], rows: Mapping[str, int], widths: Sequence[int], key: str
) -> None:
    for name, count in rows.items():
        if name not in arrays:
            raise DataError(f"The embeddings of {key} have no {name}.")
        if fault := find_fault(arrays[name], count, widths):
            raise DataError(f"The embeddings of {key} are broken: {name} {fault}.")
