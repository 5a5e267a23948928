"""What the window takes from the library."""

from __future__ import annotations

from picsight.window.library.overview import overview_of
from picsight_engine.library import Library
from picsight_engine.store.problems import NewProblem, put_problem


def test_a_file_that_went_away_before_it_was_read_is_no_problem(bundle, tmp_path):
    (tmp_path / "album").mkdir()
    with Library.open(tmp_path / "library", bundle) as library:
        folder = library.add_folder(tmp_path / "album")
        with library._db.writer() as connection:
            for name, code in ((b"gone.jpg", "vanished"), (b"bad.jpg", "damaged")):
                put_problem(connection, NewProblem(folder.id, name, code, "It is.", 5.0))
        overview = overview_of(library)
    assert [problem.path.name for problem in overview.problems] == ["bad.jpg"]
    assert overview.empty_among([tmp_path / "album", tmp_path / "other"]) == [tmp_path / "album"]
