"""A photo with parts, such as a film: it counts once, by its best picture, and says when that is shown."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from PIL import Image
from tests.engine.conftest import PHOTOS, index
from tests.photos import parts

from picsight_engine.foundation.assets import find_asset
from picsight_engine.library import Library
from picsight_engine.runtime.text_embedder import TextEmbedder
from picsight_engine.store.derived.vectors import put_vector
from picsight_engine.vectors.matrix import Matrix


@pytest.fixture(scope="module")
def dog(bundle):
    return TextEmbedder(bundle).embed_term("dog")


@pytest.fixture
def film(album, dog):
    """One among forty photos; a dog is seen at 42.5 s, and no other picture of it is like one."""
    for picture in range(1, 41):
        album.put(b"%d.jpg" % picture, picture)
    dogs = dog + 0.5 * album.vector(102)
    vectors = [album.vector(20), album.vector(101), dogs / np.linalg.norm(dogs), album.vector(103)]
    put_film(album, 20, vectors)
    return vectors


def put_film(album, photo, vectors):
    (whole, moment), *parts = zip(vectors, (3.0, 20.25, 42.5, 3800.0)[: len(vectors)], strict=True)
    with album.db.writer() as connection:
        put_vector(connection, photo, album.space, whole, moment=moment, parts=parts)


def test_a_film_counts_once_and_its_best_moment_explains_it(album, film, dog, bundle):
    answer = album.library.search("dog | cat", limit=40, explain=True)
    assert answer.photos == 40
    assert sorted(result.id for result in answer.results) == [*range(1, 41)]
    first, *others = answer.results
    assert (first.id, first.moment) == (20, 42.5)
    ranking = TextEmbedder(bundle).embed_ranking("dog")
    assert first.score == pytest.approx(float(film[2] @ ranking), abs=1e-3)
    assert {result.moment for result in others} == {None}
    judging = bundle.manifest.calibration.centred(dog)
    assert max(term.score for term in first.terms) == pytest.approx(float(film[2] @ judging), abs=1e-3)
    assert album.library.explain("dog | cat", 20) == first.terms
    assert album.library.photos.moments(20) == [(0, 3.0), (1, 20.25), (2, 42.5), (3, 3800.0)]
    assert album.library.photos.moments(21) == []


def test_an_excluded_photo_is_excluded_with_its_parts_and_a_name_finds_the_best_part(album, film):
    assert 20 not in album.found("dog like:#20")
    assert album.found('dog "19.jpg"') == [19]
    (named,) = album.library.search('dog "20.jpg"').results
    assert (named.id, named.moment) == (20, 42.5)
    (similar, *_) = album.library.similar(21, limit=39).results
    assert len({similar.id, 21}) == 2


def test_a_tag_suggests_a_film_once_by_its_best_moment(album, film):
    album.library.tags.new("Dogs", prompts=["dog"])
    suggested = album.library.suggested("Dogs").results
    assert [result.id for result in suggested].count(20) == 1
    assert suggested[0].id == 20
    preview = album.library.tags.preview(["dog"])
    assert sorted(preview.ids.tolist()) == [*range(1, 41)]
    assert preview.scores[preview.ids == 20].tolist() == [pytest.approx(suggested[0].score, abs=1e-6)]


def test_a_film_that_is_indexed_again_loses_its_earlier_parts(album, film):
    put_film(album, 20, [film[0], film[1]])
    assert album.library.photos.moments(20) == [(0, 3.0), (1, 20.25)]
    answer = album.library.search("dog", limit=40)
    assert sorted(result.id for result in answer.results) == [*range(1, 41)]
    assert all(result.score < 0.5 for result in answer.results)
    matrix = Matrix(album.db.folder / "cache", album.db, album.space, album.dim)
    assert matrix.is_true_copy()
    matrix.close()


def test_a_thing_at_the_edge_of_a_panorama_is_found(photographs, bundle, tmp_path):
    known = [find_asset("known") / f"{name}.jpg" for name in ("coffee", "rocket", "astronaut", "cat")]
    strip = Image.new("RGB", (4 * 256, 256))
    for place, path in enumerate(known):
        strip.paste(Image.open(path).resize((256, 256)), (place * 256, 0))
    strip.save(tmp_path / "strip.png")
    for place, path in enumerate(sorted(photographs.iterdir())):
        if parts(PHOTOS)[place].subject != "cat":
            shutil.copy(path, tmp_path)
    with Library.open(tmp_path / "library", bundle) as library:
        assert index(library, tmp_path).summary.indexed == 1 + PHOTOS * 3 // 4
        (best,) = library.search("a cat", limit=1, least="strong").results
    assert (best.path.name, best.moment) == ("strip.png", None)
