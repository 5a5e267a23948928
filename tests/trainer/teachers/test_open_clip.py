"""A teacher of open_clip embeds as open_clip does, with the activation of its weights."""

from __future__ import annotations

import json
from itertools import islice

import numpy as np
import open_clip
import pytest
import torch

from mctrain.data.shards import samples
from mctrain.errors import WeightsError
from mctrain.teachers.open_clip import wants_quick_gelu
from mctrain.teachers.teacher import open_teacher

TEXTS = ["a dog in the snow", "two people beside a boat", "sunset"]
SMALL = {
    "embed_dim": 48,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small model that open_clip knows by name, in both forms, and a file of its weights."""
    folder = tmp_path_factory.mktemp("open_clip")
    for name, quick in (("tiny-clip", False), ("tiny-clip-quickgelu", True)):
        (folder / f"{name}.json").write_text(json.dumps({**SMALL, "quick_gelu": quick}), encoding="utf-8")
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    torch.save(open_clip.create_model("tiny-clip").state_dict(), folder / "tiny.pt")
    return folder / "tiny.pt"


@pytest.fixture(scope="module")
def photos(photo_sets):
    return [sample.image() for sample in islice(samples(photo_sets / "coco-captioned-000000.tar.gz"), 3)]


@pytest.mark.parametrize("name", ["tiny-clip", "tiny-clip-quickgelu"])
def test_photos_and_texts_are_embedded_as_by_open_clip(name, weights, photos, tmp_path):
    teacher = open_teacher(f"open_clip:{name}@{weights}", tmp_path)
    model, _, prepare = open_clip.create_model_and_transforms(name, pretrained=str(weights))
    with torch.no_grad():
        wanted = model.eval().encode_image(torch.stack([prepare(photo) for photo in photos]), normalize=True)
        wanted_texts = model.encode_text(open_clip.get_tokenizer(name)(TEXTS), normalize=True)
    found = teacher.photos(photos, ["key"] * len(photos))
    assert ((found * wanted.numpy()).sum(1) > 0.9999).all()
    assert np.allclose(teacher.texts(TEXTS), wanted_texts.numpy(), atol=1e-5)
    assert (teacher.width, teacher.name) == (48, f"open_clip:{name}@tiny.pt")
    assert teacher.scale == pytest.approx(1 / 0.07, rel=1e-3)


def test_published_weights_get_the_activation_of_their_training():
    wants = {
        ("ViT-L-14", "openai"): True,
        ("ViT-L-14-quickgelu", "openai"): True,
        ("ViT-L-14", "datacomp_xl_s13b_b90k"): False,
        ("ViT-L-14-quickgelu", "dfn2b"): True,
        ("ViT-L-14", "dfn2b_s39b"): False,
        ("hf-hub:apple/DFN2B-CLIP-ViT-L-14", ""): True,
        ("hf-hub:apple/DFN2B-CLIP-ViT-L-14-39B", ""): False,
    }
    assert {model: wants_quick_gelu(*model) for model in wants} == wants
    assert wants_quick_gelu("ViT-L-14", "/somewhere/weights.pt") is None


def test_a_model_without_usable_weights_is_one_sentence(weights, tmp_path, caplog):
    with pytest.raises(WeightsError, match=r"open_clip:tiny-clip names no weights; add them"):
        open_teacher("open_clip:tiny-clip", tmp_path)
    with pytest.raises(WeightsError, match="cannot be loaded"):
        open_teacher(f"open_clip:ViT-S-32@{weights}", tmp_path)
    with pytest.raises(
        WeightsError, match=r"has no model 'ViT-L14'; the names closest to it are .*ViT-L-14"
    ) as caught:
        open_teacher("open_clip:ViT-L14@openai", tmp_path)
    assert len(str(caught.value)) < 200
    for strange in ("no-such-tag", "/nowhere/weights.pt"):
        with pytest.raises(WeightsError, match=rf"There is no file {strange}, and .* it has: openai, "):
            open_teacher(f"open_clip:ViT-B-32@{strange}", tmp_path)
    assert not caplog.records, "open_clip's own words too"


def test_photos_are_squashed_if_the_model_was_trained_so(weights, photos, tmp_path, monkeypatch):
    """The small model with a tag, whose weights are the local file."""
    scaling = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic", "resize_mode": "squash"}
    tag = {"file": str(weights), **scaling}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny-clip", {"tag": tag})
    teacher = open_teacher(f"open_clip:tiny-clip@{weights}", tmp_path)
    assert (teacher.spec.resize, teacher.spec.crop, teacher.spec.mean) == ("squash", None, (0.5,) * 3)
    changes = {"image_mean": (0.5,) * 3, "image_std": (0.5,) * 3, "image_resize_mode": "squash"}
    model, _, prepare = open_clip.create_model_and_transforms("tiny-clip", pretrained=str(weights), **changes)
    with torch.no_grad():
        wanted = model.eval().encode_image(torch.stack([prepare(photo) for photo in photos]), normalize=True)
    assert ((teacher.photos(photos, [""] * len(photos)) * wanted.numpy()).sum(1) > 0.9999).all()
