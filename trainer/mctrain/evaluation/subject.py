"""What can be measured: whatever embeds photos and texts, from the bytes of the photos' files on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.shards import samples
from picsight_engine.models.preprocess import reduced_side
from picsight_engine.photos.decode import Limits, decode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mctrain.teachers.teacher import Teacher


class Subject:
    """Embeds the photos of a shard and texts; photos are decoded by the engine, as the application does it."""

    def __init__(self, teacher: Teacher, progress: Callable[[int, str], None]) -> None:
        self._teacher = teacher
        self._progress = progress

    def photos(self, shard: Path) -> NDArray[np.float32]:
        """Unit vectors [photos, dim] of a shard, in its order."""
        rows = []
        for sample in samples(shard):
            name = Path(f"{sample.key}.{sample.suffix}")
            side = reduced_side(self._teacher.spec)
            picture = decode(sample.photo, name, min_side=side, limits=Limits()).image
            rows.append(self._teacher.photos([picture], [sample.key]))
            self._progress(1, shard.name)
        return np.concatenate(rows)

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [texts, dim]."""
        return self._teacher.texts(texts)
