"""A small real library: photographs of the evaluation set, indexed once by the shipped starter; and a model in miniature."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from tests.engine.kennel import kennel, small, stocked  # noqa: F401 - fixtures of tags and exchange
from tests.engine.miniature import MANIFEST, save_image_graph, save_text_graph, save_tokenizer

from picsight_engine.bundles.bundle import Bundle, open_bundle, write_bundle
from picsight_engine.indexing.events import Finished
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.library import Library

PHOTOS = 48


@pytest.fixture(scope="session")
def bundle(starter: Path) -> Bundle:
    """The starter, opened."""
    return open_bundle(starter)


@pytest.fixture(scope="session")
def captions(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, list[str]]:
    """Real photographs unpacked into a folder of their own, each with its human captions."""
    folder = tmp_path_factory.mktemp("photographs")
    found: dict[Path, list[str]] = {}
    with tarfile.open(shared / "data" / "flickr8k-dev-000000.tar") as shard:
        for member in shard:
            data = shard.extractfile(member).read()
            photo = folder / Path(member.name).with_suffix(".jpg").name
            if member.name.endswith(".jpg"):
                photo.write_bytes(data)
            else:
                found[photo] = json.loads(data)["captions"]
                if len(found) == PHOTOS:
                    return found
    raise AssertionError("the shard holds too few photographs")


@pytest.fixture(scope="session")
def photographs(captions: dict[Path, list[str]]) -> Path:
    """The folder of the photographs; tests only read it."""
    return next(iter(captions)).parent


@pytest.fixture(scope="session")
def indexed(photographs: Path, bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a library that holds the photographs; tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("indexed") / "library"
    with Library.open(folder, bundle) as library:
        *_, last = library.index([photographs], settings=IndexSettings(workers=1))
    assert isinstance(last, Finished)
    assert last.summary.indexed == PHOTOS
    return folder


@pytest.fixture(scope="module")
def library(indexed: Path, bundle: Bundle):
    """The library, opened to be read."""
    with Library.open(indexed, bundle, create=False) as opened:
        yield opened


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
