"""The first look by leading parts: it finds what the whole scan finds, and does no harm where it cannot look."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from picsight_engine.vectors import leading as leading_parts
from picsight_engine.vectors.int8 import quantize
from picsight_engine.vectors.leading import (
    LEAST_ROWS,
    bury_leading,
    keep_leading,
    newest_leading,
    remove_leading,
)
from picsight_engine.vectors.matrix import Rows
from picsight_engine.vectors.scan import scan

COUNT, DIM = LEAST_ROWS + 8_000, 64
LATER = 2_000  # rows that came after the leading parts were made


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def originals():
    """Vectors as an image tower gives them: they differ much in some directions, little in most."""
    rng = np.random.default_rng(1)
    spread = np.linspace(1, 0, DIM) ** 3 + 0.02
    turned = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0]
    return unit((rng.normal(size=(COUNT, DIM)) * spread + 0.3) @ turned).astype(np.float16)


@pytest.fixture(scope="module")
def stem(originals, tmp_path_factory):
    path = tmp_path_factory.mktemp("cache") / "space-1-abc"
    keep_leading(path, originals[:-LATER])
    return path


@pytest.fixture(scope="module")
def matrices(originals, stem):
    """The same rows with their leading parts and without."""
    codes, scales = quantize(originals)
    ids = np.random.default_rng(2).permutation(COUNT) + 1
    plain = Rows(ids, scales, codes, originals, None)
    leading = newest_leading(stem, DIM, COUNT)
    assert leading is not None
    return SimpleNamespace(rows=replace(plain, leading=leading)), SimpleNamespace(rows=plain)


def queries_for(originals, count):
    """Half like photos, half like words, which lie apart from all of them."""
    rng = np.random.default_rng(3)
    some = originals[rng.integers(0, COUNT, count)].astype(np.float32)
    noise = rng.normal(size=some.shape) / np.sqrt(DIM)
    return unit(some + np.where(np.arange(count)[:, None] % 2, 2.0, 0.3) * noise)


def recall(found, wanted):
    return np.mean(
        [len(set(a.tolist()) & set(b.tolist())) / len(b) for a, b in zip(found, wanted, strict=True)]
    )


@pytest.mark.parametrize("k", [1, 250])
@pytest.mark.parametrize("share", [1, 0.2])
def test_the_best_are_those_of_the_whole_scan_with_filters_too(matrices, originals, k, share):
    ahead, plain = matrices
    allowed = None if share == 1 else np.random.default_rng(4).random(COUNT) < share
    queries = queries_for(originals, 30)
    found = [scan(ahead.rows, query[None], k, allowed)[0] for query in queries]
    wanted = [scan(plain.rows, query[None], k, allowed)[0] for query in queries]
    assert recall(found, wanted) >= 0.999
    if allowed is not None:
        assert all(np.isin(ids, plain.rows.ids[allowed]).all() for ids in found)


def test_what_rows_lose_is_taken_off_the_leading_parts_too(matrices, originals):
    ahead, plain = matrices
    losses = np.where(np.arange(len(plain.rows.ids)) % 5, 0, 0.3).astype(np.float32)
    queries = queries_for(originals, 30)[:, np.newaxis]
    found = [scan(ahead.rows, query, 20, None, losses)[0] for query in queries]
    assert recall(found, [scan(plain.rows, query, 20, None, losses)[0] for query in queries]) >= 0.999


def test_rows_that_came_later_are_found(matrices, originals):
    ahead, _ = matrices
    for position in range(COUNT - LATER, COUNT, 400):
        ids, scores, _ = scan(ahead.rows, unit(originals[position].astype(np.float32))[None], 3)
        assert ids[0] == ahead.rows.ids[position]
        assert scores[0] == pytest.approx(1, abs=1e-3)


def test_the_best_of_a_burst_are_found_though_the_leading_parts_are_all_alike(tmp_path):
    rng = np.random.default_rng(5)
    burst = unit(rng.normal(size=DIM) + 0.02 * rng.normal(size=(3000, DIM)))
    rows = np.concatenate([unit(rng.normal(size=(COUNT - 3000, DIM))), burst]).astype(np.float16)
    codes, scales = quantize(rows)
    plain = Rows(np.arange(1, COUNT + 1), scales, codes, rows, None)
    keep_leading(tmp_path / "burst-1-a", rows)
    ahead = replace(plain, leading=newest_leading(tmp_path / "burst-1-a", DIM, COUNT))
    queries = unit(burst[:10] + 0.02 * rng.normal(size=(10, DIM)))
    found = [scan(ahead, query[None], 20)[0] for query in queries]
    assert recall(found, [scan(plain, query[None], 20)[0] for query in queries]) >= 0.999


def test_the_file_is_made_anew_once_a_quarter_of_the_rows_came_later(originals, tmp_path):
    stem, most = tmp_path / "space-1-a", LEAST_ROWS + LEAST_ROWS // 4
    grown = np.concatenate([originals, originals])
    for count, rows in (
        (LEAST_ROWS - 1, None),
        (LEAST_ROWS, LEAST_ROWS),
        (most, LEAST_ROWS),
        (most + 1, most + 1),
    ):
        keep_leading(stem, grown[:count])
        leading = newest_leading(stem, DIM, count)
        assert (None if leading is None else len(leading.codes)) == rows
    assert newest_leading(stem, DIM, most) is None  # another process knows fewer rows than the file holds
    assert len(list(tmp_path.iterdir())) == 1
    remove_leading(stem)
    assert list(tmp_path.iterdir()) == []


def test_a_buried_row_leaves_no_bytes(stem, originals, tmp_path):
    (file,) = stem.parent.iterdir()
    shutil.copy(file, tmp_path)
    copy = tmp_path / stem.name
    before = newest_leading(copy, DIM, COUNT).codes.copy()
    bury_leading(copy, np.array([7, COUNT - 1]))  # the second came later
    after = newest_leading(copy, DIM, COUNT).codes
    assert not after[7].any()
    assert np.array_equal(np.delete(after, 7, axis=0), np.delete(before, 7, axis=0))


@pytest.mark.parametrize("harm", ["cut", "of another length", "directions"])
def test_a_damaged_file_is_not_used(stem, tmp_path, harm):
    (good,) = stem.parent.iterdir()
    data = bytearray(good.read_bytes())
    if harm == "directions":
        data[100] ^= 1
    (tmp_path / good.name).write_bytes(data[:-1] if harm == "cut" else data)
    assert newest_leading(tmp_path / stem.name, DIM - (harm == "of another length"), COUNT) is None


def test_a_large_library_gets_leading_parts_and_its_searches_use_them(album, make_vectors, monkeypatch):
    monkeypatch.setattr(leading_parts, "LEAST_ROWS", 2000)
    vectors = make_vectors(6, 2000, 16)
    album.add_many(vectors)
    with closing(album.matrix(16)) as matrix:
        assert matrix.rows.leading is not None
        album.forget(1)
        matrix.refresh()
        assert not matrix.rows.leading.codes[0].any()
        assert scan(matrix.rows, vectors[9][None], 1)[0].tolist() == [10]
        matrix.rebuild()
        assert len(list(album.cache.glob("*.leading"))) == 0  # one row too few is left
