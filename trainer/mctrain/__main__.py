"""Where the command `mctrain` begins."""

from __future__ import annotations

import sys
from importlib.util import find_spec

_NEEDED = (
    "torch",
    "torchvision",
    "bracex",
    "timm",
    "safetensors",
    "onnx",
    "onnxscript",
    "tensorboardX",
    "tqdm",
)


def main() -> None:
    """Runs one command and exits: 0 fine, 1 the work failed, 2 wrong usage, 3 a damaged model, 130 interrupted."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"mctrain needs the extra `train` ({', '.join(missing)} missing): pip install 'picsight[train]'.\n"
        )
        sys.exit(2)
    from mctrain.cli import command  # behind the check above; it imports the engine

    command.run()


if __name__ == "__main__":
    main()
