"""Applies the numbered steps of `schema.sql`, and what SQL cannot do in them."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.foundation.errors import Message, as_text
from picsight_engine.store.folders import file_path
from picsight_engine.store.full_text import write_due_texts
from picsight_engine.store.messages import written
from picsight_engine.store.tagging.pairs import pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Step = tuple[str | Callable[[sqlite3.Connection], None], ...]  # statements, then a function
    Steps = tuple[Step, ...]


def _pair_edits(schema: sqlite3.Connection) -> None:
    """Pairs the edits of iPhones, which are due since the step that added pairs."""
    edits = schema.execute("SELECT folder_id, name FROM files WHERE instr(name, CAST('IMG_E' AS BLOB))")
    for folder_id, name in edits.fetchall():
        pair(schema, folder_id, name)


def _set_files_apart(schema: sqlite3.Connection) -> None:
    """A sentence of before is a template without values; the file that a problem names first becomes a value."""
    rows = schema.execute(
        "SELECT problems.rowid, path, name, message FROM problems JOIN folders ON folders.id = folder_id"
    ).fetchall()
    for row, folder, name, sentence in rows:
        path = as_text(file_path(Path(os.fsdecode(folder)), name))
        for template in ("{path} cannot be shown: {reason}", "{path} {reason}"):
            start = template.format(path=path, reason="")
            if sentence.startswith(start):
                message = Message(template, path=path, reason=Message(sentence[len(start) :]))
                put = "UPDATE problems SET message = ?, message_values = ? WHERE rowid = ?"
                schema.execute(put, (*written(message), row))
                break


# What a step does after its statements. The texts are due since the step that added them.
_FUNCTIONS = {9: write_due_texts, 13: _pair_edits, 17: _set_files_apart}


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        if not line.startswith("--"):
            statement += line
        if sqlite3.complete_statement(statement):
            yield statement.strip().removesuffix(";")
            statement = ""


def _read_steps() -> Iterator[Step]:
    _, *scripts = Path(__file__).with_name("schema.sql").read_text("utf-8").split("-- Step ")
    for number, script in enumerate(scripts, start=1):
        function = _FUNCTIONS.get(number)
        yield (*_statements(script.partition("\n")[2]), *([] if function is None else [function]))


MIGRATIONS = tuple(_read_steps())


def migrate(connection: sqlite3.Connection, steps: Steps = MIGRATIONS) -> None:
    """Applies the missing steps, each in its own transaction together with its number."""
    for number, step in enumerate(steps, start=1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been first.
            if connection.execute("PRAGMA user_version").fetchone()[0] < number:
                for part in step:
                    if callable(part):
                        part(connection)
                    else:
                        connection.execute(part)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
