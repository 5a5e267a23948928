"""Where texts without photos come from, for a bank: class prompts, searches in shards, sentences about other photos,
glosses, and a person's own.

Each text is one line and stands once, under the first source that has it, whatever its case and punctuation. What was said
about evaluation photos stays out, from three words on (`mctrain.data.sentences`), and so does Caltech's list of names;
ImageNet's is for training.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mctrain.data import wordnet
from mctrain.data.phrasing import class_names, class_prompts
from mctrain.data.refusal import lines_of, refuse_evaluation
from mctrain.data.sentences import plain_words
from mctrain.data.shards import grouped
from mctrain.data.words import texts_by_kind, words_of
from mctrain.errors import DataError, RecipeError, RefusalError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from mctrain.data.refusal import Reserved
    from mctrain.data.shards import Group

LONGEST = 250  # characters; of what is shorter, CLIP's 77 tokens hold each caption and gloss that was tried

_FILES = {
    "flickr30k": "texts/flickr30k-captions-en.txt.gz",
    "coco": "texts/coco-val2017-captions.txt.gz",
}
_SUFFIXES = (".txt", ".txt.gz")
SOURCES = ("imagenet", *_FILES, "wordnet", "queries")


@dataclass(frozen=True, slots=True)
class BankPlaces:
    """The data folder, the shards whose searches are wanted, and what may only be measured on."""

    data: Path
    shards: tuple[Path, ...]
    known: Reserved


@dataclass(frozen=True, slots=True)
class Collected:
    """Texts by source, how many each source lost and why, and sentences about sources that are not at hand."""

    texts: Mapping[str, tuple[str, ...]]
    dropped: Mapping[str, Counter[str]]
    absent: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sieve:
    """Lets a text through once."""

    known: Reserved
    seen: set[str] = field(default_factory=set)

    def sift(self, texts: Iterable[str], dropped: Counter[str]) -> Iterator[str]:
        """The texts that stay, each as one line."""
        for raw in texts:
            # half a pair of surrogates has no bytes
            text = " ".join(raw.encode(errors="replace").decode().split())
            words = plain_words(text)
            if not words:
                dropped["empty"] += 1
            elif len(text) > LONGEST:
                dropped["too long"] += 1
            elif self.known.holds_sentence(text):
                dropped["evaluation"] += 1
            elif words in self.seen:
                dropped["repeated"] += 1
            else:
                self.seen.add(words)
                yield text


def collect(sources: Sequence[str], places: BankPlaces) -> Collected:
    """The texts of the named sources, in their order; a name that ends in .txt or .txt.gz is a file, one text a line.

    Raises:
        RecipeError: a source is unknown.
        RefusalError: a file was made from evaluation photos, or a shard holds some.
        DataError: a file is missing or damaged.
    """
    for name in sources:
        if name not in SOURCES and not name.endswith(_SUFFIXES):
            known = ", ".join(SOURCES)
            raise RecipeError(
                f"There is no source of texts {name}; there are {known}, and files that end in .txt or .txt.gz."
            )
    absent: list[str] = []
    sieve = _Sieve(places.known)
    dropped = {name: Counter[str]() for name in sources}
    texts: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(sources):
        texts[name] = tuple(sieve.sift(_read(name, places, absent), dropped[name]))
    # of a person's file the name without its place
    named = {name if name in SOURCES else name.rpartition("/")[2]: own for name, own in texts.items() if own}
    return Collected(named, dropped, tuple(absent))


def _read(name: str, places: BankPlaces, absent: list[str]) -> Iterator[str]:
    if name == "imagenet":
        for prompts in class_prompts(class_names(places.data, "imagenet")):
            yield from prompts
    elif name == "queries":
        for shard in places.shards:
            yield from _queries(shard, places.known)
    elif name == "wordnet":
        folder = wordnet.find_wordnet()
        if folder is None:
            absent.append(wordnet.WANTED)
        else:
            yield from wordnet.glosses(folder)
    else:
        yield from _lines(places.data / _FILES.get(name, name), places.known)


def _lines(path: Path, known: Reserved) -> Iterator[str]:
    refuse_evaluation([path], known)
    for line in lines_of(path):
        try:
            yield line.decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            raise DataError(f"{path} is not UTF-8: {fault}; save it as UTF-8.") from fault


def _queries(shard: Path, known: Reserved) -> Iterator[str]:
    """The searches of a shard's photos; the photos themselves are not looked at but for their bytes."""
    for group in grouped(shard):
        if group.fault is not None and group.fault.kind == "damaged shard":
            raise DataError(group.fault.sentence)
        with suppress(DataError):  # broken words, which whoever reads the photo counts
            if group.fault is None and not _stands_apart(group, shard, known):
                yield from texts_by_kind(words_of(group.members, group.key))["query"]


def _stands_apart(group: Group, shard: Path, known: Reserved) -> bool:
    if not (known.holds_key(group.key) or known.holds_photo(group.photo)):
        return False
    words = words_of(group.members, group.key)
    record = {**words.about, "queries": texts_by_kind(words)["query"]}
    if known.stands_apart(group.key, record):
        return True
    raise RefusalError(
        f"{shard} holds {group.key}, an evaluation photo whose words are never trained on; take the shard out."
    )
