"""The model that answers searches of a library, and the wanted one, which does once it has read every photo."""

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
    """The model of now with its searcher; any thread may call, `use` not during an indexing."""

    def __init__(
        self, db: Database, bundle: Bundle, wanted: Bundle, read: Callable[[Path], NDArray[np.float32]]
    ) -> None:
        """`read` gives what `bundle` sees in a file."""
        self.bundle = bundle
        self.wanted = wanted
        self.searcher = Searcher(db, bundle, read)
        self._db = db
        self._read = read
        self._lock = threading.Lock()
        self._opened_suggester: Suggester | None = None

    def suggester(self) -> Suggester:
        """Made when something is first typed: a search from the command line suggests nothing."""
        from picsight_engine.suggesting.suggestions import Suggester  # 45 ms

        with self._lock:
            if self._opened_suggester is None:
                self._opened_suggester = Suggester(self._db, self.bundle)
            return self._opened_suggester

    def use(self, answers: Bundle, wanted: Bundle) -> None:
        """Takes up what a person chose while the library was open."""
        if answers != self.bundle:  # another model, or the same one installed anew with other files
            self._search_with(answers)
        self.wanted = self.bundle if wanted == self.bundle else wanted

    def begin(self) -> None:
        """Before photos are read: the wanted model answers at once where the one of now has nothing to answer with."""
        space = self.bundle.manifest.space_id
        if self.wanted.manifest.space_id == space or not photos_with_vector(self._db, space):
            self._switch()

    def end(self) -> bool:
        """After photos were read: the wanted model answers if none lacks its vector any more; returns whether that is news."""
        if self.bundle is self.wanted or photos_awaiting(self._db, self.wanted.manifest.space_id):
            return False
        return self._switch()

    def _switch(self) -> bool:
        """Makes the wanted model the one that answers, unless a person has chosen another one since this was opened."""
        manifest = self.wanted.manifest
        with (
            self._db.writer() as connection
        ):  # `installation.model_choice.use_model` chooses inside of one, too
            if chosen_model(self._db.folder) not in {None, manifest.name, self.wanted.folder.name}:
                return False
            enter_space(connection, manifest, active=True)
        if self.wanted is not self.bundle:
            self._search_with(self.wanted)
        return True

    def _search_with(self, bundle: Bundle) -> None:
        """A search that is under way ends with the model of before."""
        before, self.bundle = self.searcher, bundle
        self.searcher = Searcher(self._db, bundle, self._read)
        with self._lock:
            self._opened_suggester = None
        before.close()
