"""The program `picsight`. Worker processes import this module too, so nothing heavy is imported or done at its top."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def main() -> int:
    """Runs the command line that was typed and returns its exit code; a command ends the process itself."""
    try:
        from picsight.cli.program import run  # click: 30 ms that a worker process does not pay
    except KeyboardInterrupt:
        return 130  # as `run` says, which is not there yet
    code = run(sys.argv[1:])
    if sys.argv[1:]:
        _end(code)
    return code


def _end(code: int) -> None:
    """Ends the process at once: all is closed and written, and the interpreter's own tidying up takes 45 ms."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError):  # nobody reads any more
                stream.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
