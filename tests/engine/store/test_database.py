"""Opening, creating, migrating and changing a library, also on a full disk and after a kill."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from picsight_engine.foundation.errors import BusyError, LibraryError, RequestError, StorageError
from picsight_engine.store.connections import DISK_FULL
from picsight_engine.store.database import FILE_NAME, Database, index_lock
from picsight_engine.store.folders import add_folder
from picsight_engine.store.migrations import MIGRATIONS
from picsight_engine.store.opening import APPLICATION_ID, open_database
from picsight_engine.store.overview.problems import all_problems
from picsight_engine.store.tagging.runs import runs

COUNT = "SELECT count(*) FROM folders"
ADD = "INSERT INTO folders (path) VALUES (?)"


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def add_column(schema: object) -> None:
    schema.execute("ALTER TABLE photos ADD COLUMN caption TEXT")


def count(db: Database) -> int:
    with db.reading() as connection:
        return connection.execute(COUNT).fetchone()[0]


def test_an_old_sqlite_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(LibraryError, match=r"needs SQLite 3\.35 or newer"):
        open_database(tmp_path / "library")


def test_a_new_library_is_complete_and_uses_a_write_ahead_log(tmp_path):
    with closing(open_database(tmp_path / "deep" / "library")) as db, db.reading() as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)
    assert [path.name for path in (tmp_path / "deep" / "library").iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("name", [b"a b?c#d%41", b"caf\xe9"])
def test_a_library_may_lie_in_a_folder_of_any_name(tmp_path, name):
    folder = tmp_path / os.fsdecode(name)
    for expected in (0, 1):
        with closing(open_database(folder)) as db, db.writer() as connection:
            assert count(db) == expected
            connection.execute(ADD, (b"/%d" % expected,))
    assert (folder / FILE_NAME).exists()


def test_a_library_that_must_exist_is_not_made(tmp_path):
    with pytest.raises(RequestError, match="There is no library"):
        open_database(tmp_path / "library", create=False)
    assert not (tmp_path / "library").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"no database at all" * 100, "is damaged"),
        (b"SQLite format 3\0" + b"\xff" * 4080, "damaged"),
    ],
)
def test_a_file_that_is_no_library_is_refused_and_stays_as_it_is(tmp_path, content, sentence):
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    with pytest.raises(LibraryError, match=sentence) as caught:
        open_database(tmp_path)
    assert caught.value.exit_code == 3
    assert path.read_bytes() == content
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]


def test_a_library_of_a_newer_program_is_refused_and_stays_as_it_is(tmp_path):
    open_database(tmp_path, steps=(*MIGRATIONS, (add_column,))).close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(LibraryError, match="newer Picsight"):
        open_database(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_library_that_lost_its_end_is_refused(tmp_path):
    open_database(tmp_path).close()
    path = tmp_path / FILE_NAME
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size // 2)
    before = path.read_bytes()
    with pytest.raises(LibraryError, match="damaged"):
        open_database(tmp_path)
    assert path.read_bytes() == before


LEAVE_A_LOG = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute(sys.argv[2])
connection.commit()
os._exit(0)  # as a kill does: the log stays beside the file
"""


@pytest.mark.parametrize(
    ("statement", "content"),
    [
        ("PRAGMA user_version = 99", None),
        ("INSERT INTO folders (path) VALUES (x'2f')", b"no database at all" * 1000),
    ],
)
def test_a_refused_library_keeps_the_log_of_a_killed_program(tmp_path, statement, content):
    open_database(tmp_path).close()
    path = tmp_path / FILE_NAME
    assert run_python(LEAVE_A_LOG, path, statement).returncode == 0
    if content is not None:
        path.write_bytes(content)
    log = path.with_name(f"{FILE_NAME}-wal")
    before = path.read_bytes(), log.read_bytes()
    assert before[1]
    with pytest.raises(LibraryError, match="Nothing was changed"):
        open_database(tmp_path)
    assert (path.read_bytes(), log.read_bytes()) == before


def test_damage_found_later_is_a_library_error(tmp_path):
    open_database(tmp_path).close()
    path = tmp_path / FILE_NAME
    whole = path.stat().st_size
    with closing(open_database(tmp_path)) as db, db.writer() as connection:
        connection.executemany(ADD, [(b"/folder/%d" % number,) for number in range(2000)])
    data = bytearray(path.read_bytes())
    data[whole:] = b"\xa5" * (len(data) - whole)
    path.write_bytes(data)
    with closing(open_database(tmp_path)) as db:
        with pytest.raises(LibraryError, match="is damaged"), db.reading() as connection:
            connection.execute("SELECT max(length(path)) FROM folders").fetchone()
        with pytest.raises(LibraryError, match="is damaged"), db.writer() as connection:
            connection.execute("UPDATE folders SET state = 'paused'")


def test_an_older_library_is_migrated_behind_a_backup(tmp_path):
    with closing(open_database(tmp_path)) as db, db.writer() as connection:
        connection.execute(ADD, (b"/photos",))
    with closing(open_database(tmp_path, steps=(*MIGRATIONS, (add_column,)))) as db:
        assert count(db) == 1
        db.reader().execute("SELECT caption FROM photos")
    backup = tmp_path / f"library.v{len(MIGRATIONS)}.backup.db"
    with closing(sqlite3.connect(backup)) as old:
        assert old.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert old.execute(COUNT).fetchone() == (1,)
    assert not list(tmp_path.glob("*.part"))


def add_old_problem(db, folder, name, code, sentence):
    """Lists a problem as a library of before stored it."""
    with db.writer() as connection:
        connection.execute(
            "INSERT INTO problems (folder_id, name, code, message, size, mtime_ns, first_seen, last_seen) VALUES (?, ?, ?, ?, 9, 9, 1, 1)",
            (folder.id, name, code, sentence),
        )


def test_problems_of_a_version_that_read_less_or_named_wrong_reasons_are_tried_again(tmp_path):
    with closing(open_database(tmp_path, steps=MIGRATIONS[:10])) as db:
        folder = add_folder(db, tmp_path)
        for name, code in ((b"a.jxl", "unsupported"), (b"b.tif", "damaged"), (b"c.jpg", "empty")):
            add_old_problem(db, folder, name, code, "It cannot be shown.")
    with closing(open_database(tmp_path)) as db:
        # Without a size a file counts as changed.
        assert [(problem.name, problem.size) for problem in all_problems(db)] == [
            (b"b.tif", None),
            (b"c.jpg", 9),
        ]


def test_sentences_of_before_become_messages_that_say_the_same(tmp_path):
    folder_path = tmp_path / "{0} %s"
    sentences = {
        b"{x}.jpg": f"{folder_path}/{{x}}.jpg cannot be shown: its {{data}} are damaged.",
        b"caf\xe9.jpg": f"{folder_path}/caf\ufffd.jpg is no longer there.",
        b"": f"The folder {folder_path} is not there.",
    }
    with closing(open_database(tmp_path / "library", steps=MIGRATIONS[:16])) as db:
        folder = add_folder(db, folder_path)
        for name, sentence in sentences.items():
            add_old_problem(db, folder, name, "damaged", sentence)
        with db.writer() as connection:
            connection.execute(
                "INSERT INTO tag_runs (kind, words, made_at) VALUES ('new', 'New tag \"{x}\"', 0)"
            )
    with closing(open_database(tmp_path / "library")) as db:
        found = {problem.name: problem.message for problem in all_problems(db)}
        assert {name: str(message) for name, message in found.items()} == sentences
        assert str(found[b"{x}.jpg"].values["reason"]) == "its {data} are damaged."
        assert str(found[b"caf\xe9.jpg"].values["reason"]) == "is no longer there."
        assert [str(run.words) for run in runs(db, 1)] == ['New tag "{x}"']


def test_a_migration_that_fails_changes_nothing(tmp_path):
    open_database(tmp_path).close()

    def fail(schema):
        schema.execute("ALTER TABLE photos ADD COLUMN rotation INTEGER")
        schema.execute("DROP TABLE problems")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        open_database(tmp_path, steps=(*MIGRATIONS, (add_column,), (fail,)))
    with closing(
        open_database(tmp_path, steps=(*MIGRATIONS, (add_column,)))
    ) as db:  # the step before it stands
        assert count(db) == 0
        assert db.reader().execute("SELECT count(*) FROM problems").fetchone() == (0,)


def test_processes_that_make_the_same_library_at_once_all_get_it(tmp_path):
    code = """
import sys
from pathlib import Path
from picsight_engine.store.opening import open_database
from picsight_engine.store.overview.problems import NewProblem, all_problems, put_problem
sys.stdin.readline()
db = open_database(Path(sys.argv[1]))
with db.writer() as connection:
    connection.execute("INSERT INTO folders (path) VALUES (?)", (sys.argv[2].encode(),))
db.close()
"""
    command = [sys.executable, "-c", code, str(tmp_path / "library")]
    children = [
        subprocess.Popen([*command, str(number)], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for number in range(3)
    ]
    for child in children:
        child.stdin.write(b"go\n")
        child.stdin.flush()
    for child in children:
        _, stderr = child.communicate(timeout=60)
        assert child.returncode == 0, stderr.decode()
    with closing(open_database(tmp_path / "library")) as db:
        assert count(db) == 3
    assert not list((tmp_path / "library").glob("*.part"))


def test_the_log_of_a_deleted_library_is_not_replayed_into_a_new_one(tmp_path):
    db = open_database(tmp_path)
    with db.writer() as connection:
        connection.execute(ADD, (b"/old",))
    log = (tmp_path / "library.db-wal").read_bytes()
    assert log
    db.close()
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / "library.db-wal").write_bytes(log)
    with closing(open_database(tmp_path)) as fresh:
        assert count(fresh) == 0


def test_a_transaction_that_raises_leaves_no_trace(db):
    with pytest.raises(sqlite3.IntegrityError), db.writer() as connection:
        connection.executemany(ADD, [(b"/a",), (b"/a",)])
    with db.writer() as connection:
        connection.execute(ADD, (b"/b",))
    assert count(db) == 1


def test_a_reader_cannot_write(db):
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.reader().execute(ADD, (b"/a",))


def test_a_snapshot_stays_one_state_while_others_write(db):
    with db.snapshot() as connection:
        assert count(db) == 0
        with db.writer() as writing:
            writing.execute(ADD, (b"/a",))
        assert connection.execute(COUNT).fetchone() == (0,)
    assert count(db) == 1


def test_writers_of_several_threads_take_turns(db):
    def add(number: int) -> None:
        with db.writer() as connection:
            found = connection.execute(COUNT).fetchone()[0]
            connection.execute(ADD, (b"/%d/%d" % (number, found),))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as connection:
        paths = [path for (path,) in connection.execute("SELECT path FROM folders ORDER BY id")]
    assert [int(path.split(b"/")[2]) for path in paths] == list(range(16))


def test_a_full_disk_stops_the_batch_and_loses_nothing_before_it(db):
    with db.writer() as connection:
        connection.execute(ADD, (b"/before",))
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StorageError) as caught, db.writer() as connection:
        connection.executemany(ADD, [(b"/%d" % number + b"x" * 900,) for number in range(200)])
    assert str(caught.value) == DISK_FULL
    assert count(db) == 1
    with db.writer() as connection:  # there is room again
        connection.execute("PRAGMA max_page_count = 1000000")
        connection.execute(ADD, (b"/after",))
    assert count(db) == 2


def test_only_one_run_indexes_at_a_time(tmp_path):
    with (
        index_lock(tmp_path),
        pytest.raises(BusyError, match="Another Picsight is indexing"),
        index_lock(tmp_path),
    ):
        pass
    with index_lock(tmp_path):
        pass


WITHOUT_RIGHTS = """
import os, sys
from pathlib import Path
import filelock
from picsight_engine.foundation.errors import PicsightError
from picsight_engine.store.database import index_lock
from picsight_engine.store.opening import open_database
from picsight_engine.store.overview.problems import NewProblem, all_problems, put_problem
from picsight_engine.store.derived.thumbnails import ThumbnailStore
if os.getuid() == 0:
    os.setuid(65534)
folder = Path(sys.argv[1])
def report(call):
    try:
        print(call())
    except PicsightError as error:
        print(type(error).__name__, error)
def write(db):
    with db.writer() as connection:
        connection.execute("DELETE FROM folders")
"""


@pytest.mark.skipif(os.name == "nt", reason="permissions work otherwise there")
def test_a_library_that_cannot_be_written_can_be_read(reachable):
    with closing(open_database(reachable)) as db, db.writer() as connection:
        connection.execute(ADD, (b"/photos",))
    (reachable / FILE_NAME).chmod(0o444)
    reachable.chmod(0o555)
    before = (reachable / FILE_NAME).read_bytes()
    code = """
db = open_database(folder)
print(db.read_only, db.reader().execute("SELECT count(*) FROM folders").fetchone())
report(lambda: write(db))
def lock():
    with index_lock(folder):
        pass
report(lock)
"""
    done = run_python(WITHOUT_RIGHTS + code, reachable)
    assert done.returncode == 0, done.stderr
    read, *refused = done.stdout.splitlines()
    assert read == "True (1,)"
    for line in refused:
        assert line.startswith("StorageError")
        assert "cannot be written" in line
    assert len(refused) == 2
    assert (reachable / FILE_NAME).read_bytes() == before


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "library").write_text("no folder")
    with pytest.raises(StorageError, match="cannot be made or written"):
        open_database(tmp_path / "library")
