"""Nothing that is printed can fail to encode, and names of files come out as they are."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from picsight.cli.streams import (
    draw,
    finish_stdout,
    lines_of_stdin,
    prepare_streams,
    put,
    put_json,
    put_names,
    say,
)
from picsight_engine.foundation.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = os.fsdecode("fête ".encode() + b"\xff.jpg")


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, write: Callable[[], None]) -> bytes:
    written = io.BytesIO()
    with monkeypatch.context() as patch:
        stream = io.TextIOWrapper(written, encoding=encoding, write_through=True)
        patch.setattr(sys, "stdout", stream)
        prepare_streams()
        write()
        return written.getvalue()


def test_a_name_comes_out_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = NAME + "\x1b\x9b"
    assert printed(monkeypatch, "utf-8", lambda: put_names("1", odd)) == b"1\t" + os.fsencode(odd) + b"\n"


def test_a_line_for_people_holds_no_control_character(monkeypatch: pytest.MonkeyPatch) -> None:
    line = printed(monkeypatch, "utf-8", lambda: put("a\tb", os.fsdecode(b"\x1b\x9b\xe9")))
    assert line == b"a\\tb\t\\x1b\\x9b\xe9\n"


def test_the_progress_line_holds_no_control_sequence_but_its_erasing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    draw("\x1b[31m50%")
    assert capsys.readouterr().err == "\r\x1b[K\\x1b[31m50%"


def test_a_locale_without_unicode_gets_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed(monkeypatch, "ascii", lambda: put(NAME)) == b"f\\xeate \xff.jpg\n"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_json_is_one_line_of_ascii_and_gives_the_name_back(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    line = printed(monkeypatch, encoding, lambda: put_json({"path": NAME + "\x7f\n"}))
    assert line.isascii()
    assert line[:-1].decode().isprintable()
    assert line.count(b"\n") == 1
    assert os.fsencode(json.loads(line)["path"]) == os.fsencode(NAME + "\x7f\n")


def test_lines_of_stdin_keep_bytes_that_are_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = io.BytesIO(os.fsencode(NAME) + b"\n\na\rb \nlast")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(typed, encoding="ascii"))
    prepare_streams()
    assert list(lines_of_stdin()) == [NAME, "", "a\rb ", "last"]


def test_a_result_for_a_closed_stdout_is_an_error_and_a_closed_stdin_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    prepare_streams()
    for write in (put, put_names, put_json):
        with pytest.raises(StorageError, match="standard output is closed"):
            write("nobody reads this")
    finish_stdout()  # nothing is lost
    assert list(lines_of_stdin()) == []


def test_a_closed_stderr_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        say("Looking for photos")
        draw("50%")
