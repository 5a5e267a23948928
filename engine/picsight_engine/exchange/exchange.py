"""Exports and imports of a library: tags, decisions and stars as a file, as side-cars, or as a table."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, takewhile
from typing import TYPE_CHECKING

from picsight_engine.exchange.decisions_backup import decision_lines
from picsight_engine.exchange.decisions_file import RatingLine, read_decisions, write_decisions
from picsight_engine.exchange.exiftool_table import export_table
from picsight_engine.exchange.history import DecisionHistory, PastNames
from picsight_engine.exchange.importer import KEYWORDS, XMP, FileDecision, Importer
from picsight_engine.exchange.sidecar_reading import photos_gone, read_sidecars
from picsight_engine.exchange.sidecar_writing import export_sidecars
from picsight_engine.exchange.tagged_photo import TaggedPhoto
from picsight_engine.foundation.errors import Message, RequestError, as_text
from picsight_engine.photos.formats import IMAGE_SUFFIXES
from picsight_engine.photos.metadata.keyword_lists import same_name
from picsight_engine.photos.metadata.sidecars import SUFFIX
from picsight_engine.store.files import find_file, metadata_of
from picsight_engine.store.folders import all_folders, covered_names, file_path
from picsight_engine.store.tagging.decisions import look_alike
from picsight_engine.store.tagging.exported_decisions import (
    ever_decided,
    ever_rated,
    files_with_hash,
    is_covered,
    last_decisions,
    last_ratings,
    past_names,
    photo_with_fingerprint,
    photo_with_hash,
    shown_files,
    tags_decided,
)
from picsight_engine.store.tagging.searches import Searches
from picsight_engine.store.tagging.tagged import favourite_photos
from picsight_engine.store.tagging.tags import name_key, person_ids, tag_paths
from picsight_engine.tags.tree import FAVOURITES, shortened

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from picsight_engine.exchange.importer import Imported, Key
    from picsight_engine.exchange.sidecar_reading import Sidecar
    from picsight_engine.exchange.sidecar_writing import Exported
    from picsight_engine.photos.metadata.keyword_lists import Keyword
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.tagging.exported_decisions import SeenPicture, ShownFile
    from picsight_engine.tags.learner import Learner

    Tagging = Callable[[ShownFile], TaggedPhoto]
    # The import, its photos, and a sentence for each fault.
    Import = tuple[Importer, "_Finder", list[Message]]


@dataclass(frozen=True, slots=True)
class DecisionsExported:
    """The contents of an exported file of decisions, as counts."""

    tags: int
    decisions: int
    ratings: int


class Exchange:
    """Exports and imports of one library; thread-safe. Never writes to photo files.

    A file replaces an earlier export that holds nothing more, and another one only with `replace`; errors are those of
    `write_export`. RequestError is also raised if a folder is not part of the library.
    """

    def __init__(self, db: Database, learner: Learner) -> None:
        self._db = db
        self._learner = learner

    def export_decisions(self, file: Path, *, replace: bool = False) -> DecisionsExported:
        """Writes all tags, decisions, examples and the user's ratings to a file."""
        with self._db.snapshot() as connection:
            lines = list(decision_lines(connection))
        write_decisions(file, lines, replace=replace)
        ratings = sum(isinstance(line, RatingLine) for line in lines)
        named = [line for line in lines if not isinstance(line, RatingLine)]
        decided = sum(line.decision is not None for line in named)
        return DecisionsExported(len({line.tag for line in named}), decided, ratings)

    def export_sidecars(
        self,
        folder: Path | None = None,
        *,
        companions: bool = True,
        persons: bool = False,
        cancel: threading.Event | None = None,
    ) -> Iterator[Exported]:
        """Writes accepted tags and the user's stars to side-cars, for the whole library or a folder; with `persons`, their names,
        too.

        Without `companions`, files that stand behind another get none, but keep those that they have. Yields the progress
        after each photo file, and finally the result; `cancel` stops it between two files.

        Raises StorageError if the disk is full; written side-cars stay, and the next export continues.
        """
        # Of a folder around those of the library, only these: side-cars beside them belong to others.
        places = [
            file_path(known.path, name)
            for known in all_folders(self._db)
            for name in ([b""] if folder is None else covered_names(folder, known))
        ]
        gone = (TaggedPhoto(path) for place in places for path in photos_gone(place))
        tagged = _tags_of_files(self._db, persons=persons)
        photos = chain(_tagged_photos(self._db, folder, tagged, companions=companions), gone)
        going = takewhile(lambda _photo: cancel is None or not cancel.is_set(), photos)
        return export_sidecars(going, partial(_files_of_picture, self._db, tagged))

    def export_table(
        self,
        file: Path,
        folder: Path | None = None,
        *,
        companions: bool = True,
        persons: bool = False,
        replace: bool = False,
    ) -> int:
        """Writes the same data to a CSV for ExifTool; returns the number of photo files in it."""
        tagged = _tags_of_files(self._db, persons=persons)
        photos = _tagged_photos(self._db, folder, tagged, companions=companions)
        return export_table(photos, file, replace=replace)

    def import_from(self, place: Path) -> Imported:
        """Imports a file of decisions, a side-car, a photo's side-car or a folder of them, as one run.

        Raises:
            RequestError: there is none of these, it is damaged, or it names no photo of the library.
            StorageError: the disk is full, read-only or gone; nothing was imported.
        """
        has_sidecars = place.is_dir() or place.name.lower().endswith((SUFFIX, *IMAGE_SUFFIXES))
        importer, finder, faults = (_sidecars if has_sidecars else _decisions)(self._db, place)
        if finder.unknown and not finder.found:
            raise RequestError(
                Message.counted(
                    finder.unknown,
                    "{place} names a photo that is not in the library. Index the folder first.",
                    "{place} names {number:,} photos, and none of them is in the library. Index the folder first.",
                    place=place,
                )
            )
        done = importer.run(
            self._db, self._learner, Message('Import "{name}"', name=shortened(as_text(place.name or place)))
        )
        done = replace(done, searches=Searches(self._db).add(importer.searches), faults=tuple(faults))
        return replace(done, photos=len(finder.found), unknown=finder.unknown)


def _tagged_photos(
    db: Database, folder: Path | None, tagged: Tagging, *, companions: bool
) -> Iterator[TaggedPhoto]:
    """Every present photo file of the library or a folder; raises RequestError if the folder is not part of the library."""
    if folder is not None and not is_covered(db, folder):
        raise RequestError("{folder} is not part of the library; index it first.", folder=folder)
    return (tagged(file) for file in shown_files(db, folder) if companions or not file.is_companion)


def _files_of_picture(
    db: Database, tagged: Tagging, digest: bytes, photo: TaggedPhoto | None
) -> list[TaggedPhoto] | None:
    """The present files that show the picture with a hash; None if the library knows none, or `photo` is an edit of it."""
    noted = photo_with_hash(db, digest)
    edited = photo and photo_with_hash(db, photo.fingerprint or photo.bytes_hash or b"")
    if noted is None:
        return None
    if edited:
        with db.reading() as connection:
            if look_alike(connection, edited[0], noted[0]):
                return None
    return list(map(tagged, files_with_hash(db, digest)))


def _tags_of_files(db: Database, *, persons: bool) -> Tagging:
    """Adds accepted and rejected tags, stars and history, as they are now, to a file."""
    with db.snapshot() as connection:
        left_out = set[int]() if persons else person_ids(connection)
        paths, ratings = tag_paths(db), last_ratings(connection)
        accepted, rejected, decided_ever = (
            _without(left_out, decided)
            for decided in (
                tags_decided(connection, "accepted"),
                tags_decided(connection, "rejected"),
                ever_decided(connection),
            )
        )
        last = last_decisions(connection, paths.keys() - left_out)
        rated_ever = ever_rated(connection)
        names = PastNames(past_names(connection))
    since: defaultdict[int, dict[str, float]] = defaultdict(dict)
    for tag_id, decisions in last.items():
        for decision in decisions:
            since[decision.photo_id][paths[tag_id]] = decision.decided_at
            # It was withdrawn, although another program's keyword puts the photo in the tag.
            if decision.verdict == "withdrawn" and decision.face_id is None:
                rejected[decision.photo_id].append(tag_id)

    def tagged(file: ShownFile) -> TaggedPhoto:
        tags, others = (
            tuple(sorted(paths[tag_id] for tag_id in decided.get(file.photo_id, ())))
            for decided in (accepted, rejected)
        )
        rating = ratings.get(file.photo_id)
        decided, rated = (frozenset(each.get(file.photo_id, ())) for each in (decided_ever, rated_ever))
        return TaggedPhoto(
            file.path,
            tags,
            None if rating is None else rating.stars,
            file.bytes_hash,
            others,
            DecisionHistory(decided, rated, names),
            fingerprint=file.fingerprint,
            seen=(file.size, file.mtime_ns),
            since=since.get(file.photo_id, {}),
            rated_at=math.inf if rating is None else rating.rated_at,
            taken=file.taken,
        )

    return tagged


def _without(left_out: set[int], tags: Mapping[int, list[int]]) -> defaultdict[int, list[int]]:
    kept = ((photo, [tag for tag in some if tag not in left_out]) for photo, some in tags.items())
    return defaultdict(list, kept)


def _decisions(db: Database, file: Path) -> Import:
    """Reads a file of decisions; raises RequestError and StorageError like `read_decisions`."""
    importer, finder, faults = Importer(), _Finder(db), list[Message]()
    keys: dict[tuple[str, str], Key] = {}
    for line in read_decisions(file, faults):
        photo = None if line.picture is None else finder.photo_of(line.picture)
        if isinstance(line, RatingLine):
            if photo is not None:
                importer.add_stars(photo, line.stars, line.time.timestamp())
            continue
        if line.search is not None:
            importer.searches.append(line.search)
        key = keys.get((line.tag, line.kind))
        if key is None:
            try:
                key = keys[line.tag, line.kind] = importer.add_tag(line.tag, line)
            except RequestError as fault:
                raise RequestError(
                    "Nothing was imported from {file}: {fault}", file=file, fault=fault
                ) from fault
        if photo is not None and line.example is not None:
            importer.add_example(key, photo, against=line.example == "against")
        if photo is not None and line.decision and line.time and line.source is not None:
            decision = FileDecision(line.decision, line.source, line.time.timestamp())
            importer.add_decision(key, photo, decision, line.face)
    return importer, finder, faults


def _sidecars(db: Database, place: Path) -> Import:
    """Reads side-cars, and the keywords in photo files whose side-cars name no tags; raises RequestError like `read_sidecars`."""
    sidecars = _SidecarImport(db)
    named = {
        file_id
        for sidecar in read_sidecars(place, sidecars.faults)
        if (file_id := sidecars.add_sidecar(sidecar)) is not None
    }
    for each in shown_files(db, place):
        if each.keywords and each.id not in named:
            sidecars.add_keywords(each)
    return sidecars.importer, sidecars.finder, [*sidecars.faults, *sidecars.ignored_favourites()]


class _SidecarImport:
    """Collects the tags and stars in files."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.faults: list[Message] = []
        self._ignored: set[int] = set()
        with db.reading() as connection:
            self._ratings, self._given = last_ratings(connection), ever_rated(connection)
        self.importer = Importer()
        self.finder = _Finder(db)

    def add_sidecar(self, sidecar: Sidecar) -> int | None:
        """Adds a side-car; returns the id of the photo's file if the side-car names tags."""
        file, photo = self.finder.photo_of_sidecar(sidecar)
        if photo is None:
            return None
        packet, time = sidecar.packet, sidecar.written_at
        added, rejected = ({_key(keyword) for keyword in some} for some in (packet.added, packet.rejected))
        for keyword in packet.keywords:
            decision = FileDecision("accepted", XMP, time, is_echo=_key(keyword) in added, is_keyword=True)
            if _key(keyword) in rejected:
                decision = FileDecision("rejected", XMP, time, is_echo=True)
            self._add("/".join(keyword), photo, decision, sidecar.photo)
        for keyword in packet.gone:
            self.importer.add_withdrawal("/".join(keyword), photo, FileDecision("withdrawn", XMP, time))
        given = self._ratings.get(photo)
        shown_stars = None if given is None else given.stars
        if shown_stars is None and file is not None:
            shown_stars = metadata_of(self._db, file.id).rating
        stars = packet.rating
        if stars is not None and stars != (shown_stars or 0):
            is_echo = stars == packet.rated and stars in self._given[photo]
            self.importer.add_stars(photo, stars, sidecar.rated_at, is_echo=is_echo)
        return file.id if file is not None and packet.keywords else None

    def add_keywords(self, file: ShownFile) -> None:
        """Adds the keywords of a photo file."""
        self.finder.found.add(file.photo_id)
        for tag in file.keywords:
            decision = FileDecision("accepted", KEYWORDS, file.mtime_ns / 1e9, is_keyword=True)
            self._add(tag, file.photo_id, decision, file.path)

    def ignored_favourites(self) -> Iterator[Message]:
        """A sentence about keywords of other programs that have the name of the favourites."""
        if ignored := self._ignored.difference(favourite_photos(self._db).tolist()):
            yield Message.counted(
                len(ignored),
                'The keyword "{name}" of {number:,} photo belongs to another program, so it marks no favourites. Mark them yourself.',
                'The keyword "{name}" of {number:,} photos belongs to another program, so it marks no favourites. Mark them yourself.',
                name=FAVOURITES,
            )

    def _add(self, tag: str, photo: int, decision: FileDecision, path: Path) -> None:
        if decision.verdict == "accepted" and not decision.is_echo and name_key(tag) == name_key(FAVOURITES):
            self._ignored.add(photo)  # only the user marks favourites; this keyword may mean something else
            return
        try:
            self.importer.add_decision(self.importer.add_tag(tag), photo, decision)
        except RequestError as fault:
            self.faults.append(Message("A keyword of {path} was left out: {fault}", path=path, fault=fault))


def _key(keyword: Keyword) -> Keyword:
    return tuple(map(same_name, keyword))


class _Finder:
    """Finds the photos of the library to which files refer, each once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[bytes, int | None] = {}
        self._missing = 0
        self.found: set[int] = set()

    @property
    def unknown(self) -> int:
        """The number of photos that the library does not have."""
        return self._missing + sum(photo is None for photo in self._known.values())

    def photo_of(self, picture: SeenPicture) -> int | None:
        """A photo by its fingerprint: at its path there may be another picture."""
        if picture.fingerprint not in self._known:
            with self._db.reading() as connection:
                photo = photo_with_fingerprint(connection, picture.fingerprint, picture.rule)
            self._known[picture.fingerprint] = photo
            if photo is not None:
                self.found.add(photo)
        return self._known[picture.fingerprint]

    def photo_of_sidecar(self, sidecar: Sidecar) -> tuple[StoredFile | None, int | None]:
        """The photo whose hash a side-car notes; without a hash, the photo at the path that its name implies.

        Also returns the file at that path, if it shows this photo. If no file shows the noted picture any more and the file
        at the path looks alike, another program has edited the file.
        """
        file = find_file(self._db, sidecar.photo)
        photo = None if file is None or not file.present else file.photo_id
        if sidecar.packet.original is not None:
            found = photo_with_hash(self._db, sidecar.packet.original)
            if found is None or not self._is_that(photo, *found):
                file, photo = None, None if found is None else found[0]
        if photo is None:
            self._missing += 1
            return None, None
        self.found.add(photo)
        return file, photo

    def _is_that(self, photo: int | None, noted: int, is_shown: bool) -> bool:
        if photo is None or photo == noted or is_shown:
            return photo == noted
        with self._db.reading() as connection:
            return look_alike(connection, photo, noted)
