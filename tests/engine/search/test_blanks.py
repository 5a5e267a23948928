"""Pictures that show nothing lose some of their score, unless they are asked for; nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
from tests.engine.search.conftest import open_album

from picsight_engine.bundles.calibration import Blankness, vector_text
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.library import Library
from picsight_engine.runtime.text_embedder import TextEmbedder

BLANK, ANOTHER, PHOTOS = 7, 100, 40  # the other one comes later
ASKING = "an empty grey picture"
LOST = 0.3 * (1 - 0.5)


def with_blankness(bundle, blankness):
    return replace(bundle, manifest=replace(bundle.manifest, blankness=blankness))


@pytest.fixture
def albums(bundle, tmp_path):
    """The same made-up photos twice: where one of them shows nothing, and where nobody knows it."""
    (words,) = TextEmbedder(bundle, threads=1).embed_texts([ASKING])
    axis = sum(
        own / np.linalg.norm(own)
        for own in (
            np.random.default_rng(blank).normal(size=bundle.manifest.dim) for blank in (BLANK, ANOTHER)
        )
    )
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


def scores(album, query):
    return {own.id: own.score for own in album.library.search(query, limit=1000, least="all").results}


def losses(albums, query):
    """What photos lose that lose something."""
    knowing, plain = albums
    before, after = scores(plain, query), scores(knowing, query)
    assert before.keys() == after.keys()
    return {own: before[own] - after[own] for own in before if before[own] != after[own]}


def test_it_alone_loses_what_is_beyond_the_cut_and_comes_where_that_leaves_it(albums):
    knowing, _ = albums
    for query in ("dog", "dog | snow", "dog is:landscape", "dog -snow"):
        assert [*losses(albums, query).values()] == [pytest.approx(LOST, abs=0.03)]
        after = scores(knowing, query)
        assert [*after] == sorted(after, key=lambda own: (-after[own], own))
        for limit in (1, 5, PHOTOS // 2):
            assert knowing.found(query, limit=limit, least="all") == [*after][:limit]


def test_whoever_asks_for_it_or_shows_a_picture_finds_it(albums):
    knowing, plain = albums
    assert scores(knowing, ASKING) == scores(plain, ASKING)
    other = min(scores(knowing, "dog").keys() - losses(albums, "dog"))
    assert scores(knowing, f"like:#{other}") == scores(plain, f"like:#{other}")
    assert scores(knowing, f"dog like:#{other}") == scores(plain, f"dog like:#{other}")
    assert not losses(albums, f"dog | {ASKING}")


def test_blanks_that_come_and_go_are_noticed(albums):
    (first,) = losses(albums, "dog")
    (second,) = {album.put(b"later.jpg", ANOTHER) for album in albums}
    assert losses(albums, "dog") == {own: pytest.approx(LOST, abs=0.03) for own in (first, second)}
    for album in albums:
        with album.db.writer() as connection:
            connection.execute("DELETE FROM photos WHERE id = ?", (first,))
    assert [*losses(albums, "dog")] == [second]


def test_the_starter_knows_flat_pictures_from_photos(photographs, bundle, tmp_path):
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
        list(library.index([folder], settings=IndexSettings(workers=1)))
        knowing = {own.path.name: own.score for own in library.search("dog", limit=20, least="all").results}
    with Library.open(tmp_path / "library", with_blankness(bundle, None)) as library:
        plain = {own.path.name: own.score for own in library.search("dog", limit=20, least="all").results}
    assert {name for name in plain if plain[name] - knowing[name] > 0.05} == {
        f"blank-{name}.png" for name in shades
    }
    assert all(plain[name] == knowing[name] for name in plain if not name.startswith("blank"))


def test_photos_without_something_are_no_pictures_of_nothing(albums, bundle):
    knowing, plain = albums
    words = TextEmbedder(bundle, threads=1).embed_term("No people")
    blankness = replace(knowing.library.bundle.manifest.blankness, words=vector_text(words))
    with Library.open(knowing.library.folder, with_blankness(bundle, blankness), create=False) as library:
        after = {own.id: own.score for own in library.search("No people", limit=1000).results}
    before = scores(plain, "No people")
    assert [before[own] - after[own] for own in before if before[own] != after[own]] == [
        pytest.approx(LOST, abs=0.03)
    ]
