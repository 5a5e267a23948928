"""Every published model has the sizes, shapes and number of tensors of its publisher's."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from mctrain.models.clip import build_clip, deployed_model
from mctrain.models.presets import PRESETS, find_preset, preset_of_towers
from mctrain.recipes.parser import load
from mctrain.recipes.training import TrainingRecipe
from picsight_engine.foundation.errors import RequestError

COUNTER = "num_batches_tracked"
BASE = 63_428_096
WIDE = 123_650_304

# as published, each line: image parameters, text parameters, image keys, text keys, counters;
# then image and text parameters, image and text keys of the folded form
APPLE = {
    "mobileclip_s0": (11_406_464, 42_441_216, 783, 109, 122, 11_356_992, 42_435_072, 309, 79),
    "mobileclip_s1": (21_541_120, BASE, 1435, 149, 208, 21_460_544, BASE, 583, 149),
    "mobileclip_s2": (35_814_720, BASE, 1571, 149, 228, 35_702_480, BASE, 635, 149),
    "mobileclip_b": (86_348_544, BASE, 163, 149, 2, 86_348_544, BASE, 163, 149),
    "mobileclip_blt": (86_348_544, BASE, 163, 149, 2, 86_348_544, BASE, 163, 149),
}
_S3 = (125_235_648, WIDE, 1531, 149, 218, 125_074_272, WIDE, 630, 149)
_S4 = (321_784_832, WIDE, 1565, 149, 220, 321_569_664, WIDE, 664, 149)
_L14 = (303_966_976, WIDE, 297, 149, 0, 303_966_976, WIDE, 297, 149)
_S2 = (35_815_232, BASE, 1572, 149, 228, 35_702_992, BASE, 636, 149)
_B = (86_349_056, BASE, 164, 149, 2, 86_349_056, BASE, 164, 149)
OPEN_CLIP = {
    "mobileclip_s1": (21_541_632, BASE, 1436, 149, 208, 21_461_056, BASE, 584, 149),
    "mobileclip_s2": _S2,
    "mobileclip_b": _B,
    "mobileclip_s3": _S3,
    "mobileclip_s4": _S4,
    "mobileclip_l14": _L14,
    "mobileclip2_s0": (11_406_976, BASE, 784, 149, 114, 11_357_504, BASE, 310, 149),
    "mobileclip2_s2": _S2,
    "mobileclip2_b": _B,
    "mobileclip2_s3": _S3,
    "mobileclip2_s4": _S4,
    "mobileclip2_l14": _L14,
}


def empty(preset):
    with torch.device("meta"):
        return build_clip(preset).eval()


def sizes(tower):
    return sum(parameter.numel() for parameter in tower.parameters()), len(tower.state_dict())


@cache
def counted(preset):
    """The numbers of the tables above; some presets differ only by name."""
    model, folded = empty(preset), deployed_model(preset)
    (image, image_keys), (text, text_keys) = sizes(model.image), sizes(model.text)
    (folded_image, folded_image_keys), (folded_text, folded_text_keys) = (
        sizes(folded.image),
        sizes(folded.text),
    )
    counters = sum(key.endswith(COUNTER) for key in model.state_dict())
    assert len(model.state_dict()) == image_keys + text_keys + 1
    found = (image, text, image_keys, text_keys, counters)
    return (*found, folded_image, folded_text, folded_image_keys, folded_text_keys)


@pytest.mark.parametrize(
    ("publisher", "name", "expected"),
    [("apple", *row) for row in APPLE.items()] + [("open_clip", *row) for row in OPEN_CLIP.items()],
)
def test_a_preset_has_the_published_sizes(publisher, name, expected):
    assert counted(PRESETS[name].as_run_by(publisher).named("", "")) == expected


@pytest.mark.parametrize("name", {preset.named("", ""): name for name, preset in PRESETS.items()}.values())
def test_every_model_embeds_photos_and_texts_in_one_space(name):
    preset = PRESETS[name]
    model = deployed_model(preset)
    with torch.device("meta"):
        photos, texts = torch.empty(2, 3, preset.size, preset.size), torch.empty(3, 77, dtype=torch.int64)
    assert model.image(photos).shape == (2, preset.dim)
    assert model.text(texts).shape == (3, preset.dim)


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ("b-datacompdr12m", "mobileclip_b"),
        ("s0-datacompdr1b", "mobileclip_s0"),
        ("mobileclip2-s0-dfndr", "mobileclip2_s0"),
    ],
)
def test_a_published_recipe_trains_the_published_towers(recipe, name):
    assert preset_of_towers(load(TrainingRecipe, recipe).towers) == PRESETS[name].named("", "")


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(RequestError, match=r"no preset mobileclip_s9; known are mobileclip_s0, "):
        find_preset("mobileclip_s9")
