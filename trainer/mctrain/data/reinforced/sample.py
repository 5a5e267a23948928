"""One reinforced sample: a photo, its texts, the views drawn of it, and what the teachers gave for all of them."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import PIL.Image

from mctrain.data.reinforced.embeddings import find_fault, pack_arrays, unpack_arrays
from mctrain.data.reinforced.layout import missing_role, name_role, role_of
from mctrain.errors import DataError, SampleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mctrain.data.reinforced.embeddings import Storage

_IMAGES, _TEXTS, _OF_TAG = "image_emb", "text_emb", "_emb"  # names of arrays


@dataclass(frozen=True, slots=True)
class Embedded:
    """Texts, and the teachers' embeddings of them [texts, D]."""

    texts: tuple[str, ...]
    embeddings: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ReinforcedSample:
    """`captions` are a person's; a photo that has none holds its first synthetic one there, and says so.

    `synthetic` are texts by tag, `views` A records, `image_embeddings` [A, D] the teachers' embeddings of these views;
    `about` is what else is known: source, licence, width and height of the photo.
    """

    key: str
    suffix: str
    photo: bytes
    captions: Embedded
    captions_by: Literal["person", "model"]
    synthetic: Mapping[str, Embedded]
    views: tuple[Any, ...]
    image_embeddings: NDArray[np.float32]
    about: Mapping[str, Any]

    def image(self) -> PIL.Image.Image:
        """The decoded photo, RGB, as the public teachers saw it: not turned upright, transparency dropped.

        Raises:
            SampleError: it cannot be decoded, is cut short or too large.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what decoders complain about and read all the same
                warnings.simplefilter("error", PIL.Image.DecompressionBombWarning)
                image = PIL.Image.open(io.BytesIO(self.photo), formats=("JPEG", "PNG", "WEBP"))
                image.load()
                return image if image.mode == "RGB" else image.convert("RGB")
        # The outer border to foreign decoders: on damaged bytes they raise whatever these lead to.
        except Exception as fault:
            raise _broken(self.key, "photo", f"cannot be decoded: {fault}") from fault


def members_of(sample: ReinforcedSample, storage: Storage) -> list[tuple[str, bytes]]:
    """A sample as named contents of a shard; equal samples give equal bytes."""
    first, *further = sample.captions.texts
    words = {**sample.about, "sha256": hashlib.sha256(sample.photo).hexdigest()}
    if further:
        words["texts"] = further
    if sample.captions_by == "model":
        words["txt_source"] = "synthetic"
    arrays = {_IMAGES: sample.image_embeddings, _TEXTS: sample.captions.embeddings}
    arrays |= {tag + _OF_TAG: embedded.embeddings for tag, embedded in sample.synthetic.items()}
    contents = {
        sample.suffix: sample.photo,
        "txt": first.encode(),
        "json": _dump(words),
        "syn.json": _dump({tag: embedded.texts for tag, embedded in sample.synthetic.items()}),
        "paug.json": _dump({"param_aug": json.dumps(sample.views)}),
        storage.suffix: pack_arrays(arrays, storage),
    }
    return [(f"{sample.key}.{suffix}", content) for suffix, content in contents.items()]


def parse_sample(key: str, members: Mapping[str, bytes], widths: Sequence[int]) -> ReinforcedSample:
    """A sample from its members by suffix; `widths` are those of the teachers, in order.

    Raises:
        SampleError: a member is missing or broken, or two of them do not belong together.
    """
    suffixes = {role: suffix for suffix in members if (role := role_of(suffix))}
    if role := missing_role(suffixes):
        raise SampleError(f"{key} has no {name_role(role)}.", f"no {role}")
    about = _parse_object(key, "json", members["json"])
    texts = (_parse_text(key, members["txt"]), *_check_texts(key, "json", about.pop("texts", [])))
    said = _parse_object(key, "syn.json", members["syn.json"])
    tags = {tag: _check_texts(key, "syn.json", value) for tag, value in said.items()}
    views = _parse_views(key, members["paug.json"])
    arrays = _unpack(key, suffixes["embeddings"], members[suffixes["embeddings"]])
    _split_old_form(key, arrays, len(texts), tags)
    rows = {_IMAGES: len(views), _TEXTS: len(texts)} | {tag + _OF_TAG: len(tags[tag]) for tag in tags}
    _check_arrays(key, arrays, rows, widths)
    return ReinforcedSample(
        key=key,
        suffix=suffixes["photo"],
        photo=members[suffixes["photo"]],
        captions=Embedded(texts, arrays[_TEXTS]),
        captions_by="model" if about.pop("txt_source", None) == "synthetic" else "person",
        synthetic={tag: Embedded(tags[tag], arrays[tag + _OF_TAG]) for tag in tags},
        views=views,
        image_embeddings=arrays[_IMAGES],
        about=about,
    )


def _split_old_form(
    key: str, arrays: dict[str, NDArray[np.float32]], captions: int, tags: Mapping[str, tuple[str, ...]]
) -> None:
    """DataCompDR keeps the rows of its synthetic captions behind those of the real ones, in one array."""
    if any(tag + _OF_TAG in arrays for tag in tags) or _TEXTS not in arrays:
        return
    if len(tags) > 1:
        raise _broken(key, "embeddings", f"has one {_TEXTS} for the texts of {len(tags)} tags")
    for tag in tags:
        arrays[_TEXTS], arrays[tag + _OF_TAG] = arrays[_TEXTS][:captions], arrays[_TEXTS][captions:]


def _check_arrays(
    key: str, arrays: Mapping[str, NDArray[np.float32]], rows: Mapping[str, int], widths: Sequence[int]
) -> None:
    for name, count in rows.items():
        if name not in arrays:
            raise _broken(key, "embeddings", f"has no {name}")
        if fault := find_fault(arrays[name], count, widths):
            raise _broken(key, "embeddings", f"{name} {fault}")


def _unpack(key: str, suffix: str, content: bytes) -> dict[str, NDArray[np.float32]]:
    try:
        return unpack_arrays(content, suffix)
    except DataError as fault:
        raise _broken(key, "embeddings", str(fault)) from fault


def _parse_views(key: str, content: bytes) -> tuple[Any, ...]:
    """The records, which the public sets write as a string of JSON inside JSON; a plain list is taken as well."""
    records = _parse_object(key, "paug.json", content).get("param_aug")
    if isinstance(records, str):
        records = _parse_json(key, "paug.json", records)
    if not isinstance(records, list) or not records:
        raise _broken(key, "paug.json", "holds no list of views under param_aug")
    return tuple(records)


def _check_texts(key: str, role: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _broken(key, role, "holds something else where a list of texts should be")
    return tuple(value)


def _parse_text(key: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as fault:
        raise _broken(key, "txt", "is not UTF-8") from fault


def _parse_object(key: str, role: str, content: bytes) -> dict[str, Any]:
    value = _parse_json(key, role, content)
    if not isinstance(value, dict):
        raise _broken(key, role, "is not a JSON object")
    return value


def _parse_json(key: str, role: str, content: bytes | str) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise _broken(key, role, f"is not JSON: {fault}") from fault


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _broken(key: str, role: str, what: str) -> SampleError:
    return SampleError(f"{name_role(role).capitalize()} of {key} {what}.", f"broken {role}")
