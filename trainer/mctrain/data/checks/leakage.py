"""Keeps evaluation data out of training: photos under any key or file name, and the texts made from them.

A photo is identified by its key or by the bytes of its file. Both are read from the evaluation shards that the recipe names,
and from a list of digests that ships with the trainer, so a renamed or repacked copy is refused even if the original is
missing. The photos of everyday-dev are part of a training set: there they are skipped; under another key or without their
queries they are refused. Their captions and queries, and those of flickr8k-dev, are recognised in texts without photos,
ignoring case, spacing and punctuation.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
import unicodedata
import zlib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mctrain.data.held_out import is_everyday
from mctrain.data.shard_names import expand_braces
from mctrain.data.shards import PHOTO_SUFFIXES, file_digest, members, parse_record
from mctrain.data.texts import texts_by_kind, texts_of
from mctrain.errors import DataError, LeakageError
from mctrain.paths import files_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mctrain.data.texts import SampleTexts


LIST = "evaluation.txt"  # lines of "key DIGEST", "photo DIGEST", "text DIGEST", "look HASH" and "sentence DIGEST"
_DIGITS = 16
# Texts of one or two words are not reserved: of the 3,453 distinct queries of everyday-dev of that length, such as "dog" and
# "red car", 2,570 are also queries of training photos.
LEAST_WORDS = 3
_WORD = re.compile(r"\w+")
_WORDS = frozenset({"txt", "json", "syn.json"})
_GZIP = b"\x1f\x8b"
# a possible key: at least eight characters, one of them a digit
_KEY = re.compile(rb"\b(?=[\w-]*\d)[A-Za-z0-9_-]{8,}\b")


@dataclass(frozen=True, slots=True)
class EvaluationDigests:
    """Digests of evaluation data, and the name patterns of its files.

    `hashes` are difference hashes of the photos: they suggest, but do not prove, a re-encoded copy.
    `sentences` are digests of captions and queries of at least three words.
    """

    keys: frozenset[str]
    photos: frozenset[str]
    texts: frozenset[str]
    names: tuple[str, ...] = ()
    hashes: frozenset[int] = frozenset()
    sentences: frozenset[str] = frozenset()

    def holds_key(self, key: str) -> bool:
        """Whether an evaluation shard has this key, ignoring any folder in front of it."""
        return _key_digest(key) in self.keys

    def holds_photo(self, content: bytes) -> bool:
        """Whether an evaluation shard has a photo of exactly these bytes."""
        return short_digest(content) in self.photos

    def holds_sentence(self, text: str) -> bool:
        """Whether this is a caption or query of an evaluation photo; False for texts of fewer than three words."""
        sentence = sentence_of(text)
        return bool(sentence) and short_digest(sentence.encode()) in self.sentences

    def skips(self, key: str, words: Mapping[str, Any]) -> bool:
        """Whether this is an unchanged sample of everyday-dev, which is skipped, because its shard is for training."""
        return self.holds_key(key) and is_everyday(key, words)


def short_digest(content: bytes) -> str:
    """The first 16 hex digits of the SHA-256: enough to tell 20,000 training photos from 4,435 reserved ones."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _key_digest(key: str) -> str:
    return short_digest(key.rpartition("/")[2].encode(errors="surrogatepass"))  # names may contain any bytes


@cache
def shipped_digests() -> EvaluationDigests:
    """The list that ships with the trainer."""
    text = (Path(str(resources.files("mctrain"))) / "data" / LIST).read_text(encoding="ascii")
    lines = [line.split() for line in text.splitlines()]

    def digests(wanted: str) -> frozenset[str]:
        return frozenset(digest for kind, digest in lines if kind == wanted)

    return EvaluationDigests(
        digests("key"),
        digests("photo"),
        digests("text"),
        hashes=frozenset(int(digits, 16) for digits in digests("look")),
        sentences=digests("sentence"),
    )


def evaluation_digests(data: Path, shards: Sequence[str], texts: Sequence[str]) -> EvaluationDigests:
    """The shipped list joined with the evaluation files that the recipe names (patterns in the data folder).

    Raises:
        DataError: one of these files exists but cannot be read.
    """
    shards = [each for pattern in shards for each in expand_braces(pattern)]
    texts = [each for pattern in texts for each in expand_braces(pattern)]
    keys, photos, sentences = _digests(path for pattern in shards for path in files_of(data, pattern))
    files = [path for pattern in texts for path in files_of(data, pattern)]
    sentences |= {
        digest
        for path in files
        for line in lines_of(path)
        for digest in _text_digests(sentences_of_line(line))
    }
    known = shipped_digests()
    return EvaluationDigests(
        known.keys | keys,
        known.photos | photos,
        known.texts | {file_digest(path)[:_DIGITS] for path in files},
        (*shards, *texts),
        known.hashes,
        known.sentences | sentences,
    )


def refuse_evaluation(files: Iterable[Path], known: EvaluationDigests) -> None:
    """Checks every file before training.

    Raises:
        LeakageError: a file is an evaluation file, contains an evaluation photo or names one.
        DataError: a file cannot be read.
    """
    for path in files:
        if any(fnmatch(path.name, Path(name).name) for name in known.names):
            raise LeakageError(
                f"{path} is for evaluation only and is never trained on; take it out of the recipe."
            )
        if _is_archive(path):
            found, verb = evaluation_keys(path, known), "holds"
        else:
            found, verb = _named_keys(path, known), "speaks of"
        if found:
            raise LeakageError(
                f"{path} {verb} {len(found)} evaluation photos ({found[0]} is the first), which are never trained on; "
                "take it out of the recipe."
            )
        if file_digest(path)[:_DIGITS] in known.texts:
            raise LeakageError(
                f"{path} was made from evaluation photos and is never trained on; take it out of the recipe."
            )


def evaluation_keys(shard: Path, known: EvaluationDigests) -> list[str]:
    """The keys of a shard that are reserved by key or by photo bytes, in order, without skipped everyday-dev samples."""
    found: dict[str, None] = {}
    for key, suffix, content in members(shard):
        if suffix == "json" and known.holds_key(key) and known.skips(key, parse_record(content, key)):
            found.pop(key, None)
        elif known.holds_key(key) or (suffix in PHOTO_SUFFIXES and known.holds_photo(content)):
            found[key] = None
    return list(found)


def _is_archive(path: Path) -> bool:
    """Whether a file is a tar archive, by its content, because its name proves nothing."""
    try:
        return tarfile.is_tarfile(path)
    except (OSError, EOFError, zlib.error) as fault:
        raise DataError(f"{path} cannot be read: {fault}.") from fault


def _named_keys(path: Path, known: EvaluationDigests) -> list[str]:
    """The reserved keys that a text file names, sorted; they reveal a table of captions in any format."""
    words = {word.decode() for line in lines_of(path) for word in _KEY.findall(line)}
    return sorted(filter(known.holds_key, words))


def lines_of(path: Path) -> Iterator[bytes]:
    """The lines of a text file, gzipped or not, under any name; raises DataError if the file cannot be read."""
    try:
        with path.open("rb") as packed:
            zipped = packed.read(2) == _GZIP
            packed.seek(0)
            yield from gzip.GzipFile(fileobj=packed) if zipped else packed
    except (OSError, EOFError, zlib.error) as fault:
        raise DataError(f"{path} cannot be read: {fault}.") from fault


def _digests(shards: Iterable[Path]) -> tuple[set[str], set[str], set[str]]:
    """The digests of keys, of photos, and of sentences about them."""
    keys, photos, sentences = set[str](), set[str](), set[str]()
    for shard in shards:
        for key, suffix, content in members(shard):
            keys.add(_key_digest(key))
            if suffix in PHOTO_SUFFIXES:
                photos.add(short_digest(content))
            elif suffix in _WORDS:
                sentences.update(_text_digests(sentences_about(texts_of({suffix: content}, key))))
    return keys, photos, sentences


def _text_digests(sentences: Iterable[str]) -> Iterator[str]:
    return (short_digest(sentence.encode()) for sentence in sentences)


def plain_words(text: str) -> str:
    """The words of a text in order, case-folded and without punctuation.

    >>> plain_words("A dog 's ball .") == plain_words("a Dog's ball")
    True
    """
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def sentence_of(text: str) -> str:
    """The words of a text; empty if there are fewer than `LEAST_WORDS`."""
    words = plain_words(text)
    return words if words.count(" ") >= LEAST_WORDS - 1 else ""


def sentences_about(photo: SampleTexts) -> Iterator[str]:
    """The captions and queries of a photo, as words; class names never count as sentences."""
    kinds = texts_by_kind(photo)
    for kind in ("human", "synthetic", "query"):
        yield from filter(None, map(sentence_of, kinds[kind]))


def sentences_of_line(line: bytes) -> Iterator[str]:
    """The sentences in a line of a text file: all texts of a JSON object, or the columns of a table."""
    text = line.decode(errors="replace")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    fields = record.values() if isinstance(record, dict) else text.split("\t")
    yield from filter(None, (sentence_of(field) for field in fields if isinstance(field, str)))
