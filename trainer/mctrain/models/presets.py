"""Model presets: the MobileCLIP family by published names, a few small models, and those of recipes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from mctrain.errors import RecipeError
from mctrain.models.lite import MEAN, NATIVE, STD, LiteShape
from mctrain.models.mci import MciShape
from mctrain.models.minilm import MiniLmShape
from mctrain.models.text import TextShape
from mctrain.models.vit import VitShape
from mctrain.recipes.tables import ModelTable
from picsight_engine.bundles.bundle import ImageSpec
from picsight_engine.foundation.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mctrain.recipes.tables import Network, TowersTable
    from picsight_engine.bundles.bundle import Interpolation, Resize

MINILM = "minilm"
_HIDDEN = 1024  # hidden width of a head on a pretrained network
Triple = tuple[float, float, float]
Publisher = Literal["apple", "open_clip", "timm"]

CLIP_MEAN: Triple = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD: Triple = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class Preset:
    """A model's parameters and preprocessing; `mean` and `std` are None for values from 0 to 1.

    `head_bias`: whether the image tower's last map has a bias; Apple's first generation has none.
    """

    name: str
    title: str
    image: MciShape | VitShape | LiteShape
    text: TextShape | MiniLmShape
    dim: int
    size: int
    head_bias: bool = True
    interpolation: Interpolation = "bilinear"
    mean: Triple | None = None
    std: Triple | None = None
    resize: Resize = "shortest"

    def image_spec(self) -> ImageSpec:
        """The image tower's preprocessing."""
        return ImageSpec(
            size=self.size,
            resize=self.resize,
            interpolation=self.interpolation,
            crop="centre" if self.resize == "shortest" else None,
            mean=self.mean,
            std=self.std,
            input="pixels",
            output="vector",
            dtype="float32",
        )

    def named(self, name: str, title: str) -> Preset:
        """The same model under another name."""
        return dataclasses.replace(self, name=name, title=title)

    def as_run_by(self, publisher: Publisher) -> Preset:
        """The same model in the form in which a publisher's code runs it.

        Apple's first code has no bias in the image head, pads ViT-B's first convolution and has another epsilon there;
        open_clip and timm run every model in the second generation's form.
        """
        apple = publisher == "apple"
        image = self.image
        if isinstance(image, VitShape) and image.stem:
            image = _VIT_B_APPLE if apple else _VIT_B
        return dataclasses.replace(self, image=image, head_bias=not apple)


_MCI0 = MciShape((2, 6, 10, 2), (64, 128, 256, 512), 3, attention=(3,), excite=(2, 3))
_MCI1 = MciShape((4, 12, 20, 4), (64, 128, 256, 512), 3, attention=(3,), excite=(2, 3))
_MCI2 = MciShape((4, 12, 24, 4), (80, 160, 320, 640), 3, attention=(3,), excite=(2, 3))
_MCI3 = MciShape((2, 12, 24, 4, 2), (96, 192, 384, 768, 1536), 4, attention=(3, 4), excite=(), large=True)
_MCI4 = MciShape((2, 12, 24, 4, 4), (128, 256, 512, 1024, 2048), 4, attention=(3, 4), excite=(), large=True)
_VIT_B_APPLE = VitShape(768, 12, patch=16, grid=14, stem=True, padding=1, epsilon=1e-5)
_VIT_B = VitShape(768, 12, patch=16, grid=14, stem=True, padding=0, epsilon=1e-6)
_VIT_L = VitShape(1024, 24, patch=14, grid=16, stem=False, padding=0, epsilon=1e-5)
_MCI_XS = MciShape((1, 2, 3, 1), (32, 64, 128, 256), 3, attention=(3,), excite=(2, 3))
_MCI_XXS = MciShape((1, 1, 2, 1), (16, 32, 64, 128), 3, attention=(3,), excite=(2, 3))

_MCT = TextShape(512, 4, mixers=True)
_BASE = TextShape(512, 12)
_CAUSAL = TextShape(512, 12, causal=True)
_WIDE = TextShape(768, 12)

_ALL = (
    Preset("mobileclip_s0", "MobileCLIP-S0", _MCI0, _MCT, 512, 256, head_bias=False),
    Preset("mobileclip_s1", "MobileCLIP-S1", _MCI1, _BASE, 512, 256, head_bias=False),
    Preset("mobileclip_s2", "MobileCLIP-S2", _MCI2, _BASE, 512, 256, head_bias=False),
    Preset("mobileclip_b", "MobileCLIP-B", _VIT_B_APPLE, _CAUSAL, 512, 224, head_bias=False),
    Preset("mobileclip_blt", "MobileCLIP-B (LT)", _VIT_B_APPLE, _CAUSAL, 512, 224, head_bias=False),
    Preset("mobileclip_s3", "MobileCLIP-S3", _MCI3, _WIDE, 768, 256, mean=CLIP_MEAN, std=CLIP_STD),
    Preset("mobileclip_s4", "MobileCLIP-S4", _MCI4, _WIDE, 768, 256, mean=CLIP_MEAN, std=CLIP_STD),
    Preset(
        "mobileclip_l14", "MobileCLIP-L/14", _VIT_L, _WIDE, 768, 224, True, "bicubic", CLIP_MEAN, CLIP_STD
    ),
    Preset("mobileclip2_s0", "MobileCLIP2-S0", _MCI0, _BASE, 512, 256),
    Preset("mobileclip2_s2", "MobileCLIP2-S2", _MCI2, _BASE, 512, 256),
    Preset("mobileclip2_b", "MobileCLIP2-B", _VIT_B, _CAUSAL, 512, 224),
    Preset("mobileclip2_s3", "MobileCLIP2-S3", _MCI3, _WIDE, 768, 256, mean=CLIP_MEAN, std=CLIP_STD),
    Preset("mobileclip2_s4", "MobileCLIP2-S4", _MCI4, _WIDE, 768, 256, mean=CLIP_MEAN, std=CLIP_STD),
    Preset(
        "mobileclip2_l14", "MobileCLIP2-L/14", _VIT_L, _WIDE, 768, 224, True, "bicubic", CLIP_MEAN, CLIP_STD
    ),
    # our own, trainable on a laptop in an evening: a tenth and a hundredth of S0's compute
    Preset("laptop_xs", "Laptop XS", _MCI_XS, TextShape(256, 4), 256, 192),
    Preset("laptop_xxs", "Laptop XXS", _MCI_XXS, TextShape(128, 2, mixers=True), 128, 128),
)
PRESETS = {preset.name: preset for preset in _ALL}
_SHAPES: dict[str, Any] = {
    kind.__name__: kind for kind in (MciShape, VitShape, LiteShape, TextShape, MiniLmShape)
}


def find_preset(name: str) -> Preset:
    """The preset of this name; raises RequestError if there is none."""
    if name not in PRESETS:
        raise RequestError(f"There is no preset {name}; known are {', '.join(PRESETS)}.")
    return PRESETS[name]


def preset_of(model: ModelTable) -> Preset:
    """The preset that a recipe describes: pretrained networks for photos, MiniLM for texts, a head on each.

    Photos are squashed to a square, like most of the training photos, so that nothing at the edges is lost.
    """
    image = LiteShape(
        model.networks, model.image_hidden, model.image_dropout, model.image_input_dropout, model.branch
    )
    text = MiniLmShape(model.text_hidden, model.text_dropout, model.text_input_dropout)
    return _on_lite(image, text, model.dim, model.size)


def preset_of_towers(towers: TowersTable) -> Preset:
    """The preset of two towers that a recipe names.

    Raises:
        RecipeError: there is no such tower, or it does not support the context.
    """
    text = _text_of(towers.text, towers.context)
    if towers.image in NATIVE:
        image = LiteShape((towers.image,), hidden=_HIDDEN, dropout=0.0, input_dropout=0.0, branch=0.0)
        return _on_lite(image, text, towers.dim, towers.size)
    row = _known(towers.image, NATIVE).named("", "")
    return dataclasses.replace(row, text=text, dim=towers.dim, size=towers.size)


def table_of(preset: Preset) -> ModelTable | None:
    """The inverse of `preset_of`; None for other towers."""
    image, text = preset.image, preset.text
    if not (isinstance(image, LiteShape) and isinstance(text, MiniLmShape)):
        return None
    return ModelTable(
        networks=cast("tuple[Network, ...]", image.networks),
        size=preset.size,
        dim=preset.dim,
        image_hidden=image.hidden,
        text_hidden=text.hidden,
        image_dropout=image.dropout,
        image_input_dropout=image.input_dropout,
        text_dropout=text.dropout,
        text_input_dropout=text.input_dropout,
        branch=image.branch,
    )


def _on_lite(image: LiteShape, text: TextShape | MiniLmShape, dim: int, size: int) -> Preset:
    return Preset(
        name="",
        title="",
        image=image,
        text=text,
        dim=dim,
        size=size,
        interpolation="bicubic",
        mean=(MEAN,) * 3,
        std=(STD,) * 3,
        resize="squash",
    )


def _text_of(name: str, context: int | None) -> TextShape | MiniLmShape:
    if name == MINILM:
        if context is not None:
            raise RecipeError(f"The text tower {MINILM} has a fixed context; leave towers.context out.")
        return MiniLmShape(hidden=_HIDDEN, dropout=0.0, input_dropout=0.0)
    shape = cast("TextShape", _known(name, (MINILM,)).text)
    return shape if context is None else dataclasses.replace(shape, context=context)


def _known(name: str, others: Iterable[str]) -> Preset:
    if name not in PRESETS:
        raise RecipeError(f"There is no tower {name}; known are {', '.join((*others, *PRESETS))}.")
    return PRESETS[name]


def preset_as_dict(preset: Preset) -> dict[str, Any]:
    """The preset with its tower kinds, for a checkpoint."""
    kinds = {each: type(getattr(preset, each)).__name__ for each in ("image", "text")}
    return dataclasses.asdict(preset) | {"kinds": kinds}


def preset_from_dict(content: dict[str, Any]) -> Preset:
    """The inverse of `preset_as_dict`; raises KeyError or TypeError if the content is not a preset."""
    values = dict(content)
    for tower, kind in values.pop("kinds").items():
        values[tower] = _SHAPES[kind](**values[tower])
    return Preset(**values)
