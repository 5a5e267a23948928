"""Folds parallel branches and their BatchNorms into single convolutions, with the same output.

`reparameterize` makes the published folded form. `fold_everything` also folds the rest: BatchNorm in the channel networks,
in ViT's stem and before attention, and all layer scales.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from torch import Tensor, nn

from mctrain.models.blocks import ConvFfn, ConvNorm, LayerScale, MobileOne, RepMixer, RepMixerBlock
from mctrain.models.mci import AttentionBlock, LargeKernel, Positions
from mctrain.models.text import TextRepMixer
from mctrain.models.vit import StemConv

if TYPE_CHECKING:
    from collections.abc import Callable

_Module = TypeVar("_Module", bound=nn.Module)
# a convolution's weight [cout, cin / groups, kh, kw] and bias [cout], float64
_Affine = tuple[Tensor, Tensor]


class FoldedConv(nn.Module):
    """One convolution instead of several branches; the layers after their sum remain."""

    def __init__(self, folded: nn.Conv2d, se: nn.Module, act: nn.Module) -> None:
        super().__init__()
        self.folded = folded
        self.se = se
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """[n, cin, h, w] → [n, cout, h / stride, w / stride]."""
        return cast("Tensor", self.act(self.se(self.folded(x))))


class ChannelProduct(nn.Module):
    """A 1x1 convolution as a matrix product, because int8 storage of text towers covers matrix products."""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        with torch.device("meta"):  # without drawing weights that are replaced at once
            self.linear = nn.Linear(conv.in_channels, conv.out_channels)
        self.linear.weight = nn.Parameter(conv.weight.detach().flatten(1))
        self.linear.bias = cast("nn.Parameter", conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        """[n, cin, h, w] → [n, cout, h, w]."""
        return cast("Tensor", self.linear(x.movedim(1, 3)).movedim(3, 1))


def reparameterize(model: _Module) -> _Module:
    """A copy with every branch folded; an already folded model is unchanged.

    Raises:
        ValueError: the model is in training mode, where BatchNorm is not linear.
    """
    return _fold(
        model,
        {MobileOne: _mobile_one, LargeKernel: _large_kernel, RepMixer: _rep_mixer, Positions: _positions},
    )


def fold_everything(model: _Module) -> _Module:
    """A reparameterised copy without BatchNorm and layer scales, for export.

    In text towers, 1x1 convolutions become matrix products.

    Raises:
        ValueError: the model is in training mode.
    """
    model = reparameterize(model)
    for module in model.modules():
        if isinstance(module, RepMixerBlock):
            module.layer_scale = _scale_into(module.layer_scale, module.ffn.fc2)
            if isinstance(module, TextRepMixer):
                _as_products(module.ffn)
        elif isinstance(module, AttentionBlock):
            module.layer_scale_1 = _scale_into(module.layer_scale_1, module.attention.proj)
            module.layer_scale_2 = _scale_into(module.layer_scale_2, module.ffn.fc2)
            _norm_into_attention(module)
        elif isinstance(module, StemConv) and isinstance(module.bn, nn.BatchNorm2d):
            module.conv = _as_conv(module.conv, _fold_norm(module.conv.weight.double(), module.bn))
            module.bn = nn.Identity()
    return _fold(model.eval(), {ConvNorm: _conv_norm})


def _fold(model: _Module, folds: dict[type[nn.Module], Callable[[Any], nn.Module]]) -> _Module:
    if any(module.training for module in model.modules()):
        raise ValueError("a model in training mode cannot be folded; call eval() before")
    copied = copy.deepcopy(model)
    with torch.no_grad():
        return cast("_Module", _replace(copied, folds)).eval()


def _replace(module: nn.Module, folds: dict[type[nn.Module], Callable[[Any], nn.Module]]) -> nn.Module:
    if type(module) in folds:
        return folds[type(module)](module)
    for name, child in module.named_children():
        setattr(module, name, _replace(child, folds))
    return module


def _mobile_one(block: MobileOne) -> FoldedConv:
    return FoldedConv(_as_conv(block.conv.conv, _branches(block)), block.se, block.act)


def _large_kernel(block: LargeKernel) -> FoldedConv:
    wide, narrow = _affine(block.large), _affine(block.small)
    conv = block.large.conv
    return FoldedConv(
        _as_conv(conv, (wide[0] + _widen(narrow[0], conv), wide[1] + narrow[1])), block.se, block.act
    )


def _rep_mixer(mixer: RepMixer) -> FoldedConv:
    """The whole mixer as one kernel: δ + s·(W of mix - W of norm)."""
    conv = mixer.mix.conv.conv
    mix, norm = _branches(mixer.mix), _fold_norm(_identity(conv), mixer.norm)
    scale = mixer.layer_scale.gamma.double().flatten()  # [c]
    weight = _identity(conv) + _by_row(scale, mix[0] - norm[0])
    return FoldedConv(_as_conv(conv, (weight, scale * (mix[1] - norm[1]))), nn.Identity(), nn.Identity())


def _positions(positions: Positions) -> FoldedConv:
    conv = positions.conv
    affine = conv.weight.double() + _identity(conv), cast("Tensor", conv.bias).double()
    return FoldedConv(_as_conv(conv, affine), nn.Identity(), nn.Identity())


def _conv_norm(pair: ConvNorm) -> nn.Conv2d:
    return _as_conv(pair.conv, _affine(pair))


def _branches(block: MobileOne) -> _Affine:
    weight, bias = _affine(block.conv)
    if block.scale is not None:
        scale = _affine(block.scale)
        weight, bias = weight + _widen(scale[0], block.conv.conv), bias + scale[1]
    if block.skip is not None:
        skip = _fold_norm(_identity(block.conv.conv), block.skip)
        weight, bias = weight + skip[0], bias + skip[1]
    return weight, bias


def _affine(pair: ConvNorm) -> _Affine:
    return _fold_norm(pair.conv.weight.double(), pair.bn)


def _fold_norm(weight: Tensor, norm: nn.BatchNorm2d) -> _Affine:
    """Folds BatchNorm into the preceding convolution without bias; returns weight and bias."""
    scale, shift = _scale_and_shift(norm)
    return _by_row(scale, weight), shift


def _scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """BatchNorm as scale·x + shift, both [c] in float64."""
    mean, variance = cast("Tensor", norm.running_mean).double(), cast("Tensor", norm.running_var).double()
    scale = norm.weight.double() / (variance + norm.eps).sqrt()
    return scale, norm.bias.double() - mean * scale


def _identity(conv: nn.Conv2d) -> Tensor:
    """The identity kernel, in the shape of this convolution's weight."""
    weight = torch.zeros(conv.weight.shape, dtype=torch.float64, device=conv.weight.device)
    rows = torch.arange(len(weight), device=weight.device)
    weight[rows, rows % weight.shape[1], weight.shape[2] // 2, weight.shape[3] // 2] = 1
    return weight


def _widen(weight: Tensor, conv: nn.Conv2d) -> Tensor:
    """Pads a smaller kernel with zeros to the size of this convolution's."""
    down, across = ((conv.kernel_size[axis] - weight.shape[2 + axis]) // 2 for axis in (0, 1))
    return nn.functional.pad(weight, (across, across, down, down))


def _as_conv(like: nn.Conv2d, affine: _Affine) -> nn.Conv2d:
    weight, bias = (part.to(like.weight.dtype) for part in affine)
    with torch.device("meta"):  # without drawing weights that are replaced at once
        conv = nn.Conv2d(
            like.in_channels,
            like.out_channels,
            cast("tuple[int, int]", like.kernel_size),
            cast("tuple[int, int]", like.stride),
            cast("tuple[int, int]", like.padding),
            groups=like.groups,
        )
    conv.weight, conv.bias = nn.Parameter(weight), nn.Parameter(bias)
    return conv


def _scale_into(scale: nn.Module, layer: nn.Conv2d | nn.Linear) -> nn.Module:
    """Folds a layer scale into the preceding layer."""
    if isinstance(scale, LayerScale):
        factors = scale.gamma.detach().double().flatten()  # [c]
        for tensor in (layer.weight, cast("Tensor", layer.bias)):
            tensor.data = _by_row(factors, tensor.detach().double()).to(tensor.dtype)
    return nn.Identity()


def _as_products(ffn: ConvFfn) -> None:
    for name, layer in (("fc1", ffn.fc1), ("fc2", ffn.fc2)):
        if isinstance(layer, nn.Conv2d):  # not yet a matrix product
            setattr(ffn, name, ChannelProduct(layer))


def _norm_into_attention(block: AttentionBlock) -> None:
    """Folds BatchNorm into the following linear map, which gets a bias."""
    if not isinstance(block.norm, nn.BatchNorm2d):
        return
    scale, shift = (part.detach() for part in _scale_and_shift(block.norm))
    qkv = block.attention.qkv
    weight = qkv.weight.detach().double()  # [3·c, c]
    qkv.bias = nn.Parameter((weight @ shift).to(qkv.weight.dtype))
    qkv.weight = nn.Parameter((weight * scale).to(qkv.weight.dtype))
    block.norm = nn.Identity()


def _by_row(factors: Tensor, tensor: Tensor) -> Tensor:
    """Multiplies row i by factor i."""
    return tensor * factors.reshape(-1, *[1] * (tensor.dim() - 1))
