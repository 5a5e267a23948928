"""Turns text into token ids with the bundle's tokenizer.json.

CLIP's texts are cleaned and split into words here, because published tokenizer files differ in that. The split needs the
`regex` module, with whose letter classes and IGNORECASE CLIP's vocabulary was made.
"""

from __future__ import annotations

import html
import re
import string
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import tokenizers
from tokenizers.pre_tokenizers import ByteLevel

from picsight_engine.bundles.bundle import Clean
from picsight_engine.foundation.errors import BundleError, faults_as

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from picsight_engine.bundles.bundle import Bundle

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_CLIP_SPECIAL = ("<start_of_text>", "<end_of_text>")
_CLIP_WORDS = r"<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class Tokenizer:
    """The tokenizer of one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Loads the tokenizer.

        Raises:
            BundleError: the bundle has no text tower, needs a cleaning that this version lacks, or the file is damaged.
        """
        self._spec = bundle.text_spec()
        if self._spec.clean not in get_args(Clean):
            raise BundleError(
                'The model "{title}" cleans its text in the way "{clean}", which this '
                "version of Picsight does not know; update Picsight.",
                title=bundle.manifest.title,
                clean=self._spec.clean,
            )
        path = bundle.folder / self._spec.tokenizer
        words = "The model file {path} cannot be read ({fault}); install the model again."
        with faults_as(Exception, BundleError, words, path=path):  # the library's for any fault of the file
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        # Padding and truncation are done here: the file's settings depend on how it was saved.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # The words are cleaned and split already, and published files do it differently.
        if self._spec.clean == "clip":
            self._tokenizer.normalizer = None
            self._tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
        added = self._tokenizer.get_added_tokens_decoder().values()
        special = sorted((token.content for token in added if token.special), key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, special))) if special else None

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Token ids, [n, tokens]; special tokens spelled in the texts are removed.

        Pads to the longest text of the batch if the tower masks its padding, otherwise to the whole context. A text that
        is too long is truncated, but keeps the end token.
        """
        context = self._spec.context
        rows = [
            encoding.ids if len(encoding.ids) <= context else [*encoding.ids[: context - 1], self._spec.eot]
            for encoding in self._encode([_valid(text) for text in texts])
        ]
        width = max(map(len, rows), default=0) if self._spec.dynamic else context
        ids = np.full((len(rows), width), self._spec.pad_id, dtype=np.int64)
        for row, tokens in zip(ids, rows, strict=True):
            row[: len(tokens)] = tokens
        return ids

    def _encode(self, texts: list[str]) -> list[tokenizers.Encoding]:
        if self._spec.clean == "clip":
            words = [clip_words(text) for text in texts]
            return list(self._tokenizer.encode_batch(words, is_pretokenized=True))
        if self._spec.clean == "canonicalize":
            texts = [_mended(text).replace("_", " ").translate(_NO_PUNCTUATION).lower() for text in texts]
        if self._spec.clean != "none":
            texts = [" ".join(_mended(text).split()) for text in texts]
        return list(self._tokenizer.encode_batch([self._strip(text) for text in texts]))

    def _strip(self, text: str) -> str:
        """Replaces special tokens such as "[SEP]", which a user may type, by spaces, so that the rest cannot form a new one."""
        return self._special.sub(" ", text) if self._special else text


def _valid(text: str) -> str:
    """The text without lone surrogates, which a command line may contain."""
    return text.encode("utf-8", "ignore").decode("utf-8")


def clip_words(text: str) -> list[str]:
    """The lower-case words of a text, with encoding errors fixed and HTML entities decoded, without special tokens."""
    cleaned = " ".join(_mended(text).split()).lower()
    return [word for word in _clip_pattern().findall(cleaned) if word not in _CLIP_SPECIAL]


def _mended(text: str) -> str:
    """Fixes encoding errors; plain printable ASCII without "&" has none, which saves most searches the import of ftfy."""
    if text.isascii() and text.isprintable() and "&" not in text:
        return text
    import ftfy  # 61 ms

    return html.unescape(html.unescape(ftfy.fix_text(text)))


@cache
def _clip_pattern() -> Any:
    import regex  # 19 ms

    return regex.compile(_CLIP_WORDS, regex.IGNORECASE)
