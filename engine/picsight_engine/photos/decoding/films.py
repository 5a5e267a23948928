"""Films: their tags, whether they are the moving part of a photo, and the frames by which they are found.

Most films are read through, decoding key frames and looking between those that are far apart; large ones are looked at in
places.
"""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import chain, pairwise
from typing import TYPE_CHECKING

import numpy as np

from picsight_engine.foundation.errors import ImageError
from picsight_engine.foundation.metadata import is_same_time
from picsight_engine.photos.decoding.decode import DecodedPhoto, check_size, read_header
from picsight_engine.photos.decoding.film_frames import MOST_LOOKS, MOST_SECONDS, Film, unreadable
from picsight_engine.photos.metadata.embedded import xmp_facts
from picsight_engine.photos.metadata.film_tags import (
    CONTENT_IDENTIFIER,
    DURATION,
    PACKET,
    UTC_DATE,
    film_facts,
)
from picsight_engine.photos.metadata.tag_precedence import FILE_NAME, read_metadata
from picsight_engine.photos.reading import Limits, read_file, read_photo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from picsight_engine.photos.decoding.film_frames import FilmFrame
    from picsight_engine.photos.exif import Fact, Facts

FILM_RULE = 2  # raise it when films give other frames or moments: they are read again
MOST_FRAMES = 40  # of a film
_MOST_GAP = 10.0  # seconds between frames, while `MOST_FRAMES` suffice
_OPEN_GAP = 3.0  # seconds between key frames from which on there are looks between them
_MOST_KEY_GAP = 30.0  # seconds; further apart, there are key frames that were not looked at
_READ_THROUGH = 1_200.0  # megapixels times seconds: two minutes of 4K, ten of 1080p
_READ_THROUGH_BYTES = 1_000_000_000
# Mean differences of sketches, in parts of the range: from one on, frames show different scenes; below the other, the same.
_OTHER_SCENE, _SAME_SCENE = 0.12, 0.04
_LONGEST_MOVING = 6.0  # of a film that belongs to a photo by its name alone; a Live Photo's has three
_APPLE_NOTES = b"Apple iOS\0"  # the start of an iPhone's notes, which hold the identifier


def read_film_facts(path: Path) -> dict[str, Fact]:
    """The facts of a film; raises ImageError like `read_photo`."""
    facts = read_file(path, film_facts)
    return {FILE_NAME: path.name, **xmp_facts(facts.pop(PACKET, None)), **facts}


def is_moving_part(facts: Facts, stills: Iterable[Path]) -> bool:
    """Whether a film with these facts is the moving part of one of the stills beside it.

    Both have one content identifier; where one of them has none, their names, times and the film's length decide.
    """
    for still in stills:
        with suppress(ImageError):
            if _belong_together(facts, still):
                return True
    return False


def _belong_together(facts: Facts, still: Path) -> bool:
    data = read_photo(still, Limits())
    identifier = str(facts.get(CONTENT_IDENTIFIER, "")).encode()
    if identifier and identifier in data:
        return True
    if identifier and _APPLE_NOTES in data:  # of another Live Photo, or of none
        return False
    duration = facts.get(DURATION)
    if not isinstance(duration, float) or duration > _LONGEST_MOVING:
        return False
    film = read_metadata(facts, {})
    # A time in UTC is that of writing the film.
    taken = None if film.taken_source == UTC_DATE else film.taken
    return is_same_time(taken, read_header(data, still).metadata.taken)


def film_seconds(path: Path) -> float:
    """How long a film lasts, as OpenCV reads or estimates it, 0 if unknown; raises ImageError like `decode_film`."""
    return Film(path, 1).seconds


def decode_film(
    path: Path, *, min_side: int, limits: Limits, moment: float | None = None, is_poster: bool = False
) -> DecodedPhoto:
    """Decodes the frames by which a film is found: the first that shows something is its poster, the others are `parts`.

    With `is_poster` only the poster, with `moment` only the frame at these seconds. The short side of a frame is reduced to
    `min_side` pixels.

    Raises:
        ImageError: `not_read` without the extra `video`, `not_an_image`, `unsupported`, `damaged`, `truncated` or `too_large`.
    """
    film = Film(path, min_side)
    check_size((film.width, film.height), path, limits)
    if moment is not None:
        frames = [*film.frames_at([[moment]])]
    elif is_poster:
        frames = film.poster()
    else:
        frames = choose_frames(_looks(film), film.seconds)
    if not frames:
        raise unreadable(path, film.coding)
    (poster, seconds), *parts = ((frame.picture(), frame.seconds) for frame in frames)
    return DecodedPhoto(poster, film.width, film.height, seconds, tuple(parts))


def _looks(film: Film) -> list[FilmFrame]:
    """Frames in order of time: key frames of a film that can be read through, and others where those leave gaps."""
    megapixel_seconds = film.seconds * film.width * film.height / 1e6
    is_read_through = megapixel_seconds <= _READ_THROUGH and film.bytes <= _READ_THROUGH_BYTES
    looks = list(film.key_frames()) if is_read_through else film.poster()
    gap = max(_OPEN_GAP, film.seconds / MOST_LOOKS)
    ends = [0.0, *(look.seconds for look in looks), film.seconds]
    rows = list(chain.from_iterable(_between(start, end, gap) for start, end in pairwise(ends)))
    # In this order, a slow machine that runs out of time has looked all over the film.
    order = sorted(range(len(rows)), key=lambda place: f"{place:08b}"[::-1])
    found = film.frames_at([rows[place] for place in order], seconds=MOST_SECONDS)
    return sorted([*looks, *found], key=lambda look: look.seconds)


def _between(start: float, end: float, gap: float) -> list[list[float]]:
    """Moments between two looks, at most `gap` seconds apart, in rows that are read in one go."""
    steps = max(1, math.ceil((end - start) / gap))
    moments = [start + (end - start) * step / steps for step in range(1, steps)]
    return [moments] if end - start <= _MOST_KEY_GAP else [[moment] for moment in moments]


def _step(seconds: float) -> float:
    return max(_MOST_GAP, seconds / MOST_FRAMES)


def choose_frames(looks: Sequence[FilmFrame], seconds: float) -> list[FilmFrame]:
    """Of frames in order of time: the first, each new scene, and one every ten seconds, or in each fortieth of a longer film.

    Blank frames and those that look like a chosen one are left out, unless all are blank.
    """
    chosen: list[FilmFrame] = []
    following = [*(look.seconds for look in looks[1:]), seconds]
    for look, after in zip(looks, following, strict=False):  # without looks nothing follows
        if look.is_blank:
            continue
        if chosen:
            is_due = after - chosen[-1].seconds > _step(seconds)
            if not is_due and look.difference(chosen[-1]) < _OTHER_SCENE:
                continue
            if min(map(look.difference, chosen)) < _SAME_SCENE:
                continue
        chosen.append(look)
    return _forty(chosen, seconds) if len(chosen) > MOST_FRAMES else chosen or [*looks[:1]]


def _forty(chosen: list[FilmFrame], seconds: float) -> list[FilmFrame]:
    """The frames that show most of a film of so many seconds. One goes that has the colours of another and whose neighbours
    are close: a camera that moves changes places more than colours.
    """
    colours = np.array([look.colours() for look in chosen])  # [n, 512]
    differences = np.array([np.abs(colours - each).sum(axis=1) for each in colours], np.float32)  # [n, n]
    np.fill_diagonal(differences, np.inf)
    times, kept = np.array([*(look.seconds for look in chosen), seconds]), [*range(len(chosen))]
    while len(kept) > MOST_FRAMES:
        spans = times[[*kept[2:], len(chosen)]] - times[kept[:-1]]
        losses = differences[np.ix_(kept, kept)].min(axis=1)[1:] * spans
        del kept[1 + int(losses.argmin())]
    return [chosen[place] for place in kept]
