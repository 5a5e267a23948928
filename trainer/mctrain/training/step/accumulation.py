"""The gradient of a batch that does not fit into memory: embed in parts, compute one loss, backpropagate part by part.

A contrastive loss compares every photo with every text, so the losses of parts do not add up to that of the batch.
First all parts are embedded without gradients. The loss over all of them gives the gradient at each embedding. Then each
part is embedded again and backpropagates from there. This costs a second forward pass and is exact:

* dropout draws the same random numbers in both passes;
* the logit scale gets its gradient once, with the last part;
* BatchNorm in training mode uses the statistics of its part in both passes, and updates the running ones in the first
  only. This is the exact gradient for those embeddings, as with several processes without SyncBatchNorm. It equals one
  pass over the whole batch if BatchNorm is in evaluation mode (`optimisation.statistics`).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.checkpoint import get_device_states, set_device_states

from mctrain.optimisation.statistics import statistics_frozen
from mctrain.training.step.losses import Embeddings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from mctrain.training.step.losses import Loss
    from mctrain.training.step.student import Precision

    Judge = Callable[[Embeddings, Tensor], Loss]
    Vectors = tuple[Tensor, Tensor, Tensor]  # photos [n, d], texts [sum(counts), d], logit scale []
    Randomness = tuple[Tensor, tuple[list[int], list[Tensor]]]  # RNG states of the CPU and of the devices


@dataclass(frozen=True, slots=True)
class BatchPart:
    """Photos, and token ids of captions, synthetic texts and this part's share of the bank; `counts` gives the number of each."""

    pixels: Tensor  # [n, 3, size, size]
    ids: Tensor  # [sum(counts), tokens]
    counts: tuple[int, int, int]


def loss_and_gradients(
    model: nn.Module, parts: Sequence[BatchPart], judge: Judge, precision: Precision
) -> Loss:
    """The loss of all parts together; adds its gradients to the model's parameters, and to photos that require one.

    `model` returns unit vectors and the logit scale as `Clip` does; `judge` computes the loss from the embeddings of all parts.
    """
    if len(parts) == 1:
        vectors = _embed(model, parts[0], precision)
        loss = judge(_join(parts, [vectors]), vectors[2])
        precision.backward(loss.total)
        return loss
    states, leaves = _embed_all(model, parts, precision)
    loss = judge(_join(parts, leaves), leaves[-1][2])
    precision.backward(loss.total)
    with statistics_frozen(model):
        for number, (part, state, begun) in enumerate(zip(parts, states, leaves, strict=True), start=1):
            last = number == len(parts)
            torch.set_rng_state(state[0])
            set_device_states(*state[1])
            with _gradients_apart(model, apart=not last):
                # the logit scale gets its gradient once
                _go_on(_embed(model, part, precision)[: 3 if last else 2], begun)
    return loss


def _embed_all(
    model: nn.Module, parts: Sequence[BatchPart], precision: Precision
) -> tuple[list[Randomness], list[Vectors]]:
    """The first pass: the RNG state before each part, and its embeddings as leaves for gradients."""
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
    """Concatenates all photos, and all texts by kind."""
    texts = [torch.split(each, list(part.counts)) for part, (_, each, _) in zip(parts, vectors, strict=True)]
    return Embeddings(
        torch.cat([photos for photos, *_ in vectors]), *map(torch.cat, zip(*texts, strict=True))
    )


def _go_on(again: Sequence[Tensor], begun: Vectors) -> None:
    """Backpropagates from the gradients at the embeddings to the parameters; frozen ones get none."""
    moving = [(each, leaf.grad) for each, leaf in zip(again, begun, strict=False) if each.requires_grad]
    torch.autograd.backward([each for each, _ in moving], [gradient for _, gradient in moving])


def _gradients_apart(model: nn.Module, *, apart: bool) -> AbstractContextManager[None]:
    """Delays the all-reduce of gradients until the last part."""
    if apart and isinstance(model, DistributedDataParallel):
        return cast("AbstractContextManager[None]", model.no_sync())
    return nullcontext()
