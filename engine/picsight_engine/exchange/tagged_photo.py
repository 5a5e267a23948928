"""What a library says of one photo file, for its side-car or a table."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from picsight_engine.exchange.history import DecisionHistory
from picsight_engine.exchange.xmp_writing import SidecarContent
from picsight_engine.foundation.errors import ImageError, Message
from picsight_engine.photos.formats import is_film
from picsight_engine.photos.identity import bytes_hash, fingerprint
from picsight_engine.photos.reading import film_extract

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHANGED = Message(
    "{files} changed since it was indexed, so nothing was written. Look for new photos, and export again."
)


@dataclass(frozen=True, slots=True)
class TaggedPhoto:
    """A photo file with the paths of its accepted tags ("Birds/Waders"), the user's stars, its `bytes_hash`, and rejected
    tags; `history` is everything ever decided about it, `fingerprint` is its picture's, `seen` its size and time (ns) when
    indexed, and `since` and `rated_at` the times when each tag was accepted and the stars were given, in seconds since 1970;
    `taken` is its local date in ISO form.
    """

    path: Path
    tags: tuple[str, ...] = ()
    stars: int | None = None
    bytes_hash: bytes | None = None
    rejected: tuple[str, ...] = ()
    history: DecisionHistory = field(default_factory=DecisionHistory)
    fingerprint: bytes | None = None
    seen: tuple[int, int] | None = None
    since: Mapping[str, float] = field(default_factory=dict)
    rated_at: float = math.inf
    taken: str | None = None

    @property
    def sidecar(self) -> SidecarContent:
        """The content for its side-car."""
        original = self.fingerprint or self.bytes_hash
        return SidecarContent(self.tags, self.stars, original, self.rejected, self.history)

    def is_as_indexed(self) -> bool:
        """Whether the file still holds the indexed picture: size and time are equal, or the hash is."""
        if self.seen is None:
            return True
        try:
            info = self.path.stat()
            if (info.st_size, info.st_mtime_ns) == self.seen:
                return True
            data = film_extract(self.path) if is_film(self.path) else self.path.read_bytes()
        except (OSError, ImageError):  # an unreadable file has no hash
            return False
        return bytes_hash(data) == self.bytes_hash or fingerprint(data) == self.fingerprint
