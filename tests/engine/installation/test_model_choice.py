"""Changing the model: the old one answers until the new one has read every photo; going back needs no indexing."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from tests.engine.conftest import index

from picsight_engine.bundles.bundle import manifest_text, open_bundle, write_bundle
from picsight_engine.foundation.errors import BundleError, LibraryError, RequestError, StorageError
from picsight_engine.indexing.events import Committed, Finished
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.installation.installed import InstalledModels
from picsight_engine.installation.model_choice import (
    choice_for_searches,
    choice_of,
    libraries_using,
    require_replaceable,
    use_model,
)
from picsight_engine.library import Library
from picsight_engine.store.opening import open_database

SPACE = "00112233445566aa"
ONE_BY_ONE = IndexSettings(workers=1, batch_photos=1)


@pytest.fixture(scope="module")
def models(small, tmp_path_factory):
    """Two models: the shipped one, and "other", which has the same towers and another space."""
    folder = tmp_path_factory.mktemp("choice")
    files = {name: small.folder / name for name in small.manifest.files}
    shipped = replace(small.manifest, name="picsight-starter")
    write_bundle(folder / "shipped", shipped, files)
    write_bundle(
        folder / "models" / "other", replace(shipped, name="other", title="Other", space_id=SPACE), files
    )
    return InstalledModels(folder / "models", folder / "shipped")


@pytest.fixture(scope="module")
def bundle(models):
    """The shipped model."""
    return open_bundle(models.shipped)


def copy_some(captions, folder):
    folder.mkdir()
    return [Path(shutil.copy(path, folder / path.name)) for path in sorted(captions)[:4]]


@pytest.fixture(scope="module")
def photos(captions, tmp_path_factory):
    return copy_some(captions, tmp_path_factory.mktemp("choice") / "photos")


@pytest.fixture(scope="module")
def indexed_once(models, photos):
    """The folder of a library that the shipped model has indexed; tests take a copy."""
    place = photos[0].parent.parent / "library"
    index_with(place, models, photos[0].parent)
    return place


@pytest.fixture
def place(indexed_once, tmp_path):
    """The folder of a library of four photos that the shipped model has indexed."""
    return shutil.copytree(indexed_once, tmp_path / "library")


def open_chosen(place, models) -> Library:
    choice = choice_of(place, models)
    return Library.open(place, choice.answers, wanted=choice.wanted)


def index_with(place, models, *folders) -> Finished:
    with open_chosen(place, models) as library:
        return index(library, *folders)


def search(place, models):
    with open_chosen(place, models) as library:
        return library.search("dog")


def test_without_a_choice_the_shipped_model_indexes_and_searches(tmp_path, models, bundle) -> None:
    choice = choice_of(tmp_path / "library", models)
    assert choice.answers.manifest.name == choice.wanted.manifest.name == bundle.manifest.name
    assert not (tmp_path / "library").exists()


def test_half_an_indexing_changes_nothing_for_searches(place, models, bundle) -> None:
    use_model(place, "other", models)
    cancel = threading.Event()
    with open_chosen(place, models) as library:
        for event in library.index(settings=ONE_BY_ONE, cancel=cancel):
            if isinstance(event, Committed):
                cancel.set()
        assert library.search("dog").space == bundle.manifest.space_id
    left = use_model(place, "other", models).photos
    assert 0 < left < 4
    assert search(place, models).photos == 4
    assert index_with(place, models).summary.indexed == left
    assert search(place, models).space == SPACE


def test_an_open_library_changes_over_by_itself(place, models, bundle) -> None:
    assert use_model(place, "other", models).photos == 4
    with open_chosen(place, models) as library:
        before = library.search("dog")
        assert (before.space, before.photos) == (bundle.manifest.space_id, 4)
        finished = index(library)
        assert finished.summary.indexed == 4
        assert any("Other" in str(note) for note in finished.notes)
        after = library.search("dog")
        assert (after.space, after.photos) == (SPACE, 4)
        assert library.status().model == "other"
    assert search(place, models).space == SPACE


def test_an_open_library_takes_up_a_choice_and_goes_back(place, models, bundle) -> None:
    use_model(place, "other", models)
    index_with(place, models)
    with open_chosen(place, models) as library:
        for name, space in ((bundle.manifest.name, bundle.manifest.space_id), ("other", SPACE)):
            choice = use_model(place, name, models)
            library.use(choice.answers, choice.wanted)
            assert library.search("dog").space == space
            assert index(library).summary.indexed == 0


def test_a_photo_that_cannot_be_read_any_more_does_not_delay_the_change(captions, models, tmp_path) -> None:
    place, photos = tmp_path / "library", copy_some(captions, tmp_path / "photos")
    index_with(place, models, photos[0].parent)
    photos[0].write_bytes(photos[0].read_bytes()[:200])
    use_model(place, "other", models)
    finished = index_with(place, models)
    assert finished.summary.problems == 1
    assert search(place, models).space == SPACE


def test_a_new_library_is_read_by_the_chosen_model_from_the_start(tmp_path, models, photos) -> None:
    place = tmp_path / "new"
    assert use_model(place, "other", models).photos == 0
    index_with(place, models, photos[0].parent)
    answer = search(place, models)
    assert (answer.space, answer.photos) == (SPACE, 4)


def test_a_missing_model_is_named(place, models, tmp_path) -> None:
    with pytest.raises(RequestError, match='"nothing" is not installed'):
        use_model(place, "nothing", models)
    use_model(place, "other", models)
    elsewhere = InstalledModels(tmp_path / "elsewhere", models.shipped)
    with pytest.raises(
        BundleError, match=r'"other" .* not on this computer any more.*models use picsight-starter'
    ):
        choice_of(place, elsewhere)
    assert choice_for_searches(place, elsewhere).answers.folder == models.shipped
    index_with(place, models)
    with pytest.raises(BundleError, match='"other"'):
        choice_for_searches(place, elsewhere)
    assert use_model(place, "picsight-starter", elsewhere).photos == 0
    assert search(place, elsewhere).photos == 4


def test_an_indexing_under_way_does_not_undo_a_choice(place, models, bundle) -> None:
    use_model(place, "other", models)
    with open_chosen(place, models) as library:
        for event in library.index(settings=ONE_BY_ONE):
            if isinstance(event, Committed):
                use_model(place, bundle.manifest.name, models)
        assert isinstance(event, Finished)
        assert event.notes == ()
        assert library.bundle.manifest.space_id == bundle.manifest.space_id
    assert search(place, models).space == bundle.manifest.space_id
    assert use_model(place, "other", models).photos == 0


@pytest.mark.parametrize(("tower", "lost"), [("image", "photos"), ("text", "words")])
def test_a_model_of_one_tower_is_not_chosen_and_does_not_answer(place, models, tmp_path, tower, lost) -> None:
    half = InstalledModels(tmp_path / "half", models.shipped)
    copy_other(models, half.folder / "a-half", **{tower: None})
    with pytest.raises(RequestError, match=f"cannot read {lost}"):
        use_model(place, "a-half", half)
    assert choice_of(place, half).wanted.folder == half.shipped
    assert (half.with_text_tower(SPACE) is None) == (tower == "text")


def copy_other(models, target, **changes):
    """Copies "other" with some fields of its manifest changed."""
    shutil.copytree(models.folder / "other", target)
    manifest = json.loads((target / "bundle.json").read_text())
    (target / "bundle.json").write_text(json.dumps(manifest | changes))


def test_a_model_that_claims_anothers_space_with_other_preprocessing_is_always_refused(
    place, models, bundle, tmp_path
) -> None:
    manifest, mine = bundle.manifest, InstalledModels(tmp_path / "mine", models.shipped)
    false = replace(manifest, name="false", image=replace(manifest.image, interpolation="bilinear"))
    refused = partial(
        pytest.raises, BundleError, match=r"differently: `interpolation` is bilinear and not bicubic"
    )
    with refused():
        require_replaceable([], false, mine)
    (mine.folder / "false").mkdir(parents=True)
    (mine.folder / "false" / "bundle.json").write_bytes(manifest_text(false))
    for name in manifest.files:
        (mine.folder / "false" / name).symlink_to(bundle.folder / name)
    with closing(open_database(place)) as db, db.writer() as connection:  # as in an older library
        connection.execute("UPDATE spaces SET preprocessing = NULL")
    Library.open(place, bundle).close()
    for use in (
        partial(use_model, place, "false", mine),
        partial(Library.open, place, mine.find("false")),
        partial(Library.open, place, bundle, wanted=mine.find("false")),
    ):
        with refused():
            use()
    assert search(place, mine).photos == 4
    in_graph = replace(manifest.image, mean=None, std=None)
    alone = InstalledModels(tmp_path / "none", models.shipped)
    require_replaceable([place], replace(manifest, name="folded", image=in_graph), alone)


def test_libraries_name_the_models_they_need_and_a_file_does_not_replace_those(
    place, models, tmp_path
) -> None:
    mine = InstalledModels(tmp_path / "mine", models.shipped)
    for name, space in (("other", SPACE), ("third", "ffeeddccbbaa0099")):
        copy_other(models, mine.folder / name, name=name, space_id=space)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "model.json").write_text("?")
    known = (tmp_path / "nothing", place, place, tmp_path / "damaged")

    def using() -> list[str]:
        return [name for name in ("other", "third") if libraries_using(name, known, mine) == [place]]

    def check_replaced(name, sentence=None):
        changed = replace(mine.find(name).manifest, space_id="0" * 16)
        require_replaceable(known, mine.find(name).manifest, mine)  # it would be searched by this one as well
        if sentence is None:
            require_replaceable(known, changed, mine)
            return
        with pytest.raises(RequestError, match=rf"library in {place} uses .*{sentence}"):
            require_replaceable(known, changed, mine)

    assert using() == []
    use_model(place, "other", mine)
    assert using() == ["other"]
    index_with(place, mine)
    use_model(place, "third", mine)  # until it has read every photo, "other" answers
    assert using() == ["other", "third"]
    check_replaced("other", "would be replaced")
    check_replaced("third", "would be replaced")
    index_with(place, mine)
    assert using() == ["third"]
    check_replaced("other")


def test_a_library_that_cannot_be_written_keeps_its_model(place, models) -> None:
    """Root can write to every folder, so a folder in the place of the file refuses."""
    (place / "model.json").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        use_model(place, "other", models)
    (place / "model.json").rmdir()
    assert search(place, models).space != SPACE


@pytest.mark.parametrize("text", ["", '{"model": 3}'])
def test_a_damaged_note_of_the_choice_is_reported_and_choosing_repairs_it(place, models, text) -> None:
    (place / "model.json").write_text(text)
    with pytest.raises(LibraryError, match="picsight models use"):
        choice_of(place, models)
    use_model(place, "other", models)
    assert json.loads((place / "model.json").read_text()) == {"model": "other"}
