"""What a person names to be imported, a file of decisions, side-cars or a folder of photos, with the library's own photos found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.exchange.decisions_file import RatingLine, read_decisions
from picsight_engine.exchange.intake import KEYWORDS, XMP, FileDecision, Intake
from picsight_engine.exchange.sidecar_reading import read_sidecars
from picsight_engine.photos.reading import shown
from picsight_engine.photos.xmp import same_name
from picsight_engine.store.decisions import look_alike
from picsight_engine.store.files import find_file, metadata_of
from picsight_engine.store.records import (
    last_ratings,
    photo_with_fingerprint,
    photo_with_hash,
    rule_of,
    shown_files,
)
from picsight_engine.store.tagged import favourite_photos
from picsight_engine.store.tags import name_key
from picsight_engine.tags.tree import FAVOURITES, photos_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from picsight_engine.exchange.decisions_file import PhotoReference, TagLine
    from picsight_engine.exchange.intake import Key
    from picsight_engine.exchange.sidecar_reading import Sidecar
    from picsight_engine.photos.xmp import Keyword
    from picsight_engine.store.database import Database
    from picsight_engine.store.files import StoredFile
    from picsight_engine.store.records import ShownFile, StoredRating


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
    intake, finder, faults = Intake(), _Finder(db), list[str]()
    keys: dict[tuple[str, str], Key] = {}
    for line in read_decisions(file, faults):
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
            _add_line(intake, key, photo, line)
    return Arrival(intake, len(finder.found), finder.unknown, tuple(faults))


def _add_line(intake: Intake, key: Key, photo: int, line: TagLine) -> None:
    if line.example is not None:
        intake.add_example(key, photo, against=line.example == "against")
    if line.decision is not None and line.time is not None and line.source is not None:
        intake.add_decision(key, photo, FileDecision(line.decision, line.source, line.time.timestamp()))


def arrived_sidecars(db: Database, place: Path) -> Arrival:
    """What side-cars say, and where one says nothing the keywords that the photo's file itself holds.

    Raises:
        RequestError: there is no folder, photo or side-car at `place`.
    """
    statements = _FileStatements(db)
    with db.reading() as connection:
        ratings = last_ratings(connection)
    named = {
        file_id
        for sidecar in read_sidecars(place, statements.faults)
        if (file_id := statements.add_sidecar(sidecar, ratings)) is not None
    }
    for each in shown_files(db, place):
        if each.keywords and each.id not in named:
            statements.add_keywords(each)
    found, unknown = statements.finder.found, statements.finder.unknown
    return Arrival(statements.intake, len(found), unknown, (*statements.faults, *statements.liked()))


class _FileStatements:
    """What files say of photos, as it is gathered."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.faults: list[str] = []
        self._liked: set[int] = set()
        self.intake = Intake()
        self.finder = _Finder(db)

    def add_sidecar(self, sidecar: Sidecar, ratings: Mapping[int, StoredRating]) -> int | None:
        """What a side-car says; returns the photo's file of which it names tags."""
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
            self.intake.add_withdrawal("/".join(keyword), photo, FileDecision("withdrawn", XMP, time))
        given = ratings.get(photo)
        shown_stars = None if given is None else given.stars
        if shown_stars is None and file is not None:
            shown_stars = metadata_of(self._db, file.id).rating
        stars = packet.rating
        if stars is not None and stars != (shown_stars or 0):
            self.intake.add_stars(photo, stars, time, is_echo=stars == packet.rated)
        return file.id if file is not None and packet.keywords else None

    def add_keywords(self, file: ShownFile) -> None:
        """The keywords that a photo's file holds."""
        self.finder.found.add(file.photo_id)
        for tag in file.keywords:
            decision = FileDecision("accepted", KEYWORDS, file.mtime_ns / 1e9, is_keyword=True)
            self._add(tag, file.photo_id, decision, file.path)

    def liked(self) -> Iterator[str]:
        """A sentence about what other programs call favourites."""
        if liked := self._liked.difference(favourite_photos(self._db).tolist()):
            yield (
                f'The keyword "{FAVOURITES}" of {photos_in_words(len(liked))} is another program\'s, and makes none a favourite. '
                "Mark those that are."
            )

    def _add(self, tag: str, photo: int, decision: FileDecision, path: Path) -> None:
        if decision.verdict == "accepted" and not decision.is_echo and name_key(tag) == name_key(FAVOURITES):
            self._liked.add(photo)  # a favourite is a person's own word, which this may not mean
            return
        try:
            self.intake.add_decision(self.intake.add_tag(tag), photo, decision)
        except RequestError as fault:
            self.faults.append(f"A keyword of {shown(path)} was left out: {fault}")


def _key(keyword: Keyword) -> Keyword:
    return tuple(map(same_name, keyword))


class _Finder:
    """Finds the library's own photos, each once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[bytes, int | None] = {}
        self._missing = 0
        self.found: set[int] = set()

    @property
    def unknown(self) -> int:
        """How many there were that the library does not have."""
        return self._missing + sum(photo is None for photo in self._known.values())

    def photo_of(self, picture: PhotoReference) -> int | None:
        """A photo by its fingerprint; at its path only where fingerprints are made by another rule and tell nothing."""
        if picture.fingerprint not in self._known:
            with self._db.reading() as connection:
                photo = photo_with_fingerprint(connection, picture.fingerprint, picture.rule)
            if photo is None:
                photo = self._photo_at(Path(picture.path), picture.rule)
            self._known[picture.fingerprint] = photo
            if photo is not None:
                self.found.add(photo)
        return self._known[picture.fingerprint]

    def _photo_at(self, path: Path, rule: int) -> int | None:
        if not (path.is_absolute() and path.exists()):  # to look where nothing is takes long
            return None
        file = find_file(self._db, path)
        if file is None or file.photo_id is None or not file.present:
            return None
        with self._db.reading() as connection:  # by the same rule it would be known: this is another picture
            return None if rule_of(connection, file.photo_id) == rule else file.photo_id

    def photo_of_sidecar(self, sidecar: Sidecar) -> tuple[StoredFile | None, int | None]:
        """The photo of which a side-car notes the hash; where it notes none, the one that lies where its name says.

        With it comes the file that lies there, if it is one of this photo. Where nothing shows the noted picture any more, and
        what lies there looks like it, another program has edited the file.
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
