"""Reads a sample from its members: our own reinforced ones, DataCompDR-12M, -1B, their bf16 form and DFNDR; and plain ones."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mctrain.data.augment.records import parse_views
from mctrain.data.reinforced.embeddings import find_fault, unpack_arrays
from mctrain.data.reinforced.layout import PLAIN, REINFORCED, role_of
from mctrain.data.reinforced.sample import (
    CAPTIONS,
    IMAGES,
    OF_TAG,
    PlainSample,
    ReinforcedSample,
    lacking,
)
from mctrain.data.shards import parse_words
from mctrain.data.words import SYNTHETIC, Words, parse_tags
from mctrain.errors import DataError, SampleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray


def parse_plain(key: str, members: Mapping[str, bytes]) -> PlainSample:
    """A photo with its words from its members by suffix; a blank text is none, for in public sets many are.

    Raises:
        SampleError: a member is missing or broken, or all texts are blank.
    """
    suffixes = {role: suffix for suffix in members if (role := role_of(suffix))}
    if role := PLAIN.missing(suffixes):
        raise lacking(key, role)
    words = _parse_words(key, {"json": b"{}", "syn.json": b"{}", **members})
    said = {tag: _without_blanks(texts) for tag, texts in words.synthetic.items()}
    words = replace(words, human=_without_blanks(words.human), synthetic=said)
    if not words.captions:
        raise SampleError(f"All texts of {key} are blank.", "blank texts")
    return PlainSample(key, suffixes["photo"], members[suffixes["photo"]], words)


def _without_blanks(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text for text in texts if text.strip())


def parse_sample(key: str, members: Mapping[str, bytes], widths: Sequence[int]) -> ReinforcedSample:
    """A sample from its members by suffix; `widths` are those of the teachers, in order.

    Raises:
        SampleError: a member is missing or broken, or two of them do not belong together.
    """
    suffixes = {role: suffix for suffix in members if (role := role_of(suffix))}
    if role := REINFORCED.missing(suffixes):
        raise lacking(key, role)
    words = _parse_words(key, members)
    with _counted_under("paug.json"):
        views = parse_views(parse_words(members["paug.json"], key, "paug.json").get("param_aug"), key)
    with _counted_under("embeddings"):
        arrays = unpack_arrays(members[suffixes["embeddings"]], suffixes["embeddings"], key)
        _split_old_form(arrays, len(words.human) or 1, words.synthetic, key)
        rows = {IMAGES: len(views), CAPTIONS: len(words.human) or 1}
        rows |= {tag + OF_TAG: len(texts) for tag, texts in words.synthetic.items()}
        _check_arrays(arrays, rows, widths, key)
    return ReinforcedSample(
        key=key,
        suffix=suffixes["photo"],
        photo=members[suffixes["photo"]],
        words=words,
        views=views,
        image_embeddings=arrays[IMAGES],
        caption_embeddings=arrays[CAPTIONS],
        synthetic_embeddings={tag: arrays[tag + OF_TAG] for tag in words.synthetic},
    )


@contextmanager
def _counted_under(role: str) -> Iterator[None]:
    try:
        yield
    except DataError as fault:
        raise SampleError(str(fault), f"broken {role}") from fault


def _parse_words(key: str, members: Mapping[str, bytes]) -> Words:
    """All texts as they stand, for rows belong to them by their place."""
    with _counted_under("json"):
        about = parse_words(members["json"], key)
        further = _texts(about.pop("texts", []), f"{key}.json")
    with _counted_under("syn.json"):
        said = parse_tags(members["syn.json"], key)
        synthetic = {tag: _texts(value, f"{key}.syn.json") for tag, value in said.items()}
    with _counted_under("txt"):
        first = _decode(members["txt"], key)
        if about.pop("txt_source", None) != SYNTHETIC:
            return Words((first, *further), synthetic, about)
        words = Words(further, synthetic, about)
        if not words.human and words.captions != (first,):
            raise DataError(f"{key}.txt is marked as the first synthetic text, and is not.")
        return words


def _decode(text: bytes, key: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as fault:
        raise DataError(f"{key}.txt is not UTF-8: {fault}.") from fault


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise DataError(f"{name} holds something else where a list of texts should be.")
    return tuple(value)


def _split_old_form(
    arrays: dict[str, NDArray[np.float32]], captions: int, synthetic: Mapping[str, tuple[str, ...]], key: str
) -> None:
    """DataCompDR keeps the rows of its synthetic captions behind those of the real ones, in one array."""
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
