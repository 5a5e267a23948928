"""`picsight tags`: what a person types, what is printed, and how it ends."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.engine.search.conftest import open_album
from tests.shell import Shell

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.store.vectors import put_vector


@pytest.fixture(scope="module")
def stocked(tmp_path_factory, starter):
    """A library of twenty photos, of which the first four are near to what "dog" means; and their paths."""
    folder = tmp_path_factory.mktemp("stocked")
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
def photos(stocked):
    """Photos of dogs."""
    return stocked[1]


@pytest.fixture
def tags(stocked, tmp_path):
    """Types words behind `picsight --library …`."""
    return Shell(Path(shutil.copytree(stocked[0], tmp_path / "library")))


def test_a_tag_is_made_taught_searched_for_and_undone(tags, photos):
    made = tags.json("tags", "new", "Dogs", "--prompt", "dog", "--example", photos[0])
    assert made["suggested"] > 0
    suggested = tags.json("tags", "suggest", "dogs", "-n", "2")
    assert [set(result) >= {"id", "path", "score"} for result in suggested["results"]] == [True, True]
    accepted = tags.json("tags", "accept", "Dogs", *photos[:2])
    assert accepted["run"]["words"] == 'Accept 2 photos: "Dogs"'
    assert tags.json("tags", "accept", "Dogs", *photos[:2]) == {"run": None}
    tags.json("tags", "reject", "Dogs", photos[2])
    (told,) = tags.json("tags", "list")["tags"]
    assert (told["name"], told["parent"], told["accepted"], told["rejected"]) == ("Dogs", None, 2, 1)
    assert tags.json("show", photos[0])["tags"] == ["Dogs"]
    found = {result["path"] for result in tags.json("search", "tag:dogs")["results"]}
    assert {str(photo) for photo in photos[:2]} <= found
    assert str(photos[2]) not in found
    details = tags.json("tags", "show", "dogs")
    assert (details["prompts"], details["examples"]) == (["dog"], [str(photos[0])])
    while (done := tags("tags", "undo")).code == 0:
        assert done.out.startswith("Undone: ")
    assert (done.code, done.err) == (2, "There is nothing to undo.\n")
    assert tags.json("tags", "list") == {"tags": []}
    assert tags("tags", "redo").out == 'Done again: New tag "Dogs".\n'


def test_the_words_of_a_tag_in_the_users_language_are_searched_in_english_and_said(tags, monkeypatch):
    expected = tags.json("tags", "new", "Dogs", "--prompt", "dog")["suggested"]
    monkeypatch.setenv("LANGUAGE", "de_DE")
    made = tags("tags", "new", "Hunde", "--prompt", "Hund")
    assert (made.out, made.err.splitlines()[0]) == (f"Hunde: {expected} suggested\n", "Searched as: dog")
    details = tags.json("tags", "show", "Hunde")
    assert (details["prompts"], details["readings"]) == (["Hund"], ["dog"])
    assert tags.json("tags", "show", "Dogs")["readings"] == []
    assert "Searched as: snow" in tags("tags", "change", "Hunde", "--prompt", "Schnee").err
    assert "Searched as: snow" in tags("tags", "suggest", "Hunde").err


def test_stars_are_given_shown_searched_for_and_taken_back(tags, photos):
    rated = tags.json("tags", "rate", "4", *photos[:2])
    assert (rated["run"]["kind"], rated["run"]["words"]) == ("rate", "Rate 2 photos: 4 stars")
    assert tags.json("show", photos[0])["rating"] == 4
    assert len(tags.json("search", "rated:>3")["results"]) == 2
    assert tags("tags", "rate", "none", photos[0]).out == "Rate 1 photo: by its files.\n"
    assert tags.json("show", photos[0])["rating"] is None
    tags("tags", "rate", "rejected", photos[0])
    assert tags.json("show", photos[0])["rating"] == -1
    assert "'STARS': '6' is not one of" in tags("tags", "rate", "6", photos[0]).err


def test_an_album_is_filled_by_hand(tags, photos):
    assert tags.json("tags", "new", "Trip", "--album")["threshold"] is None
    assert tags("tags", "suggest", "Trip").code == 2
    assert tags("tags", "accept", "Trip", photos[0]).code == 0
    assert tags.json("show", photos[0])["tags"] == ["Trip"]


def test_tags_are_changed_renamed_moved_merged_and_removed(tags, photos):
    tags("tags", "new", "Animals")
    tags("tags", "new", "Dogs", "--prompt", "dog")
    assert tags.json("tags", "move", "Dogs", "Animals")["parent"] == "Animals"
    changed = tags.json(
        "tags", "change", "dogs", "--threshold", "0.9", "--example", photos[0], "--no-suggest"
    )
    assert changed["threshold"] == 0.9
    assert tags.json("tags", "rename", "dogs", "Puppies")["name"] == "Puppies"
    details = tags.json("tags", "show", "puppies")
    assert (details["prompts"], details["examples"], details["suggests"]) == (
        ["dog"],
        [str(photos[0])],
        False,
    )
    tags("tags", "change", "puppies", "--prompt", "")
    assert tags.json("tags", "show", "puppies")["prompts"] == []
    assert tags.json("tags", "move", "puppies")["parent"] is None
    tags("tags", "accept", "puppies", *photos)
    assert tags.json("tags", "merge", "puppies", "animals")["accepted"] == 4
    assert tags("tags", "remove", "animals").out == 'Remove "Animals".\n'
    assert tags.json("tags", "list") == {"tags": []}
    assert "Type what to change" in tags("tags", "change", "animals").err


def test_what_a_person_reads(tags, photos):
    assert tags("tags", "list").out == ""
    tags("tags", "accept", "Favourites", photos[0])
    assert tags("tags", "list").out == "Favourites: 1 accepted\n"
    tags("tags", "undo")
    assert tags("tags", "new", "-night", "--not", photos[0]).out == "-night: 0 photos\n"
    assert tags("tags", "accept", "-night", photos[0]).out == 'Accept 1 photo: "-night".\n'
    assert tags("tags", "accept", "-night", photos[0]).out == "Nothing had to be changed.\n"
    assert tags("tags", "reject", "-night", photos[0], "--quiet").out == ""
    assert f"against: {photos[0]}\n" in tags("tags", "show", "-night").out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new", "a/b"], "name that as the parent"),
        (["new", "a", "--threshold", "2"], "between 0 and 1"),
        (["new", "a", "--album", "--threshold", "0.3"], "is filled by hand"),
        (["change", "Favourites", "--threshold", "0.3"], "is filled by hand"),
        (["new", "a", "--parent", "b"], 'There is no tag "b"'),
        (["new", "a", "--example", "nowhere.jpg"], "is no photo of the library"),
        (["new", "a", "--example", "."], "is a folder; name photos in it"),
        (["new", "a", "--example", "b.jpg", "--not", "b.jpg"], "as --example and as --not"),
        (["suggest", "Favourites"], "is filled by hand"),
        (["accept", "b", "nowhere.jpg"], 'There is no tag "b"'),
        (["undo"], "nothing to undo"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_nothing_happens(tags, words, sentence):
    done = tags("tags", *words)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert sentence in done.err
    assert tags.json("tags", "list") == {"tags": []}


def test_where_there_is_no_library_there_are_no_tags_and_none_can_be_made(fresh):
    assert fresh.json("tags", "list") == {"tags": []}
    index = shlex.join(["picsight", "--library", str(fresh.library), "index"])
    assert fresh("tags", "new", "a").err.endswith(
        f"There is no library in {fresh.library} yet. Type: {index} FOLDER\n"
    )
    assert not fresh.library.exists()
