"""Tags look at new photos once, and at all photos after a change of the model."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.engine.conftest import index
from tests.engine.kennel import put_near

from picsight_engine.bundles.bundle import write_bundle
from picsight_engine.foundation.errors import RequestError
from picsight_engine.library import Library
from picsight_engine.store.derived.vectors import ensure_space, put_vector
from picsight_engine.store.opening import open_database
from picsight_engine.tags.learner import Learner, suggest_for_new_photos


def come(kennel, numbers, near):
    """Adds photos that are so near the word "dog"; returns them."""
    album = kennel.album
    word = album.library._searcher.terms.vector("dog")
    return [
        put_near(album, number, word, near, album.vector(number + 1).astype(np.float32)) for number in numbers
    ]


def scores(kennel, path="Dogs"):
    photos = kennel.album.library.all_photos().results
    states = kennel.tags.states([photo.id for photo in photos])
    return {photo: score for photo, tags in states.items() for tag, _, score in tags if tag == path}


def test_photos_that_came_are_suggested_in_one_run_for_all_tags_and_others_stay(kennel):
    for name in ("Dogs", "Hounds"):
        kennel.tags.new(name, prompts=["dog"])
    kennel.tags.new("By hand")
    kennel.tags.change("Hounds", threshold=0.9)
    before = scores(kennel)
    assert kennel.tags.suggest_all() is None
    dogs, others = come(kennel, range(100, 104), 0.45), come(kennel, range(104, 120), 0.0)
    run = kennel.tags.suggest_all()
    assert (run.kind, str(run.words)) == ("index", "4 new photos were suggested for 2 tags")
    after = scores(kennel)
    assert set(after) - set(before) == set(dogs)
    assert {photo: after[photo] for photo in before} == before
    assert set(scores(kennel, "Hounds")) >= set(dogs)
    assert not set(others) & set(after)
    assert set(kennel.album.found("tag:dogs")) == set(after)
    assert kennel.tags.suggest_all() is None
    kennel.tags.undo(run.id)
    assert kennel.tags.suggest_all() is None
    assert scores(kennel) == before
    kennel.tags.redo()
    assert scores(kennel) == after


def test_an_undo_reverts_a_decision_although_photos_came_since(kennel):
    kennel.tags.new("Dogs", prompts=["dog"])
    decided = kennel.tags.decide("Dogs", kennel.dogs[:1], "accepted")
    come(kennel, [100], 0.45)
    assert kennel.tags.suggest_all().kind == "index"
    assert kennel.tags.undo().id == decided.id
    kennel.tags.undo()
    with pytest.raises(RequestError, match="nothing to undo"):
        kennel.tags.undo()


def test_a_photo_that_was_read_anew_is_looked_at_anew(kennel):
    kennel.tags.new("Dogs", prompts=["dog"], examples=kennel.others[:1])
    with kennel.album.db.writer() as connection:
        for number, photo in enumerate((kennel.dogs[0], kennel.others[0])):
            put_vector(connection, photo, kennel.album.space, kennel.album.vector(1000 + number))
    kennel.tags.suggest_all()
    assert kennel.holding("Dogs") == {*kennel.dogs[1:], kennel.others[0]}


def test_a_restored_tag_has_seen_the_photos_that_came_meanwhile(kennel):
    kennel.tags.new("Dogs", prompts=["dog"])
    kennel.tags.new("Sea", prompts=["sea"])
    removed = kennel.tags.remove("Dogs")
    (dog,) = come(kennel, [100], 0.45)
    kennel.tags.suggest_all()
    kennel.tags.undo(removed.id)
    assert dog in scores(kennel)


def test_a_tag_that_is_renamed_or_moved_meanwhile_sees_them_and_one_with_other_words_has_with_those(kennel):
    for name in ("Dogs", "Hounds", "Pets"):
        kennel.tags.new(name, prompts=["dog"])
    kennel.tags.new("Animals")
    (dog,) = come(kennel, [100], 0.45)
    model = kennel.tags.learner._model()

    def rows():
        """A person changes tags while the photos are being read."""
        kennel.tags.rename("Dogs", "Doggies")
        kennel.tags.move("Hounds", "Animals")
        kennel.tags.change("Pets", threshold=0.99)
        return model.rows()

    suggest_for_new_photos(kennel.album.db, Learner(kennel.album.db, lambda: replace(model, rows=rows)))
    assert dog in scores(kennel, "Doggies")
    assert dog in scores(kennel, "Animals/Hounds")
    assert not scores(kennel, "Pets")


def test_after_a_change_of_model_tags_suggest_what_the_new_one_finds(kennel, small, tmp_path):
    kennel.tags.new("Dogs", prompts=["dog"])
    kennel.tags.new("Hounds", prompts=["dog"])
    kennel.tags.change("Hounds", suggests=False)
    kennel.tags.decide("Dogs", kennel.dogs[:1], "rejected")
    files = {name: small.folder / name for name in small.manifest.files}
    other = write_bundle(tmp_path / "other", replace(small.manifest, space_id="f" * 16), files)
    folder = kennel.album.library.folder
    with closing(open_database(folder)) as db, db.writer() as connection:
        ensure_space(connection, "f" * 16, other.manifest.dim, active=True)
        swapped = [*kennel.dogs, *kennel.others][::-1]
        vectors = [
            connection.execute("SELECT vector FROM vectors WHERE photo_id = ?", (photo,)).fetchone()[0]
            for photo in swapped[::-1]
        ]
        for photo, blob in zip(swapped, vectors, strict=True):
            put_vector(connection, photo, "f" * 16, np.frombuffer(blob, np.float16))
    with Library.open(folder, other) as library:
        run = library.tags.suggest_all()
        assert str(run.words).endswith("for 2 tags by the model that searches now")
        held = {
            tag.path: {
                photo
                for photo, tags in library.tags.states(swapped).items()
                for path, how, _ in tags
                if path == tag.path and how == "suggested"
            }
            for tag in library.tags.all()
        }
        assert held["Hounds"] == set(swapped[:10])
        assert held["Dogs"] <= set(swapped[:10])
        assert library.tags.find("Dogs").rejected == 1
        assert library.tags.suggest_all() is None
        seen = library.tags.states(swapped)
        library.tags.undo(run.id)  # what the other model saw does not come back
        assert library.tags.states(swapped) == seen


def test_scores_that_cannot_be_restored_are_computed_again(kennel):
    kennel.tags.new("Dogs", prompts=["dog"])
    first = kennel.tags.decide("Dogs", kennel.others[:10], "accepted")
    kennel.tags.decide("Dogs", kennel.others[10:12], "rejected")
    kennel.tags.undo(first.id)  # not the last one: the other one has changed the same scores
    known = scores(kennel)
    kennel.tags.suggest("Dogs")
    assert scores(kennel) == known
    kennel.tags.undo()
    for stars in range(210):  # so many runs are remembered with their scores, and no more
        kennel.tags.rate(kennel.dogs[:1], stars % 5)
    with kennel.album.db.reading() as connection:
        left = connection.execute("SELECT sum(length(scores)) FROM tag_run_scores").fetchone()[0]
    assert left == 0
    kennel.tags.redo(first.id)
    known = scores(kennel)
    kennel.tags.suggest("Dogs")
    assert scores(kennel) == known


def test_an_indexing_run_ends_with_what_tags_suggest(indexed, bundle, photographs, tmp_path):
    folder = shutil.copytree(indexed, tmp_path / "library")
    photo = min(photographs.glob("*.jpg"))
    new = tmp_path / "new"
    new.mkdir()
    with Image.open(photo) as picture:
        smaller = picture.resize((picture.width * 9 // 10, picture.height * 9 // 10))
        smaller.save(new / "again.jpg", quality=80)
    with Library.open(folder, bundle) as library:
        library.tags.new("This one", examples=[photo])
        assert str(index(library, new).suggested) == "1 new photo was suggested for 1 tag."
        (again,) = (found.id for found in library.similar(photo, limit=1).results)
        assert library.tags.marks([again])[again].tags == (("This one", "suggested"),)
        assert index(library).suggested is None
