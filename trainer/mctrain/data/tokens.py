"""The text tower's tokenizer as the engine will load it: the package's own, without its fixed padding and truncation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mctrain.models import minilm
from mctrain.models.towers import TEXT_SPEC
from picsight_engine.models.bundle import Bundle, Licence, Manifest
from picsight_engine.models.tokenizer import Tokenizer

if TYPE_CHECKING:
    from pathlib import Path


def write_tokenizer(path: Path) -> None:
    """Writes the tokenizer.json that goes into a bundle; the engine pads and cuts by the manifest, not by this file."""
    content = json.loads(minilm.package_file("tokenizer.json").read_text(encoding="utf-8"))
    content["padding"] = None
    content["truncation"] = None
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_suffix(".part")
    staging.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    staging.replace(path)


def load_tokenizer(folder: Path) -> Tokenizer:
    """The engine's tokenizer over a file written into `folder`."""
    write_tokenizer(folder / TEXT_SPEC.tokenizer)
    licence = Licence(id="", url="", accept=False)
    manifest = Manifest("", "", licence, 1, "0" * 16, 1.0, image=None, text=TEXT_SPEC)
    return Tokenizer(Bundle(folder, manifest))
