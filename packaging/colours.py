"""Learns from the captions of training photos which pixels people call by which colour, and writes the table of
`picsight_engine.photos.colours`: `.venv/bin/python packaging/colours.py DATA`, four minutes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mctrain.atomic_files import open_atomic
from mctrain.data.checks.leakage import shipped_digests
from mctrain.data.shard_names import find_shards
from mctrain.data.shards import parse_record, samples
from mctrain.data.texts import texts_by_kind, texts_of
from mctrain.errors import DataError
from picsight_engine.bundles.commonness import singular_words
from picsight_engine.photos.colours import (
    CELLS,
    CHROMA,
    COLUMNS,
    FLOOR,
    NAMES,
    nearest_of,
    oklab,
    pixels_of,
    shares_of,
)
from picsight_engine.photos.thumbnail import thumbnail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from mctrain.paths import AnyPath

_TABLE = Path(__file__).parents[1] / "engine/picsight_engine/photos/colour_names.json"
_SHARDS = (
    "flickr8k-train-*",
    "coco-captioned-*",
    "coco-described-*",
    "labelled-train-*",
    "photos-described-*",
    "more-described-*",
)
_PALETTE, _ROUNDS = 64, 15
_EPOCHS, _BATCH, _RATE = 6, 512, 0.05
_FEWEST_STEPS = 60
_FEWEST_PHOTOS = 8  # of each colour
_CUTS = {"cut": 0.75, "sure": 0.5}  # of the photos whose captions name a colour, these shares show it


def learn_colours(shards: Sequence[AnyPath], table: Path) -> dict[str, float]:
    """Fits the table to the photos of shards, without those held out for evaluation; returns the AUC of each colour.

    A photo has a colour if any of its texts names it. Half of the photos only measure the AUC.

    Raises:
        DataError: a shard or a sample is damaged, or the photos are too few.
    """
    pixels, named = _photos(shards)
    draw = np.random.default_rng(0)
    palette = _palette(pixels, draw)
    nearest = nearest_of(palette)
    shares = torch.from_numpy(
        np.stack([shares_of(each, nearest, _PALETTE) for each in pixels]).astype(np.float16)
    )
    half = draw.random(len(pixels)) < 0.5
    quality = _quality(_Names(named[half]).fitted(shares[half], named[half])(shares[~half]), named[~half])
    names = _Names(named).fitted(shares, named)
    losses = np.logaddexp(0, -names(shares))
    cuts = {
        name: [float(np.quantile(losses[rows, column], share)) for column, rows in enumerate(named.T)]
        for name, share in _CUTS.items()
    }
    content = {"palette": palette.tolist(), **names.numbers(), **cuts}
    with open_atomic(table) as file:
        file.write((json.dumps(_rounded(content)) + "\n").encode())
    return quality


def _photos(shards: Sequence[AnyPath]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The pixels [n, 48, 48, 3] of the photos, and which colours their texts name [n, names]."""
    known, pixels, named = shipped_digests(), [], []
    for shard in shards:
        for group in samples(shard):
            if known.skips(group.key, parse_record(group.members.get("json", b"{}"), group.key)):
                continue
            seen = pixels_of(thumbnail(group.image()))
            assert seen is not None, "a thumbnail just made is whole"
            pixels.append(seen)
            kinds = texts_by_kind(texts_of(group.members, group.key))
            words = {word for texts in kinds.values() for text in texts for word in singular_words(text)}
            named.append([any(COLUMNS.get(word) == column for word in words) for column in range(len(NAMES))])
    rows = np.array(named, np.bool_)
    if not len(rows) or rows.sum(axis=0).min() < _FEWEST_PHOTOS:
        raise DataError(
            "Too few photos of these shards have captions that name every colour; name more shards."
        )
    return np.stack(pixels), rows


def _palette(pixels: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.float32]:
    """Colours [64, 3] in OKLab, by k-means over the colours that occur: vivid ones are rare, and decide."""
    sample = pixels.reshape(-1, 3)[draw.integers(0, pixels.size // 3, 60_000)]
    found = oklab(np.unique(sample // 8 * 8 + 4, axis=0).astype(np.uint8)) * CHROMA
    centres = found[draw.permutation(len(found))[:_PALETTE]]
    for _ in range(_ROUNDS):
        group = ((found[:, None] - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
        centres = np.stack(
            [
                found[group == row].mean(axis=0) if (group == row).any() else old
                for row, old in enumerate(centres)
            ]
        )
    return np.asarray(centres / CHROMA, np.float32)


class _Names:
    """The fit: the names of each palette colour, the weights of cells, and the odds that captions name a colour."""

    def __init__(self, named: NDArray[np.bool_]) -> None:
        share = torch.from_numpy(named.mean(axis=0))
        self._called = torch.full((_PALETTE, len(NAMES)), -3.0)
        ring = np.minimum(
            np.arange(CELLS), CELLS - 1 - np.arange(CELLS)
        )  # cells as far from the middle weigh the same
        pairs = [tuple(sorted(pair)) for pair in np.stack(np.meshgrid(ring, ring)).reshape(2, -1).T.tolist()]
        self._rings = torch.tensor([sorted(set(pairs)).index(pair) for pair in pairs])
        self._weights, self._focus = torch.zeros(len(set(pairs))), torch.zeros(len(NAMES))
        self._slope, self._offset = torch.ones(len(NAMES)), torch.log(share / (1 - share)).float()

    def fitted(self, shares: Tensor, named: NDArray[np.bool_]) -> _Names:
        """Fits all numbers to the shares [n, 36, 64] of photos and the colours that their captions name."""
        numbers = [self._called, self._weights, self._focus, self._slope, self._offset]
        optimizer = torch.optim.Adam([each.requires_grad_() for each in numbers], lr=_RATE)
        wanted, draw = torch.from_numpy(named.astype(np.float32)), np.random.default_rng(0)
        steps = max(_FEWEST_STEPS, _EPOCHS * len(shares) // _BATCH)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = _RATE * (1 - step / steps)
            rows = torch.from_numpy(draw.integers(0, len(shares), min(_BATCH, len(shares))))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                self._odds(shares[rows]), wanted[rows]
            )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return self

    def __call__(self, shares: Tensor) -> NDArray[np.float32]:
        """The log odds [n, names] that captions name each colour."""
        parts = (shares[start : start + 4096] for start in range(0, len(shares), 4096))
        with torch.no_grad():
            return np.asarray(torch.cat([self._odds(each) for each in parts]).numpy())

    def numbers(self) -> dict[str, list[float]]:
        """The fields of the table."""
        called, cells, focus = (each.detach() for each in self._parts())
        found = {
            "called": called,
            "cells": cells,
            "focus": focus,
            "slope": self._slope,
            "offset": self._offset,
        }
        return {name: each.detach().tolist() for name, each in found.items()}

    def _parts(self) -> tuple[Tensor, Tensor, Tensor]:
        cells = self._weights.softmax(0)[self._rings]
        return self._called.sigmoid(), cells / cells.sum(), 1 + torch.nn.functional.softplus(self._focus)

    def _odds(self, shares: Tensor) -> Tensor:
        called, cells, focus = self._parts()
        shown = (shares.float() @ called).clamp(min=1e-6)  # [n, 36, names]
        amount = (shown**focus * cells[:, None]).sum(dim=1) ** (1 / focus)
        return self._slope * torch.log(amount + FLOOR) + self._offset


def _quality(odds: NDArray[np.float32], named: NDArray[np.bool_]) -> dict[str, float]:
    """For each colour, the AUC: how often a photo whose captions name it has higher odds than one whose captions do not."""
    found = {}
    for name, values, wanted in zip(NAMES, odds.T, named.T, strict=True):
        below = np.searchsorted(np.sort(values[~wanted]), values[wanted])
        found[name] = float(below.mean() / (~wanted).sum())
    return found


def _rounded(content: object) -> object:
    if isinstance(content, dict):
        return {name: _rounded(each) for name, each in content.items()}
    return [_rounded(each) for each in content] if isinstance(content, list) else round(content, 4)  # type: ignore[call-overload]


def main() -> None:
    """Learns the table and prints how well it predicts each colour in the captions of the other half of the photos."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with the training shards")
    shards = find_shards(parser.parse_args().data, [f"{each}.tar*" for each in _SHARDS])
    for name, quality in learn_colours(shards, _TABLE).items():
        print(f"{name}: AUC {quality:.3f}")


if __name__ == "__main__":
    main()
