"""Camera settings and times in films as people write them; pure, shared by the window and the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.foundation.metadata import Metadata

LONGEST_FRACTION = 0.26  # seconds: cameras show 1/4, and 0.3 above it


def exposure_words(photo: Metadata) -> list[str]:
    """The known ones of 1/250 s, f/2.8, 55 mm, ISO 400. A focal length has its 35-mm equivalent if that differs."""
    words = []
    if photo.exposure:
        words.append(f"{_seconds(photo.exposure)} s")
    if photo.aperture:
        words.append(f"f/{photo.aperture:.2g}" if photo.aperture < 10 else f"f/{photo.aperture:.0f}")
    if photo.focal:
        differs = photo.focal35 and abs(photo.focal35 - photo.focal) > 0.05 * photo.focal
        alike = f" (like {photo.focal35:.0f} mm)" if differs else ""
        words.append(f"{photo.focal:.1f}".removesuffix(".0") + f" mm{alike}")
    if photo.iso:
        words.append(f"ISO {photo.iso}")
    return words


def _seconds(exposure: float) -> str:
    if exposure < LONGEST_FRACTION:
        return f"1/{1 / exposure:.0f}"
    return f"{exposure:.2g}" if exposure < 10 else f"{exposure:.0f}"


def film_time(seconds: float) -> str:
    """A time in a film, such as "0:42" or "1:02:42"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
