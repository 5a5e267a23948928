"""The forms in which the embeddings of a sample are stored."""

from __future__ import annotations

from enum import StrEnum


class Storage(StrEnum):
    """How a sample's arrays are stored: the public sets use the first and the last."""

    NPZ = "npz-fp32"
    PTH_FP32 = "pth-fp32"
    PTH_BF16 = "pth-bf16"

    @property
    def suffix(self) -> str:
        """Of the member's name."""
        return "npz" if self is Storage.NPZ else "pth.gz"
