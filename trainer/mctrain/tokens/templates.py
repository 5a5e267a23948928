"""The sentences around a short query, averaged; zero-shot evaluation and the search use the same seven."""

from __future__ import annotations

TEMPLATES = (
    "a photo of a {}.",
    "a photo of the {}.",
    "a photo of {}.",
    "a picture of a {}.",
    "a close-up photo of a {}.",
    "a good photo of a {}.",
    "{}",
)
