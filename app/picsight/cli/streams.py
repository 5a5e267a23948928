"""The three standard streams: results and JSON on stdout, everything else on stderr, file names unchanged.

Text for people is escaped by `printable` here and nowhere else: no file name, argument or foreign file can send control
characters to a terminal. What is put on stdout raises StorageError if it cannot be written, for example to a full disk.
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picsight.cli.layout import printable
from picsight_engine.foundation.errors import Message, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


class StdoutClosedError(Exception):
    """The reader of stdout has closed it, as `head` does; not an `OSError`, since click exits with 1 for those."""


_FILE_NAMES = "picsight-file-names"
_ERASE_LINE = "\r\x1b[K"


def prepare_streams() -> None:
    """Makes the streams encode every file name, whatever the locale.

    An undecodable byte of a name is written as that byte; a character that the stream's encoding lacks is
    written as a backslash escape.
    """
    codecs.register_error(_FILE_NAMES, _encode_name)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_FILE_NAMES)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding=sys.getfilesystemencoding(), errors="surrogateescape", newline="\n")


def _encode_name(fault: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(fault, UnicodeEncodeError):
        raise fault
    fault.end = fault.start + 1  # one character at a time
    is_byte = "\udc80" <= fault.object[fault.start] <= "\udcff"
    return codecs.lookup_error("surrogateescape" if is_byte else "backslashreplace")(fault)


def say(sentence: str) -> None:
    """Prints a sentence for the user on stderr, in one line."""
    _write(sys.stderr, printable(sentence) + "\n", at_once=True)


def draw(line: str) -> None:
    """Replaces the current line of stderr's terminal, without a line end."""
    _write(sys.stderr, _ERASE_LINE + printable(line), at_once=True)


def put(*fields: str) -> None:
    """Writes one line of a result to stdout, its fields separated by tabs."""
    _put("\t".join(map(printable, fields)) + "\n")


def put_names(*fields: str) -> None:
    """Like `put`, but another program gets file names unescaped; a terminal gets them escaped."""
    if sys.stdout is not None and sys.stdout.isatty():
        put(*fields)
    else:
        _put("\t".join(fields) + "\n")


def put_json(document: object) -> None:
    r"""Writes one JSON document as one line of ASCII and flushes it, so that a reader of a stream need not wait.

    A record becomes an object of its fields, a path becomes a string. `docs/commands.md` lists every key; a test
    compares the two. An undecodable byte of a file name is written as a lone surrogate escape
    (`\udc80` to `\udcff`); Python's `json.loads` and `os.fsencode` restore the name.
    """
    _put(json.dumps(document, default=_plain) + "\n", at_once=True)


def _plain(value: Any) -> object:
    if isinstance(value, Path | Message):
        return str(value)
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _put(text: str, *, at_once: bool = False) -> None:
    if sys.stdout is None:
        raise StorageError("The result cannot be written: standard output is closed.")
    _write(sys.stdout, text, at_once=at_once)


def _write(stream: TextIO | None, text: str, *, at_once: bool) -> None:
    if stream is None:  # closed by the caller
        return
    try:
        stream.write(text)
        if at_once:
            stream.flush()
    except OSError as fault:
        _discard(stream)
        if stream is sys.stderr:
            return  # the work matters more than what is told about it
        if isinstance(fault, BrokenPipeError):
            raise StdoutClosedError from fault
        raise StorageError("The result cannot be written: {reason}.", reason=fault.strerror) from fault


def finish_stdout() -> None:
    """Flushes stdout; raises StorageError if stdout cannot be written, for example to a full disk."""
    _write(sys.stdout, "", at_once=True)


def lines_of_stdin() -> Iterator[str]:
    """The lines of stdin without their line ends, each as soon as it arrives."""
    if sys.stdin is None:  # closed by the caller
        return
    for line in sys.stdin:
        yield line.removesuffix("\n")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether this stream is a terminal that can move its cursor."""
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def can_ask() -> bool:
    """Whether the user sees stderr and can type an answer."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def confirmed(question: str) -> bool:
    """Asks at the terminal; anything but "yes" is no."""
    draw(question)
    return next(lines_of_stdin(), "").strip().lower() == "yes"


def _discard(stream: TextIO) -> None:
    """Discards a stream whose reader left or whose disk is full, so that the interpreter's last flush is silent."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
