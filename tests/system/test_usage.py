"""What is typed wrongly ends with 2 and one sentence on stderr; nothing goes to stdout."""

from __future__ import annotations

import subprocess

import pytest


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["sunset"], "No such command"),
        (["search"], "Type what the photo shows"),
        (["search", "dog", "--stdin"], "not both"),
        (["search", "dog", "--nonsense"], "No such option"),
        (["search", "dog", "-n", "none"], "not a valid integer"),
        (["search", "dog", "-n", "0"], "not in the range"),
        (["search", "dog", "--min", "best"], "is not one of"),
        (["show"], "--stdin"),
        (["show", "--stdin", "--thumbnail", "t.jpg"], "--thumbnail"),
        (["similar"], "Missing argument"),
        (["similar", "/never/there.jpg"], "/never/there.jpg"),
        (["index", "/never/there"], "/never/there"),
        (["index"], "picsight index FOLDER"),
        (["index", ""], "the path is empty"),
        (["status", "-v"], "unexpected extra argument"),
        (["status", "--library", ""], "the path is empty"),
        (["--json"], "needs a command"),
    ],
)
def test_wrong_usage(fresh, args, sentence) -> None:
    done = fresh("--json", *args)
    assert done.code == 2
    assert done.out == ""
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert not fresh.library.exists()


def test_a_folder_of_photos_is_no_library_and_stays_as_it_is(fresh, few_photos) -> None:
    photo = min(few_photos.iterdir())
    program, before = fresh.on(few_photos), sorted(few_photos.iterdir())
    for args in (
        ["index", few_photos],
        ["index"],
        ["search", "dog"],
        ["similar", photo],
        ["show", photo],
        ["status", "--json"],
        ["problems"],
        ["models", "list"],
        ["models", "use", "picsight-starter"],
    ):
        done = program(*args)
        assert (done.code, done.out) == (2, ""), args
        assert (
            f"{few_photos} is no library but a folder with photos or other files, as {photo.name}."
            in done.err
        )
    assert program("doctor").code == 1
    assert sorted(few_photos.iterdir()) == before


def test_a_file_is_no_folder_and_no_folder_of_several_is_added_then(fresh, few_photos) -> None:
    photo = next(iter(few_photos.glob("*.jpg")))
    done = fresh("index", few_photos, photo)
    assert done.code == 2
    assert str(photo) in done.err
    assert fresh.json("status")["folders"] == 0


@pytest.mark.parametrize("args", [["index", "."], ["show", "a.jpg"], ["similar", "a.jpg"]])
def test_a_current_folder_that_is_gone_is_a_sentence(fresh, tmp_path, args) -> None:
    command = 'mkdir "$0" && cd "$0" && rmdir "$0" && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", command, tmp_path / "gone", *fresh.command(*args)],
        capture_output=True,
        text=True,
        env=fresh.environment,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "The folder in which this was typed is gone" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_names_every_command_and_costs_no_library(fresh) -> None:
    done = fresh("--help")
    assert done.code == 0
    for command in ("index", "search", "similar", "show", "status", "problems", "doctor"):
        assert f"\n  {command} " in done.out
    assert not fresh.library.exists()


def test_the_version_is_told(fresh) -> None:
    done = fresh("--version")
    assert done.code == 0
    assert done.out.startswith("Picsight ")


def test_a_folder_for_the_window_goes_with_no_command_and_must_be_there(fresh, few_photos, tmp_path) -> None:
    with_command = fresh("--add", few_photos, "status")
    assert with_command.code == 2
    assert "picsight index FOLDER" in with_command.err
    gone = fresh("--add", tmp_path / "gone")
    assert gone.code == 2
    assert f"{tmp_path / 'gone'} is not a folder" in gone.err


def test_without_a_screen_the_window_says_so(fresh) -> None:
    done = fresh()
    assert done.code == 1
    assert "screen" in done.err
    assert done.out == ""


def test_without_qt_the_window_says_what_to_type(fresh) -> None:
    done = fresh.given(QT_QPA_PLATFORM="offscreen")()
    assert done.code == 1
    assert "pip install PySide6-Essentials" in done.err
