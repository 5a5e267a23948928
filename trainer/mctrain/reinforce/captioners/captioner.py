"""A captioner: whatever says in words what a photo shows, several times and each time anew."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import PIL.Image


@dataclass(frozen=True, slots=True)
class Manner:
    """How captions are drawn: so many a photo, from the likeliest words that together have the probability `top_p`.

    `tokens` is the most that a caption has, the marks of its beginning and end among them. As published for MobileCLIP:
    five, 0.9, and 30, which cuts even captioners of longer contexts (MobileCLIP, section 3.1; `ml-mobileclip-dr`).
    """

    captions: int = 5
    top_p: float = 0.9
    tokens: int = 30


class Captioner(Protocol):
    """One model that writes: `name` is what is recorded of it, `digest` names what its words depend on beside photo, manner and
    seed; of a remote one another program writes, which may charge for each question.
    """

    name: str
    digest: str
    is_remote: bool

    def describe(
        self, pictures: Sequence[PIL.Image.Image], seeds: Sequence[int], manner: Manner
    ) -> list[tuple[str, ...]]:
        """`manner.captions` texts of each RGB picture as the model writes them; equal seeds give equal texts.

        A remote one gives fewer, or none, where it has no answer.

        Raises:
            TrainerError: it does not answer.
        """
        ...


def seed_of(key: str, seed: int) -> int:
    """What the captions of a photo are drawn by, whatever is drawn beside it: 63 bits."""
    digest = hashlib.sha256(f"{seed}:{key}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8]) >> 1


def first_sentence(text: str) -> str:
    """What is kept of a text that a captioner wrote: what stands before its first full stop, in one line.

    As published (`ml-mobileclip-dr`): an abbreviation is cut at its stop, and nothing may be left.
    """
    return " ".join(text.partition(".")[0].split())
