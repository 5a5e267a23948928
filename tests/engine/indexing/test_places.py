"""Runs over some directories alone: they see what changed there, touch nothing elsewhere, and leave doubts to a whole run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.engine.indexing.test_indexer import figures, ids, run, vectors

if TYPE_CHECKING:
    from picsight_engine.indexing.events import Finished


@pytest.fixture
def years(tmp_path, draw):
    """A folder with two directories of three photos each."""
    folder = tmp_path / "photos"
    for number in range(6):
        draw(folder / f"{2020 + number // 3}" / f"{number}.jpg", number)
    return folder


def look(library, bundle, folder, *places: bytes) -> Finished:
    *_, finished = library.events(bundle, places={folder: places})
    return finished


def test_only_the_named_directories_are_looked_at(library, bundle, years, draw):
    run(library, bundle, years)
    draw(years / "2020" / "new.jpg", 10)
    draw(years / "2021" / "unseen.jpg", 11)
    (years / "2020" / "0.jpg").unlink()
    (years / "2021" / "3.jpg").unlink()
    found = look(library, bundle, years, b"2020")
    assert figures(found) == {"found": 3, "indexed": 1, "unchanged": 2, "missing": 1}
    assert not found.in_doubt
    assert sorted(ids(library)) == [
        f"{year}/{name}.jpg"
        for year, names in (("2020", ("1", "2", "new")), ("2021", "345"))
        for name in names
    ]


def test_a_file_moved_between_named_directories_keeps_its_photo(library, bundle, years):
    run(library, bundle, years)
    before, vectors_before = ids(library), vectors(library, bundle)
    (years / "2020" / "1.jpg").rename(years / "2021" / "one.jpg")
    assert figures(look(library, bundle, years, b"2020", b"2021"))["moved"] == 1
    assert ids(library)["2021/one.jpg"] == before["2020/1.jpg"]
    assert vectors(library, bundle) == vectors_before


def test_a_directory_that_was_renamed_takes_its_photos_along(library, bundle, years):
    run(library, bundle, years)
    before = ids(library)
    (years / "2020").rename(years / "Norway")
    found = look(library, bundle, years, b"2020", b"Norway")
    assert found.summary.moved == 3
    assert {name.replace("Norway", "2020"): photo for name, photo in ids(library).items()} == before


def test_a_directory_that_was_emptied_waits_for_a_whole_run(library, bundle, years):
    """Its disk may be disconnected, as absence.py has it."""
    run(library, bundle, years)
    for path in (years / "2020").iterdir():
        path.unlink()
    assert look(library, bundle, years, b"2020").in_doubt
    assert len(ids(library)) == 6


@pytest.mark.parametrize("gone", ["2020", ""])
def test_what_is_not_there_any_more_is_judged_by_its_parent(library, bundle, years, gone):
    run(library, bundle, years)
    os.rename(years / gone, years.parent / "elsewhere")  # noqa: PTH104
    found = look(library, bundle, years, b"2020")
    assert found.in_doubt == (not gone)
    assert len(ids(library)) == (3 if gone else 6)
    (years.parent / "elsewhere").rename(years / gone)
    run(library, bundle)
    assert len(ids(library)) == 6


def test_partial_runs_end_where_a_whole_run_does(library, bundle, years, draw):
    """A change at a time, in its directory, or a whole run at the end: the same photos and problems."""
    run(library, bundle, years)
    for number, act in enumerate(
        (
            lambda: draw(years / "2020" / "0.jpg", 50),
            lambda: (years / "2020" / "bad.jpg").write_bytes(b"\xff\xd8\xff no picture"),
            (years / "2020" / "1.jpg").unlink,
            (years / "2020" / "bad.jpg").unlink,
        )
    ):
        act()
        look(library, bundle, years, b"2020")
        after = ids(library), vectors(library, bundle)
        finished = run(library, bundle)
        assert (ids(library), vectors(library, bundle)) == after, number
        assert figures(finished).get("indexed", 0) == 0
        assert finished.summary.problems == (number in (1, 2))
