"""Which members a sample has: `KEY.jpg|webp`, `.txt`, `.json`, `.syn.json`, `.paug.json`, `.npz|pth.gz`; and the forms of the last.

This is the layout of DataCompDR and DFNDR once their photos and captions are merged in; of plain WebDataset shards a photo
and `.txt` are enough. Whatever else stands beside (`.url.txt`) is read past.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mctrain.data.shards import PHOTO_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable


ROLES = ("photo", "txt", "json", "syn.json", "paug.json", "embeddings")  # one member each
_CHOICES = {"photo": tuple(sorted(PHOTO_SUFFIXES)), "embeddings": ("npz", "pth.gz")}
_ROLE_OF = {suffix: role for role in ROLES for suffix in _CHOICES.get(role, (role,))}
SUFFIXES = tuple(_ROLE_OF)


@dataclass(frozen=True, slots=True)
class Needs:
    """The roles that a reader looks at, and those without which it can do nothing."""

    read: tuple[str, ...]
    demanded: tuple[str, ...]

    def missing(self, filled: Iterable[str | None]) -> str | None:
        """The first role that is demanded and not filled."""
        there = set(filled)
        return next((role for role in self.demanded if role not in there), None)


REINFORCED = Needs(ROLES, ROLES)
PLAIN = Needs(("photo", "txt", "json", "syn.json"), ("photo", "txt"))  # no embeddings are read from the disk


def role_of(suffix: str) -> str | None:
    """The role of a member; None for what no reader looks at."""
    return _ROLE_OF.get(suffix)


def name_role(role: str) -> str:
    """A role in words for a person."""
    return f"{role} ({', '.join(_CHOICES[role])})" if role in _CHOICES else role


class Storage(StrEnum):
    """How a sample's arrays are stored: the public sets use the first and the last."""

    NPZ = "npz-fp32"
    PTH_FP32 = "pth-fp32"
    PTH_BF16 = "pth-bf16"

    @property
    def suffix(self) -> str:
        """Of the member's name."""
        return "npz" if self is Storage.NPZ else "pth.gz"
