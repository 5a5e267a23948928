"""An open_clip model as a teacher, with the activation that its weights were trained with.

OpenAI's weights and DFN2B's ViT-L/14 need QuickGELU. open_clip builds some of these models with the exact GELU and only
warns; the embeddings then differ from the published ones. Here the activation follows open_clip's data on the weights,
and so does the preprocessing for a weights file, which open_clip assumes to be CLIP's.
"""

from __future__ import annotations

import difflib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import torch
from open_clip.transformer import QuickGELU
from torch.nn import functional as F  # noqa: N812 (torch's convention)

from mctrain.errors import WeightsError
from mctrain.teachers.towers import weights_digest
from picsight_engine.bundles.bundle import ImageSpec
from picsight_engine.bundles.preprocess import preprocess

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import PIL.Image
    from numpy.typing import NDArray
    from torch import Tensor

    from picsight_engine.bundles.bundle import Crop, Resize

_BATCH = 8
_TEXTS = 32
_WHOLE = ("hf-hub:", "local-dir:")  # prefixes of names that include weights and configuration
_PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")
_RESIZES: dict[str, tuple[Resize, Crop | None]] = {
    "shortest": ("shortest", "centre"),
    "squash": ("squash", None),
}
# MobileCLIP2's two teachers, whose configurations come from the hub
_HUB_MODELS = {"hf-hub:apple/DFN2B-CLIP-ViT-L-14": True, "hf-hub:apple/DFN2B-CLIP-ViT-L-14-39B": False}


@dataclass(frozen=True, slots=True)
class OpenClipModel:
    """A loaded model: in evaluation mode, without gradients, on `device`; `digest` names its weights."""

    name: str
    module: Any
    tokenizer: Any
    spec: ImageSpec
    device: torch.device
    digest: str

    def pixels(self, pictures: Sequence[PIL.Image.Image]) -> Tensor:
        """RGB pictures as the model wants them: [n, 3, size, size]."""
        prepared = np.stack([preprocess(picture, self.spec) for picture in pictures])
        return torch.from_numpy(prepared).to(self.device)


def load_model(title: str) -> OpenClipModel:
    """Loads `NAME@WEIGHTS`: a model name with a file or open_clip's tag of published weights; or an `hf-hub:` or
    `local-dir:` name, a folder with `open_clip_config.json` and the weights.

    Raises:
        WeightsError: the name or the weights are unknown, or do not fit.
    """
    name, weights = title, ""
    if not title.startswith(_WHOLE):
        name, _, weights = title.partition("@")
        _demand_known(name, weights)
    quick = wants_quick_gelu(name, weights)
    logging.disable(logging.ERROR)  # errors are also raised as exceptions
    try:
        module = open_clip.create_model(
            name,
            pretrained=weights or None,
            force_quick_gelu=bool(quick),
            force_preprocess_cfg=published_preprocessing(name, weights),
            require_pretrained=True,  # otherwise it uses random weights if the hub is unreachable
        )
    # A third-party library: bad names and files raise arbitrary exceptions.
    except Exception as fault:
        first = str(fault).strip().split("\n")[0].rstrip(".")
        raise WeightsError(f"open_clip:{title} cannot be loaded: {first}.") from fault
    finally:
        logging.disable(logging.NOTSET)
    if quick is not None and quick != any(isinstance(each, QuickGELU) for each in module.modules()):
        raise WeightsError(
            f"open_clip:{name} computes with {'the exact GELU' if quick else 'QuickGELU'}, and these weights were trained "
            "with the other one; name the model in its other form, with or without -quickgelu."
        )
    if module.visual.preprocess_cfg["resize_mode"] not in _RESIZES:
        raise WeightsError(
            f"open_clip:{name} needs photos with a border, which Picsight does not make; choose another."
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    digest = weights_digest(module)
    return OpenClipModel(
        name=f"open_clip:{name}" + (f"@{Path(weights).name}" if weights else ""),
        module=module.eval().requires_grad_(requires_grad=False).to(device),
        tokenizer=open_clip.get_tokenizer(name),
        spec=spec_of(module.visual),
        device=device,
        digest=digest,
    )


class OpenClipTeacher:
    """An open_clip model as a teacher."""

    def __init__(self, model: OpenClipModel) -> None:
        self.model = model
        self.name, self.spec, self.digest = model.name, model.spec, model.digest
        self.scale = round(float(self.model.module.logit_scale.exp()), 4)
        self.width = self.texts(["a photo"]).shape[1]

    @torch.no_grad()
    def photos(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        del keys  # not trained on these photos
        return self._embed(self.model.module.encode_image, self.model.pixels(pictures), _BATCH)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, width]."""
        ids = self.model.tokenizer(list(texts)).to(self.model.device)
        return self._embed(self.model.module.encode_text, ids, _TEXTS)

    @staticmethod
    def _embed(encode: Callable[[Tensor], Tensor], given: Tensor, batch: int) -> NDArray[np.float32]:
        """Unit vectors [n, width], computed in batches."""
        vectors = [F.normalize(encode(part), dim=1) for part in torch.split(given, batch)]
        return torch.cat(vectors).cpu().numpy()


def wants_quick_gelu(name: str, weights: str) -> bool | None:
    """Whether published weights were trained with QuickGELU; None for a file, where only the model's name shows it."""
    if name in _HUB_MODELS:
        return _HUB_MODELS[name]
    known: dict[str, Any] | None = open_clip.get_pretrained_cfg(name, weights)
    return bool(known.get("quick_gelu")) if known else None


def published_preprocessing(name: str, weights: str) -> dict[str, Any]:
    """For a weights file, the preprocessing that all published weights of the model share; empty for published weights."""
    if name.startswith(_WHOLE) or open_clip.get_pretrained_cfg(name, weights):
        return {}
    known = [open_clip.get_pretrained_cfg(name, tag) for tag in open_clip.list_pretrained_tags_by_model(name)]
    published = [{key: each[key] for key in _PREPROCESSING} for each in known]
    return published[0] if published and all(each == published[0] for each in published) else {}


def _demand_known(name: str, weights: str) -> None:
    if name not in open_clip.list_models():
        near = ", ".join(difflib.get_close_matches(name, open_clip.list_models(), cutoff=0.0))
        raise WeightsError(f"open_clip has no model {name!r}; the names closest to it are {near}.")
    if not weights:
        raise WeightsError(
            f"open_clip:{name} names no weights; add them, as in open_clip:{name}@FILE or open_clip:{name}@TAG."
        )
    if not Path(weights).is_file() and not open_clip.get_pretrained_cfg(name, weights):
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
        raise WeightsError(
            f"There is no file {weights}, and open_clip has no weights of that name for {name}; it has: {tags}."
        )


def spec_of(tower: Any) -> ImageSpec:
    """The preprocessing of an open_clip image tower."""
    size = tower.image_size[0] if isinstance(tower.image_size, tuple) else tower.image_size
    config = tower.preprocess_cfg
    resize, crop = _RESIZES[config["resize_mode"]]
    return ImageSpec(
        size=size,
        resize=resize,
        interpolation=config["interpolation"],
        crop=crop,
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
        input="pixels",
        output="vector",
        dtype="float32",
    )
