"""What a fit moves: the heads of a model whose trunks are frozen, the factor of its cosines, and on demand upper stages of the image trunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from mctrain.models.scale import limit_scale

if TYPE_CHECKING:
    from mctrain.models.clip import Clip
    from mctrain.models.heads import Head
    from mctrain.models.lite import LiteTower
    from mctrain.models.lite_stages import UpperStages
    from mctrain.models.minilm import MiniLmTower


class Heads(nn.Module):
    """A head for photos, a head for texts, and the factor's logarithm; `stages` of the trunk where they move too."""

    def __init__(
        self, image: Head, text: Head, logit_scale: nn.Parameter, stages: UpperStages | None = None
    ) -> None:
        super().__init__()
        self.image = image
        self.text = text
        self.logit_scale = logit_scale
        self.stages = stages

    @classmethod
    def of(cls, clip: Clip, stages: UpperStages | None = None) -> Heads:
        """The model's own: what is fitted here is fitted there, but stages, which have to be written back."""
        image, text = cast("LiteTower", clip.image), cast("MiniLmTower", clip.text)
        return cls(image.head, text.head, cast("nn.Parameter", clip.logit_scale), stages)

    def scale(self) -> Tensor:
        """The factor itself."""
        return self.logit_scale.exp()

    def limit_scale(self) -> None:
        """Keeps the factor between 1 and 100."""
        limit_scale(self.logit_scale)

    def hold_space(self) -> None:
        """Freezes what a space is to photos: the texts and the factor. Only the image head is fitted from here on."""
        self.text.eval().requires_grad_(requires_grad=False)
        self.logit_scale.requires_grad = False

    def train(self, mode: bool = True) -> Heads:
        """As torch's, but a held head drops nothing."""
        super().train(mode)
        if not self.logit_scale.requires_grad:
            self.text.eval()
        return self
