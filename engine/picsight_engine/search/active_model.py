"""The model that answers searches of a library, and the wanted model, which takes over once it has read every photo.

The thresholds of a model without a calibration are fitted to the photos of a library; no photo needs a label. The cosines of
photos with things spread wider in one model than in another, and all thresholds are distances among them. So the shipped
model's thresholds, which were fitted with labels, are taken over in units of that spread.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.bundles.calibration import Calibration, parse_calibration, vector_text
from picsight_engine.bundles.commonness import counted_words
from picsight_engine.search.searcher import Searcher
from picsight_engine.store.derived.vectors import (
    enter_space,
    photos_with_vector,
    store_calibration,
    stored_calibration,
)
from picsight_engine.store.library_folder import chosen_model
from picsight_engine.store.overview.health import photos_awaiting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.store.database import Database
    from picsight_engine.suggesting.suggestions import Suggester

_PHOTOS = "photos"  # how many a library had when a calibration was fitted to it
LEAST_PHOTOS = 200  # fewer show too few things
_MOST_PHOTOS = 5_000
_THINGS = 100  # each is embedded in all templates, which takes large text towers 0.2 s
_SPREAD = 0.045  # of the shipped model's cosines on the evaluation photos
# The shipped model's thresholds, fitted as `mctrain calibrate` does, but around the mean of `_things`.
_FITTED = Calibration(
    answered=0.2508,
    strong=0.2303,
    possible=0.1507,
    gap=0.02,
    span=0.1384,
    growth=0.0,
    growth_below=0.0214,
    common=0.025,
    colour=0.0275,
)


def calibrated(bundle: Bundle, db: Database) -> Bundle:
    """The bundle, with the thresholds that were fitted to the library if it brings none."""
    fitted = _fitted(bundle, db) if bundle.manifest.calibration is None else None
    return bundle if fitted is None else _with(bundle, fitted[0])


def _fitted(bundle: Bundle, db: Database) -> tuple[Calibration, int] | None:
    """The thresholds that were fitted to the library for a model, and the number of photos that it had then."""
    text = stored_calibration(db, bundle.manifest.space_id)
    if text is None:
        return None
    stored = json.loads(text)
    return parse_calibration(stored, bundle.manifest.dim), stored[_PHOTOS]


def _with(bundle: Bundle, calibration: Calibration) -> Bundle:
    return replace(bundle, manifest=replace(bundle.manifest, calibration=calibration))


class ActiveModel:
    """The present model with its searcher; thread-safe, but do not call `use` while photos are indexed."""

    def __init__(
        self, db: Database, bundle: Bundle, wanted: Bundle, read: Callable[[Path], NDArray[np.float32]]
    ) -> None:
        """`read` returns the vector of a file by `bundle`."""
        self.wanted = calibrated(wanted, db)
        self.bundle = self.wanted if bundle == wanted else calibrated(bundle, db)
        self.searcher = Searcher(db, self.bundle, read)
        self._db = db
        self._read = read
        self._lock = threading.Lock()
        self._opened_suggester: Suggester | None = None

    def suggester(self) -> Suggester:
        """The suggester, made on first use: a search from the command line does not need it."""
        from picsight_engine.suggesting.suggestions import Suggester  # 45 ms

        with self._lock:
            if self._opened_suggester is None:
                self._opened_suggester = Suggester(self._db, self.bundle)
            return self._opened_suggester

    def use(self, answers: Bundle, wanted: Bundle) -> None:
        """Applies a choice that the user made while the library was open."""
        answers, wanted = calibrated(answers, self._db), calibrated(wanted, self._db)
        if answers != self.bundle:  # another model, or the same one reinstalled with other files
            self._search_with(answers)
        self.wanted = self.bundle if wanted == self.bundle else wanted

    def before_indexing(self) -> None:
        """Switches to the wanted model at once if the present one has no vectors."""
        space = self.bundle.manifest.space_id
        if self.wanted.manifest.space_id == space or not photos_with_vector(self._db, space):
            self._switch()

    def after_indexing(self) -> bool:
        """Switches to the wanted model if every photo has its vector; returns whether it switched."""
        if self.bundle is self.wanted or photos_awaiting(self._db, self.wanted.manifest.space_id):
            return False
        return self._switch()

    def calibrate(self) -> None:
        """Fits thresholds to the library for a model that brings none, and again when it has doubled.

        Raises:
            BundleError: the text tower is missing or cannot be loaded.
            StorageError: the disk is full or gone.
        """
        rows = self.searcher.rows()
        fitted, photos = _fitted(self.bundle, self._db) or (None, 0)
        if self.bundle.manifest.calibration != fitted or rows.photos < max(LEAST_PHOTOS, 2 * photos):
            return
        words = np.stack([self.searcher.terms.vector(each) for each in _things()])
        calibration = fit_calibration(words, rows.originals[rows.ids > 0])
        text = json.dumps({**asdict(calibration), _PHOTOS: rows.photos})
        store_calibration(self._db, self.bundle.manifest.space_id, text)
        is_wanted = self.bundle is self.wanted
        self._search_with(_with(self.bundle, calibration))
        if is_wanted:
            self.wanted = self.bundle

    def _switch(self) -> bool:
        """Switches to the wanted model, unless the user has chosen another one since the library was opened."""
        manifest = self.wanted.manifest
        # `installation.model_choice.use_model` also chooses inside a transaction.
        with self._db.writer() as connection:
            if chosen_model(self._db.folder) not in {None, manifest.name, self.wanted.folder.name}:
                return False
            enter_space(connection, manifest, active=True)
        if self.wanted is not self.bundle:
            self._search_with(self.wanted)
        return True

    def _search_with(self, bundle: Bundle) -> None:
        """Replaces the searcher; a running search ends with the previous model."""
        before, self.bundle = self.searcher, bundle
        self.searcher = Searcher(self._db, bundle, self._read)
        with self._lock:
            self._opened_suggester = None
        before.close()


def _things() -> list[str]:
    """Words for common and uncommon things."""
    words = counted_words()
    places = np.linspace(0, len(words) - 1, _THINGS).astype(int)
    return [words[place] for place in places]


def fit_calibration(words: NDArray[np.float32], photos: NDArray[np.float16]) -> Calibration:
    """The calibration of a model, from unit vectors of things [things, dim] and of a library's photos [n, dim]."""
    step = -(-len(photos) // _MOST_PHOTOS)
    centre = words.mean(axis=0)
    low, high = np.quantile(photos[::step].astype(np.float32) @ (words - centre).T, [0.16, 0.84])
    scale = float(high - low) / 2 / _SPREAD
    scaled = {
        each.name: round(min(scale * getattr(_FITTED, each.name), 1.0), 4)
        for each in fields(Calibration)
        if each.name != "centre"
    }
    return replace(_FITTED, **scaled, centre=vector_text(centre))
