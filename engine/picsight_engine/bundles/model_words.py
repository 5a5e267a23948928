"""The whole words in a model's tokenizer, which were frequent in its training texts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from picsight_engine.foundation.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from picsight_engine.bundles.bundle import Bundle


def model_words(bundle: Bundle) -> tuple[str, ...]:
    """The tokens that are words of two letters or more, most common first; none for an unknown kind of tokenizer.

    A vocabulary lists its earliest merges first, which are the most frequent.

    Raises:
        BundleError: the bundle has no text tower, or the file is damaged.
    """
    path = bundle.folder / bundle.text_spec().tokenizer
    try:
        model = json.loads(path.read_bytes())["model"]
        tokens = list(_tokens(model))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
        raise BundleError(
            "The model file {path} cannot be read ({fault}); install the model again.", path=path, fault=fault
        ) from fault
    return tuple(dict.fromkeys(token for token in tokens if len(token) >= 2 and token.isalpha()))


def _tokens(model: dict[str, Any]) -> Iterable[str]:
    """The tokens that are whole words, by the marks of the kinds of tokenizers."""
    # Unigram: pairs of piece and score, a piece that begins a word after a "▁".
    if isinstance(model["vocab"], list):
        return [piece[1:] for piece, _ in model["vocab"] if piece.startswith("▁")]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    if end := model.get("end_of_word_suffix"):  # CLIP: "dog</w>" is a word, "dog" continues
        return [token.removesuffix(end) for token in tokens if token.endswith(end)]
    if model.get("continuing_subword_prefix"):  # WordPiece: "dog" is a word, "##s" continues one
        return tokens
    return []
