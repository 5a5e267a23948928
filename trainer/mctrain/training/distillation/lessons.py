"""What a text tower is taught: texts, and for each what the teacher is asked in its place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mctrain.tokens.templates import TEMPLATES
from picsight_engine.models.text import is_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mctrain.data.refusal import Reserved


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text shall get the mean of the teacher's vectors of `said`."""

    text: str
    said: tuple[str, ...]


def lessons_of(texts: Iterable[str], known: Reserved) -> Iterator[Lesson]:
    """A sentence means itself. A short search means what it says in all templates, as the engine asks the teacher; and one of
    these, chosen by the text, is a lesson of its own.
    """
    for text in texts:
        if is_sentence(text):
            yield Lesson(text, (text,))
            continue
        phrases = tuple(template.replace("{}", text) for template in TEMPLATES)
        yield Lesson(text, phrases)
        phrase = phrases[hashlib.sha256(text.encode()).digest()[0] % len(phrases)]
        if phrase != text and not known.holds_sentence(phrase):
            yield Lesson(phrase, (phrase,))
