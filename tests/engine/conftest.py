"""A small real library: parts of known photographs, indexed once by the shipped starter; and a tiny model."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.engine.kennel import DIM, kennel, stocked  # noqa: F401 - fixtures of tags and exchange
from tests.engine.miniature import MANIFEST, save_model
from tests.photos import write_parts

from picsight_engine.bundles.bundle import Bundle, open_bundle, write_bundle
from picsight_engine.indexing.events import Finished
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.library import Library

if TYPE_CHECKING:
    from collections.abc import Iterator

PHOTOS = 48
ONE_WORKER = IndexSettings(workers=1)


def index(library: Library, *folders: Path) -> Finished:
    """Indexes the folders, or all that the library has; returns the end of the run."""
    *_, finished = library.index(list(folders) or None, settings=ONE_WORKER)
    assert isinstance(finished, Finished)
    return finished


def has_ended(pid: int) -> bool:
    """Whether a process has ended; as a zombie it only waits for its new parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # it may end after the file is opened
        return True


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that other users can read, unlike those that pytest makes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@pytest.fixture(scope="session")
def bundle(starter: Path) -> Bundle:
    """The starter, opened."""
    return open_bundle(starter)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle that loads at once; its vectors are long enough for photos to differ."""
    folder = tmp_path_factory.mktemp("small")
    return write_bundle(folder / "bundle", replace(MANIFEST, dim=DIM), save_model(folder, DIM))


@pytest.fixture(scope="session")
def captions(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, tuple[str, ...]]:
    """Photographs in one folder, and the captions of each."""
    written = write_parts(tmp_path_factory.mktemp("photographs"), PHOTOS)
    return {path: part.captions for path, part in written.items()}


@pytest.fixture(scope="session")
def photographs(captions: dict[Path, tuple[str, ...]]) -> Path:
    """The folder of the photographs; tests only read it."""
    return next(iter(captions)).parent


@pytest.fixture(scope="session")
def indexed(photographs: Path, bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a library that holds the photographs; tests that change it take a copy."""
    return make_indexed(tmp_path_factory.mktemp("indexed") / "library", photographs, bundle)


@pytest.fixture(scope="session")
def indexed_small(photographs: Path, small: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the small model, for tests to which the meaning of vectors does not matter."""
    return make_indexed(tmp_path_factory.mktemp("small_indexed") / "library", photographs, small)


def make_indexed(folder: Path, photographs: Path, bundle: Bundle) -> Path:
    with Library.open(folder, bundle) as library:
        assert index(library, photographs).summary.indexed == PHOTOS
    return folder


@pytest.fixture(scope="module")
def library(indexed: Path, bundle: Bundle):
    """The library, opened to be read."""
    with Library.open(indexed, bundle, create=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def tiny_files(tmp_path_factory):
    """The files of the tiny model by their names in a bundle."""
    return save_model(tmp_path_factory.mktemp("tiny"))


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
        chosen = {**tiny_files, **(files or {})}
        for tower in without:
            for name in {"image": ["image.onnx"], "text": ["text.onnx", "tokenizer.json"]}[tower]:
                del chosen[name]
        return write_bundle(tmp_path / folder, manifest, chosen)

    return make
