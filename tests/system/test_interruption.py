"""A run that is stopped or killed loses at most its open batch, and the next one finishes the work."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from tests.interrupting import CTRL_C_AT_AN_IMPORT_OF_THE_PROGRAM
from tests.photos import write_parts
from tests.shell import Shell

MANY = 100


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory):
    """A folder of photos that take some seconds, and more than one batch."""
    folder = tmp_path_factory.mktemp("many")
    write_parts(folder, MANY)
    return folder


@pytest.fixture(scope="module")
def undisturbed(many_photos, tmp_path_factory):
    """The vectors of an uninterrupted run with one worker."""
    shell = Shell(tmp_path_factory.mktemp("undisturbed") / "library")
    assert shell.json("index", many_photos, "--workers", "1")["indexed"] == MANY
    return vectors(shell.library)


def vectors(library) -> dict[str, bytes]:
    """Each file's vector, byte by byte, read past the program."""
    with sqlite3.connect(f"file:{library / 'library.db'}?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT files.name, vectors.vector FROM files JOIN vectors ON vectors.photo_id = files.photo_id"
        ).fetchall()
    connection.close()
    return {os.fsdecode(name): vector for name, vector in rows}


def wait_for_first_photos(program, process):
    """Returns once the run has committed something; a run that ends before is too fast for the test."""
    database = program.library / "library.db"
    while process.poll() is None:
        if database.exists() and committed(program.library):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    pytest.fail(f"the run ended by itself: {process.communicate()}")


def committed(library) -> int:
    """How many vectors are committed; none while the schema is being made."""
    connection = sqlite3.connect(f"file:{library / 'library.db'}?mode=ro", uri=True)
    try:
        (count,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()
    return int(count)


def test_a_library_is_searched_while_it_is_indexed_and_after_ctrl_c_the_next_run_continues(
    fresh, many_photos, undisturbed
):
    process = fresh.start("index", many_photos, "--workers", "2")
    wait_for_first_photos(fresh, process)
    os.kill(process.pid, signal.SIGSTOP)  # it holds the library for as long as the test needs
    shell = Shell(fresh.library)
    answer = shell.json("search", "dog")
    second = shell("index", many_photos, "--json")
    os.kill(process.pid, signal.SIGCONT)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    _, err = process.communicate(timeout=120)
    assert 0 < answer["photos"] < MANY
    assert answer["results"]
    assert second.sentence(1)
    assert process.returncode == 130
    assert b"Traceback" not in err
    safe = committed(fresh.library)
    assert 0 < safe < MANY
    assert f"Stopped. {safe} photo" in err.decode()
    rest = shell.json("index")
    assert (rest["indexed"], rest["unchanged"]) == (MANY - safe, safe)
    assert vectors(fresh.library) == undisturbed


def test_a_killed_run_loses_at_most_its_open_batch_and_the_next_one_ends_with_the_same_vectors(
    fresh, many_photos, undisturbed
):
    process = fresh.start("index", many_photos, "--workers", "2")
    wait_for_first_photos(fresh, process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=120)  # ends once the orphaned workers have closed the pipes too
    safe, shell = committed(fresh.library), Shell(fresh.library)
    rest = shell.json("index")
    assert (rest["indexed"], rest["unchanged"], rest["problems"]) == (MANY - safe, safe, 0)
    assert vectors(fresh.library) == undisturbed
    assert shell.json("doctor")["ok"]


def test_a_search_answers_each_line_at_once_and_ctrl_c_ends_it_with_130_and_one_word(indexed):
    process = indexed.start("search", "--stdin", "-n", "1", "--min", "strong")
    process.stdin.write(b"grand piano\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"\n"  # though stdin stays open
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, b"")
    assert err.splitlines()[-1] == b"Stopped."


OURS = re.compile(rb'File "[^"]*(app/picsight|picsight_engine)/')  # a checkout may be called picsight as well


@pytest.mark.parametrize("tries", [4, pytest.param(100, marks=pytest.mark.soak)])
def test_ctrl_c_at_any_moment_is_at_most_one_word(indexed, tries):
    """What comes before our first line is Python's own to answer, with a traceback that does not name us."""
    started = time.monotonic()
    indexed.json("search", "dog")
    duration = time.monotonic() - started
    dice = random.Random(tries)
    for _ in range(tries):
        process = indexed.start("search", "dog", "--json")
        with suppress(subprocess.TimeoutExpired):
            process.wait(duration * dice.random() ** 2)  # more often early, while modules are imported
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert not OURS.search(err)
        if process.returncode == 0:
            assert json.loads(out)["results"]
        elif b"Traceback" not in err:
            assert process.returncode in {130, -signal.SIGINT}
            assert err.strip() in {b"", b"Stopped."}


@pytest.mark.parametrize("module", ["signal", "picsight.cli.program"])
def test_ctrl_c_while_the_program_is_imported_is_130_and_silence(outside, module):
    command = [sys.executable, "-c", CTRL_C_AT_AN_IMPORT_OF_THE_PROGRAM, module, "problems"]
    done = subprocess.run(command, env=outside.environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
