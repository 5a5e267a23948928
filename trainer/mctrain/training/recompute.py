"""Less memory for more work: blocks keep their input alone, and are computed again on the way back."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Any

from timm.models._efficientnet_blocks import DepthwiseSeparableConv, InvertedResidual
from torch.utils.checkpoint import checkpoint

from mctrain.models.blocks import RepMixerBlock
from mctrain.models.mci import AttentionBlock
from mctrain.models.minilm import Layer
from mctrain.models.transformer import TransformerLayer
from mctrain.optimisation.statistics import statistics_kept

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import nn

# of pretrained networks too: the switch that timm has for it would count the statistics of a batch twice
_BLOCKS = (TransformerLayer, AttentionBlock, RepMixerBlock, Layer, DepthwiseSeparableConv, InvertedResidual)


def recompute(model: nn.Module) -> None:
    """From now on, in place; dropout draws the same numbers again, and BatchNorm remembers the first time alone."""
    for module in model.modules():
        if isinstance(module, _BLOCKS):
            module.forward = MethodType(_recomputed, module)  # type: ignore[method-assign]


def _recomputed(block: nn.Module, *inputs: Any) -> Any:
    """In place of a block's `forward`; bound, so that a copy's is the copy's."""
    return checkpoint(_forward, block, *inputs, use_reentrant=False, context_fn=partial(_contexts, block))


def _forward(block: nn.Module, *inputs: Any) -> Any:
    return type(block).forward(block, *inputs)


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), statistics_kept(block)
