"""The identity of a vector space: a digest of the image tower and of the preprocessing that it was trained with."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn

if TYPE_CHECKING:
    from picsight_engine.bundles.bundle import ImageSpec

_DIGITS = 16
_COUNTERS = "num_batches_tracked"


def space_id(tower: nn.Module, spec: ImageSpec) -> str:
    """The first 16 hex digits of a SHA-256 that a stored vector depends on, and nothing else; the tower's last map is its `head`.

    Fed with, for each tensor sorted by name: the name, its shape as JSON, its float32 little-endian bytes; then with
    the preprocessing as JSON with sorted keys. Counters are left out, and a head's missing bias counts as zeros, so that
    two ways of writing one tower down agree.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(_tensors(tower).items()):
        values = np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype="<f4")
        digest.update(name.encode())
        digest.update(json.dumps(list(values.shape)).encode())
        digest.update(values.tobytes())
    preprocessing = {
        key: getattr(spec, key) for key in ("size", "resize", "interpolation", "crop", "mean", "std")
    }
    digest.update(json.dumps(preprocessing, sort_keys=True).encode())
    return digest.hexdigest()[:_DIGITS]


def _tensors(tower: nn.Module) -> dict[str, torch.Tensor]:
    tensors = {name: tensor for name, tensor in tower.state_dict().items() if not name.endswith(_COUNTERS)}
    for name, module in cast("nn.Module", tower.head).named_modules(prefix="head"):
        if isinstance(module, nn.Linear) and module.bias is None:
            tensors[f"{name}.bias"] = torch.zeros(module.out_features)
    return tensors
