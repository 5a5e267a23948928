"""A whole bundle in miniature: real graphs, a real tokenizer, four numbers a vector."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import onnx
import pytest
import tokenizers
from onnx import TensorProto, helper, numpy_helper

from picsight_engine.models.bundle import ImageSpec, Licence, Manifest, TextSpec, write_bundle
from picsight_engine.models.catalogue import Entry, RemoteFile, Terms
from picsight_engine.models.installed import InstalledModels

DIM = 4
SIZE = 8
COMMIT = "c" * 40
WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "a",
    "photo",
    "of",
    "the",
    "dog",
    "sea",
    "red",
    "[",
    "]",
    "##s",
]


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
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.enable_padding(length=64)  # files are often saved with what their maker last used
    tokenizer.enable_truncation(max_length=3)
    tokenizer.save(str(path))


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


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_image_graph(folder / "image.onnx")
    save_text_graph(folder / "text.onnx")
    save_tokenizer(folder / "tokenizer.json")
    return {name: folder / name for name in ("image.onnx", "text.onnx", "tokenizer.json")}


@pytest.fixture
def make_bundle(tmp_path, tiny_files):
    """Writes a bundle: fields of the manifest and files may be replaced, and a tower left out."""

    def make(folder="bundle", *, without=(), files=None, image=None, text=None, **fields):
        manifest = replace(
            MANIFEST,
            image=None if "image" in without else replace(MANIFEST.image, **(image or {})),
            text=None if "text" in without else replace(MANIFEST.text, **(text or {})),
            **fields,
        )
        left_out = (
            {"image.onnx"} if "image" in without else {"text.onnx", "tokenizer.json"} if without else set()
        )
        chosen = {
            name: path for name, path in {**tiny_files, **(files or {})}.items() if name not in left_out
        }
        return write_bundle(tmp_path / folder, manifest, chosen)

    return make


@pytest.fixture
def models(tmp_path, starter):
    return InstalledModels(tmp_path / "models", starter)


@pytest.fixture
def offer(server, tiny_files, make_bundle):
    """A tiny model on the server, and its entry; a person's own commit pins what the branch names."""
    shelf, address = server
    shelf.heads = {}
    described = make_bundle("described").manifest
    files = []
    for name, path in tiny_files.items():
        for revision in ("main", COMMIT):
            where = f"/tiny/resolve/{revision}/onnx/{name}"
            shelf.files[where] = data = path.read_bytes()
            shelf.heads[where] = {
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"',
            }
        files.append(RemoteFile(name, f"{address}/tiny", f"onnx/{name}", about=len(data) + 100))
    return Entry(
        name="tiny",
        title="Tiny",
        words="Knows nothing.",
        terms=Terms(Licence("mine", "https://example.org", accept=True), "Be kind."),
        dim=described.dim,
        space_id="fedcba9876543210",
        logit_scale=100.0,
        image=described.image,
        text=described.text,
        image_ms=1.0,
        files=tuple(files),
    )
