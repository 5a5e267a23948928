"""open_clip's CoCa as a captioner: the photo is seen once for all its captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.reinforce.captioners.decoder import Decoder, demand_coca, see

if TYPE_CHECKING:
    from collections.abc import Sequence

    import PIL.Image
    from torch import Tensor

    from mctrain.reinforce.captioners.captioner import Manner
    from mctrain.teachers.open_clip import OpenClipModel


_LEAST = 5  # tokens before a caption may end, its beginning among them; as published


class CocaCaptioner:
    """A CoCa of any size with CLIP's tokens."""

    is_remote = False

    def __init__(self, model: OpenClipModel) -> None:
        """Of a loaded model.

        Raises:
            WeightsError: it is no CoCa with CLIP's tokens.
        """
        demand_coca(model.module, model.name)
        self._model = model
        self.name, self.digest = model.name, model.digest
        tokenizer = model.tokenizer
        self._begin, self._end, self._pad = (
            tokenizer.sot_token_id,
            tokenizer.eot_token_id,
            self._model.module.pad_id,
        )

    def describe(
        self, pictures: Sequence[PIL.Image.Image], seeds: Sequence[int], manner: Manner
    ) -> list[tuple[str, ...]]:
        """Texts before any cleaning, without the marks of beginning and end."""
        ids = self.draw(self._model.pixels(pictures), seeds, manner).tolist()
        texts = [self._spoken(own) for own in ids]
        return [tuple(texts[at : at + manner.captions]) for at in range(0, len(texts), manner.captions)]

    @torch.no_grad()
    def draw(self, pixels: Tensor, seeds: Sequence[int], manner: Manner) -> Tensor:
        """Token ids [p * captions, tokens] of pixels [p, 3, size, size]; behind a caption's end stands the padding.

        The padding's id is the exclamation mark's in CLIP's vocabulary: as in open_clip's `generate`, it ends a caption too.
        """
        model = self._model.module
        most = min(manner.tokens, model.context_length)
        drawn = torch.from_numpy(_drawn(seeds, manner.captions, most)).to(
            pixels.device
        )  # [p * captions, tokens]
        decoder = Decoder(model, see(model, pixels), manner.captions, most)
        ids = torch.full_like(drawn, self._pad, dtype=torch.long)
        ids[:, 0] = self._begin
        for place in range(1, most):
            logits = decoder.step(ids[:, place - 1])
            if place < _LEAST:
                logits[:, self._end] = -torch.inf
            open_still = ~((ids[:, :place] == self._end) | (ids[:, :place] == self._pad)).any(1)
            if not open_still.any():
                break
            found = nucleus(logits, manner.top_p, drawn[:, place])
            found[:] = self._end if place == most - 1 else found
            ids[open_still, place] = found[open_still]
        return ids

    def _spoken(self, ids: Sequence[int]) -> str:
        own = list(ids[1:])
        ends = [own.index(mark) for mark in (self._end, self._pad) if mark in own]
        return str(self._model.tokenizer.decode(own[: min(ends, default=len(own))]))


def _drawn(
    seeds: Sequence[int], captions: int, tokens: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Numbers in [0, 1), [p * captions, tokens], of each photo's own seed: they do not change with what is beside it."""
    return np.concatenate(
        [np.random.Generator(np.random.Philox(seed)).random((captions, tokens)) for seed in seeds]
    )


def nucleus(logits: Tensor, top_p: float, drawn: Tensor) -> Tensor:
    """Token ids [n] of logits [n, vocabulary]; `drawn` [n] in [0, 1) says which of the tokens in question each row gets.

    Those are the fewest likeliest whose probabilities reach `top_p`, each as likely as it is among them. They are added up in
    the order of the vocabulary, so that the last bits of two that are nearly alike decide nothing, and in double precision:
    49,408 of float32 do not make 1.
    """
    likely = logits.double().softmax(1)  # [n, vocabulary]
    falling = likely.sort(1, descending=True).values
    count = (
        (falling.cumsum(1) - falling < top_p).sum(1, keepdim=True).clamp(min=1)
    )  # [n, 1]; the one that crosses is in
    kept = likely * (likely >= falling.gather(1, count - 1))  # [n, vocabulary]
    reached = kept.cumsum(1)
    wanted = (
        drawn.double().clamp(max=1 - 1e-12)[:, None] * reached[:, -1:]
    )  # [n, 1], below the last that is kept
    return torch.searchsorted(reached, wanted, right=True).squeeze(1)
