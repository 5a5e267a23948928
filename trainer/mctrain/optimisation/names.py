"""Parts of a model by name, as a recipe says them: "image", "text.layers.11", "logit_scale"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mctrain.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def is_within(name: str, part: str) -> bool:
    """Whether a module or a parameter is the part, or inside it; "layers.1" is not in "layers.11"."""
    return f"{name}.".startswith(f"{part}.")


def demand_parts(names: Collection[str], parts: Iterable[str], kind: str) -> None:
    """That each part has something of this kind.

    Raises:
        RecipeError: one has not.
    """
    for part in parts:
        if not any(is_within(name, part) for name in names):
            known = ", ".join(sorted({name.split(".")[0] for name in names})) or "nowhere"
            raise RecipeError(f"The model has no {kind} in {part}; there are some in {known}.")
