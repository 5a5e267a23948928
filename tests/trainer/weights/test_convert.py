"""Published files become models; every key of a file is used, and every key of a model is filled."""

from __future__ import annotations

import open_clip
import pytest
import torch
from open_clip.convert import convert_mobile_clip_state_dict
from tests.trainer.conftest import changed_tensors, published

from mctrain.errors import WeightsError
from mctrain.models.presets import PRESETS
from mctrain.weights.convert import read_model

LAYOUTS = ["apple", "open_clip", "timm"]
SMALL = PRESETS["laptop_xxs"]


def as_it_is(model):
    return model


@pytest.fixture(scope="module")
def whole(randomised):
    return published(SMALL, "apple", randomised)[1]


@pytest.fixture
def apple(whole):
    return dict(whole)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("publisher", LAYOUTS)
def test_a_published_file_is_read_as_it_was_written(publisher, folded, randomised):
    model, tensors = published(SMALL, publisher, randomised, folded=folded)
    read = read_model(tensors, SMALL)
    assert (read.layout.publisher, read.folded) == (publisher, folded)
    assert list(read.model.state_dict()) == list(model.state_dict())
    assert not changed_tensors(read.model.state_dict(), model.state_dict())


@pytest.mark.parametrize(
    ("name", "theirs"), [("mobileclip_s1", "MobileCLIP-S1"), ("mobileclip_b", "MobileCLIP-B")]
)
def test_apples_names_are_those_that_open_clip_converts(name, theirs, randomised):
    """open_clip's converter makes all tensors of its model from our file in Apple's layout."""
    model, tensors = published(PRESETS[name], "apple", randomised)
    config = open_clip.get_model_config(theirs)
    config.pop("custom_text")
    with torch.device("meta"):
        reference = open_clip.model.CustomTextCLIP(**config)
    fastvit = config["vision_cfg"]["timm_model_name"].startswith("fastvit")
    converted = convert_mobile_clip_state_dict(reference, tensors, fastvit=fastvit)
    wanted = {name: tensor.shape for name, tensor in reference.state_dict().items()}
    assert {name: tensor.shape for name, tensor in converted.items()} == wanted
    read = read_model(converted, PRESETS[name]).model.state_dict()
    assert all(torch.equal(read[key], tensor) for key, tensor in model.state_dict().items())


def test_text_repmixer_has_the_published_keys():
    _, tensors = published(PRESETS["mobileclip_s0"], "apple", as_it_is)
    assert len(tensors) == 893
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    mixer = ("norm.rbr_skip", "mixer.rbr_skip", "mixer.rbr_conv.0.bn")
    norms = [*(f"token_mixer.{name}" for name in mixer), "convffn.conv.bn"]
    wanted = {"layer_scale", "token_mixer.layer_scale", "token_mixer.mixer.rbr_conv.0.conv.weight"}
    wanted |= {"convffn.conv.conv.weight", *(f"{name}.{part}" for name in norms for part in norm)}
    wanted |= {f"convffn.fc{number}.{part}" for number in (1, 2) for part in ("weight", "bias")}
    for end in (0, 5):
        prefix = f"text_encoder.transformer.{end}."
        assert {key.removeprefix(prefix) for key in tensors if key.startswith(prefix)} == wanted
        assert tuple(tensors[prefix + "token_mixer.mixer.rbr_conv.0.conv.weight"].shape) == (512, 1, 1, 11)


def test_known_keys_of_published_files_are_in_our_layouts():
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
        assert probe in published(PRESETS[name], publisher, as_it_is, folded=folded)[1]


def test_timms_own_folded_model_is_read(randomised):
    """A model that timm folded computes the same after it is read."""
    import timm
    from timm.utils import reparameterize_model

    trunk = randomised(timm.create_model("fastvit_mci0", num_classes=512, pretrained=False))
    read = read_model(reparameterize_model(trunk).state_dict(), PRESETS["mobileclip2_s0"])
    assert read.folded
    pixels = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        assert torch.allclose(read.model.image(pixels), trunk(pixels), atol=1e-4)


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        (
            "image_encoder.model.network.6.pe.bias",
            None,
            r"it lacks image_encoder\.model\.network\.6\.pe\.bias\.$",
        ),
        (
            "text_encoder.positional_embedding.pos_embed.pos_embed",
            torch.zeros(1, 1, 64, 128),
            r"pos_embed has the shape \[1, 1, 64, 128\] instead of \[77, 128\]",
        ),
        (
            "image_encoder.model.head.proj",
            torch.zeros(128, 256),
            r"head\.proj has the shape \[256, 128\] instead of \[128, 256\]",
        ),
        ("more", torch.zeros(1), "nothing in the model is called more"),
    ],
)
def test_a_key_that_does_not_fit_is_named(apple, key, value, fault):
    if value is None:
        del apple[key]
    else:
        apple[key] = value
    with pytest.raises(WeightsError, match=rf"does not fit the preset laptop_xxs: .*{fault}"):
        read_model(apple, SMALL)


@pytest.mark.parametrize("wrong", ["mobileclip_s0", "mobileclip_b"])
def test_another_presets_file_is_refused_and_the_presets_that_fit_are_named(apple, wrong):
    fault = "it lacks .* more" if wrong == "mobileclip_s0" else "it holds another kind of image tower"
    with pytest.raises(WeightsError, match=rf"fit the preset {wrong}: {fault}; it fits laptop_xxs\.$"):
        read_model(apple, PRESETS[wrong])
