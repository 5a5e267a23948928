"""A picture as a query, alone, beside words, and as something to have less of."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from tests.engine.miniature import all_vectors
from tests.engine.search.test_matches import CUTS, PHOTOS

from picsight_engine.bundles.calibration import Likeness
from picsight_engine.bundles.commonness import commonness
from picsight_engine.foundation.errors import ImageError
from picsight_engine.indexing import worker_pool
from picsight_engine.library import Library
from picsight_engine.runtime.text_embedder import TextEmbedder
from picsight_engine.search.directions import PICTURE_WEIGHT
from picsight_engine.store.opening import open_database


@pytest.fixture(scope="module")
def vectors(indexed, bundle):
    """The library's vectors by photo, as the database holds them."""
    db = open_database(indexed, create=False)
    ids, stored = all_vectors(db, bundle.manifest.space_id)
    db.close()
    return dict(zip(ids.tolist(), stored.astype(np.float64), strict=True))


@pytest.fixture(scope="module")
def photo(library, captions):
    """A photo of the library: its id and its path."""
    path = next(iter(captions))
    return library.photos.details(path).id, path


def ranked(vectors, direction, but=()):
    scores = {photo: float(vector @ direction) for photo, vector in vectors.items() if photo not in but}
    return sorted(scores, key=lambda photo: (-scores[photo], photo))


def found(library, query, **wishes):
    return [result.id for result in library.search(query, limit=48, **wishes).results]


@pytest.fixture
def judging(indexed, bundle, vectors, photo):
    """The library with thresholds at which ten photos are strongly like the photo, and twenty more weakly."""
    cosines = sorted((float(vector @ vectors[photo[0]]) for vector in vectors.values()), reverse=True)
    strong, weaker = (
        sum(cosines[place : place + 2]) / 2 for place in (10, 30)
    )  # the first is the photo itself
    likeness = Likeness(strong=strong, weaker=weaker)
    manifest = replace(bundle.manifest, likeness=likeness, calibration=CUTS)
    with Library.open(indexed, replace(bundle, manifest=manifest), create=False) as library:
        yield library


def test_photos_match_a_picture_above_a_cosine_and_only_those_come_by_date(judging, photo):
    number, path = photo
    matches = [result.match for result in judging.search(f"like:#{number}", limit=48).results]
    assert matches == 10 * ["strong"] + 20 * ["weaker"] + (len(matches) - 30) * ["none"]
    assert [result.match for result in judging.similar(path, limit=48).results] == matches
    for least, count in (("strong", 10), ("weaker", 30)):
        best = found(judging, f"like:#{number}", least=least)
        assert len(best) == count
        assert set(found(judging, f"like:#{number}", least=least, order="date")) == set(best)


@pytest.mark.parametrize("query", ["snow like:#{}", "like:#{} -snow"])
def test_beside_words_a_match_needs_the_threshold_of_each_part(judging, vectors, bundle, photo, query):
    number, _ = photo
    snow = TextEmbedder(bundle).embed_term("snow")
    less, every = "-snow" in query, np.stack(list(vectors.values()))
    cut = float((every @ snow).mean()) if less else CUTS.strong + CUTS.rise(PHOTOS - 1, commonness("snow"))
    results = judging.search(query.format(number), limit=48).results
    matches = [result.match for result in results]
    assert matches == sorted(matches, key=["strong", "weaker", "none"].index)
    likest = judging.bundle.manifest.likeness.strong
    for result in results:
        fits = {
            bool(vectors[result.id] @ vectors[number] >= likest),
            bool((vectors[result.id] @ snow >= cut) ^ less),
        }
        if len(fits) == 1:
            assert (result.match == "strong") == fits.pop()


def test_beside_words_a_picture_spreads_the_photos_by_its_weight(library, vectors, bundle, photo):
    number, _ = photo
    word = TextEmbedder(bundle).embed_ranking("snow").astype(np.float64)
    every = np.stack(list(vectors.values()))
    picture = vectors[number]
    direction = word / (every @ word).std() + PICTURE_WEIGHT * picture / (every @ picture).std()
    assert found(library, f"snow like:#{number}") == ranked(vectors, direction, but=[number])


def test_alternatives_may_be_pictures(library, vectors, photo):
    number, _ = photo
    other = found(library, f"like:#{number}")[-1]
    best = {each: max(vectors[each] @ vectors[number], vectors[each] @ vectors[other]) for each in vectors}
    expected = sorted(set(best) - {number, other}, key=lambda each: (-best[each], each))
    assert found(library, f"like:#{number} | like:#{other}") == expected


def test_a_file_outside_the_library_is_read_once_and_found_by_its_content(library, photo, tmp_path, captions):
    number, path = photo
    stranger = tmp_path / "a b.jpg"
    stranger.write_bytes(path.read_bytes())
    answer = library.search(f'like:"{stranger}"', limit=3)
    assert answer.results[0].id == number
    assert answer.results[0].score == pytest.approx(1, abs=1e-3)
    seen = stranger.stat()
    stranger.write_bytes(bytes(seen.st_size))  # the same size and time: it is not read again
    os.utime(stranger, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert library.search(f'like:"{stranger}"', limit=3).results == answer.results


@pytest.mark.parametrize(
    "target", ["#999999", "nowhere.jpg", '"a\tb"', "#99999999999999999999999", "~nobody/x", "x" * 5000]
)
def test_an_unavailable_picture_is_pointed_at_and_the_rest_is_searched(library, target):
    query = f"dog like:{target}"
    answer = library.search(query, limit=5)
    (fault,) = answer.faults
    assert query[fault.start : fault.end] == f"like:{target}"
    assert str(fault.message).endswith("The rest was searched.")
    assert answer.results == library.search("dog", limit=5).results


def test_a_file_that_is_not_an_image_is_a_fault_with_its_reason(library, tmp_path):
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")
    answer = library.search(f"like:{text}")
    assert answer.results == ()
    assert "not a picture" in str(answer.faults[0].message)


def test_a_file_that_cannot_be_compared_is_known_by_its_first_bytes_or_read_only_once(
    library, tmp_path, monkeypatch
):
    started = []

    def read(_bundle, path):
        started.append(path)
        raise ImageError("damaged", f"{path} is damaged.", path)

    monkeypatch.setattr(worker_pool, "picture_vector", read)
    text, empty, damaged = (tmp_path / name for name in ("notes.jpg", "empty.png", "damaged.jpg"))
    text.write_text("no picture")
    empty.touch()
    damaged.write_bytes(b"\xff\xd8" + bytes(100))
    for path, reason in ((text, "not a picture"), (empty, "is empty"), (tmp_path, "is a folder")):
        assert reason in str(library.search(f"like:{path}").faults[0].message)
    assert started == []
    for _ in range(2):
        assert "is damaged" in str(library.search(f"like:{damaged}").faults[0].message)
    assert started == [damaged]
