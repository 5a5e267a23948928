"""A small real library: photographs of the evaluation set, indexed once by the shipped starter."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from picsight_engine.indexing.events import Finished
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.library import Library
from picsight_engine.models.bundle import Bundle, open_bundle

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
