"""One worker process: reads a photo once, identifies it, and on order makes its thumbnail and its vector.

The indexer imports this module too, so heavy libraries are imported only inside the worker process.
"""

from __future__ import annotations

import traceback
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import ImageError, PicsightError, VectorError
from picsight_engine.foundation.processes import lower_priority, set_up, silence_decoders, time_limit
from picsight_engine.foundation.suffixes import SHOWN_SUFFIXES
from picsight_engine.indexing.messages import Described, Failed, Identified, Ready
from picsight_engine.photos.formats import is_film
from picsight_engine.photos.reading import film_extract, problem, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.indexing.messages import Job, WorkerOrder
    from picsight_engine.kinds import DerivedKind, Maker
    from picsight_engine.photos.decoding.decode import Limits
    from picsight_engine.photos.metadata.regions import Region


def work(
    connection: Connection, bundle: Bundle, limits: Limits, kinds: Sequence[DerivedKind], embeds: bool
) -> None:
    """The process's main function: loads the model, then serves jobs until the indexer closes the pipe or dies.

    Without `embeds`, it loads the model only when a photo needs it after all.
    """
    set_up()
    lower_priority()
    with suppress(EOFError, OSError):  # the indexer is gone
        try:
            reader = _PhotoReader(bundle, limits, kinds)
            if embeds:
                reader.prepare()
        except PicsightError as fault:
            connection.send(fault)
            return
        silence_decoders()
        connection.send(Ready())
        while True:
            _serve(connection, reader, connection.recv())


def _serve(connection: Connection, reader: _PhotoReader, job: Job) -> None:
    """Identifies one file, then does what the indexer orders."""
    path = job.path
    identified = _try(reader, path, lambda: reader.identify(job))
    connection.send(identified)
    if not isinstance(identified, Identified):
        return
    order: WorkerOrder = connection.recv()
    if order.kinds or order.pixels:
        connection.send(_try(reader, path, lambda: reader.describe(path, order)))


def _try(
    reader: _PhotoReader, path: Path, step: Callable[[], Identified | Described]
) -> Identified | Described | Failed | PicsightError:
    """The result of a step, or the reason for its failure."""
    try:
        with time_limit(reader.limits.seconds_for(path)):
            return step()
    except ImageError as fault:
        return Failed(fault.code, fault.message)
    except PicsightError as fault:
        return fault
    except Exception:  # noqa: BLE001 -- the border: one photo must not end the run
        reason = "could not be indexed: reading it failed in an unexpected way. Open it in another program."
        return Failed("crashed", problem("crashed", path, reason).message, traceback.format_exc())


class _PhotoReader:
    """What a worker makes of its photos, and with what."""

    def __init__(self, bundle: Bundle, limits: Limits, kinds: Sequence[DerivedKind]) -> None:
        # Lazy: the indexer's process imports this module too and must not pay 300 ms.
        from picsight_engine.bundles import preprocess
        from picsight_engine.photos import identity
        from picsight_engine.photos.decoding import decode
        from picsight_engine.photos.metadata import sidecars

        self.limits = limits
        self._data = b""
        self._regions: tuple[Region, ...] = ()
        self._unshown: Described | None = None  # of a file that only stands behind another
        self._bundle = bundle
        self._spec = bundle.image_spec()
        self._kinds = {kind.name: kind for kind in kinds}
        self._makers: dict[str, Maker] = {}
        self._preprocess, self._decode = preprocess, decode
        self._identity, self._sidecars = identity, sidecars

    def identify(self, job: Job) -> Identified:
        """Reads the file, once for both steps, and identifies it; raises ImageError."""
        self._unshown = None
        if is_film(job.path):
            return self._identify_film(job)
        self._data = read_photo(job.path, self.limits)
        known = self._identity.bytes_hash(self._data), self._identity.fingerprint(self._data)
        beside = self._sidecars.read_companions(job.path, job.companions, known)
        header = self._decode.read_header(self._data, job.path, beside)
        self._regions = header.regions
        return Identified(*known, header.pixels, header.picture_rule, header.metadata)

    def _identify_film(self, job: Job) -> Identified:
        """A film's identity needs few of its bytes; the moving part of a Live Photo is not decoded, and not shown either."""
        from picsight_engine.photos.decoding import films  # many libraries hold no film
        from picsight_engine.photos.metadata import film_tags
        from picsight_engine.photos.metadata.tag_precedence import LIVE, read_metadata

        facts = films.read_film_facts(job.path)
        stills = [
            job.path.with_name(name)
            for name in job.companions
            if name.lower().endswith(tuple(SHOWN_SUFFIXES))
        ]
        if films.is_moving_part(facts, stills):
            facts[LIVE] = 1
            width, height = (int(str(facts.get(side, 1))) for side in (film_tags.WIDTH, film_tags.HEIGHT))
            self._unshown = Described(width, height)
        elif film_tags.DURATION not in facts:  # OpenCV takes longer, and is not everywhere
            facts[film_tags.DURATION] = films.film_seconds(job.path)
        digest = self._identity.bytes_hash(film_extract(job.path))
        beside = self._sidecars.read_companions(job.path, job.companions, {digest})
        return Identified(digest, digest, 0, films.FILM_RULE, read_metadata(facts, beside))

    def prepare(self) -> None:
        """Loads what photos need, such as the image tower; raises BundleError."""
        for name in self._kinds:
            self._maker(name)

    def _maker(self, name: str) -> Maker:
        if name not in self._makers:
            self._makers[name] = self._kinds[name].maker(self._bundle)
        return self._makers[name]

    def describe(self, path: Path, order: WorkerOrder) -> Described:
        """Decodes once, reduced if the format allows, and makes everything from that; raises ImageError."""
        if self._unshown is not None:
            return self._unshown
        side = max(
            [self._preprocess.reduced_side(self._spec), *(self._kinds[name].min_side for name in order.kinds)]
        )
        if is_film(path):
            from picsight_engine.photos.decoding.films import decode_film  # as above

            photo = decode_film(path, min_side=side, limits=self.limits)
        else:
            photo = self._decode.decode(self._data, path, min_side=side, limits=self.limits)
            photo = replace(photo, regions=self._regions)
        pixels: tuple[bytes, ...] = ()
        moments: tuple[float | None, ...] = ()
        if order.pixels:
            images, moments = zip(*photo.pictures(), strict=True)
            inputs = (self._preprocess.preprocess(image, self._spec) for image in images)
            pixels = tuple(each.astype("<f4", copy=False).tobytes() for each in inputs)
        try:
            things = {name: self._maker(name)(photo) for name in order.kinds}
        except VectorError:
            reason = (
                "gives the model nothing that a search could compare, so it was left out. Try another model."
            )
            raise problem("unsupported", path, reason) from None
        return Described(photo.width, photo.height, things, pixels, moments)
