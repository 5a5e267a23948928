"""A tiny bundle: real graphs, a real tokenizer, vectors of four numbers."""

from __future__ import annotations

import numpy as np
import onnx
import tokenizers
from onnx import TensorProto, helper, numpy_helper

from picsight_engine.bundles.bundle import ImageSpec, Licence, Manifest, TextSpec
from picsight_engine.store.derived.vectors import space_state, vectors_since

DIM = 4
SIZE = 8
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [*SPECIAL, "a", "photo", "of", "the", "dog", "sea", "red", "[", "]", "##s"]


def save_graph(path, nodes, inputs, outputs, weights):
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)


def save_image_graph(path, dim=DIM, size=SIZE, source="pixels", target="embedding"):
    """The mean colour, and a constant beside it, through a matrix; rows of unit length."""
    save_graph(
        path,
        [
            helper.make_node("ReduceMean", [source, "space"], ["mean"], keepdims=0),  # [n, 3]
            helper.make_node("MatMul", ["mean", "head"], ["raw"]),
            helper.make_node("Add", ["raw", "bias"], ["moved"]),
            helper.make_node("LpNormalization", ["moved"], [target], axis=1, p=2),
        ],
        [(source, TensorProto.FLOAT, ["n", 3, size, size])],
        [(target, TensorProto.FLOAT, ["n", dim])],
        {
            "space": np.array([2, 3], dtype=np.int64),
            "head": np.random.default_rng(1).normal(size=(3, dim)).astype(np.float32),
            "bias": np.linspace(0.1, 1, dim, dtype=np.float32),
        },
    )


def save_text_graph(path, dim=DIM):
    """The mean of the tokens' vectors without the padding; rows of unit length."""
    save_graph(
        path,
        [
            helper.make_node("Equal", ["ids", "pad"], ["padded"]),
            helper.make_node("Not", ["padded"], ["real"]),
            helper.make_node("Cast", ["real"], ["mask"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
            helper.make_node("Gather", ["table", "ids"], ["tokens"]),  # [n, tokens, dim]
            helper.make_node("Mul", ["tokens", "mask3"], ["kept"]),
            helper.make_node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=0),
            helper.make_node("LpNormalization", ["sum"], ["embedding"], axis=1, p=2),
        ],
        [("ids", TensorProto.INT64, ["n", "tokens"])],
        [("embedding", TensorProto.FLOAT, ["n", dim])],
        {
            "pad": np.array(0, dtype=np.int64),
            "last": np.array([2], dtype=np.int64),
            "middle": np.array([1], dtype=np.int64),
            "table": np.random.default_rng(2).normal(size=(len(WORDS), dim)).astype(np.float32),
        },
    )


def save_tokenizer(path):
    vocabulary = {word: index for index, word in enumerate(WORDS)}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.enable_padding(length=64)  # published files often keep the settings that their maker used last
    tokenizer.enable_truncation(max_length=3)
    tokenizer.save(str(path))


def save_model(folder, dim=DIM):
    """Saves both towers and the tokenizer; returns their paths by their names in a bundle."""
    files = {name: folder / name for name in ("image.onnx", "text.onnx", "tokenizer.json")}
    save_image_graph(files["image.onnx"], dim)
    save_text_graph(files["text.onnx"], dim)
    save_tokenizer(files["tokenizer.json"])
    return files


MANIFEST = Manifest(
    name="tiny",
    title="Tiny",
    licence=Licence("CC0-1.0", "", accept=False),
    dim=DIM,
    space_id="0123456789abcdef",
    logit_scale=100.0,
    image=ImageSpec(
        SIZE, "squash", "bicubic", None, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "pixels", "embedding", "float32"
    ),
    text=TextSpec(
        context=16,
        dynamic=True,
        pad_id=0,
        eot=3,
        tokenizer="tokenizer.json",
        clean="none",
        templates=("a photo of {}", "the {}"),
        input="ids",
        output="embedding",
    ),
)


def all_vectors(db, space):
    """The photos [n] of a space and their vectors [n, dim], in the order in which they were stored."""
    dim = next(iter(db.column("SELECT dim FROM spaces WHERE name = ?", space)), 0)
    found = vectors_since(db, space, dim, 0, space_state(db, space).last_row)
    return found.photo_ids, found.vectors
