"""Embeds one picture that need not be in a library, in a worker process like every photo."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.errors import ImageError
from picsight_engine.indexing.crew import Crew
from picsight_engine.indexing.messages import Described, Failed, Identified, Lost, WorkerOrder
from picsight_engine.photos.reading import Limits, problem

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.indexing.messages import News

_KEY = 0
_PATIENCE = 1.0  # seconds between checks of the process
_LOST = {"timeout": "takes too long to read", "crashed": "made the program that reads it crash"}


def picture_vector(bundle: Bundle, path: Path) -> NDArray[np.float32]:
    """The vector [dim] of a picture file, of unit length.

    Raises:
        ImageError: it cannot be read.
        BundleError: the image tower is missing or cannot be loaded.
    """
    with closing(Crew(bundle, Limits())) as crew:
        crew.hire(1)
        while not crew.idle:
            crew.wait(_PATIENCE)
        crew.start(_KEY, path)
        while True:
            for _, news in crew.wait(_PATIENCE):
                if isinstance(news, Identified):
                    crew.order(_KEY, WorkerOrder.EMBED)
                else:
                    return _vector(news, path)


def _vector(news: News, path: Path) -> NDArray[np.float32]:
    if isinstance(news, Described) and news.vectors:
        return np.frombuffer(news.vectors[0], "<f2").astype(np.float32)
    if isinstance(news, Failed):
        raise ImageError(news.code, news.message, path)
    assert isinstance(news, Lost), "a picture is identified, described, or not"
    raise problem(news.code, path, _LOST[news.code])
