"""open_clip's CoCa as a captioner, with cached keys and values: draws all captions of a photo one token at a time.

open_clip recomputes the whole sentence for each token, and the photo for each caption. Here a photo is projected once,
and all its captions attend to the same keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from open_clip.transformer import ResidualAttentionBlock
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import PIL.Image
    from torch import Tensor

    from mctrain.reinforce.captioners.captioner import SamplingSettings
    from mctrain.teachers.open_clip import OpenClipModel


_LEAST = 5  # fewest tokens of a caption, including the start token; as published


class CocaCaptioner:
    """A CoCa of any size with CLIP's tokens."""

    is_remote = False

    def __init__(self, model: OpenClipModel) -> None:
        """Wraps a loaded model; raises WeightsError if it is not a CoCa with CLIP's tokens."""
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
        self, pictures: Sequence[PIL.Image.Image], seeds: Sequence[int], sampling: SamplingSettings
    ) -> list[tuple[str, ...]]:
        """Raw texts, without start and end tokens."""
        ids = self.draw(self._model.pixels(pictures), seeds, sampling).tolist()
        texts = [self._decoded(each) for each in ids]
        return [tuple(texts[at : at + sampling.captions]) for at in range(0, len(texts), sampling.captions)]

    @torch.no_grad()
    def draw(self, pixels: Tensor, seeds: Sequence[int], sampling: SamplingSettings) -> Tensor:
        """Token ids [p * captions, tokens] for pixels [p, 3, size, size], padded after a caption's end.

        The padding id is the exclamation mark in CLIP's vocabulary: as in open_clip's `generate`, it also ends a caption.
        """
        model = self._model.module
        most = min(sampling.tokens, model.context_length)
        # [p * captions, tokens]
        drawn = torch.from_numpy(_drawn(seeds, sampling.captions, most)).to(pixels.device)
        decoder = Decoder(model, image_tokens(model, pixels), sampling.captions, most)
        ids = torch.full_like(drawn, self._pad, dtype=torch.long)
        ids[:, 0] = self._begin
        for place in range(1, most):
            logits = decoder.step(ids[:, place - 1])
            if place < _LEAST:
                logits[:, self._end] = -torch.inf
            open_still = ~((ids[:, :place] == self._end) | (ids[:, :place] == self._pad)).any(1)
            if not open_still.any():
                break
            found = nucleus(logits, sampling.top_p, drawn[:, place])
            found[:] = self._end if place == most - 1 else found
            ids[open_still, place] = found[open_still]
        return ids

    def _decoded(self, ids: Sequence[int]) -> str:
        tokens = list(ids[1:])
        ends = [tokens.index(mark) for mark in (self._end, self._pad) if mark in tokens]
        return str(self._model.tokenizer.decode(tokens[: min(ends, default=len(tokens))]))


def _drawn(
    seeds: Sequence[int], captions: int, tokens: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Random numbers in [0, 1), [p * captions, tokens], from each photo's seed, independent of the batch."""
    return np.concatenate(
        [np.random.Generator(np.random.Philox(seed)).random((captions, tokens)) for seed in seeds]
    )


def nucleus(logits: Tensor, top_p: float, drawn: Tensor) -> Tensor:
    """Nucleus sampling: token ids [n] from logits [n, vocabulary] and random numbers `drawn` [n] in [0, 1).

    The nucleus is the smallest set of likeliest tokens whose probabilities reach `top_p`. Probabilities are summed in
    vocabulary order, so that near ties do not change the result, and in double precision: 49,408 values in float32 do
    not add up to 1.
    """
    likely = logits.double().softmax(1)  # [n, vocabulary]
    falling = likely.sort(1, descending=True).values
    # [n, 1]; includes the token that crosses `top_p`
    count = (falling.cumsum(1) - falling < top_p).sum(1, keepdim=True).clamp(min=1)
    kept = likely * (likely >= falling.gather(1, count - 1))  # [n, vocabulary]
    reached = kept.cumsum(1)
    # [n, 1], below the last kept token
    wanted = drawn.double().clamp(max=1 - 1e-12)[:, None] * reached[:, -1:]
    return torch.searchsorted(reached, wanted, right=True).squeeze(1)


class Decoder:
    """Computes the next token's logits for several captions per photo; one decoder per batch of photos."""

    def __init__(self, model: Any, seen: Tensor, captions: int, tokens: int) -> None:
        """Takes an open_clip CoCa and its image tower's output `seen` [p, m, width]; allocates caches for `tokens` tokens."""
        self._text, self._joint = model.text, model.text_decoder
        self._photos, self._captions = seen.shape[0], captions
        rows = self._photos * captions
        self._self_text = [_Past(block, rows, tokens, seen) for block in self._text.transformer.resblocks]
        self._self_joint = [_Past(block, rows, tokens, seen) for block in self._joint.resblocks]
        self._photo = [_photo_keys(block, seen) for block in self._joint.cross_attn]
        self._place = 0

    def step(self, ids: Tensor) -> Tensor:
        """Appends a token to each caption, ids [p * captions]; returns logits [p * captions, vocabulary] of the next."""
        x = self._text.token_embedding(ids) + self._text.positional_embedding[self._place]  # [n, width]
        for past in self._self_text:
            x = past.step(x, self._place)
        for past, block, photo in zip(self._self_joint, self._joint.cross_attn, self._photo, strict=True):
            x = self._look(block, past.step(x, self._place), *photo)
        self._place += 1
        logits: Tensor = self._joint.ln_final(x) @ self._joint.text_projection
        return logits

    def _look(self, block: Any, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """A cross-attention block: x [p * captions, width], keys and values [p, heads, m, d]."""
        attention = block.attn
        width = x.shape[1]
        query = F.linear(block.ln_1(x), attention.in_proj_weight[:width], attention.in_proj_bias[:width])
        query = query.view(self._photos, self._captions, attention.num_heads, -1).transpose(1, 2)
        found = F.scaled_dot_product_attention(query, keys, values)  # [p, heads, captions, d]
        return _rest(block, x, found.transpose(1, 2).reshape(x.shape))


class _Past:
    """A self-attention block with the cached keys and values of earlier tokens."""

    def __init__(self, block: Any, rows: int, tokens: int, like: Tensor) -> None:
        self.block = block
        attention = block.attn
        shape = (rows, attention.num_heads, tokens, attention.head_dim)
        self.keys, self.values = like.new_empty(shape), like.new_empty(shape)

    def step(self, x: Tensor, place: int) -> Tensor:
        """Processes the token at position `place`: x [n, width]."""
        attention = self.block.attn
        projected = F.linear(self.block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
        split = projected.view(x.shape[0], 3, attention.num_heads, 1, -1)
        query, key, value = split.unbind(1)  # each [n, heads, 1, d]
        self.keys[:, :, place : place + 1], self.values[:, :, place : place + 1] = key, value
        past = slice(place + 1)
        found = F.scaled_dot_product_attention(query, self.keys[:, :, past], self.values[:, :, past])
        return _rest(self.block, x, found.reshape(x.shape))


def _photo_keys(block: Any, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values [p, heads, m, d] of the image tower's output [p, m, width]."""
    attention = block.attn
    width = attention.embed_dim
    both = F.linear(block.ln_1_kv(seen), attention.in_proj_weight[width:], attention.in_proj_bias[width:])
    photos, places, _ = seen.shape
    split = both.view(photos, places, 2, attention.num_heads, -1)
    keys, values = split.permute(2, 0, 3, 1, 4)  # each [p, heads, m, d]
    return keys, values


def _rest(block: Any, x: Tensor, found: Tensor) -> Tensor:
    """The part of a block after attention; `found` [n, width] is the attention output."""
    x = x + block.ls_1(block.attn.out_proj(found))
    out: Tensor = x + block.ls_2(block.mlp(block.ln_2(x)))
    return out


def demand_coca(model: Any, name: str) -> None:
    """Checks that `Decoder` supports this model.

    Raises:
        WeightsError: it is not a CoCa, or its towers consist of other blocks.
    """
    text: Any = getattr(model, "text", None)
    joint = getattr(model, "text_decoder", None)
    blocks = [
        *getattr(getattr(text, "transformer", None), "resblocks", ()),
        *getattr(joint, "resblocks", ()),
        *getattr(joint, "cross_attn", ()),
    ]
    plain = all(type(each) is ResidualAttentionBlock for each in blocks)
    if (
        joint is None
        or not blocks
        or not plain
        or getattr(text, "attn_mask", None) is None
        or text.cls_emb is None
    ):
        raise WeightsError(
            f"{name} writes no captions that Picsight can read; name a CoCa of open_clip with CLIP's text tower, such as "
            "coca_ViT-L-14."
        )


@torch.no_grad()
def image_tokens(model: Any, pixels: Tensor) -> Tensor:
    """The decoder's image tokens [p, m, width] for pixels [p, 3, size, size]."""
    _, tokens = model.visual(pixels)
    return tokens  # type: ignore[no-any-return]
