"""Where the command `mctrain` begins."""

from __future__ import annotations

import ctypes
import sys
from importlib.util import find_spec
from multiprocessing import freeze_support

_NEEDED = (
    "torch",
    "torchvision",
    "bracex",
    "pydantic",
    "timm",
    "safetensors",
    "onnx",
    "onnxscript",
    "tensorboardX",
    "tqdm",
)
# glibc's mallopt: parameter, value. Freed blocks stay with the process, and the heap grows by 256 MB at a time.
_MALLOC_SETTINGS = (
    (-4, 0),  # M_MMAP_MAX: no block is a mapping of its own, which its release would give back
    (-1, -1),  # M_TRIM_THRESHOLD: the top of the heap is never given back
    (-2, 1 << 28),  # M_TOP_PAD
)


def keep_freed_memory() -> None:
    """Has glibc keep the memory that torch frees, for the next step takes as much again.

    Otherwise every large tensor is mapped anew, and a step on a processor spends half of its time in page faults. It
    costs 0.6 to 1 GB. Other allocators have no `mallopt`; there nothing happens.
    """
    if sys.platform == "linux" and hasattr(program := ctypes.CDLL(None), "mallopt"):
        for parameter, value in _MALLOC_SETTINGS:
            program.mallopt(parameter, value)


def main() -> None:
    """Runs one command and exits: 0 fine, 1 the work failed, 2 wrong usage, 3 a damaged model, 130 interrupted."""
    freeze_support()
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"mctrain needs the extra `train` ({', '.join(missing)} missing): pip install 'picsight[train]'.\n"
        )
        sys.exit(2)
    keep_freed_memory()
    from mctrain.cli import command  # behind the check above; it imports the engine

    command.run()


if __name__ == "__main__":
    main()
