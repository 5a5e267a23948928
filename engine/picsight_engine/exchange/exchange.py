"""The way out of a library and into it: tags, decisions and stars as a file, beside photos, or as a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, takewhile
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.exchange.arrivals import arrived_decisions, arrived_sidecars
from picsight_engine.exchange.decisions_file import RatingLine, write_decisions
from picsight_engine.exchange.filing import lines_of
from picsight_engine.exchange.history import DecisionHistory, PastNames
from picsight_engine.exchange.sidecar_reading import photos_gone
from picsight_engine.exchange.sidecar_writing import Tagged, export_sidecars, export_table
from picsight_engine.photos.formats import IMAGE_SUFFIXES
from picsight_engine.photos.reading import shown
from picsight_engine.photos.sidecars import SUFFIX
from picsight_engine.store.folders import all_folders
from picsight_engine.store.records import (
    ever_decided,
    ever_rated,
    is_covered,
    last_decisions,
    last_ratings,
    past_names,
    photo_with_hash,
    shown_files,
    tags_decided,
)
from picsight_engine.store.tags import tag_paths
from picsight_engine.tags.tree import photos_in_words, shortened

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from picsight_engine.exchange.decisions_file import Line
    from picsight_engine.exchange.intake import Imported
    from picsight_engine.exchange.sidecar_writing import Exported
    from picsight_engine.store.database import Database
    from picsight_engine.tags.learner import Learner


@dataclass(frozen=True, slots=True)
class DecisionsExported:
    """How much a file of decisions holds."""

    tags: int
    decisions: int
    ratings: int


class Exchange:
    """Exports and imports of one library; any thread may call. Photo files are never written."""

    def __init__(self, db: Database, learner: Learner) -> None:
        self._db = db
        self._learner = learner

    def export_decisions(self, file: Path, *, replace: bool = False) -> DecisionsExported:
        """Writes all tags, decisions, examples and own ratings into a file, in place of an earlier one that holds nothing more.

        Raises:
            RequestError: a photo is there, or no file.
            ReplaceError: something else is there, or a file that holds more, and a person did not say `replace`.
            StorageError: the disk refused; what was there stays.
        """
        with self._db.snapshot() as connection:
            lines = list(lines_of(connection))
        write_decisions(file, lines, replace=replace)
        return _counted(lines)

    def export_sidecars(
        self, folder: Path | None = None, *, cancel: threading.Event | None = None
    ) -> Iterator[Exported]:
        """Writes accepted tags and own stars beside the photos, of the whole library or of a folder.

        How far it is comes after each photo file, at last the whole outcome; `cancel` ends it between two of them.

        Raises:
            RequestError: the folder is no part of the library.
            StorageError: the disk is full; what was written stays, and the next export goes on from there.
        """
        places = [each.path for each in all_folders(self._db)] if folder is None else [folder]
        gone = (Tagged(path) for place in places for path in photos_gone(place))
        photos = chain(_tagged_photos(self._db, folder), gone)
        going = takewhile(lambda _photo: cancel is None or not cancel.is_set(), photos)
        return export_sidecars(going, partial(photo_with_hash, self._db))

    def export_table(self, file: Path, folder: Path | None = None, *, replace: bool = False) -> int:
        """Writes the same into a CSV for ExifTool instead; returns how many photo files are in it.

        Raises:
            RequestError: the folder is no part of the library; a photo is there, or no file.
            ReplaceError: something else than such a table is there, or one that holds more, and a person did not say `replace`.
            StorageError: the disk refused; what was there stays.
        """
        return export_table(_tagged_photos(self._db, folder), file, replace=replace)

    def import_from(self, place: Path) -> Imported:
        """Takes what a file of decisions, a side-car, a photo's side-car or a folder of them says, as one run.

        Raises:
            RequestError: there is none of these, it is damaged, or it speaks of no photo of the library.
            StorageError: the disk refused; nothing was taken.
        """
        has_sidecars = place.is_dir() or place.name.lower().endswith((SUFFIX, *IMAGE_SUFFIXES))
        arrival = (arrived_sidecars if has_sidecars else arrived_decisions)(self._db, place)
        if arrival.unknown and not arrival.photos:
            which = "it is not" if arrival.unknown == 1 else "none of them is"
            raise RequestError(
                f"{shown(place)} speaks of {photos_in_words(arrival.unknown)}, and {which} in the library. "
                "Index the folder first."
            )
        taken = arrival.intake.take(self._db, self._learner, f'Import "{shortened(place.name)}"')
        return replace(taken, photos=arrival.photos, unknown=arrival.unknown, faults=arrival.faults)


def _tagged_photos(db: Database, folder: Path | None = None) -> Iterator[Tagged]:
    """Every present photo file, of the whole library or of a folder, with the tags in which it is accepted, those out of which it was put, its own stars, and what was ever said of it.

    Raises:
        RequestError: the folder is no part of the library.
    """
    if folder is not None and not is_covered(db, folder):
        raise RequestError(f"{shown(folder)} is no part of the library; index it first.")
    with db.snapshot() as connection:
        paths, ratings = tag_paths(db), last_ratings(connection)
        accepted, rejected = (tags_decided(connection, verdict) for verdict in ("accepted", "rejected"))
        last = last_decisions(connection, paths)
        decided_ever, rated_ever = ever_decided(connection), ever_rated(connection)
        names = PastNames(past_names(connection))
    since: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for tag_id, decisions in last.items():
        for decision in decisions:
            since[decision.photo_id][paths[tag_id]] = decision.decided_at
            if decision.verdict == "withdrawn":  # of a keyword of another program that says the same
                rejected[decision.photo_id].append(tag_id)
    for file in shown_files(db, folder):
        tags, others = (
            tuple(sorted(paths[tag_id] for tag_id in decided.get(file.photo_id, ())))
            for decided in (accepted, rejected)
        )
        rating = ratings.get(file.photo_id)
        yield Tagged(
            file.path,
            tags,
            None if rating is None else rating.stars,
            file.bytes_hash,
            others,
            DecisionHistory(
                frozenset(decided_ever.get(file.photo_id, ())), file.photo_id in rated_ever, names
            ),
            fingerprint=file.fingerprint,
            seen=(file.size, file.mtime_ns),
            since=since.get(file.photo_id, {}),
        )


def _counted(lines: list[Line]) -> DecisionsExported:
    ratings = sum(isinstance(line, RatingLine) for line in lines)
    tags = Counter(line.tag for line in lines if not isinstance(line, RatingLine))
    decisions = sum(not isinstance(line, RatingLine) and line.decision is not None for line in lines)
    return DecisionsExported(len(tags), decisions, ratings)
