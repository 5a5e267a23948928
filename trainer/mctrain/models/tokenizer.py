"""Tokenizers of text towers: the engine's tokenizer with the file that goes into a bundle.

CLIP's vocabulary is OpenAI's (MIT licence), from the package open_clip_torch. Its file holds only byte-pair encoding; the
engine does the cleaning and the split into words (`clean: "clip"`). MiniLM's tokenizer comes from its package, without
the fixed padding and truncation. Seven templates for short queries are averaged, in zero-shot evaluation and in search.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import tokenizers
from tokenizers import AddedToken, models, pre_tokenizers, processors

from mctrain.errors import TrainerError
from mctrain.models import minilm
from mctrain.models.blocks import package_folder
from mctrain.models.minilm import MiniLmShape
from mctrain.models.text import CONTEXT, VOCABULARY
from mctrain.models.text import END as EOT
from picsight_engine.bundles.bundle import TEMPLATES, Bundle, Licence, Manifest, TextSpec
from picsight_engine.bundles.tokenizer import Tokenizer

if TYPE_CHECKING:
    from mctrain.models.text import TextShape

    Shape = TextShape | MiniLmShape


# All texts are padded to the context with zeros, as in training, because padding is not masked.
CLIP_SPEC = TextSpec(
    context=CONTEXT,
    dynamic=False,
    pad_id=0,
    eot=EOT,
    tokenizer="tokenizer.json",
    clean="clip",
    templates=TEMPLATES,
    input="ids",
    output="vector",
)
START, END = "<start_of_text>", "<end_of_text>"
_FILE = "bpe_simple_vocab_16e6.txt.gz"
_SHA256 = "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a"
_END_OF_WORD = "</w>"


MINILM_SPEC = replace(CLIP_SPEC, context=64, dynamic=True, pad_id=minilm.PAD_ID, eot=102, clean="none")


def write_clip_tokenizer(path: Path) -> None:
    """Writes the tokenizer.json.

    Raises:
        TrainerError: open_clip_torch is not installed, or contains another vocabulary.
    """
    merges = _merges()
    vocabulary = {word: number for number, word in enumerate(_words(merges))}
    assert len(vocabulary) == VOCABULARY
    model = models.BPE(vocabulary, merges, end_of_word_suffix=_END_OF_WORD)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.add_special_tokens([AddedToken(word, special=True, normalized=False) for word in (START, END)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(word, vocabulary[word]) for word in (START, END)]
    )
    # the library's save reports a full disk as a plain Exception
    path.write_text(tokenizer.to_str(), encoding="utf-8")


def _words(merges: list[tuple[str, str]]) -> list[str]:
    symbols = _byte_symbols()
    return [*symbols, *(symbol + _END_OF_WORD for symbol in symbols), *map("".join, merges), START, END]


def _merges() -> list[tuple[str, str]]:
    """The merges of byte-pair encoding, most frequent first."""
    packed = (package_folder("open_clip_torch", "open_clip") / _FILE).read_bytes()
    if hashlib.sha256(packed).hexdigest() != _SHA256:
        raise TrainerError(
            "The package open_clip_torch contains another vocabulary than CLIP's; install another version."
        )
    count = VOCABULARY - 2 * 256 - 2
    lines = gzip.decompress(packed).decode("utf-8").split("\n")[1 : count + 1]  # after a header line
    return [(first, second) for first, second in map(str.split, lines)]


def _byte_symbols() -> list[str]:
    """A visible character for each byte, in the vocabulary's order: printable bytes as they are, then the others."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(others))]


def write_minilm_tokenizer(path: Path) -> None:
    """Writes the tokenizer.json; the engine pads and cuts by the manifest, not by this file.

    Raises:
        TrainerError: the package is not installed.
    """
    content = json.loads(minilm.package_file("tokenizer.json").read_text(encoding="utf-8"))
    content["padding"] = None
    content["truncation"] = None
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def text_spec(tower: Shape) -> TextSpec:
    """How text becomes this tower's token ids."""
    if isinstance(tower, MiniLmShape):
        return MINILM_SPEC
    return replace(CLIP_SPEC, context=tower.context)


def write_tokenizer(tower: Shape, path: Path) -> None:
    """Writes the tokenizer.json of a tower.

    Raises:
        TrainerError: the package with its vocabulary is missing, or contains another one.
    """
    write = write_minilm_tokenizer if isinstance(tower, MiniLmShape) else write_clip_tokenizer
    write(path)


@cache
def load_tokenizer(tower: Shape) -> Tokenizer:
    """The engine's tokenizer for a tower; cached, because loading takes half a second.

    Raises:
        TrainerError: as `write_tokenizer`.
    """
    spec = text_spec(tower)
    with tempfile.TemporaryDirectory(prefix="mctrain-") as name:
        folder = Path(name)
        write_tokenizer(tower, folder / spec.tokenizer)
        manifest = Manifest("", "", Licence("", "", accept=False), 1, "0" * 16, 1.0, image=None, text=spec)
        return Tokenizer(Bundle(folder, manifest))
