"""Runs commands in this process, as a shell would: `picsight.cli.program.run` with its own streams."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from picsight.cli.program import run

if TYPE_CHECKING:
    from pathlib import Path

ENGINE = logging.getLogger("picsight_engine")


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a command."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[Any]:
        """One JSON document a line; stdout holds nothing else."""
        assert self.out.endswith("\n"), self
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        (document,) = self.documents
        return document

    def sentence(self, code: int) -> str:
        """The one line on stderr of a command that must end with this code, and print nothing else."""
        assert (self.code, self.out, self.err.count("\n")) == (code, "", 1), self
        return self.err


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands on one library and restores the state of the process."""

    library: Path

    def __call__(self, *words: str | Path, stdin: bytes = b"", encoding: str = "utf-8") -> Done:
        """Runs a command to its end."""
        streams = [io.TextIOWrapper(io.BytesIO(data), encoding=encoding) for data in (stdin, b"", b"")]
        before = sys.stdin, sys.stdout, sys.stderr
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        loggers, level = list(ENGINE.handlers), ENGINE.level
        sys.stdin, sys.stdout, sys.stderr = streams
        try:
            code = run(["--library", str(self.library), *map(str, words)])
        finally:
            sys.stdin, sys.stdout, sys.stderr = before
            for number, handler in handlers.items():
                signal.signal(number, handler)
            ENGINE.handlers = loggers
            ENGINE.setLevel(level)
        out, err = (os.fsdecode(stream.buffer.getvalue()) for stream in streams[1:])
        assert "Traceback" not in err, err
        return Done(code, out, err)

    def json(self, *words: str | Path, stdin: bytes = b"") -> Any:
        """The JSON document of a command that succeeds."""
        done = self(*words, "--json", stdin=stdin)
        assert done.code == 0, done
        return done.document
