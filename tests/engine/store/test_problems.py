"""The list of files that could not be indexed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

from picsight_engine.foundation.errors import ImageError
from picsight_engine.indexing.messages import Failed
from picsight_engine.photos.reading import Limits, lost_photo, unshowable
from picsight_engine.store.overview.problems import (
    NewProblem,
    all_problems,
    clear_problem,
    problem_at,
    problems_of,
    put_problem,
    retry_later,
    set_ignored,
)


def test_a_problem_is_listed_with_its_path_and_reason(db, shelf, pictures):
    with db.writer() as connection:
        put_problem(
            connection,
            NewProblem(shelf.folder.id, b"caf\xe9.jpg", "damaged", "It is broken.", 5.0, size=3, mtime_ns=4),
        )
    [problem] = all_problems(db)
    assert problem.path == pictures / os.fsdecode(b"caf\xe9.jpg")
    assert (problem.code, str(problem.message), problem.tries) == ("damaged", "It is broken.", 1)
    assert (problem.size, problem.mtime_ns, problem.first_seen, problem.last_seen) == (3, 4, 5.0, 5.0)
    assert problem_at(db, problem.path) == problem
    assert problem_at(db, pictures / "fine.jpg") is None


def test_a_message_comes_back_with_its_values_from_a_worker_and_from_the_library(db, shelf):
    path = Path(os.fsdecode(b"/{place}/caf\xe9.jpg"))
    limits = Limits(seconds=2.5)
    for fault in (
        lost_photo("timeout", path, limits, "was left out"),
        unshowable("damaged", path, "{it} is {damaged}."),
        ImageError("empty", "{path} is empty.", path),
    ):
        failed = pickle.loads(pickle.dumps(Failed(fault.code, pickle.loads(pickle.dumps(fault)).message)))
        with db.writer() as connection:
            put_problem(connection, NewProblem(shelf.folder.id, b"a.jpg", failed.code, failed.message, 5.0))
        [problem] = all_problems(db)
        assert problem.message == fault.message
        assert str(problem.message) == str(fault)
    assert str(lost_photo("timeout", path, limits, "was left out")) == (
        "/{place}/caf\ufffd.jpg took longer than 2.5 seconds to read, so it was left out. Save it again in another program."
    )


def test_another_try_keeps_the_first_day_and_counts(db, shelf):
    with db.writer() as connection:
        put_problem(
            connection, NewProblem(shelf.folder.id, b"a.jpg", "empty", "Empty.", 5.0, size=0, mtime_ns=1)
        )
        put_problem(
            connection, NewProblem(shelf.folder.id, b"a.jpg", "truncated", "Cut.", 9.0, size=7, mtime_ns=2)
        )
    [problem] = problems_of(db, shelf.folder.id)
    assert (problem.code, str(problem.message), problem.tries) == ("truncated", "Cut.", 2)
    assert (problem.first_seen, problem.last_seen, problem.size) == (5.0, 9.0, 7)
    set_ignored(db, [problem], ignored=True)
    assert all_problems(db)[0].ignored
    with db.writer() as connection:
        clear_problem(connection, shelf.folder.id, b"a.jpg")
    assert all_problems(db) == []


def test_a_folder_itself_can_be_a_problem(db, shelf, pictures):
    with db.writer() as connection:
        put_problem(connection, NewProblem(shelf.folder.id, b"", "no_permission", "Not allowed.", 5.0))
    assert all_problems(db)[0].path == pictures
    assert problem_at(db, pictures).code == "no_permission"


def test_a_problem_to_be_tried_again_keeps_its_number_of_tries(db, shelf):
    with db.writer() as connection:
        for name in (b"a.jpg", b"b.jpg"):
            put_problem(
                connection, NewProblem(shelf.folder.id, name, "empty", "Empty.", 5.0, size=3, mtime_ns=4)
            )
    retry_later(db, [each for each in all_problems(db) if each.name == b"a.jpg"])
    assert [(each.size, each.mtime_ns, each.tries) for each in all_problems(db)] == [
        (None, None, 1),
        (3, 4, 1),
    ]
