"""A captioner: a model that generates several captions of a photo."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import PIL.Image


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """Sampling settings: captions per photo, and nucleus sampling with `top_p`.

    `tokens` is the longest caption, including start and end tokens. Published for MobileCLIP: five, 0.9, and 30, also for
    captioners with a longer context (MobileCLIP, section 3.1; `ml-mobileclip-dr`).
    """

    captions: int = 5
    top_p: float = 0.9
    tokens: int = 30


class Captioner(Protocol):
    """A captioning model: `name` is recorded in reports, `digest` identifies everything that its captions depend on besides
    photo, sampling and seed. A remote one runs in another program, which may charge for each request.
    """

    name: str
    digest: str
    is_remote: bool

    def describe(
        self, pictures: Sequence[PIL.Image.Image], seeds: Sequence[int], sampling: SamplingSettings
    ) -> list[tuple[str, ...]]:
        """`sampling.captions` raw texts per RGB picture; equal seeds give equal texts.

        A remote captioner returns fewer, or none, if requests fail.

        Raises:
            TrainerError: it does not answer.
        """


def seed_of(key: str, seed: int) -> int:
    """The 63-bit seed for the captions of a photo; independent of its batch."""
    digest = hashlib.sha256(f"{seed}:{key}".encode(errors="surrogatepass")).digest()
    return int.from_bytes(digest[:8]) >> 1


def first_sentence(text: str) -> str:
    """The text before the first full stop, on one line.

    As published (`ml-mobileclip-dr`): abbreviations are cut at their stop, and the result may be empty.
    """
    return " ".join(text.partition(".")[0].split())
