"""Reads files of tensors (`.pt`, `.bin`, `.safetensors`) without running anything that they hold, and unwraps them."""

from __future__ import annotations

import pickle
import warnings
from typing import TYPE_CHECKING

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from mctrain.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIX = "module."  # of a model that was trained on several devices
_BUFFERS = ("attn_mask", "position_ids")  # computed, but written down by older versions


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, without wrapper and common prefix, halves as float32.

    Raises:
        WeightsError: it cannot be read, or holds something else than tensors.
    """
    content = _unwrap(_load(path))
    if not isinstance(content, dict) or not content:
        raise WeightsError(f"{path} holds no weights by name; choose the file of a model's state.")
    strangers = [name for name, value in content.items() if not isinstance(value, Tensor)]
    if strangers:
        raise WeightsError(
            f"{path} holds {strangers[0]!r}, which is no tensor; choose the file of a model's state."
        )
    names = list(map(str, content))
    cut = len(_PREFIX) if all(name.startswith(_PREFIX) for name in names) else 0
    return {
        name[cut:]: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in zip(names, content.values(), strict=True)
        if not name.endswith(_BUFFERS)
    }


def _load(path: Path) -> object:
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # whatever a file's age gives cause to say
            return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as fault:
        raise WeightsError(f"{path} cannot be read ({_first_line(fault)}); fetch it again.") from fault
    except (pickle.UnpicklingError, safetensors.SafetensorError) as fault:
        raise WeightsError(
            f"{path} is damaged or holds more than weights ({_first_line(fault)}), and nothing in it was run."
        ) from fault


def _unwrap(content: object) -> object:
    for key in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            return content[key]
    return content


def _first_line(fault: Exception) -> str:
    return (str(fault) or type(fault).__name__).strip().split("\n")[0].rstrip(".")
