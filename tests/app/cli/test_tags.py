"""`picsight tags`: what it does, prints and returns."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.engine.search.conftest import open_album
from tests.shell import Shell

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.store.derived.vectors import put_vector


@pytest.fixture(scope="module")
def dog_library(tmp_path_factory, starter):
    """The folder of a library of twenty photos, and the paths of the four that match "dog"."""
    folder = tmp_path_factory.mktemp("dogs")
    with open_album(folder, open_bundle(starter)) as album:
        word = album.library._searcher.terms.vector("dog")
        for number in range(20):
            photo = album.put(b"%02d.jpg" % number, number + 1)
            near = album.vector(number + 1) + (0.5 if number < 4 else 0) * word
            with album.db.writer() as connection:
                put_vector(connection, photo, album.space, near / np.linalg.norm(near))
        found = {result.id: result.path for result in album.library.all_photos().results}
    return folder / "library", [found[number] for number in range(1, 5)]


@pytest.fixture
def photos(dog_library):
    """The paths of four photos that match "dog"."""
    return dog_library[1]


@pytest.fixture
def picsight(dog_library, tmp_path):
    """The command line on a copy of that library."""
    return Shell(Path(shutil.copytree(dog_library[0], tmp_path / "library")))


def test_a_tag_is_made_decided_on_searched_and_undone(picsight, photos):
    made = picsight.json("tags", "new", "Dogs", "--prompt", "dog", "--example", photos[0])
    assert made["suggested"] > 0
    suggested = picsight.json("tags", "suggest", "dogs", "-n", "2")
    assert [set(result) >= {"id", "path", "score"} for result in suggested["results"]] == [True, True]
    accepted = picsight.json("tags", "accept", "Dogs", *photos[:2])
    assert accepted["run"]["words"] == 'Accept 2 photos: "Dogs"'
    assert picsight.json("tags", "accept", "Dogs", *photos[:2]) == {"run": None}
    picsight.json("tags", "reject", "Dogs", photos[2])
    (tag,) = picsight.json("tags", "list")["tags"]
    assert (tag["name"], tag["parent"], tag["accepted"], tag["rejected"]) == ("Dogs", None, 2, 1)
    assert picsight.json("show", photos[0])["tags"] == ["Dogs"]
    found = {result["path"] for result in picsight.json("search", "tag:dogs")["results"]}
    assert {str(photo) for photo in photos[:2]} <= found
    assert str(photos[2]) not in found
    details = picsight.json("tags", "show", "dogs")
    assert (details["prompts"], details["examples"]) == (["dog"], [str(photos[0])])
    while (done := picsight("tags", "undo")).code == 0:
        assert done.out.startswith("Undone: ")
    assert (done.code, done.err) == (2, "There is nothing to undo.\n")
    assert picsight.json("tags", "list") == {"tags": []}
    assert picsight("tags", "redo").out == 'Done again: New tag "Dogs".\n'


def test_prompts_in_the_users_language_are_translated_and_the_translation_is_shown(picsight, monkeypatch):
    expected = picsight.json("tags", "new", "Dogs", "--prompt", "dog")["suggested"]
    monkeypatch.setenv("LANGUAGE", "de_DE")
    made = picsight("tags", "new", "Hunde", "--prompt", "Hund")
    assert (made.out, made.err.splitlines()[0]) == (f"Hunde: {expected} suggested\n", "Searched as: dog")
    details = picsight.json("tags", "show", "Hunde")
    assert (details["prompts"], details["readings"]) == (["Hund"], ["dog"])
    assert picsight.json("tags", "show", "Dogs")["readings"] == []
    assert "Searched as: snow" in picsight("tags", "change", "Hunde", "--prompt", "Schnee").err
    assert "Searched as: snow" in picsight("tags", "suggest", "Hunde").err


def test_stars_are_given_shown_searched_and_withdrawn(picsight, photos):
    rated = picsight.json("tags", "rate", "4", *photos[:2])
    assert (rated["run"]["kind"], rated["run"]["words"]) == ("rate", "Rate 2 photos: 4 stars")
    assert picsight.json("show", photos[0])["rating"] == 4
    assert len(picsight.json("search", "rated:>3")["results"]) == 2
    assert picsight("tags", "rate", "none", photos[0]).out == "Done: Rate 1 photo: by its files.\n"
    assert picsight.json("show", photos[0])["rating"] is None
    picsight("tags", "rate", "rejected", photos[0])
    assert picsight.json("show", photos[0])["rating"] == -1
    assert "'STARS': '6' is not one of" in picsight("tags", "rate", "6", photos[0]).err


def test_an_album_is_filled_by_hand(picsight, photos):
    assert picsight.json("tags", "new", "Trip", "--album")["threshold"] is None
    assert picsight("tags", "suggest", "Trip").code == 2
    assert picsight("tags", "accept", "Trip", photos[0]).code == 0
    assert picsight.json("show", photos[0])["tags"] == ["Trip"]


def test_tags_are_changed_renamed_moved_merged_and_removed(picsight, photos):
    picsight("tags", "new", "Animals")
    picsight("tags", "new", "Dogs", "--prompt", "dog")
    assert picsight.json("tags", "move", "Dogs", "Animals")["parent"] == "Animals"
    changed = picsight.json(
        "tags", "change", "dogs", "--threshold", "0.9", "--example", photos[0], "--no-suggest"
    )
    assert changed["threshold"] == 0.9
    assert picsight.json("tags", "rename", "dogs", "Puppies")["name"] == "Puppies"
    details = picsight.json("tags", "show", "puppies")
    expected = {"prompts": ["dog"], "examples": [str(photos[0])], "suggests": False}
    assert details.items() >= expected.items()
    picsight("tags", "change", "puppies", "--prompt", "")
    assert picsight.json("tags", "show", "puppies")["prompts"] == []
    assert picsight.json("tags", "move", "puppies")["parent"] is None
    picsight("tags", "accept", "puppies", *photos)
    assert picsight.json("tags", "merge", "puppies", "animals")["accepted"] == 4
    assert picsight("tags", "remove", "animals").out == 'Done: Remove "Animals".\n'
    assert picsight.json("tags", "list") == {"tags": []}
    assert "Type what to change" in picsight("tags", "change", "animals").err


def test_counts_and_changes_are_printed_for_people(picsight, photos):
    assert picsight("tags", "list").out == ""
    picsight("tags", "accept", "Favourites", photos[0])
    assert picsight("tags", "list").out == "Favourites: 1 accepted\n"
    picsight("tags", "undo")
    assert picsight("tags", "new", "-night", "--not", photos[0]).out == "-night: 0 photos\n"
    assert picsight("tags", "accept", "-night", photos[0]).out == 'Done: Accept 1 photo: "-night".\n'
    assert picsight("tags", "accept", "-night", photos[0]).out == "Nothing had to be changed.\n"
    assert picsight("tags", "reject", "-night", photos[0], "--quiet").out == ""
    assert f"against: {photos[0]}\n" in picsight("tags", "show", "-night").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new", "a/b"], "give the parent separately"),
        (["new", "a", "--threshold", "2"], "between 0 and 1"),
        (["new", "a", "--album", "--threshold", "0.3"], "is filled by hand"),
        (["change", "Favourites", "--threshold", "0.3"], "is filled by hand"),
        (["new", "a", "--parent", "b"], 'There is no tag "b"'),
        (["new", "a", "--example", "nowhere.jpg"], "is not a photo of the library"),
        (["new", "a", "--example", "."], "is a folder; name photos in it"),
        (["new", "a", "--example", "b.jpg", "--not", "b.jpg"], "as --example and as --not"),
        (["suggest", "Favourites"], "is filled by hand"),
        (["accept", "b", "nowhere.jpg"], 'There is no tag "b"'),
        (["undo"], "nothing to undo"),
    ],
)
def test_an_impossible_change_is_refused_in_one_sentence(picsight, words, sentence):
    assert sentence in picsight("tags", *words).sentence(2)
    assert picsight.json("tags", "list") == {"tags": []}


def test_without_a_library_there_are_no_tags_and_none_can_be_made(fresh):
    assert fresh.json("tags", "list") == {"tags": []}
    index = shlex.join(["picsight", "--library", str(fresh.library), "index"])
    assert fresh("tags", "new", "a").err.endswith(
        f"There is no library in {fresh.library} yet. Type: {index} FOLDER\n"
    )
    assert not fresh.library.exists()
