"""The texts of a sample: captions by people, synthetic texts, and other metadata.

Two layouts are read. In the current one, `txt` holds the first caption, `json` the others as `texts` and the metadata, and
`syn.json` the synthetic texts by tag. In the older one, `json` holds everything: `captions` with `caption_source`,
`queries`, `label`, `labels`. Shards of img2dataset (`txt`, and `json` with `caption`) match the current layout.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from mctrain.data.shards import PHOTO_SUFFIXES, parse_record
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CAPTIONS, QUERIES, CLASSES = "syn_text", "syn_text_query", "syn_text_class"
SYNTHETIC = "synthetic"
_NO_TAGS = frozenset({"", "text", "image"})  # would clash with the names of other embedding arrays

# read into `human` and `synthetic`, not into `about`
_TEXT_FIELDS = frozenset({"texts", "txt_source", "captions", "caption", "caption_source", "queries"})


@dataclass(frozen=True, slots=True)
class SampleTexts:
    """`human` are captions by people, `synthetic` the other texts by tag, and `about` the rest of the JSON."""

    human: tuple[str, ...] = ()
    synthetic: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def captions(self) -> tuple[str, ...]:
        """The captions by people; if there are none, the first synthetic text, preferably a caption.

        Blank synthetic texts are ignored.
        """
        tags = (CAPTIONS, CLASSES, QUERIES, *self.synthetic)
        made = (text for tag in tags for text in self.synthetic.get(tag, ()) if text.strip())
        return self.human or tuple(islice(made, 1))

    def joined(self, other: SampleTexts) -> SampleTexts:
        """Merges the texts of two copies of a photo without repetitions; the first non-empty value of a metadata field wins."""
        tags = dict.fromkeys((*self.synthetic, *other.synthetic))
        filled = {name: fact for name, fact in self.about.items() if fact not in (None, "", [])}
        return SampleTexts(
            _distinct((*self.human, *other.human)),
            {tag: _distinct((*self.synthetic.get(tag, ()), *other.synthetic.get(tag, ()))) for tag in tags},
            {**self.about, **other.about, **filled},
        )


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo in a shard: the suffix and bytes of its file, and its size in pixels."""

    suffix: str
    content: bytes
    width: int
    height: int


def texts_of(members: Mapping[str, bytes], key: str = "The sample") -> SampleTexts:
    """The texts of a sample from its members by suffix; `key` is for error messages only.

    Texts of `syn.json` are unchanged, because embeddings match them by position.

    Raises:
        DataError: a member is not JSON or not UTF-8, or a text field holds anything else.
    """
    record = parse_record(members.get("json", b"{}"), key)
    tagged = parse_tags(members.get("syn.json", b"{}"), key)
    text = parse_text(members.get("txt", b""), key)
    try:
        return described(record, text, {tag: text_field(tagged, tag) for tag in tagged})
    except DataError as fault:
        raise DataError(f"{key}: {fault}") from fault


def parse_text(content: bytes, key: str) -> str:
    """Decodes `txt`; raises DataError if it is not UTF-8."""
    try:
        return content.decode()
    except UnicodeDecodeError as fault:
        raise DataError(f"{key}.txt is not UTF-8: {fault}.") from fault


def parse_tags(content: bytes, key: str) -> dict[str, Any]:
    """Parses `syn.json`: the texts by tag, not yet checked.

    Raises:
        DataError: the content is not a JSON object, or a tag is reserved.
    """
    tagged = parse_record(content, key, "syn.json")
    for tag in sorted(tagged):
        demand_tag(tag, f"{key}.syn.json has")
    return tagged


def demand_tag(tag: str, beginning: str = "There can be no texts under") -> None:
    """Refuses a reserved tag, whose embeddings would have the name of another array; `beginning` is that of the message.

    Raises:
        DataError: the tag is reserved.
    """
    if tag in _NO_TAGS:
        raise DataError(f"{beginning} the tag “{tag}”, whose embeddings have no name of their own.")


def described(
    record: Mapping[str, Any], text: str = "", tagged: Mapping[str, tuple[str, ...]] | None = None
) -> SampleTexts:
    """The texts of a JSON record of either layout, with a first caption and tagged texts.

    Raises:
        DataError: a text field holds anything else.
    """
    captions = (*text_field(record, "captions"), *text_field(record, "caption"))
    is_synthetic = SYNTHETIC in (record.get("txt_source"), record.get("caption_source"))
    first, made = ((), (text, *captions)) if is_synthetic else ((text, *captions), ())
    human = _clean((*first[:1], *text_field(record, "texts"), *first[1:]))
    tagged_already = {each for texts in (tagged or {}).values() for each in texts}
    made = tuple(each for each in made if each not in tagged_already)  # `txt` repeats the first one
    added = {CAPTIONS: _clean(made), QUERIES: _clean(text_field(record, "queries"))}
    names = _clean((*text_field(record, "label"), *text_field(record, "labels")))
    if not record.get("set"):  # names of a set go into the set's templates
        added[CLASSES] = names
    synthetic = dict(tagged or {})
    for tag, texts in added.items():
        known = synthetic.get(tag, ())
        synthetic[tag] = (*known, *(each for each in texts if each not in known))
    return SampleTexts(
        human,
        {tag: texts for tag, texts in synthetic.items() if texts},
        {name: fact for name, fact in record.items() if name not in _TEXT_FIELDS},
    )


def texts_by_kind(words: SampleTexts) -> dict[str, tuple[str, ...]]:
    """The texts of a photo by kind: human captions, synthetic captions, queries, and class names."""
    names = (
        *words.synthetic.get(CLASSES, ()),
        *text_field(words.about, "label"),
        *text_field(words.about, "labels"),
    )
    made = [texts for tag, texts in words.synthetic.items() if tag not in {QUERIES, CLASSES}]
    return {
        "human": words.human,
        "synthetic": tuple(text for texts in made for text in texts),
        "query": words.synthetic.get(QUERIES, ()),
        "class": _distinct(names),
    }


def members_of(words: SampleTexts, photo: StoredPhoto) -> dict[str, bytes]:
    """The members of a sample by suffix, in order, as `texts_of` reads them; equal texts give equal bytes."""
    record: dict[str, Any] = {
        **words.about,
        "texts": list(words.human[1:]),
        "sha256": hashlib.sha256(photo.content).hexdigest(),
        "width": photo.width,
        "height": photo.height,
    }
    members = {photo.suffix: photo.content}
    if words.captions:
        members["txt"] = words.captions[0].encode(errors="replace")
    if words.captions and not words.human:
        record["txt_source"] = SYNTHETIC
    members["json"] = _json(record)
    if words.synthetic:
        members["syn.json"] = tags_member(words.synthetic)
    return members


def tags_member(tagged: Mapping[str, Sequence[str]]) -> bytes:
    """The bytes of `syn.json` for texts by tag."""
    return _json({tag: list(texts) for tag, texts in tagged.items()})


def retagged(members: Mapping[str, bytes], key: str, tagged: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    """The members of a sample with new synthetic texts; without a human caption, the first of these becomes `txt`.

    Raises:
        DataError: as in `texts_of`.
    """
    made = {**members, "syn.json": tags_member(tagged)}
    record = parse_record(members.get("json", b"{}"), key)
    words = texts_of(made, key)
    is_older = bool({"captions", "caption"} & record.keys())  # a layout without `txt`
    if words.human or not words.captions or is_older:
        return made
    photo = {suffix: content for suffix, content in members.items() if suffix in PHOTO_SUFFIXES}
    marked = {
        "txt": words.captions[0].encode(errors="replace"),
        "json": _json({**record, "txt_source": SYNTHETIC}),
    }
    return {**photo, **marked, **made, **marked}  # in the order of `members_of`


def text_field(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A field as texts: a list of texts, a single text, or null; raises DataError if the field holds anything else."""
    value = record.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise DataError(f"`{name}` must be a text or a list of texts, not {value!r:.60}.")


def _clean(texts: Iterable[str]) -> tuple[str, ...]:
    """Joins each text into one line; drops empty texts and repetitions."""
    return _distinct(" ".join(text.split()) for text in texts)


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _json(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode(errors="replace")  # a lone surrogate cannot be encoded
