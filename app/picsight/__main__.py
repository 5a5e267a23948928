"""The program `picsight`. Worker processes import this module too, so nothing is imported or done at its top."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command line that was typed and returns its exit code."""
    from picsight.cli.program import run  # click: 30 ms that a worker process does not pay

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
