"""Changing the model: the old one answers until the new one has read every photo, and going back takes a moment."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from picsight_engine.bundles.bundle import manifest_text, write_bundle
from picsight_engine.errors import BundleError, LibraryError, RequestError, StorageError
from picsight_engine.indexing.events import Committed, Finished
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.installation.installed import InstalledModels
from picsight_engine.installation.model_choice import (
    answering_model,
    choice_of,
    libraries_using,
    require_replaceable,
    use_model,
)
from picsight_engine.library import Library
from picsight_engine.store.opening import open_database

SPACE = "00112233445566aa"


@pytest.fixture(scope="module")
def other(bundle, tmp_path_factory):
    """The folder of a second real model: the starter's towers, its photos seen as if of another space."""
    folder = tmp_path_factory.mktemp("models")
    manifest = replace(bundle.manifest, name="other", title="Other", space_id=SPACE, calibration=None)
    files = {name: bundle.folder / name for name in manifest.files}
    write_bundle(folder / "other", manifest, files)
    return folder


@pytest.fixture(scope="module")
def models(other, starter):
    return InstalledModels(other, starter)


def _some(captions, folder):
    folder.mkdir()
    return [Path(shutil.copy(path, folder / path.name)) for path in sorted(captions)[:4]]


@pytest.fixture(scope="module")
def photos(captions, tmp_path_factory):
    return _some(captions, tmp_path_factory.mktemp("choice") / "photos")


@pytest.fixture(scope="module")
def read(models, photos):
    """The folder of a library that the shipped model has read; not to be changed."""
    place = photos[0].parent.parent / "library"
    run(place, models, photos[0].parent)
    return place


@pytest.fixture
def place(read, tmp_path):
    """A copy of it."""
    return shutil.copytree(read, tmp_path / "library")


@pytest.fixture
def changeable(captions, models, tmp_path):
    """Photos that a test may change, and the library that has read them, at `library` beside their folder."""
    photos = _some(captions, tmp_path / "photos")
    run(tmp_path / "library", models, photos[0].parent)
    return photos


def opened(place, models) -> Library:
    choice = choice_of(place, models)
    return Library.open(place, choice.answers, wanted=choice.wanted)


def run(place, models, *folders, cancel=None) -> Finished:
    with opened(place, models) as library:
        *_, last = library.index(list(folders) or None, settings=IndexSettings(workers=1), cancel=cancel)
        return last


def asked(place, models):
    with opened(place, models) as library:
        return library.search("dog")


def test_nobody_chose_so_the_shipped_model_does_both(tmp_path, models, bundle) -> None:
    choice = choice_of(tmp_path / "library", models)
    assert choice.answers.manifest.name == choice.wanted.manifest.name == bundle.manifest.name
    assert not (tmp_path / "library").exists()


def test_half_an_indexing_changes_nothing_for_searches(place, models, bundle) -> None:
    use_model(place, "other", models)
    cancel = threading.Event()
    with opened(place, models) as library:
        settings = IndexSettings(workers=1, batch_photos=1)
        for event in library.index(settings=settings, cancel=cancel):
            if isinstance(event, Committed):
                cancel.set()
        assert library.search("dog").space == bundle.manifest.space_id
    left = use_model(place, "other", models).photos
    assert 0 < left < 4
    assert asked(place, models).photos == 4
    assert run(place, models).summary.indexed == left
    assert asked(place, models).space == SPACE


def test_an_open_library_changes_over_by_itself(place, models, bundle) -> None:
    assert use_model(place, "other", models).photos == 4
    with opened(place, models) as library:
        before = library.search("dog")
        assert (before.space, before.photos) == (bundle.manifest.space_id, 4)
        *_, last = library.index(settings=IndexSettings(workers=1))
        assert last.summary.indexed == 4
        assert any("Other" in note for note in last.notes)
        after = library.search("dog")
        assert (after.space, after.photos) == (SPACE, 4)
        assert library.status().model == "other"
    assert asked(place, models).space == SPACE


def test_an_open_library_takes_up_a_choice_and_goes_back(place, models, bundle) -> None:
    use_model(place, "other", models)
    run(place, models)
    with opened(place, models) as library:
        for name, space in ((bundle.manifest.name, bundle.manifest.space_id), ("other", SPACE)):
            choice = use_model(place, name, models).choice
            library.use(choice.answers, choice.wanted)
            assert library.search("dog").space == space
            *_, last = library.index(settings=IndexSettings(workers=1))
            assert last.summary.indexed == 0


def test_a_photo_that_cannot_be_read_any_more_does_not_hold_the_change_up(
    changeable, models, tmp_path
) -> None:
    place = tmp_path / "library"
    changeable[0].write_bytes(changeable[0].read_bytes()[:200])
    use_model(place, "other", models)
    finished = run(place, models)
    assert finished.summary.problems == 1
    assert asked(place, models).space == SPACE


def test_a_new_library_is_read_by_the_chosen_model_from_the_start(tmp_path, models, photos) -> None:
    place = tmp_path / "new"
    assert use_model(place, "other", models).photos == 0
    run(place, models, photos[0].parent)
    answer = asked(place, models)
    assert (answer.space, answer.photos) == (SPACE, 4)


def test_a_model_that_is_gone_is_named(place, models, tmp_path, starter) -> None:
    with pytest.raises(RequestError, match='"nothing" is not installed'):
        use_model(place, "nothing", models)
    use_model(place, "other", models)
    elsewhere = InstalledModels(tmp_path / "elsewhere", starter)
    with pytest.raises(
        BundleError, match=r'"other" .* not on this computer any more.*models use picsight-starter'
    ):
        choice_of(place, elsewhere)
    assert answering_model(place, elsewhere).folder == starter
    run(place, models)
    with pytest.raises(BundleError, match='"other"'):
        answering_model(place, elsewhere)
    assert use_model(place, "picsight-starter", elsewhere).photos == 0
    assert asked(place, elsewhere).photos == 4


def test_an_indexing_under_way_does_not_undo_a_choice(place, models, bundle) -> None:
    use_model(place, "other", models)
    with opened(place, models) as library:
        for event in library.index(settings=IndexSettings(workers=1, batch_photos=1)):
            if isinstance(event, Committed):
                use_model(place, bundle.manifest.name, models)
        assert isinstance(event, Finished)
        assert event.notes == ()
        assert library.bundle.manifest.space_id == bundle.manifest.space_id
    assert asked(place, models).space == bundle.manifest.space_id
    assert use_model(place, "other", models).photos == 0


@pytest.mark.parametrize(("tower", "lost"), [("image", "photos"), ("text", "words")])
def test_a_model_of_one_tower_is_not_chosen_and_does_not_answer(
    place, models, other, tmp_path, tower, lost
) -> None:
    half = InstalledModels(tmp_path / "half", models.shipped)
    shutil.copytree(other / "other", half.folder / "a-half")
    manifest = json.loads((other / "other" / "bundle.json").read_text())
    (half.folder / "a-half" / "bundle.json").write_text(json.dumps(manifest | {tower: None}))
    with pytest.raises(RequestError, match=f"cannot read {lost}"):
        use_model(place, "a-half", half)
    assert choice_of(place, half).wanted.folder == half.shipped
    speaking = half.speaking(SPACE)
    assert (speaking is None) == (tower == "text")


def test_a_model_that_claims_anothers_space_with_other_preprocessing_is_refused_wherever_it_comes_in(
    place, models, bundle, tmp_path
) -> None:
    manifest, mine = bundle.manifest, InstalledModels(tmp_path / "mine", models.shipped)
    false = replace(manifest, name="false", image=replace(manifest.image, interpolation="bilinear"))
    refused = partial(
        pytest.raises, BundleError, match=r"otherwise: `interpolation` is bilinear and not bicubic"
    )
    with refused():
        require_replaceable([], false, mine)
    (mine.folder / "false").mkdir(parents=True)
    (mine.folder / "false" / "bundle.json").write_bytes(manifest_text(false))
    for name in manifest.files:
        (mine.folder / "false" / name).symlink_to(bundle.folder / name)
    with closing(open_database(place)) as db, db.writer() as connection:  # as a library of before
        connection.execute("UPDATE spaces SET preprocessing = NULL")
    Library.open(place, bundle).close()
    for come_in in (
        partial(use_model, place, "false", mine),
        partial(Library.open, place, mine.find("false")),
        partial(Library.open, place, bundle, wanted=mine.find("false")),
    ):
        with refused():
            come_in()
    assert asked(place, mine).photos == 4
    in_graph = replace(manifest.image, mean=None, std=None)
    alone = InstalledModels(tmp_path / "none", models.shipped)
    require_replaceable([place], replace(manifest, name="folded", image=in_graph), alone)


def test_libraries_name_the_models_they_need_and_a_file_does_not_replace_those(
    place, models, other, tmp_path
) -> None:
    mine = InstalledModels(tmp_path / "mine", models.shipped)
    for name, space in (("other", SPACE), ("third", "ffeeddccbbaa0099")):
        shutil.copytree(other / "other", mine.folder / name)
        manifest = json.loads((other / "other" / "bundle.json").read_text())
        (mine.folder / name / "bundle.json").write_text(
            json.dumps(manifest | {"name": name, "space_id": space})
        )
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
    run(place, mine)
    use_model(place, "third", mine)  # until it has read every photo, "other" answers
    assert using() == ["other", "third"]
    check_replaced("other", "would be replaced")
    check_replaced("third", "would be replaced")
    run(place, mine)
    assert using() == ["third"]
    check_replaced("other")


def test_a_library_that_cannot_be_written_keeps_its_model(place, models) -> None:
    """As root every folder can be written, so the choice's own file is what refuses."""
    (place / "model.json").mkdir()
    with pytest.raises(StorageError, match="cannot be written"):
        use_model(place, "other", models)
    (place / "model.json").rmdir()
    assert asked(place, models).space != SPACE


@pytest.mark.parametrize("text", ["", '{"model": 3}'])
def test_a_damaged_note_of_the_choice_is_a_sentence_and_choosing_mends_it(place, models, text) -> None:
    (place / "model.json").write_text(text)
    with pytest.raises(LibraryError, match="picsight models use"):
        choice_of(place, models)
    use_model(place, "other", models)
    assert json.loads((place / "model.json").read_text()) == {"model": "other"}
