"""Draws a token from the likeliest ones: nucleus sampling (Holtzman et al., 2020), by numbers that the caller brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def nucleus(logits: Tensor, top_p: float, drawn: Tensor) -> Tensor:
    """Token ids [n] of logits [n, vocabulary]; `drawn` [n] in [0, 1) says which of the tokens in question each row gets.

    Those are the fewest likeliest whose probabilities reach `top_p`, each as likely as it is among them. In double precision:
    49,408 float32 probabilities do not add up well enough.
    """
    likely, ids = logits.double().softmax(1).sort(1, descending=True)  # [n, vocabulary] both
    reached = likely.cumsum(1)
    kept = reached - likely < top_p  # [n, vocabulary]; the one that crosses the bound is in
    kept[:, 0] = True
    within = reached * kept
    whole = within.amax(1, keepdim=True)  # [n, 1], the probability of all that are kept
    places = (reached <= drawn.double()[:, None] * whole).sum(1, keepdim=True)  # [n, 1]
    return ids.gather(1, places.clamp(max=logits.shape[1] - 1)).squeeze(1)
