"""Blank pictures lose some of their score unless a query asks for them; other scores stay the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from tests.engine.conftest import index
from tests.engine.search.conftest import open_album

from picsight_engine.bundles.calibration import Blankness, vector_text
from picsight_engine.library import Library
from picsight_engine.runtime.text_embedder import TextEmbedder

BLANK, ANOTHER, PHOTOS = 7, 100, 40  # the other blank picture comes later
ASKING = "an empty grey picture"
LOST = 0.3 * (1 - 0.5)


def with_blankness(bundle, blankness):
    return replace(bundle, manifest=replace(bundle.manifest, blankness=blankness))


@pytest.fixture
def albums(bundle, tmp_path):
    """The same made-up photos twice: with a model that knows blank pictures, and with one that does not."""
    (words,) = TextEmbedder(bundle, threads=1).embed_texts([ASKING])
    blanks = [np.random.default_rng(number).normal(size=bundle.manifest.dim) for number in (BLANK, ANOTHER)]
    axis = sum(blank / np.linalg.norm(blank) for blank in blanks)
    known = Blankness(vector_text(axis), 0.5, 0.3, vector_text(words), 0.95)
    for name in ("knowing", "plain"):
        (tmp_path / name).mkdir()
    with (
        open_album(tmp_path / "knowing", with_blankness(bundle, known)) as knowing,
        open_album(tmp_path / "plain", with_blankness(bundle, None)) as plain,
    ):
        for album in (knowing, plain):
            for picture in range(PHOTOS):
                album.put(b"%d.jpg" % picture, picture, (40, 30) if picture % 2 else (30, 40))
        yield knowing, plain


def scores(library, query):
    return {result.id: result.score for result in library.search(query, limit=1000, least="all").results}


def losses(albums, query):
    """By how much the score of a photo falls, for those whose score falls."""
    knowing, plain = albums
    return falls(scores(plain.library, query), scores(knowing.library, query))


def falls(before, after):
    assert before.keys() == after.keys()
    return {photo: before[photo] - after[photo] for photo in before if before[photo] != after[photo]}


def test_only_the_blank_picture_loses_score_and_ranks_accordingly(albums):
    knowing, _ = albums
    for query in ("dog", "dog | snow", "dog is:landscape", "dog -snow"):
        assert [*losses(albums, query).values()] == [pytest.approx(LOST, abs=0.03)]
        after = scores(knowing.library, query)
        assert [*after] == sorted(after, key=lambda photo: (-after[photo], photo))
        for limit in (1, 5, PHOTOS // 2):
            assert knowing.found(query, limit=limit, least="all") == [*after][:limit]


def test_a_blank_picture_keeps_its_score_where_the_query_asks_for_one_or_is_a_picture(albums):
    other = min(scores(albums[0].library, "dog").keys() - losses(albums, "dog"))
    for query in (ASKING, f"like:#{other}", f"dog like:#{other}", f"dog | {ASKING}"):
        assert not losses(albums, query)


def test_blanks_that_come_and_go_are_noticed(albums):
    (first,) = losses(albums, "dog")
    (second,) = {album.put(b"later.jpg", ANOTHER) for album in albums}
    assert losses(albums, "dog") == {photo: pytest.approx(LOST, abs=0.03) for photo in (first, second)}
    for album in albums:
        with album.db.writer() as connection:
            connection.execute("DELETE FROM photos WHERE id = ?", (first,))
    assert [*losses(albums, "dog")] == [second]


def test_the_starter_distinguishes_flat_pictures_from_photos(photographs, bundle, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for path in sorted(photographs.iterdir())[:8]:
        (folder / path.name).symlink_to(path)
    slope = np.linspace(0, 1, 300)
    shades = {
        "grey": np.full((300, 300), 0.5),
        "black": np.full((300, 300), 0.02),
        "slope": np.tile(slope, (300, 1)),
    }
    for name, shade in shades.items():
        PIL.Image.fromarray((255 * shade).astype(np.uint8)).convert("RGB").save(folder / f"blank-{name}.png")
    with Library.open(tmp_path / "library", bundle) as library:
        index(library, folder)
        names = {result.id: result.path.name for result in library.all_photos().results}
        knowing = scores(library, "dog")
    with Library.open(tmp_path / "library", with_blankness(bundle, None)) as library:
        lost = {names[photo]: loss for photo, loss in falls(scores(library, "dog"), knowing).items()}
    assert lost.keys() == {f"blank-{name}.png" for name in shades}
    assert min(lost.values()) > 0.05


def test_photos_without_people_do_not_count_as_blank(albums, bundle):
    knowing, plain = albums
    words = TextEmbedder(bundle, threads=1).embed_term("No people")
    blankness = replace(knowing.library.bundle.manifest.blankness, words=vector_text(words))
    with Library.open(knowing.library.folder, with_blankness(bundle, blankness), create=False) as library:
        lost = falls(scores(plain.library, "No people"), scores(library, "No people"))
    assert [*lost.values()] == [pytest.approx(LOST, abs=0.03)]
