"""Less memory for more work: blocks keep their input alone, and are computed again on the way back."""

from __future__ import annotations

from types import MethodType
from typing import TYPE_CHECKING, Any, cast

from torch.utils.checkpoint import checkpoint

from mctrain.models.blocks import RepMixerBlock
from mctrain.models.mci import AttentionBlock
from mctrain.models.minilm import Layer
from mctrain.models.transformer import TransformerLayer

if TYPE_CHECKING:
    from torch import nn

_BLOCKS = (TransformerLayer, AttentionBlock, RepMixerBlock, Layer)


def recompute(model: nn.Module) -> None:
    """From now on, in place; pretrained networks of timm have a switch of their own for it."""
    for module in model.modules():
        if isinstance(module, _BLOCKS):
            module.forward = MethodType(_recomputed, module)  # type: ignore[method-assign]
        elif hasattr(module, "set_grad_checkpointing"):
            cast("Any", module).set_grad_checkpointing()


def _recomputed(block: nn.Module, *inputs: Any) -> Any:
    """In place of a block's `forward`; bound, so that a copy's is the copy's."""
    return checkpoint(_forward, block, *inputs, use_reentrant=False)


def _forward(block: nn.Module, *inputs: Any) -> Any:
    return type(block).forward(block, *inputs)
