"""A small CoCa as open_clip keeps one in a folder, with random weights."""

from __future__ import annotations

import json

import open_clip
import pytest
import torch
from safetensors.torch import save_file

CONFIG = {
    "embed_dim": 48,
    "vision_cfg": {
        "image_size": 64,
        "layers": 2,
        "width": 64,
        "head_width": 32,
        "patch_size": 16,
        "attentional_pool": True,
        "attn_pooler_heads": 4,
        "output_tokens": True,
    },
    "text_cfg": {
        "context_length": 76,
        "vocab_size": 49408,
        "width": 48,
        "heads": 4,
        "layers": 2,
        "embed_cls": True,
        "output_tokens": True,
    },
    "multimodal_cfg": {
        "context_length": 76,
        "vocab_size": 49408,
        "width": 48,
        "heads": 3,
        "layers": 2,
        "attn_pooler_heads": 4,
    },
    "custom_text": True,
}


def write_model(folder, model, config):
    """As open_clip finds it by `local-dir:`."""
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": {}}))
    state = {name: own.detach().clone().contiguous() for name, own in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return f"open_clip:local-dir:{folder}"


@pytest.fixture(scope="session")
def coca(tmp_path_factory, randomised):
    """Its title, and the model itself."""
    torch.manual_seed(0)
    model = open_clip.coca_model.CoCa(**{name: own for name, own in CONFIG.items() if name != "custom_text"})
    randomised(model)
    return write_model(tmp_path_factory.mktemp("coca"), model, CONFIG), model.eval()
