"""Reads and writes tensor files (`.pt`, `.bin`, `.safetensors`), without running code from them."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor

from mctrain.atomic_files import open_atomic
from mctrain.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIX = "module."  # in models trained on several devices
_BUFFERS = ("attn_mask", "position_ids")  # computed, but stored by older versions


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, without wrapper and common prefix, with half precision as float32.

    Raises:
        WeightsError: it cannot be read, or holds anything but tensors.
    """
    content = _unwrap(_load(path))
    if not isinstance(content, dict) or not content:
        raise WeightsError(f"{path} holds no named weights; choose the file of a model's state.")
    strangers = [
        name
        for name, value in content.items()
        if not isinstance(value, Tensor) or value.layout != torch.strided  # sparse is not supported
    ]
    if strangers:
        raise WeightsError(
            f"{path} holds {strangers[0]!r}, which is not a tensor; choose the file of a model's state."
        )
    names = list(map(str, content))
    cut = len(_PREFIX) if all(name.startswith(_PREFIX) for name in names) else 0
    return {
        name[cut:]: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in zip(names, content.values(), strict=True)
        if not name.endswith(_BUFFERS)
    }


def read_saved(path: Path, *, mmap: bool = False) -> object:
    """Reads a file of `torch.save` without running code; with `mmap`, tensors are loaded when used.

    Raises:
        WeightsError: it cannot be read, is damaged, or needs code to run.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about old file formats
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except OSError as fault:
        raise WeightsError(f"{path} cannot be read: {fault.strerror or fault}.") from fault
    # A damaged pickle raises arbitrary exceptions, and torch's message advises trusting the file.
    except Exception as fault:
        raise WeightsError(
            f"{path} is damaged or holds more than weights, and nothing in it was run; use a whole file of a model's state."
        ) from fault


def write_saved(path: Path, content: dict[str, Any]) -> None:
    """Writes a file for `read_saved`, atomically; raises WeightsError if the disk is full or cannot be written."""
    try:
        # in a thread, because Ctrl-C inside torch's writer would abort the process
        with open_atomic(path) as file, ThreadPoolExecutor(1) as writer:
            writer.submit(torch.save, content, file).result()
    except (OSError, RuntimeError) as fault:  # torch raises RuntimeError for disk errors, without the reason
        reason = fault.strerror if isinstance(fault, OSError) else "the disk is full or refuses it"
        raise WeightsError(f"{path} cannot be written: {reason}.") from fault


def _load(path: Path) -> object:
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; choose the file of weights in it.")
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    if path.suffix != ".safetensors":
        return read_saved(path)
    try:
        return load_file(path)
    except OSError as fault:
        raise WeightsError(f"{path} cannot be read: {fault.strerror or fault}.") from fault
    except safetensors.SafetensorError as fault:
        raise WeightsError(f"{path} is damaged or not a safetensors file.") from fault


def _unwrap(content: object) -> object:
    for key in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            return content[key]
    return content
