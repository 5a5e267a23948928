"""MiniLM's tokenizer as the engine will load it: the package's own, without its fixed padding and truncation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mctrain.models import minilm
from mctrain.tokens.templates import TEMPLATES
from picsight_engine.models.bundle import TextSpec

if TYPE_CHECKING:
    from pathlib import Path

TEXT_SPEC = TextSpec(
    context=64,
    dynamic=True,
    pad_id=minilm.PAD_ID,
    eot=102,
    tokenizer="tokenizer.json",
    clean="none",
    templates=TEMPLATES,
    input="ids",
    output="vector",
)


def write_minilm_tokenizer(path: Path) -> None:
    """Writes the tokenizer.json; the engine pads and cuts by the manifest, not by this file.

    Raises:
        TrainerError: the package is not installed.
    """
    content = json.loads(minilm.package_file("tokenizer.json").read_text(encoding="utf-8"))
    content["padding"] = None
    content["truncation"] = None
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
