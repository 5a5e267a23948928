"""The gradient of a batch that is too large for one pass: embed it in parts, judge it whole, then go back part by part.

A contrastive loss compares every photo with every text, so that losses of parts do not add up to that of the whole. Here
all parts are embedded first, without gradients; the loss of all of them gives the gradient at each embedding; then each part
is embedded again, and takes up the gradient from there. That costs a second pass forward, and is exact:

* dropout draws the same numbers in both passes;
* the factor of the cosines gets its gradient once, with the last part;
* BatchNorm in training mode goes by the statistics of its part, in both passes, and remembers them in the first alone. That
  is the gradient of the loss of what was embedded, as it is of several processes with norms of their own; it is that of
  one pass over the whole batch where BatchNorm is in evaluation mode (`optimisation.statistics`).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import get_device_states, set_device_states

from mctrain.optimisation.statistics import statistics_kept
from mctrain.training.losses import Embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from mctrain.training.losses import Loss
    from mctrain.training.student import Precision

    Judge = Callable[[Embeddings, Tensor], Loss]
    Vectors = tuple[Tensor, Tensor, Tensor]  # photos [n, d], texts [sum(counts), d], the factor []
    Randomness = tuple[Tensor, tuple[list[int], list[Tensor]]]  # of the processor, and of devices


@dataclass(frozen=True, slots=True)
class BatchPart:
    """Photos, and the ids of their captions, then of synthetic texts, then of this part's share of the bank: so many of each."""

    pixels: Tensor  # [n, 3, size, size]
    ids: Tensor  # [sum(counts), tokens]
    counts: tuple[int, int, int]


def loss_and_gradients(
    model: nn.Module, parts: Sequence[BatchPart], judge: Judge, precision: Precision
) -> Loss:
    """The loss of all parts together; its gradients are added to the model's parameters, and to photos that want one.

    `model` gives unit vectors and their factor as `Clip` does; `judge` gets the embeddings of all parts in their order.
    """
    if len(parts) == 1:
        vectors = _embed(model, parts[0], precision)
        loss = judge(_join(parts, [vectors]), vectors[2])
        precision.backward(loss.total)
        return loss
    states, leaves = _embed_all(model, parts, precision)
    loss = judge(_join(parts, leaves), leaves[-1][2])
    precision.backward(loss.total)
    with statistics_kept(model):
        for number, (part, state, begun) in enumerate(zip(parts, states, leaves, strict=True), start=1):
            last = number == len(parts)
            torch.set_rng_state(state[0])
            set_device_states(*state[1])
            with _gradients_apart(model, apart=not last):
                # the factor takes up its gradient once
                _go_on(_embed(model, part, precision)[: 3 if last else 2], begun)
    return loss


def _embed_all(
    model: nn.Module, parts: Sequence[BatchPart], precision: Precision
) -> tuple[list[Randomness], list[Vectors]]:
    """The first pass: where random numbers stood before each part, and its embeddings, at which gradients begin."""
    states: list[Randomness] = []
    leaves: list[Vectors] = []
    for part in parts:
        states.append((torch.get_rng_state(), get_device_states(part.pixels)))
        with torch.no_grad():
            photos, texts, scale = _embed(model, part, precision)
        leaves.append((photos.requires_grad_(), texts.requires_grad_(), scale.detach().requires_grad_()))
    return states, leaves


def _embed(model: nn.Module, part: BatchPart, precision: Precision) -> Vectors:
    with precision.towers():
        return cast("Vectors", model(part.pixels, part.ids))


def _join(parts: Sequence[BatchPart], vectors: Sequence[Vectors]) -> Embeddings:
    """All photos, and all texts by their kinds."""
    texts = [torch.split(each, list(part.counts)) for part, (_, each, _) in zip(parts, vectors, strict=True)]
    return Embeddings(
        torch.cat([photos for photos, *_ in vectors]), *map(torch.cat, zip(*texts, strict=True))
    )


def _go_on(again: Sequence[Tensor], begun: Vectors) -> None:
    """From the gradients at the embeddings to those of the parameters; what is frozen has none."""
    moving = [(each, leaf.grad) for each, leaf in zip(again, begun, strict=False) if each.requires_grad]
    torch.autograd.backward([each for each, _ in moving], [gradient for _, gradient in moving])


def _gradients_apart(model: nn.Module, *, apart: bool) -> AbstractContextManager[None]:
    """Processes share their gradients once, with the last part."""
    if apart and isinstance(model, DistributedDataParallel):
        return cast("AbstractContextManager[None]", model.no_sync())
    return nullcontext()
