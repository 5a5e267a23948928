"""What a pass over the data sees: the order of the samples, and of each sample one view, one caption, one synthetic text.

The order follows from epoch and seed, the choice from key, epoch and seed: neither from what was read before, nor from
who reads it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mctrain.errors import SampleError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mctrain.data.reinforced.sample import ReinforcedSample


@dataclass(frozen=True, slots=True)
class Choice:
    """Rows: of the views, of the captions, and of the texts of one tag; without a tag, of the captions once more."""

    view: int
    caption: int
    tag: str | None
    text: int


def order(count: int, epoch: int, seed: int) -> NDArray[np.int64]:
    """A permutation of all samples [count]."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def choose(sample: ReinforcedSample, epoch: int, seed: int, pattern: str) -> Choice:
    """Uniform over views and captions, over the tags that fit the pattern, then over the texts of that tag.

    A photo that has a person's captions and nothing else gives another one of these in place of a synthetic text.

    Raises:
        SampleError: it has synthetic texts, and none has a tag that fits.
    """
    view, caption, tag, text = _draw(sample.key, epoch, seed)
    seen, said = _below(len(sample.views), view), _below(len(sample.captions), caption)
    synthetic = {own: texts for own, texts in sample.words.synthetic.items() if texts}
    if not synthetic:
        others = max(1, len(sample.captions) - 1)
        return Choice(seen, said, None, (said + 1 + _below(others, text)) % len(sample.captions))
    tags = [own for own in synthetic if re.search(pattern, own)]
    if not tags:
        raise SampleError(
            f"{sample.key} has no synthetic text whose tag fits {pattern}.", "no synthetic text"
        )
    chosen = tags[_below(len(tags), tag)]
    return Choice(seen, said, chosen, _below(len(synthetic[chosen]), text))


def _draw(key: str, epoch: int, seed: int) -> tuple[int, int, int, int]:
    """Four numbers of 64 bits."""
    digest = hashlib.sha256(f"{seed}/{epoch}/{key}".encode(errors="surrogatepass")).digest()
    first, second, third, fourth = (int.from_bytes(digest[at : at + 8], "little") for at in range(0, 32, 8))
    return first, second, third, fourth


def _below(count: int, number: int) -> int:
    """Scales 64 random bits to a row; no row is favoured by more than one in 2^64."""
    return count * number >> 64
