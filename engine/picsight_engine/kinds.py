"""The kinds of things that are derived from photos: how each is made, where it is stored, and when it is due.

To add one, write the function that makes it (in `photos/`, or in `runtime/` if it runs a model) and the one that stores it (in
`store/`), and add a row to `KINDS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from picsight_engine.foundation.face import NAMED_OVERLAP, FoundFace
from picsight_engine.photos import colours
from picsight_engine.store.derived.colours import put_colour_codes
from picsight_engine.store.derived.faces import put_faces
from picsight_engine.store.derived.states import forget_rows, record_derived, settled_photos
from picsight_engine.store.derived.vectors import VECTORS_RULE, put_vectors, vectors_in
from picsight_engine.store.derived.written import put_written
from picsight_engine.store.full_text import erase_traces
from picsight_engine.store.photos import put_likeness

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.photos.metadata.regions import Region
    from picsight_engine.store.database import Database
    from picsight_engine.store.derived.thumbnails import ThumbnailStore

    Maker = Callable[[Any], Any]

THUMBNAIL_SIDE = 256  # pixels


@dataclass(frozen=True, slots=True)
class DerivedKind:
    """A kind of thing that photos have. A photo is due until it was tried by this `rule` or a later one.

    A process calls `maker` once with the model. The result makes the thing from a `DecodedPhoto` whose short side has at least
    `min_side` pixels (if the photo has them), None if it shows no such thing; or from the JPEG of its stored thumbnail if the
    kind is `of_thumbnail`, None if that is damaged. `put` stores things by photo, and deletes where there is None; None stands for the thumbnails, which
    have their own database. A `slow` kind waits until all others are stored.
    """

    name: str
    rule: int
    maker: Callable[[Bundle], Maker]
    put: Callable[[sqlite3.Connection, Mapping[int, Any]], None] | None
    min_side: int = 0
    of_thumbnail: bool = False
    slow: bool = False


# The makers import Pillow and decoders, which the indexer's process does not need.
def _thumbnails(_: Bundle) -> Maker:
    from picsight_engine.photos.thumbnail import thumbnail

    def make(photo: Any) -> tuple[bytes, list[tuple[float, bytes]]]:
        frames = [(at, thumbnail(image, THUMBNAIL_SIDE)) for image, at in photo.parts if at is not None]
        return thumbnail(photo.image, THUMBNAIL_SIDE), frames

    return make


def _likenesses(_: Bundle) -> Maker:
    from picsight_engine.photos.identity import perceptual_hash

    # The same poster is no sign that films are copies.
    return lambda photo: perceptual_hash(photo.image) if photo.moment is None else None


def _vectors(bundle: Bundle) -> Maker:
    from picsight_engine.runtime.picture_embedder import PictureEmbedder

    embedder = PictureEmbedder(bundle)

    def make(photo: Any) -> list[tuple[bytes, float | None]]:
        images, moments = zip(*photo.pictures(), strict=True)
        return [*zip(embedder.vectors(images), moments, strict=True)]

    return make


def _colours(_: Bundle) -> Maker:
    return colours.colour_codes


def _written_lines(_: Bundle) -> Maker:
    from picsight_engine.runtime.word_reader import WordReader

    reader = WordReader()
    return lambda photo: (reader.read(photo.image) or None) if photo.moment is None else None


def _faces(_: Bundle) -> Maker:
    from picsight_engine.runtime.face_finder import FaceFinder

    finder = FaceFinder()

    def make(photo: Any) -> list[FoundFace] | None:
        if photo.moment is not None:
            return None
        return _with_names(finder.find(photo.image, photo.width / photo.image.width), photo.regions) or None

    return make


def _with_names(found: list[FoundFace], regions: Iterable[Region]) -> list[FoundFace]:
    """The faces with the names that other programs gave them, and those that only these saw."""
    for region in regions:
        overlaps = [face.box.overlap(region.box) if face.name is None else 0.0 for face in found]
        best = max(range(len(found)), key=overlaps.__getitem__, default=-1)
        if best >= 0 and overlaps[best] >= NAMED_OVERLAP:
            found[best] = found[best]._replace(name=region.name)
        else:
            found.append(FoundFace(region.box, 1.0, 0.0, 0.0, b"", region.name))
    return found


_put_colours = partial(put_colour_codes, rule=colours.RULE, width=len(colours.NAMES))
# Reduced decoding halves a photo of more than 8 megapixels, in which the same words are read.
WORDS = DerivedKind("words", 1, _written_lines, put_written, min_side=1225, slow=True)
FACES = DerivedKind("faces", 2, _faces, put_faces, min_side=1225, slow=True)
KINDS = (
    DerivedKind("thumbnail", 1, _thumbnails, put=None),
    DerivedKind("likeness", 1, _likenesses, put_likeness),
    DerivedKind("colours", colours.RULE, _colours, _put_colours, of_thumbnail=True),
    WORDS,
    FACES,
)


def kinds_of(space: str) -> tuple[DerivedKind, ...]:
    """Everything that photos have, with vectors in this space."""
    return (*KINDS, DerivedKind(vectors_in(space), VECTORS_RULE, _vectors, partial(put_vectors, space=space)))


def settled(db: Database, thumbnails: ThumbnailStore, kind: DerivedKind) -> frozenset[int]:
    """The photos that are not due for a kind."""
    photos = settled_photos(db, kind.name, kind.rule)
    return photos.intersection(thumbnails.ids()) if kind.put is None else photos


def store(connection: sqlite3.Connection, kind: DerivedKind, things: Mapping[int, Any]) -> None:
    """Stores what was made of photos, None where there is nothing, in the caller's transaction; thumbnails are only recorded."""
    if kind.put is not None:
        kind.put(connection, things)
    nothing = {photo_id for photo_id, thing in things.items() if thing is None}
    record_derived(connection, kind.name, kind.rule, things.keys() - nothing, "done")
    record_derived(connection, kind.name, kind.rule, nothing, "nothing")


def forget(db: Database, kind: DerivedKind) -> int:
    """Deletes all things of a kind so that no byte of them is left, and returns of how many photos; StorageError if the disk is
    full.
    """
    assert kind.put is not None, "thumbnails are a file of their own"
    with db.writer() as connection:
        photos = forget_rows(connection, kind.name)
        kind.put(connection, dict.fromkeys(photos))
        erase_traces(connection)
    db.vacuum()
    return len(photos)
