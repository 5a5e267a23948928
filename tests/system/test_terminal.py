"""What a person sees on a real terminal, and what a pipe gets instead."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from picsight.cli.layout import cells

# A colour, a bell, a C1 control as byte and as character, a turn of the reading direction, a line feed.
COMMANDING = os.fsdecode(b"\x1b[31m\x07\x7f\x9b2J\xc2\x9b2J\xe2\x80\xae\n")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def output_of(program, *args, columns=80) -> str:
    """Runs a command on a pseudo terminal of that width and returns everything that it was sent."""
    code, seen = run_on_terminal(program, *args, columns=columns)
    assert code == 0, seen
    return seen.decode()


def run_on_terminal(program, *args, columns=80, typed=b"") -> tuple[int, bytes]:
    """The exit code and every byte that a pseudo terminal of that width was sent, on which something was `typed`."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        program.command(*args), stdin=follower, stdout=follower, stderr=follower, env=program.environment
    ) as process:
        os.close(follower)
        os.write(leader, typed)
        seen = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:  # how Linux tells that the last writer left
                break
            if not piece:
                break
            seen += piece
    os.close(leader)
    return process.returncode, seen


def lines_of(seen: str) -> list[str]:
    """Every state that a line of the terminal ever had, without escapes."""
    return [line for line in re.split(r"[\r\n]+", ESCAPES.sub("", seen)) if line]


def test_a_table_fits_the_terminal(indexed):
    rows = lines_of(
        output_of(indexed.with_environment(TERM="xterm"), "search", "dog", "--min", "all", columns=30)
    )
    assert len(rows) == 20
    assert all(cells(row) <= 30 for row in rows)
    assert all(row.endswith(".jpg") for row in rows)


@pytest.mark.parametrize(
    ("columns", "environment"),
    [
        (24, {"TERM": "xterm", "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}),
        (80, {"TERM": "xterm"}),
        (80, {"TERM": "dumb"}),
    ],
)
def test_a_terminal_gets_a_bar_that_fits_without_colours_and_leaves_only_the_figures(
    fresh, few_photos, columns, environment
):
    seen = output_of(fresh.with_environment(**environment), "index", few_photos, columns=columns)
    states = lines_of(seen)
    assert states[-1].startswith("5 photos found: 5 new, 0 known already, 0 problems.")
    assert any("photo" in state for state in states[:-1]) == (environment["TERM"] == "xterm")
    assert all(cells(state) < columns for state in states[:-1])
    assert not re.search(r"\x1b\[[0-9;]*m", seen)
    assert seen.isascii() or "LC_ALL" not in environment


def test_a_reader_that_closes_the_pipe_early_causes_no_error(indexed):
    queries = "dog\n" * 2000
    command, pipe = indexed.command("search", "--stdin", "--min", "all"), subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=indexed.environment, text=True
    ) as process:
        process.stdin.write(queries[:400])
        process.stdin.flush()
        assert process.stdout.readline()
        process.stdout.close()
        try:
            process.stdin.write(queries[400:])
            process.stdin.close()
        except BrokenPipeError:
            process.stdin = None
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_to_a_full_disk_ends_with_one_sentence(indexed):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            indexed.command("status", "--json"), stdout=full, stderr=subprocess.PIPE, env=indexed.environment,
            check=False, text=True,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def control_characters_in(seen: bytes) -> set[str]:
    """What a terminal, with Unicode or without, would obey in these bytes, but for line ends and the erasing of our progress line."""
    text = seen.replace(b"\r\x1b[K", b"").decode(errors="surrogateescape")
    return {c for c in text if not (c.isprintable() or c in "\r\n\t" or "\udca0" <= c <= "\udcff")}


@pytest.fixture
def commanding(outside, few_photos, tmp_path):
    """The program, and a folder of photos, one of them damaged, where every name tries to command the terminal."""
    folder = tmp_path / f"photos{COMMANDING}"
    few_photos.rename(folder)
    for number, photo in enumerate(sorted(folder.iterdir())[:2]):
        photo.rename(folder / f"{number}{COMMANDING}.jpg")
    (folder / f"0{COMMANDING}.jpg").write_bytes(b"no picture")
    return outside.on(tmp_path / f"library{COMMANDING}").with_environment(TERM="xterm"), folder


def test_no_file_name_can_control_the_terminal(commanding):
    program, folder = commanding
    for code, *words in (
        (0, "index", folder, "--verbose"),
        (0, "search", "dog", "--verbose"),
        (2, "similar", folder / f"0{COMMANDING}.jpg"),
        (0, "problems"),
    ):
        done = run_on_terminal(program, *words)
        assert (done[0], control_characters_in(done[1])) == (code, set()), (words, done[1])


def test_a_licence_and_a_removal_are_asked_about(fresh, copy_model, tmp_path):
    licence = {"id": "kind", "url": "https://example.org/kind", "accept": True}
    model = copy_model(tmp_path / "model", name="second", title="The Second", licence=licence)
    program = fresh.with_environment(HOME=str(tmp_path), TERM="xterm")
    install, remove = ("models", "install", "--from-file", model), ("models", "remove", "second")
    for words, typed, code, sentence in (
        (install, b"\n", 1, "The Second has this licence"),
        (install, b"yes\n", 0, "The Second is installed."),
        (remove, b"no\n", 1, "Nothing was removed."),
        (remove, b"yes\n", 0, "second was removed."),
    ):
        ended, seen = run_on_terminal(program, *words, typed=typed)
        assert (ended, sentence in seen.decode()) == (code, True), seen
