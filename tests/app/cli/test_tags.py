"""`picsight tags`: what a person types, what is printed, and how it ends."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from tests.engine.search.conftest import open_album

from picsight.cli.program import run
from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.store.vectors import put_vector


@pytest.fixture(scope="module")
def stocked(tmp_path_factory, starter):
    """A library of twenty photos, of which the first four are near to what "dog" means; and their paths."""
    folder = tmp_path_factory.mktemp("stocked")
    with open_album(folder, open_bundle(starter)) as album:
        word = album.library._searcher.term_vector("dog")
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
def tags(stocked, tmp_path, capsys):
    """Types words behind `picsight --library …`; gives exit code, stdout and stderr."""
    folder = shutil.copytree(stocked[0], tmp_path / "library")

    def typed(*words):
        code = run(["--library", str(folder), *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return typed


def document(told):
    code, out, err = told
    assert (code, err) == (0, "")
    return json.loads(out)


def test_a_tag_is_made_taught_searched_for_and_undone(tags, photos):
    made = document(tags("tags", "new", "Dogs", "--prompt", "dog", "--example", photos[0], "--json"))
    assert made["suggested"] > 0
    suggested = document(tags("tags", "suggest", "dogs", "-n", "2", "--json"))
    assert [set(result) >= {"id", "path", "score"} for result in suggested["results"]] == [True, True]
    accepted = document(tags("tags", "accept", "Dogs", *photos[:2], "--json"))
    assert accepted["run"]["words"] == 'Accept 2 photos: "Dogs"'
    assert document(tags("tags", "accept", "Dogs", *photos[:2], "--json")) == {"run": None}
    document(tags("tags", "reject", "Dogs", photos[2], "--json"))
    (told,) = document(tags("tags", "list", "--json"))["tags"]
    assert (told["name"], told["parent"], told["accepted"], told["rejected"]) == ("Dogs", None, 2, 1)
    assert document(tags("show", photos[0], "--json"))["tags"] == ["Dogs"]
    found = {result["path"] for result in document(tags("search", "tag:dogs", "--json"))["results"]}
    assert {str(photo) for photo in photos[:2]} <= found
    assert str(photos[2]) not in found
    details = document(tags("tags", "show", "dogs", "--json"))
    assert (details["prompts"], details["examples"]) == (["dog"], [str(photos[0])])
    for _ in range(10):
        code, out, err = tags("tags", "undo")
        if code:
            break
        assert out.startswith("Undone: ")
    assert (code, err) == (2, "There is nothing to undo.\n")
    assert document(tags("tags", "list", "--json")) == {"tags": []}
    code, out, err = tags("tags", "redo")
    assert (code, out) == (0, 'Done again: New tag "Dogs".\n')


def test_stars_are_given_shown_searched_for_and_taken_back(tags, photos):
    rated = document(tags("tags", "rate", "4", *photos[:2], "--json"))
    assert (rated["run"]["kind"], rated["run"]["words"]) == ("rate", "Rate 2 photos: 4 stars")
    assert document(tags("show", photos[0], "--json"))["rating"] == 4
    assert len(document(tags("search", "rated:>3", "--json"))["results"]) == 2
    assert tags("tags", "rate", "none", photos[0])[1] == "Rate 1 photo: by its files.\n"
    assert document(tags("show", photos[0], "--json"))["rating"] is None
    code, out, err = tags("tags", "rate", "6", photos[0])
    assert (code, out) == (2, "")
    assert "'6' is not one of" in err


def test_an_album_is_filled_by_hand(tags, photos):
    assert document(tags("tags", "new", "Trip", "--album", "--json"))["threshold"] is None
    assert tags("tags", "suggest", "Trip")[0] == 2
    assert tags("tags", "accept", "Trip", photos[0])[0] == 0
    assert document(tags("show", photos[0], "--json"))["tags"] == ["Trip"]


def test_tags_are_changed_renamed_moved_merged_and_removed(tags, photos):
    tags("tags", "new", "Animals")
    tags("tags", "new", "Dogs", "--prompt", "dog")
    assert document(tags("tags", "move", "Dogs", "Animals", "--json"))["parent"] == "Animals"
    changed = tags(
        "tags", "change", "dogs", "--threshold", "0.9", "--example", photos[0], "--no-suggest", "--json"
    )
    assert document(changed)["threshold"] == 0.9
    assert document(tags("tags", "rename", "dogs", "Puppies", "--json"))["name"] == "Puppies"
    details = document(tags("tags", "show", "puppies", "--json"))
    assert (details["prompts"], details["examples"], details["suggests"]) == (
        ["dog"],
        [str(photos[0])],
        False,
    )
    tags("tags", "change", "puppies", "--prompt", "")
    assert document(tags("tags", "show", "puppies", "--json"))["prompts"] == []
    assert document(tags("tags", "move", "puppies", "--json"))["parent"] is None
    tags("tags", "accept", "puppies", *photos)
    assert document(tags("tags", "merge", "puppies", "animals", "--json"))["accepted"] == 4
    assert tags("tags", "remove", "animals")[1] == 'Remove "Animals".\n'
    assert document(tags("tags", "list", "--json")) == {"tags": []}
    code, out, err = tags("tags", "change", "animals")
    assert (code, out) == (2, "")
    assert "Type what is to be changed" in err


def test_what_a_person_reads(tags, photos):
    assert tags("tags", "list")[:2] == (0, "")
    tags("tags", "accept", "Favourites", photos[0])
    assert tags("tags", "list")[1] == "Favourites: 1 accepted\n"
    tags("tags", "undo")
    code, out, err = tags("tags", "new", "-night", "--not", photos[0])
    assert (code, out, err) == (0, "-night: 0 photos\n", "")
    assert tags("tags", "accept", "-night", photos[0])[1] == 'Accept 1 photo: "-night".\n'
    assert tags("tags", "accept", "-night", photos[0])[1] == "Nothing had to be changed.\n"
    assert f"against: {photos[0]}\n" in tags("tags", "show", "-night")[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new", "a/b"], "name that as the parent"),
        (["new", "a", "--threshold", "2"], "between 0 and 1"),
        (["new", "a", "--parent", "b"], 'There is no tag "b"'),
        (["new", "a", "--example", "nowhere.jpg"], "is no photo of the library"),
        (["new", "a", "--example", "b.jpg", "--not", "b.jpg"], "as --example and as --not"),
        (["suggest", "Favourites"], "is filled by hand"),
        (["accept", "b", "nowhere.jpg"], 'There is no tag "b"'),
        (["undo"], "nothing to undo"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_nothing_happens(tags, words, sentence):
    code, out, err = tags("tags", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert document(tags("tags", "list", "--json")) == {"tags": []}


def test_where_there_is_no_library_there_are_no_tags_and_none_can_be_made(tmp_path, capsys):
    assert run(["--library", str(tmp_path / "none"), "tags", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"tags": []}
    assert run(["--library", str(tmp_path / "none"), "tags", "new", "a"]) == 2
    assert "There is no library" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
