"""Published crops and the photo that is at hand: they are pixels of the photo as it was when they were drawn.

Most of DataComp's downloads are smaller, 512 pixels on the long side. Where the downloader tells the size that a photo
came in, crops are scaled by it; beyond the edge of the photo, replay would paint black.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.data.augment.records import rescaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mctrain.data.augment.records import View

_ROUNDED = 1.5  # pixels by which a side may be off when a downloader keeps the proportions


def fit_views(
    views: Sequence[View], now: tuple[int, int], drawn_from: tuple[int, int]
) -> tuple[View, ...] | None:
    """The views for a photo of the size `now` (width, height); None where they do not belong to a photo of the size they were
    drawn from, or that one was cut or stretched since.
    """
    if not all(view.fits(*drawn_from) for view in views) or not _is_scaled(now, drawn_from):
        return None
    return tuple(rescaled(view, drawn_from, now) for view in views)


def _is_scaled(now: tuple[int, int], before: tuple[int, int]) -> bool:
    """Whether both sides shrank alike, but for rounding."""
    scale = max(now) / max(before)
    return all(abs(side - own * scale) <= _ROUNDED for side, own in zip(now, before, strict=True))
