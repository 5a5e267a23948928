"""Measures the cost of tags in a large library: filtering, listing, deciding, and previews of new tags.

CPU time, the fastest of some calls: the window and other programs share the machine.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from report import machine, table
from search import clustered
from window import fill

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.foundation.assets import find_asset
from picsight_engine.library import Library
from picsight_engine.store.derived.vectors import put_vector
from picsight_engine.store.files import NewFile, put_file
from picsight_engine.store.opening import open_database
from picsight_engine.store.photos import NewPhoto, put_photo
from picsight_engine.store.tagging.runs import record_run
from picsight_engine.store.tagging.tags import Definition
from picsight_engine.tags.learner import Learner, TagModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.store.database import Database
    from picsight_engine.vectors.matrix import Rows

MANY = (10, 1_000, 10_000)  # tags
NEW = 100  # photos that come
CALLS = 5


def milliseconds(call: Callable[[], object], calls: int = CALLS) -> str:
    """The least CPU time of `calls` calls."""
    least = float("inf")
    for _ in range(calls):
        begun = time.process_time()
        call()
        least = min(least, time.process_time() - begun)
    return f"{1e3 * least:,.0f}" if least >= 0.01 else f"{1e3 * least:.1f}"


def one_tag(library: Library) -> list[list[str]]:
    """The actions of a person with a tag of some hundred photos."""
    tags = library.tags
    library.warm_up()
    tags.new("Snow", prompts=["snow"])
    suggested = [photo for photo, _ in tags.suggest("Snow")]
    accepted, rejected = iter(suggested[::2]), iter(suggested[1::2])
    found = [
        ["a preview of two descriptions", milliseconds(lambda: tags.preview(["snow", "mountain"]))],
        [
            "accepting a photo, and what follows",
            milliseconds(lambda: tags.decide("Snow", [next(accepted)], "accepted")),
        ],
        ["rejecting one", milliseconds(lambda: tags.decide("Snow", [next(rejected)], "rejected"))],
        ["undoing that", milliseconds(tags.undo)],
        ["statistics after ten decisions", milliseconds(lambda: tags.statistics("Snow"))],
    ]
    photos = [result.id for result in library.similar(suggested[-1], limit=1000).results]
    verdicts = iter(["accepted", "rejected"] * CALLS)
    tags.new("Trip", kind="album")
    found += [
        ["accepting 1,000 photos", milliseconds(lambda: tags.decide("Snow", photos, next(verdicts)))],
        ["the same in an album", milliseconds(lambda: tags.decide("Trip", photos, next(verdicts)), 2)],
        ["`tag:snow`, the first time", milliseconds(lambda: _searched_anew(library, "tag:snow"))],
        ["the marks of 300 photos on the wall", milliseconds(lambda: tags.marks(suggested[:300]))],
    ]
    return found


def many_tags(folder: Path, bundle: Bundle, count: int) -> list[str]:
    """The cost of `count` tags that each suggest some photos."""
    with closing(open_database(folder)) as db:
        _make(db, bundle, count)
        with Library.open(folder, bundle) as library:
            library.warm_up()
            anew = milliseconds(library.tags.suggest_all, 1)
            suggested = sum(tag.suggested for tag in library.tags.all())
            _come(db, bundle)
            return [
                f"{count:,}",
                f"{suggested:,}",
                anew,
                milliseconds(library.tags.suggest_all, 1),
                milliseconds(library.tags.all),
                milliseconds(lambda: library.suggestions("tag:t5")),
            ]


def _searched_anew(library: Library, query: str) -> None:
    """Searches after a change, so that nothing is cached."""
    library.tags.rate([1], int(time.monotonic_ns() % 5))
    library.search(query)


def _make(db: Database, bundle: Bundle, count: int) -> None:
    vectors = clustered(count, seed=11)
    texts = [f"t{number}" for number in range(count)]

    def rows() -> Rows:
        raise AssertionError("no photo is needed to read texts")

    model = TagModel(bundle, rows, lambda text: vectors[int(text[1:])], tuple)
    Learner(db, lambda: model).read(texts)
    with record_run(db, "import", "Many tags") as run:
        for text in texts:
            run.add(
                Definition(
                    0, text, None, "tag", threshold=None, suggests=True, created_at=0.0, prompts=(text,)
                )
            )


def _come(db: Database, bundle: Bundle) -> None:
    with db.writer() as connection:
        for number, vector in enumerate(clustered(NEW, seed=12)):
            key = (1 << 64 | number).to_bytes(16, "big")
            photo = put_photo(connection, NewPhoto(key, 4, 3))
            put_file(connection, NewFile(1, b"new/%d.jpg" % number, 1, 1, key, photo))
            put_vector(connection, photo, bundle.manifest.space_id, vector.astype(np.float16))


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000, metavar="N")
    arguments = parser.parse_args()
    print(machine())
    bundle = open_bundle(find_asset("starter"))
    rows = []
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name), bundle, arguments.photos)
        for count in MANY:
            folder = shutil.copytree(Path(name) / "library", Path(name) / f"library-{count}")
            rows.append(many_tags(folder, bundle, count))
            shutil.rmtree(folder)
        with Library.open(Path(name) / "library", bundle) as library:
            print(f"\nOne tag among {arguments.photos:,} photos\n")
            print(table(["what", "CPU ms"], one_tag(library)))
    headings = ["tags", "photos suggested", "all photos", f"{NEW} new photos", "list", "offers"]
    print("\nMany tags, CPU ms\n")
    print(table(headings, rows))


if __name__ == "__main__":
    main()
