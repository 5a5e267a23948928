"""The words of tags as vectors: by the text tower, or from the library where it has read them before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.store.prompts import keep_vectors, kept_vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.store.database import Database

    Vector = NDArray[np.float32]


class Prompts:
    """Gives the vectors of texts for one bundle; any thread may call."""

    def __init__(self, db: Database, bundle: Bundle, embed: Callable[[str], Vector]) -> None:
        self._db = db
        self._tower = _tower(bundle)
        self._dim = bundle.manifest.dim
        self._embed = embed

    def vectors(self, texts: Sequence[str]) -> Vector:
        """Unit vectors [n, dim] of these texts.

        Raises:
            BundleError: one was never read before, and the text tower is missing or cannot be loaded.
        """
        known = kept_vectors(self._db, self._tower, texts) if texts else {}
        found = [known[text] if text in known else self._embed(text) for text in texts]
        return np.array(found, np.float32).reshape(len(texts), self._dim)

    def keep(self, texts: Iterable[str]) -> None:
        """Reads what was not read before, and keeps it in the library.

        Raises:
            BundleError: the text tower is missing or cannot be loaded; what it read until then is kept.
            StorageError: the disk refused.
        """
        wanted = list(dict.fromkeys(texts))
        known = kept_vectors(self._db, self._tower, wanted) if wanted else {}
        new: dict[str, Vector] = {}
        try:
            for text in wanted:
                if text not in known:
                    new[text] = self._embed(text)
        finally:
            if new:
                with self._db.writer() as connection:
                    keep_vectors(connection, self._tower, new)


def _tower(bundle: Bundle) -> str:
    """Names all that a text's vector depends on: the bundle's files, and how texts are put to them."""
    files = sorted((name, record.sha256) for name, record in bundle.manifest.files.items())
    return hashlib.sha256(repr((files, bundle.manifest.text)).encode()).hexdigest()
