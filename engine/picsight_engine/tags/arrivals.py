"""What a person names to be imported, a file of decisions, side-cars or a folder of photos, with the library's own photos found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.photos.reading import shown
from picsight_engine.store.files import find_file, metadata_of
from picsight_engine.store.records import (
    last_ratings,
    photo_with_bytes,
    photo_with_fingerprint,
    shown_files,
)
from picsight_engine.tags.decisions_file import RatingLine, read_decisions
from picsight_engine.tags.imports import read_sidecars
from picsight_engine.tags.intake import Intake

if TYPE_CHECKING:
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.tags.decisions_file import Picture, TagLine
    from picsight_engine.tags.imports import Told
    from picsight_engine.tags.intake import Key

_XMP, _KEYWORDS = "xmp", "keywords"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is to be taken; of how many photos of the library it speaks, and of how many others; a sentence for each fault."""

    intake: Intake
    photos: int
    unknown: int
    faults: tuple[str, ...]


def arrived_decisions(db: Database, file: Path) -> Arrival:
    """What a file of decisions says.

    Raises:
        RequestError: there is none, or it cannot be taken as a whole; the sentence says where.
        StorageError: the disk cannot read it.
    """
    intake, finder = Intake(), _Finder(db)
    keys: dict[tuple[str, str], Key] = {}
    for line in read_decisions(file):
        photo = None if line.picture is None else finder.photo_of(line.picture)
        if isinstance(line, RatingLine):
            if photo is not None:
                intake.add_stars(photo, line.stars, line.time.timestamp())
            continue
        key = keys.get((line.tag, line.kind))
        if key is None:
            try:
                key = keys[line.tag, line.kind] = intake.add_tag(line.tag, line)
            except RequestError as fault:
                raise RequestError(f"Nothing of {shown(file)} was taken: {fault}") from fault
        if photo is not None:
            _add_said(intake, key, photo, line)
    return Arrival(intake, len(finder.found), finder.unknown, ())


def _add_said(intake: Intake, key: Key, photo: int, line: TagLine) -> None:
    if line.example is not None:
        intake.add_example(key, photo, against=line.example == "against")
    if line.decision is not None and line.time is not None and line.source is not None:
        intake.add_decision(key, photo, line.decision, line.source, line.time.timestamp())


def arrived_sidecars(db: Database, place: Path) -> Arrival:
    """What side-cars say, and where one says nothing the keywords that the photo's file itself holds.

    Raises:
        RequestError: there is no folder, photo or side-car at `place`.
    """
    gathered = read_sidecars(place)
    intake, finder = Intake(), _Finder(db)
    faults = list(gathered.faults)
    with db.reading() as connection:
        ratings = last_ratings(connection)
    named: set[int] = set()
    for told in gathered.told:
        file, photo = finder.photo_told(told)
        if photo is None:
            continue
        if file is not None and told.tags:
            named.add(file.id)
        accepted = _Accepted(photo, _XMP, told.written_at, told.photo)
        faults += accepted.put(intake, told.tags)
        for tag in told.gone:
            intake.withdraw(tag, photo, _XMP, told.written_at)
        own = ratings.get(photo)
        stars = None if own is None else own.stars
        if stars is None and file is not None:
            stars = metadata_of(db, file.id).rating
        if told.stars is not None and told.stars != (stars or 0):
            intake.add_stars(photo, told.stars, told.written_at)
    for each in shown_files(db, place):
        if each.keywords and each.id not in named:
            finder.found.add(each.photo_id)
            accepted = _Accepted(each.photo_id, _KEYWORDS, each.mtime_ns / 1e9, each.path)
            faults += accepted.put(intake, each.keywords)
    return Arrival(intake, len(finder.found), finder.unknown, tuple(faults))


@dataclass(frozen=True, slots=True)
class _Accepted:
    """What one file says of its photo, and when it did."""

    photo: int
    source: str
    time: float
    path: Path

    def put(self, intake: Intake, tags: tuple[str, ...]) -> list[str]:
        """Adds accepted tags; returns a sentence for each that cannot be one."""
        faults = []
        for tag in tags:
            try:
                key = intake.add_tag(tag)
            except RequestError as fault:
                faults.append(f"A keyword of {shown(self.path)} was left out: {fault}")
            else:
                intake.add_decision(key, self.photo, "accepted", self.source, self.time)
        return faults


class _Finder:
    """Finds the library's own photos, each once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[bytes, int | None] = {}
        self._untold = 0
        self.found: set[int] = set()

    @property
    def unknown(self) -> int:
        """How many there were that the library does not have."""
        return self._untold + sum(photo is None for photo in self._known.values())

    def photo_of(self, picture: Picture) -> int | None:
        """A photo by its fingerprint, else at its path."""
        if picture.fingerprint not in self._known:
            with self._db.reading() as connection:
                photo = photo_with_fingerprint(connection, picture.fingerprint, picture.rule)
            if photo is None:
                photo = self._photo_at(Path(picture.path))
            self._known[picture.fingerprint] = photo
            if photo is not None:
                self.found.add(photo)
        return self._known[picture.fingerprint]

    def _photo_at(self, path: Path) -> int | None:
        if not (path.is_absolute() and path.exists()):  # to look where nothing is takes long
            return None
        file = find_file(self._db, path)
        return file.photo_id if file is not None and file.present else None

    def photo_told(self, told: Told) -> tuple[StoredFile | None, int | None]:
        """The photo of which a side-car speaks with its file, else the one of which it notes the bytes."""
        file = find_file(self._db, told.photo)
        if file is not None and file.present and file.photo_id is not None:
            self.found.add(file.photo_id)
            return file, file.photo_id
        photo = None
        if told.original is not None:
            with self._db.reading() as connection:
                photo = photo_with_bytes(connection, told.original)
        if photo is None:
            self._untold += 1
        else:
            self.found.add(photo)
        return None, photo
