"""The models that have come with Picsight: the present one answers in the space of an earlier one that had its text tower."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from picsight_engine.bundles.bundle import Bundle

# The SHA-256 of the text tower by the model's space.
_TEXTS = "d6877c9e9c5e597785335872a3a48a4bad3a85843e93815cc0ffb7d6f15929db"
TEXT_TOWERS = {"36f0d79e4312e968": _TEXTS, "686e44b7ebe7895a": _TEXTS}


def in_earlier_space(bundle: Bundle, space: str) -> Bundle | None:
    """The model as it answers in the space of a shipped one with the same text tower, without its image tower; else None."""
    manifest, text = bundle.manifest, bundle.manifest.text
    if text is None or manifest.files[text.graph].sha256 != TEXT_TOWERS.get(space):
        return None
    return replace(bundle, manifest=replace(manifest, space_id=space, image=None))
