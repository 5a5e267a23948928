"""Published files become models and back; every key of a file is used, and every key of a model is filled."""

from __future__ import annotations

import re

import open_clip
import pytest
import torch
from open_clip.convert import convert_mobile_clip_state_dict

from mctrain.errors import WeightsError
from mctrain.models.presets import PRESETS
from mctrain.models.reparameterize import reparameterize
from mctrain.weights.convert import empty_model, layout_of, read_model, write_tensors

APPLES = ["mobileclip_s0", "mobileclip_s1", "mobileclip_s2", "mobileclip_b", "mobileclip_blt"]
LAYOUTS = ["apple", "open_clip", "timm"]
SMALL = PRESETS["laptop_xxs"]


def published(preset, publisher, fill, *, folded=False):
    """A file's content: random weights under a publisher's names."""
    layout = layout_of(publisher, preset)
    model = fill(empty_model(preset, layout, folded=folded))
    return model, write_tensors(model, layout)


@pytest.fixture(scope="module")
def whole(randomised):
    return published(SMALL, "apple", randomised)[1]


@pytest.fixture
def apple(whole):
    return dict(whole)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("publisher", LAYOUTS)
def test_what_is_written_is_read_as_it_was(publisher, folded, randomised):
    model, tensors = published(SMALL, publisher, randomised, folded=folded)
    read = read_model(tensors, SMALL)
    assert (read.layout.publisher, read.folded) == (publisher, folded)
    state = read.model.state_dict()
    assert list(state) == list(model.state_dict())
    assert all(torch.equal(own, state[name]) for name, own in model.state_dict().items())
    again = write_tensors(read.model, read.layout)
    assert {name: own.shape for name, own in again.items()} == {
        name: own.shape for name, own in tensors.items()
    }


@pytest.mark.parametrize(
    ("name", "theirs"), [("mobileclip_s1", "MobileCLIP-S1"), ("mobileclip_b", "MobileCLIP-B")]
)
def test_apples_names_are_those_that_open_clip_converts(name, theirs, randomised):
    """open_clip's own converter turns our file in Apple's layout into all of its model's tensors."""
    model, tensors = published(PRESETS[name], "apple", randomised)
    config = open_clip.get_model_config(theirs)
    config.pop("custom_text")
    with torch.device("meta"):
        reference = open_clip.model.CustomTextCLIP(**config)
    converted = convert_mobile_clip_state_dict(
        reference, tensors, fastvit=config["vision_cfg"]["timm_model_name"].startswith("fastvit")
    )
    wanted = reference.state_dict()
    assert {key for key in wanted if key not in converted} == set()
    assert {key for key in converted if key not in wanted} == set()
    assert [key for key in wanted if converted[key].shape != wanted[key].shape] == []
    ours = write_tensors(model, layout_of("open_clip", PRESETS[name]))
    assert all(torch.equal(own, converted[key]) for key, own in ours.items())


def test_every_published_file_in_apples_layout_is_written_with_its_keys():
    counts = {
        "mobileclip_s0": 893,
        "mobileclip_s1": 1585,
        "mobileclip_s2": 1721,
        "mobileclip_b": 313,
        "mobileclip_blt": 313,
    }
    for name in APPLES:
        tensors = write_tensors(
            empty_model(PRESETS[name], layout_of("apple", PRESETS[name]), folded=False),
            layout_of("apple", PRESETS[name]),
        )
        assert len(tensors) == counts[name]
        assert not [
            key for key in tensors if not re.match(r"image_encoder\.model\.|text_encoder\.|logit_scale$", key)
        ]


def test_text_repmixer_has_the_published_keys():
    preset = PRESETS["mobileclip_s0"]
    tensors = write_tensors(
        empty_model(preset, layout_of("apple", preset), folded=False), layout_of("apple", preset)
    )
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    wanted = {
        "layer_scale",
        "token_mixer.layer_scale",
        "token_mixer.mixer.rbr_conv.0.conv.weight",
        "convffn.conv.conv.weight",
    }
    wanted |= {f"convffn.fc{number}.{part}" for number in (1, 2) for part in ("weight", "bias")}
    for name in (
        "token_mixer.norm.rbr_skip",
        "token_mixer.mixer.rbr_skip",
        "token_mixer.mixer.rbr_conv.0.bn",
        "convffn.conv.bn",
    ):
        wanted |= {f"{name}.{part}" for part in norm}
    for end in (0, 5):
        prefix = f"text_encoder.transformer.{end}."
        assert {key.removeprefix(prefix) for key in tensors if key.startswith(prefix)} == wanted
        assert tuple(tensors[prefix + "token_mixer.mixer.rbr_conv.0.conv.weight"].shape) == (512, 1, 1, 11)
        assert tuple(tensors[prefix + "token_mixer.layer_scale"].shape) == (512, 1, 1)


def test_the_probes_of_the_published_files_are_among_our_keys():
    probes = {
        ("mobileclip_s0", "apple", False): "image_encoder.model.patch_embed.0.rbr_conv.0.conv.weight",
        ("mobileclip_s0", "apple", True): "image_encoder.model.patch_embed.0.reparam_conv.weight",
        ("mobileclip_b", "apple", False): "image_encoder.model.patch_emb.0.block.conv.weight",
        ("mobileclip2_s0", "open_clip", False): "visual.trunk.stem.0.conv_kxk.0.conv.weight",
        ("mobileclip2_s0", "open_clip", True): "visual.trunk.stem.0.reparam_conv.weight",
        ("mobileclip2_b", "open_clip", False): "visual.trunk.patch_embed.backbone.0.conv.weight",
        ("mobileclip2_l14", "open_clip", False): "visual.trunk.patch_embed.proj.weight",
        ("mobileclip2_s0", "timm", False): "stem.0.conv_kxk.0.conv.weight",
        ("mobileclip2_b", "timm", False): "patch_embed.backbone.0.conv.weight",
    }
    for (name, publisher, folded), probe in probes.items():
        layout = layout_of(publisher, PRESETS[name])
        assert probe in write_tensors(empty_model(PRESETS[name], layout, folded=folded), layout)


def test_timms_own_folded_model_is_read(randomised):
    """timm folds and names by itself; what we read of it computes the same."""
    import timm
    from timm.utils import reparameterize_model

    trunk = randomised(timm.create_model("fastvit_mci0", num_classes=512, pretrained=False))
    read = read_model(reparameterize_model(trunk).state_dict(), PRESETS["mobileclip2_s0"])
    assert read.folded
    pixels = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        assert torch.allclose(read.model.image(pixels), trunk(pixels), atol=1e-4)


def test_folded_and_training_form_of_a_file_make_the_same_model(randomised):
    model, tensors = published(SMALL, "apple", randomised)
    ours = reparameterize(read_model(tensors, SMALL).model)
    theirs = write_tensors(reparameterize(model), layout_of("apple", SMALL))
    read = read_model(theirs, SMALL)
    assert read.folded
    state = read.model.state_dict()
    assert all(torch.equal(own, state[name]) for name, own in ours.state_dict().items())


def test_a_missing_key_is_named(apple):
    del apple["image_encoder.model.network.6.pe.bias"]
    with pytest.raises(
        WeightsError,
        match=r"does not fit the preset laptop_xxs: it lacks image_encoder\.model\.network\.6\.pe\.bias\.$",
    ):
        read_model(apple, SMALL)


def test_a_misshapen_key_is_named_with_both_shapes(apple):
    apple["text_encoder.positional_embedding.pos_embed.pos_embed"] = torch.zeros(1, 1, 64, 128)
    with pytest.raises(
        WeightsError, match=r"pos_embed has the shape \[1, 1, 64, 128\] instead of \[1, 1, 77, 128\]"
    ):
        read_model(apple, SMALL)


@pytest.mark.parametrize("wrong", ["mobileclip_s0", "mobileclip_b"])
def test_another_presets_file_is_refused_and_the_presets_that_fit_are_named(apple, wrong):
    fault = "it lacks .* more" if wrong == "mobileclip_s0" else "it holds another kind of image tower"
    with pytest.raises(WeightsError, match=rf"fit the preset {wrong}: {fault}; it fits laptop_xxs\.$"):
        read_model(apple, PRESETS[wrong])
