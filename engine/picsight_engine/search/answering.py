"""The model that answers searches of a library, and the wanted model, which takes over once it has read every photo."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from picsight_engine.search.searcher import Searcher
from picsight_engine.store.health import photos_awaiting
from picsight_engine.store.library_folder import chosen_model
from picsight_engine.store.vectors import enter_space, photos_with_vector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.store.database import Database
    from picsight_engine.suggesting.suggestions import Suggester


class Answering:
    """The present model with its searcher; thread-safe, but do not call `use` while photos are indexed."""

    def __init__(
        self, db: Database, bundle: Bundle, wanted: Bundle, read: Callable[[Path], NDArray[np.float32]]
    ) -> None:
        """`read` returns the vector of a file by `bundle`."""
        self.bundle = bundle
        self.wanted = wanted
        self.searcher = Searcher(db, bundle, read)
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
        if answers != self.bundle:  # another model, or the same one reinstalled with other files
            self._search_with(answers)
        self.wanted = self.bundle if wanted == self.bundle else wanted

    def begin(self) -> None:
        """Called before indexing: switches to the wanted model at once if the present one has no vectors."""
        space = self.bundle.manifest.space_id
        if self.wanted.manifest.space_id == space or not photos_with_vector(self._db, space):
            self._switch()

    def end(self) -> bool:
        """Called after indexing: switches to the wanted model if every photo has its vector; returns whether it switched."""
        if self.bundle is self.wanted or photos_awaiting(self._db, self.wanted.manifest.space_id):
            return False
        return self._switch()

    def _switch(self) -> bool:
        """Switches to the wanted model, unless the user has chosen another one since the library was opened."""
        manifest = self.wanted.manifest
        with (
            self._db.writer() as connection
        ):  # `installation.model_choice.use_model` also chooses inside a transaction
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
