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


@dataclass(frozen=True, slots=True)
class Part:
    """Photos, and the ids of their captions, then of synthetic texts, then of this part's share of the bank: so many of each."""

    pixels: Tensor  # [n, 3, size, size]
    ids: Tensor  # [sum(counts), tokens]
    counts: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Embedded:
    """A part after the model."""

    photos: Tensor  # [n, d]
    texts: Tensor  # [sum(counts), d]
    scale: Tensor  # []
    counts: tuple[int, int, int]

    def begin(self) -> _Embedded:
        """The same values, at which gradients begin."""
        photos, texts, scale = (
            own.detach().requires_grad_() for own in (self.photos, self.texts, self.scale)
        )
        return _Embedded(photos, texts, scale, self.counts)

    def by_kind(self) -> Embeddings:
        """Its texts apart."""
        return Embeddings(self.photos, *torch.split(self.texts, list(self.counts)))


@dataclass(frozen=True, slots=True)
class _Randomness:
    """Where the random numbers of the processor, and of the device of some tensors, stand."""

    processor: Tensor
    devices: tuple[list[int], list[Tensor]]

    @classmethod
    def now(cls, part: Part) -> _Randomness:
        """For what comes next."""
        return cls(torch.get_rng_state(), get_device_states(part.pixels))

    def restore(self) -> None:
        """So that the same numbers come again."""
        torch.set_rng_state(self.processor)
        set_device_states(*self.devices)


def loss_and_gradients(model: nn.Module, parts: Sequence[Part], judge: Judge, precision: Precision) -> Loss:
    """The loss of all parts together; its gradients are added to the model's parameters, and to photos that want one.

    `model` gives unit vectors and their factor as `Clip` does; `judge` hears the embeddings of all parts in their order.
    """
    if len(parts) == 1:
        seen = _embed(model, parts[0], precision)
        loss = judge(seen.by_kind(), seen.scale)
        precision.backward(loss.total)
        return loss
    places, seen_parts = _embed_all(model, parts, precision)
    loss = judge(_join(seen_parts), seen_parts[-1].scale)
    precision.backward(loss.total)
    with statistics_kept(model):
        for number, (part, place, seen) in enumerate(zip(parts, places, seen_parts, strict=True), start=1):
            last = number == len(parts)
            place.restore()
            with _gradients_apart(model, apart=not last):
                _go_on(_embed(model, part, precision), seen, with_scale=last)
    return loss


def _embed_all(
    model: nn.Module, parts: Sequence[Part], precision: Precision
) -> tuple[list[_Randomness], list[_Embedded]]:
    """The first pass."""
    places, seen = [], []
    for part in parts:
        places.append(_Randomness.now(part))
        with torch.no_grad():
            embedded = _embed(model, part, precision)
        seen.append(embedded.begin())
    return places, seen


def _embed(model: nn.Module, part: Part, precision: Precision) -> _Embedded:
    with precision.towers():
        return _Embedded(*cast("tuple[Tensor, Tensor, Tensor]", model(part.pixels, part.ids)), part.counts)


def _join(parts: Sequence[_Embedded]) -> Embeddings:
    kinds = [part.by_kind() for part in parts]
    return Embeddings(
        torch.cat([own.photos for own in kinds]),
        torch.cat([own.captions for own in kinds]),
        torch.cat([own.synthetic for own in kinds]),
        torch.cat([own.bank for own in kinds]),
    )


def _go_on(again: _Embedded, seen: _Embedded, *, with_scale: bool) -> None:
    """From the gradients at the embeddings to those of the parameters; what is frozen has none."""
    pairs = [(again.photos, seen.photos), (again.texts, seen.texts)]
    if with_scale:
        pairs.append((again.scale, seen.scale))
    moving = [(own, cast("Tensor", begun.grad)) for own, begun in pairs if own.requires_grad]
    torch.autograd.backward([own for own, _ in moving], [gradient for _, gradient in moving])


def _gradients_apart(model: nn.Module, *, apart: bool) -> AbstractContextManager[None]:
    """Processes share their gradients once, with the last part."""
    if apart and isinstance(model, DistributedDataParallel):
        return cast("AbstractContextManager[None]", model.no_sync())
    return nullcontext()
