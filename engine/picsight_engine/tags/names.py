"""What a person may call a tag, and ask of it; everything else is a sentence. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING

from picsight_engine.errors import RequestError
from picsight_engine.store.tags import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NAME = 1000  # characters: keywords of photo files have no limit of their own
_LONGEST_PROMPT = 2000  # as of a search
MOST_PROMPTS = 64
_SHOWN = 60  # characters of a name in a sentence
_UNTYPED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


def checked_name(text: str) -> str:
    """The name as it is kept: one blank where there are several, no control characters.

    Raises:
        RequestError: it is empty, too long, or holds "/".
    """
    name = _plain(text)
    if not name_key(name):
        raise RequestError("A tag needs a name.")
    if "/" in name:
        raise RequestError(
            f'The name "{shortened(name)}" holds "/", which parts a tag from the one above it; name that as the parent.'
        )
    if len(name) > LONGEST_NAME:
        raise RequestError(
            f"A tag's name has at most {LONGEST_NAME:,} characters, and this one {len(name):,}."
        )
    return name


def checked_prompts(texts: Iterable[str]) -> tuple[str, ...]:
    """The words of a tag, each once, empty ones left out.

    Raises:
        RequestError: there are too many, or one is too long.
    """
    prompts = tuple(dict.fromkeys(filter(None, map(_plain, texts))))
    if len(prompts) > MOST_PROMPTS:
        raise RequestError(f"A tag has at most {MOST_PROMPTS} descriptions, and these are {len(prompts)}.")
    longest = max(map(len, prompts), default=0)
    if longest > _LONGEST_PROMPT:
        raise RequestError(
            f"A description has at most {_LONGEST_PROMPT:,} characters, and this one {longest:,}."
        )
    return prompts


def checked_threshold(threshold: float | None) -> float | None:
    """The same threshold.

    Raises:
        RequestError: it does not lie between 0 and 1.
    """
    if threshold is not None and not (math.isfinite(threshold) and 0 <= threshold <= 1):
        raise RequestError(f"A threshold lies between 0 and 1, and {threshold:g} does not.")
    return threshold


def shortened(name: str) -> str:
    """The name as a sentence can hold it."""
    return name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"


def photos_in_words(number: int) -> str:
    """Such as "1 photo" and "1,200 photos"."""
    return f"{number:,} photo{'' if number == 1 else 's'}"


def _plain(text: str) -> str:
    return " ".join(_UNTYPED.sub(" ", unicodedata.normalize("NFC", text)).split())
