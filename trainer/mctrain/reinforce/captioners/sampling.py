"""Draws a token from the likeliest ones: nucleus sampling (Holtzman et al., 2020), by numbers that the caller brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


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
