"""Outputs of frozen towers, computed once for a few views of each photo instead of anew in each pass."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.data.reading.batch import normalised
from mctrain.data.reading.sampling import EpochPart, order
from mctrain.errors import RecipeError
from mctrain.models.lite import LiteTower

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mctrain.data.reading.batch import TrainingBatch
    from mctrain.data.reading.reader import Data
    from mctrain.models.clip import Clip
    from picsight_engine.bundles.bundle import ImageSpec

_TOGETHER = 32  # photos


class HeadModel(nn.Module):
    """A model on the outputs of its frozen parts: only the head of photos learns."""

    def __init__(self, clip: Clip) -> None:
        """Raises RecipeError if the trunk of photos or the text tower learns."""
        super().__init__()
        tower, text = clip.image, cast("nn.Module", clip.text)
        if not isinstance(tower, LiteTower) or any(
            each.requires_grad for part in (tower.trunk, text) for each in part.parameters()
        ):
            raise RecipeError(
                "Views are stored for a pretrained network that is frozen, and frozen texts; give image.trunk and text a rule "
                "with factor 0, or augmentation.views 1."
            )
        self.clip, self.tower, self.text = clip, tower, text

    def forward(self, given: Tensor, texts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The trunk's outputs [n, features + classes] and unit vectors of texts [m, dim] → as `Clip`."""
        return self.tower.head.of_joined(given), texts, self.clip.scale()

    @torch.no_grad()
    def stored(self, pixels: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """The input of `forward` from normalised photos [n, 3, size, size] and token ids [m, tokens]."""
        self.tower.trunk.eval()
        return torch.cat(self.tower.trunk(pixels), dim=1), F.normalize(self.text(ids), dim=1)


@dataclass(frozen=True, slots=True)
class FrozenViews:
    """The trunk's outputs of some views of all photos, and the vector of a caption drawn with each view."""

    given: Tensor  # [views, n, features + classes]
    texts: Tensor  # [views, n, dim]

    def rows(self, part: EpochPart, step: int) -> tuple[Tensor, Tensor]:
        """Photos and captions of a step: passes take views in turn, and the captions of another view in each turn."""
        views, count = len(self.given), len(self.given[0])
        places = torch.tensor([part.batch * step + row for row in part.rows]) % count
        rows = torch.from_numpy(order(count, part.epoch, part.seed))[places]
        turn, view = divmod(part.epoch, views)
        return self.given[view, rows], self.texts[(view + turn) % views, rows]


def compute_views(
    model: HeadModel,
    data: Data,
    passes: Sequence[EpochPart],
    spec: ImageSpec,
    ids: Callable[[Sequence[str]], Tensor],
) -> FrozenViews:
    """Computes what is frozen for the view and the caption of each photo in some passes of batches of one.

    Raises:
        DataError: as the reader.
    """
    device, views = model.clip.scale().device, list[tuple[Tensor, Tensor]]()
    mean, std = (torch.tensor(each, device=device) for each in (spec.mean or (0,) * 3, spec.std or (1,) * 3))
    for part in passes:
        rows = dict[str, tuple[Tensor, Tensor]]()
        for keys, pixels, captions in _joined(data.batches(part, 0)):
            photos = normalised(pixels.to(device).float() / 255, mean, std)
            rows |= zip(keys, zip(*model.stored(photos, ids(captions)), strict=True), strict=True)
        given, texts = zip(*(rows[key] for key in sorted(rows)), strict=True)
        views.append((torch.stack(given), torch.stack(texts)))
    return FrozenViews(*map(torch.stack, zip(*views, strict=True)))


def _joined(batches: Iterator[TrainingBatch]) -> Iterator[tuple[list[str], Tensor, list[str]]]:
    """The keys, pixels and captions of batches of one photo, some at once."""
    while some := list(islice(batches, _TOGETHER)):
        captions = [each.captions[0] for each in some]
        yield [each.keys[0] for each in some], torch.cat([each.pixels for each in some]), captions
