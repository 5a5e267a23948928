"""Published models: small architectures of open_clip and transformers with random weights.

The graphs are exported with the arguments of Immich's exporter, and with the names of Hugging Face's exports.
Importing the frameworks takes 10 s, so tests import this module where they need it.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import open_clip
import tokenizers
import torch
import transformers
from open_clip.transform import PreprocessCfg, image_transform_v2

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

SIGLIP = {
    "embed_dim": 24,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {"image_size": 112, "layers": 1, "width": 32, "head_width": 16, "patch_size": 28},
    "text_cfg": {
        "context_length": 20,
        "vocab_size": 300,
        "tokenizer_kwargs": {"clean": "canonicalize"},
        "width": 32,
        "heads": 2,
        "layers": 1,
        "no_causal_mask": True,
        "pool_type": "last",
    },
}


@dataclass
class Published:
    """A published model, and its framework's vectors of a photo and of texts."""

    folder: Path
    image: Callable[[Image.Image], NDArray[np.float32]]
    text: Callable[[list[str]], NDArray[np.float32]]
    tokens: Callable[[list[str]], NDArray[np.int64]]
    rounding: float = 1e-4


def export(model, call, arguments, path, inputs, output, axes=None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wrapped = torch.nn.Module()
    wrapped.inner, wrapped.forward = model, call
    torch.backends.mha.set_fastpath_enabled(False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            wrapped.eval(),
            arguments,
            str(path),
            input_names=inputs,
            output_names=[output],
            opset_version=17,
            dynamic_axes=axes,
            dynamo=False,
        )


def unigram(texts: list[str], folder: Path, **settings: str) -> transformers.PreTrainedTokenizerFast:
    """A small tokenizer of SigLIP's and XLM-R's kind: pieces of words, an end token, saved as transformers does."""
    made = tokenizers.Tokenizer(tokenizers.models.Unigram())
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=295, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", **settings
    )
    fast.save_pretrained(folder)
    return fast


def padded(fast, context: int, clean=str) -> Callable[[list[str]], NDArray[np.int64]]:
    def tokens(texts: list[str]) -> NDArray[np.int64]:
        rows = fast(
            [clean(text) for text in texts], max_length=context, padding="max_length", truncation=True
        ).input_ids
        return np.array(rows)

    return tokens


def immich(folder: Path, words: list[str]) -> Published:
    """SigLIP as open_clip builds it: squashed pictures, canonical texts, the whole context without a mask."""
    torch.manual_seed(1)
    model = open_clip.CustomTextCLIP(
        **{key: SIGLIP[key] for key in ("embed_dim", "init_logit_bias", "vision_cfg", "text_cfg")}
    )
    model.eval().requires_grad_(False)
    looks = PreprocessCfg(
        size=112, mean=(0.5,) * 3, std=(0.5,) * 3, interpolation="bicubic", resize_mode="squash"
    )
    export(
        model,
        lambda image: model.encode_image(image, normalize=True),
        (torch.randn(1, 3, 112, 112),),
        folder / "visual/model.onnx",
        ["image"],
        "embedding",
    )
    export(
        model,
        lambda text: model.encode_text(text, normalize=True),
        (torch.ones(1, 20, dtype=torch.int32),),
        folder / "textual/model.onnx",
        ["text"],
        "embedding",
    )
    (folder / "config.json").write_text(json.dumps(SIGLIP))
    (folder / "visual/preprocess_cfg.json").write_text(json.dumps(vars(looks)))
    fast = unigram(words, folder / "textual")
    tokens = padded(fast, 20, open_clip.tokenizer._clean_canonicalize)
    see = image_transform_v2(looks, is_train=False)
    return Published(
        folder,
        lambda image: model.encode_image(see(image)[None], normalize=True)[0].numpy(),
        lambda texts: model.encode_text(torch.tensor(tokens(texts)), normalize=True).numpy(),
        tokens,
    )


def multilingual(folder: Path, words: list[str]) -> Published:
    """Immich's multilingual CLIP: XLM-R with a mask, the mean of its tokens, beside an image tower of CLIP."""
    published = immich(folder, words)
    torch.manual_seed(2)
    config = transformers.XLMRobertaConfig(
        vocab_size=300,
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        pad_token_id=0,
    )
    model = transformers.XLMRobertaModel(config, add_pooling_layer=False).eval().requires_grad_(False)
    project = torch.nn.Linear(32, 24).requires_grad_(False)

    def encode(input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        states = model(input_ids, attention_mask)[0]
        mean = (states * attention_mask.unsqueeze(2)).sum(dim=1) / attention_mask.sum(dim=1)[:, None]
        return torch.nn.functional.normalize(project(mean), dim=-1)

    ones = torch.ones(1, 20, dtype=torch.int32)
    export(
        model,
        encode,
        (ones, ones),
        folder / "textual/model.onnx",
        ["input_ids", "attention_mask"],
        "embedding",
    )
    text_config = {"hf_model_name": "xlm-roberta-base", "vocab_size": 300}
    (folder / "config.json").write_text(json.dumps({**SIGLIP, "text_cfg": text_config}))
    fast = transformers.PreTrainedTokenizerFast.from_pretrained(folder / "textual")
    tokens = padded(fast, 20, open_clip.tokenizer._clean_whitespace)

    def text(texts: list[str]) -> NDArray[np.float32]:
        ids = torch.tensor(tokens(texts))
        return encode(ids, (ids != 0).int()).numpy()

    return Published(folder, published.image, text, tokens)


def hugging_face(folder: Path, words: list[str]) -> Published:
    """CLIP of transformers, with the projections and free batches of Hugging Face's exports."""
    torch.manual_seed(3)
    fast = unigram(words, folder)
    text_config = transformers.CLIPTextConfig(
        vocab_size=300,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=20,
        projection_dim=24,
        eos_token_id=1,
        bos_token_id=2,
        pad_token_id=0,
    )
    vision_config = transformers.CLIPVisionConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=112,
        patch_size=28,
        projection_dim=24,
    )
    vision = transformers.CLIPVisionModelWithProjection(vision_config).eval().requires_grad_(False)
    text = transformers.CLIPTextModelWithProjection(text_config).eval().requires_grad_(False)
    config = transformers.CLIPConfig(
        text_config=text_config.to_dict(), vision_config=vision_config.to_dict(), projection_dim=24
    )
    (folder / "config.json").write_text(json.dumps(config.to_dict(), default=str))
    export(
        vision,
        lambda pixels: vision(pixel_values=pixels).image_embeds,
        (torch.randn(2, 3, 112, 112),),
        folder / "onnx/vision_model.onnx",
        ["pixel_values"],
        "image_embeds",
        {"pixel_values": {0: "batch"}},
    )
    export(
        text,
        lambda ids: text(input_ids=ids).text_embeds,
        (torch.ones(1, 20, dtype=torch.int64),),
        folder / "onnx/text_model.onnx",
        ["input_ids"],
        "text_embeds",
    )
    see = transformers.CLIPImageProcessor(
        size={"shortest_edge": 112}, crop_size={"height": 112, "width": 112}
    )
    (folder / "preprocessor_config.json").write_text(see.to_json_string())
    tokens = padded(fast, 20)

    def unit(rows: torch.Tensor) -> NDArray[np.float32]:
        return torch.nn.functional.normalize(rows, dim=-1).numpy()

    return Published(
        folder,
        lambda image: unit(vision(**see(image, return_tensors="pt")).image_embeds)[0],
        lambda texts: unit(text(input_ids=torch.tensor(tokens(texts))).text_embeds),
        tokens,
        rounding=3e-4,  # it resizes tensors, which rounds some values differently
    )


def write_other_text_tower(path: Path) -> None:
    """Exports a text tower whose vectors have 7 numbers, not 24."""
    export(
        torch.nn.Linear(20, 7),
        lambda ids: ids.float() @ torch.ones(20, 7),
        (torch.ones(1, 20, dtype=torch.int64),),
        path,
        ["input_ids"],
        "text_embeds",
    )
