"""Whatever bytes of a library change, each call answers or raises one of our errors, and damage is never written to."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from tests.engine.conftest import index

from picsight_engine.doctor import doctor_folder
from picsight_engine.foundation.errors import LibraryError, PicsightError
from picsight_engine.library import Library

if TYPE_CHECKING:
    from pathlib import Path

CALLS = (
    lambda library, _: library.search("dog"),
    lambda library, _: library.similar(5),
    lambda library, _: library.all_photos(),
    lambda library, photo: library.photos.details(photo),
    lambda library, _: library.status(),
    lambda library, _: library.problems.listed(),
    lambda library, _: library.photos.thumbnail(5),
)


def damaged(data: bytes, seed: int) -> bytes:
    """The data with a flipped bit in the first pages, some wrong bytes, a page of noise or zeros, or its end cut off."""
    chance = random.Random(seed)
    changed = bytearray(data)
    page = chance.randrange(len(data) // 4096) * 4096
    kind = seed % 6
    if kind == 0:
        changed[chance.randrange(100, 4 * 4096)] ^= 1 << chance.randrange(8)
    elif kind == 1:
        for _ in range(30):
            changed[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == 2:
        start = chance.randrange(len(data) - 100)
        changed[start : start + 100] = chance.randbytes(100)
    elif kind == 3:
        changed[page : page + 4096] = chance.randbytes(4096)
    elif kind == 4:
        changed[page : page + 4096] = bytes(4096)
    else:
        del changed[chance.randrange(1, len(data)) :]
    return bytes(changed)


def check_damage(indexed_small: Path, small, photo: Path, folder: Path, seed: int) -> bool:
    """Damages a copy of the library and uses it; returns whether the doctor saw the damage."""
    shutil.copytree(indexed_small, folder)
    data = damaged((indexed_small / "library.db").read_bytes(), seed)
    (folder / "library.db").write_bytes(data)
    checks = {check.name: check for check in doctor_folder(folder, folder / "no model")}
    if not checks["library"].ok:
        assert (folder / "library.db").read_bytes() == data
    with suppress(PicsightError), Library.open(folder, small) as library:
        for call in CALLS:
            with suppress(PicsightError):
                call(library, photo)
    return any(not check.ok for name, check in checks.items() if name != "model")


def test_the_advice_about_a_damaged_library_brings_stars_back(small, captions, tmp_path):
    photo, folder = tmp_path / "photos" / "a.jpg", tmp_path / "library"
    photo.parent.mkdir()
    shutil.copy(next(iter(captions)), photo)
    with Library.open(folder, small) as library:
        index(library, photo.parent)
        library.tags.rate([photo], 4)
    file = folder / "library.db"
    file.write_bytes(file.read_bytes()[:10_000])
    advice = r"move it away with library\.db-wal; .* index the folders again and import the tags from decisions\.jsonl"
    with pytest.raises(LibraryError, match=advice):
        Library.open(folder, small)
    file.unlink()
    with Library.open(folder, small) as library:
        index(library, photo.parent)
        library.exchange.import_from(folder / "decisions.jsonl")
        assert library.photos.details(photo).rating == 4


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # a vector that became NaN
def test_a_damaged_library_answers_or_raises_one_of_our_errors(indexed_small, small, captions, tmp_path):
    photo = next(iter(captions))
    seen = [check_damage(indexed_small, small, photo, tmp_path / str(seed), seed) for seed in range(12)]
    assert sum(seen) >= 4  # most changes hit a vector, where any bits are possible


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_hundreds_of_damaged_libraries_answer_or_raise_one_of_our_errors(
    indexed_small, small, captions, tmp_path
):
    photo = next(iter(captions))
    for seed in range(12, 312):
        check_damage(indexed_small, small, photo, tmp_path / "copy", seed)
        shutil.rmtree(tmp_path / "copy")
