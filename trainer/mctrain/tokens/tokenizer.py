"""Which tokens a text tower reads: the engine's own tokenizer over the file that goes into a bundle."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mctrain.models.minilm import MiniLmShape
from mctrain.tokens import clip, minilm
from picsight_engine.models.bundle import Bundle, Licence, Manifest
from picsight_engine.models.tokenizer import Tokenizer

if TYPE_CHECKING:
    from mctrain.models.text import TextShape
    from picsight_engine.models.bundle import TextSpec

    Shape = TextShape | MiniLmShape


def text_spec(tower: Shape) -> TextSpec:
    """How text becomes this tower's token ids."""
    if isinstance(tower, MiniLmShape):
        return minilm.TEXT_SPEC
    return replace(clip.TEXT_SPEC, context=tower.context)


def write_tokenizer(tower: Shape, path: Path) -> None:
    """Writes the tokenizer.json of a tower.

    Raises:
        TrainerError: the package that carries its vocabulary is missing, or carries another one.
    """
    write = minilm.write_minilm_tokenizer if isinstance(tower, MiniLmShape) else clip.write_clip_tokenizer
    write(path)


@cache
def load_tokenizer(tower: Shape) -> Tokenizer:
    """The engine's tokenizer for a tower, the same one each time: to make it takes half a second.

    Raises:
        TrainerError: as `write_tokenizer`.
    """
    spec = text_spec(tower)
    with tempfile.TemporaryDirectory(prefix="mctrain-") as name:
        folder = Path(name)
        write_tokenizer(tower, folder / spec.tokenizer)
        manifest = Manifest("", "", Licence("", "", accept=False), 1, "0" * 16, 1.0, image=None, text=spec)
        return Tokenizer(Bundle(folder, manifest))
