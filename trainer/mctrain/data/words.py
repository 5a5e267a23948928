"""The words of a sample: what people wrote about a photo, what was made for it, and what else is known of it.

Two layouts are read. Ours of today: `txt` holds the first caption, `json` further ones as `texts` and all facts,
`syn.json` the texts that were made, by tag. The older one has them all in `json`: `captions` with their
`caption_source`, `queries`, `label`, `labels`. img2dataset's shards (`txt`, and `json` with its `caption`) fit the first.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from mctrain.data.shards import PHOTO_SUFFIXES, parse_words
from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CAPTIONS, QUERIES, CLASSES = "syn_text", "syn_text_query", "syn_text_class"
SYNTHETIC = "synthetic"
_NO_TAGS = frozenset(
    {"", "text", "image"}
)  # arrays of embeddings have these names already: of texts, of views

# read into `human` and `synthetic`, and so no facts
_TEXT_FIELDS = frozenset({"texts", "txt_source", "captions", "caption", "caption_source", "queries"})


@dataclass(frozen=True, slots=True)
class SampleTexts:
    """`human` are captions that people wrote; `synthetic` has the other texts by their tag; `about` is the rest of the JSON."""

    human: tuple[str, ...] = ()
    synthetic: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def captions(self) -> tuple[str, ...]:
        """What stands as captions: what people wrote; where nobody did, the first text that was made, a caption if there is one.

        A captioner may have said nothing: a blank text stands for none.
        """
        tags = (CAPTIONS, CLASSES, QUERIES, *self.synthetic)
        made = (text for tag in tags for text in self.synthetic.get(tag, ()) if text.strip())
        return self.human or tuple(islice(made, 1))

    def joined(self, other: SampleTexts) -> SampleTexts:
        """The words of two copies of one photo: all texts once; of two facts the first that says something."""
        tags = dict.fromkeys((*self.synthetic, *other.synthetic))
        filled = {name: fact for name, fact in self.about.items() if fact not in (None, "", [])}
        return SampleTexts(
            _distinct((*self.human, *other.human)),
            {tag: _distinct((*self.synthetic.get(tag, ()), *other.synthetic.get(tag, ()))) for tag in tags},
            {**self.about, **other.about, **filled},
        )


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """A photo as it stands in a shard: the suffix and bytes of its file, and its size in pixels."""

    suffix: str
    content: bytes
    width: int
    height: int


def words_of(members: Mapping[str, bytes], key: str = "The sample") -> SampleTexts:
    """The words of a sample, of its members by suffix; `key` serves the sentences only.

    Texts of `syn.json` come as they stand there, for rows of other members belong to them by their place.

    Raises:
        DataError: a member is no JSON, no UTF-8, or holds something else where texts should be.
    """
    record = parse_words(members.get("json", b"{}"), key)
    tagged = parse_tags(members.get("syn.json", b"{}"), key)
    try:
        text = members.get("txt", b"").decode()
    except UnicodeDecodeError as fault:
        raise DataError(f"{key}.txt is not UTF-8: {fault}.") from fault
    try:
        return described(record, text, {tag: texts_of(tagged, tag) for tag in tagged})
    except DataError as fault:
        raise DataError(f"{key}: {fault}") from fault


def parse_tags(content: bytes, key: str) -> dict[str, Any]:
    """What `syn.json` says, by tag.

    Raises:
        DataError: it is no JSON object, or a tag would give its embeddings the name of others.
    """
    tagged = parse_words(content, key, "syn.json")
    for tag in sorted(tagged):
        demand_tag(tag, f"{key}.syn.json has")
    return tagged


def demand_tag(tag: str, whose: str = "There can be no texts under") -> None:
    """Refuses a tag whose embeddings would get the name of others; `whose` begins the sentence.

    Raises:
        DataError: it is one.
    """
    if tag in _NO_TAGS:
        raise DataError(f"{whose} the tag “{tag}”, whose embeddings have no name of their own.")


def described(
    record: Mapping[str, Any], text: str = "", tagged: Mapping[str, tuple[str, ...]] | None = None
) -> SampleTexts:
    """The words of a JSON of either layout, joined with a first caption and with tagged texts.

    Raises:
        DataError: a field holds something else than texts.
    """
    captions = (*texts_of(record, "captions"), *texts_of(record, "caption"))
    is_synthetic = SYNTHETIC in (record.get("txt_source"), record.get("caption_source"))
    first, made = ((), (text, *captions)) if is_synthetic else ((text, *captions), ())
    human = _clean((*first[:1], *texts_of(record, "texts"), *first[1:]))
    tagged_already = {each for texts in (tagged or {}).values() for each in texts}
    made = tuple(each for each in made if each not in tagged_already)  # the first one stands as `txt` too
    added = {CAPTIONS: _clean(made), QUERIES: _clean(texts_of(record, "queries"))}
    names = _clean((*texts_of(record, "label"), *texts_of(record, "labels")))
    if not record.get("set"):  # names of a set are put into the set's own templates
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
    """The texts of a photo as people count them: captions by people and synthetic ones, short searches, names of what it shows."""
    names = (
        *words.synthetic.get(CLASSES, ()),
        *texts_of(words.about, "label"),
        *texts_of(words.about, "labels"),
    )
    made = [texts for tag, texts in words.synthetic.items() if tag not in {QUERIES, CLASSES}]
    return {
        "human": words.human,
        "synthetic": tuple(text for texts in made for text in texts),
        "query": words.synthetic.get(QUERIES, ()),
        "class": _distinct(names),
    }


def members_of(words: SampleTexts, photo: StoredPhoto) -> dict[str, bytes]:
    """The members of a sample by suffix, in their order, as `words_of` reads them; equal words give equal bytes."""
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
    """The content of `syn.json`, of texts by their tag."""
    return _json({tag: list(texts) for tag, texts in tagged.items()})


def retagged(members: Mapping[str, bytes], key: str, tagged: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    """The members of a sample with other made texts; where nobody wrote a caption, the first of these stands as `txt`.

    Raises:
        DataError: as `words_of`.
    """
    made = {**members, "syn.json": tags_member(tagged)}
    record = parse_words(members.get("json", b"{}"), key)
    words = words_of(made, key)
    is_older = bool({"captions", "caption"} & record.keys())  # a layout without `txt`
    if words.human or not words.captions or is_older:
        return made
    photo = {suffix: content for suffix, content in members.items() if suffix in PHOTO_SUFFIXES}
    marked = {
        "txt": words.captions[0].encode(errors="replace"),
        "json": _json({**record, "txt_source": SYNTHETIC}),
    }
    return {**photo, **marked, **made, **marked}  # in the order of `members_of`


def texts_of(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A field as texts: a list, one text alone, or nothing.

    Raises:
        DataError: it holds something else.
    """
    value = record.get(name)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise DataError(f"`{name}` must be a text or a list of texts, not {value!r:.60}.")


def _clean(texts: Iterable[str]) -> tuple[str, ...]:
    """One line each, without empty ones and repetitions."""
    return _distinct(" ".join(text.split()) for text in texts)


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _json(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode(errors="replace")  # half a pair of surrogates has no bytes
