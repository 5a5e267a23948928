"""What the window takes from the library."""

from __future__ import annotations

from tests.app.window.conftest import wait_until_indexed

from picsight.window.session.overview import overview_of
from picsight_engine.library import Library
from picsight_engine.store.overview.problems import NewProblem, put_problem


def test_a_file_that_went_away_before_it_was_read_is_no_problem(bundle, tmp_path):
    (tmp_path / "album").mkdir()
    with Library.open(tmp_path / "library", bundle) as library:
        folder = library.folders.add(tmp_path / "album")
        with library._db.writer() as connection:
            for name, code in ((b"gone.jpg", "vanished"), (b"bad.jpg", "damaged")):
                put_problem(connection, NewProblem(folder.id, name, code, "It is.", 5.0))
        overview = overview_of(library)
    assert [problem.path.name for problem in overview.problems] == ["bad.jpg"]
    assert overview.empty_among([tmp_path / "album", tmp_path / "other"]) == [tmp_path / "album"]


def test_an_overview_that_was_read_before_a_change_does_not_replace_the_one_after_it(
    qtbot, model_window, small_library
):
    window = model_window(copy=small_library)
    wait_until_indexed(qtbot, window)
    library, before, done = window.library, overview_of(window.tags.library), []
    library.change(lambda opened: opened.searches.save("Waves", "big waves"), lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
    library._take_overview(before)  # as a slow reader delivers it
    assert [search.name for search in library.overview.saved] == ["Waves"]
