"""CLIP's way of cleaning a text and of splitting it into words, before byte-pair encoding.

The split needs the `regex` module: its letters and its IGNORECASE are what CLIP's vocabulary was made with. ftfy and regex
are imported by whoever calls, which is only a search in a model that cleans in this way.
"""

from __future__ import annotations

import html
from functools import cache
from typing import Any

_SPECIAL = ("<start_of_text>", "<end_of_text>")
_WORDS = r"<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def clip_words(text: str) -> list[str]:
    """The lower-case words of a text, mended, without markup's entities; special tokens that it spells are left out."""
    cleaned = " ".join(_mended(text).split()).lower()
    return [word for word in _pattern().findall(cleaned) if word not in _SPECIAL]


def _mended(text: str) -> str:
    """Plain printable ASCII without "&" has nothing to mend: 61 ms of ftfy's import are saved for most searches."""
    if text.isascii() and text.isprintable() and "&" not in text:
        return text
    import ftfy  # 61 ms

    return html.unescape(html.unescape(ftfy.fix_text(text)))


@cache
def _pattern() -> Any:
    import regex  # 19 ms

    return regex.compile(_WORDS, regex.IGNORECASE)
