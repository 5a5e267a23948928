#!/usr/bin/env python3
"""One command from a fresh clone to a running window (`run`) or to all checks (`test`). Standard library only."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)

if sys.version_info < OLDEST_PYTHON:
    sys.exit(
        f"Picsight needs Python 3.11 or newer; this is {sys.version.split()[0]}. "
        "Install a newer one and start this script with it, for example: python3.11 packaging/dev.py run"
    )

from machine import graphics, lines, photos  # noqa: E402 - an old Python could not even read these
from machine.changes import concerns_trainer  # noqa: E402
from machine.commands import Failure, run  # noqa: E402
from machine.environment import Environment  # noqa: E402

# Benchmarks by what must be installed for them.
OF_THE_APPLICATION = (
    "search",
    "index",
    "cold",
    "viewer",
    "window",
    "memory",
    "tagging",
    "rescan",
    "people",
    "films",
    "words",
)
OF_THE_TRAINER = ("tags", "models", "languages", "scale", "training", "efficiency")
BENCHES = OF_THE_APPLICATION + OF_THE_TRAINER
FINE, FAILED, INTERRUPTED = 0, 1, 130


def start(arguments: argparse.Namespace) -> None:
    """Installs the application, then opens the window on the photos, or searches them if there is no screen."""
    folder = photos.chosen_by_user(arguments.folder) if arguments.folder else photos.pictures_folder()
    environment = Environment(ROOT)
    environment.install("run")
    choice = photos.PhotoChoice(folder) if folder else photos.sample(environment)
    program = [str(environment.python), "-m", "picsight", *choice.options]
    if not graphics.has_screen():
        _search_without_window(program, choice, environment)
        return
    graphics.provide(environment.qt_folder, for_tests=False)
    print("The window opens; the photos appear in it while they are indexed. Close it to end.")
    run(
        [*program, "--add", str(choice.folder)],
        environment=environment.variables,
        advice="The sentence above says what to do. Without the window: .venv/bin/picsight --help",
    )


def _search_without_window(program: list[str], choice: photos.PhotoChoice, environment: Environment) -> None:
    print(
        "There is no screen here, so no window opens: Picsight indexes the photos and answers three queries."
    )
    advice = "The sentence above says what to do; then type the same again."
    run([*program, "index", str(choice.folder)], environment=environment.variables, advice=advice)
    for query in choice.queries:
        run([*program, "search", query, "-n", "3"], environment=environment.variables, advice=advice)


def test(arguments: argparse.Namespace) -> None:
    """Installs everything, then runs lint, types, contracts and the tests that the change concerns, or all."""
    environment = _tested_environment()
    _check_code(environment)
    run(
        [str(environment.python), "-m", "pytest", *words_for_pytest(arguments, ROOT)],
        environment=environment.variables,
        advice="Repeat one test by its name, for example: python3 packaging/dev.py test -k NAME",
    )


def words_for_pytest(arguments: argparse.Namespace, root: Path) -> list[str]:
    """The words for pytest that were typed; otherwise all tests, except the trainer's if the change does not concern them.

    A file at a time on each of two cores: its fixtures are made once. In their order, for the last ones are short; by
    their number of tests one core would end long before the other. What was skipped is said at the end, by reason.
    """
    words = ["-rs", "--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    words += ["--max-worker-restart", "0"]  # a worker that replaces a crashed one never ends
    words += ["--maxfail", "20"]  # a fault of many tests that wait would take hours
    if not (arguments.pytest or arguments.all or os.environ.get("CI") or concerns_trainer(root)):
        print(
            "The trainer and what it imports are unchanged, so its tests are left out; --all runs them, too."
        )
        words += ["--ignore", "tests/trainer"]
    return arguments.pytest or words


def soak(arguments: argparse.Namespace) -> None:
    """Runs the exhaustive tests, which take long."""
    environment = _tested_environment()
    run(
        [str(environment.python), "-m", "pytest", "-m", "soak", *arguments.pytest],
        environment=environment.variables,
        advice="Repeat one test by its name, for example: python3 packaging/dev.py soak -k NAME",
    )


def _tested_environment() -> Environment:
    environment = Environment(ROOT)
    environment.install("test")
    graphics.provide(environment.qt_folder, for_tests=True)
    return environment


def _check_code(environment: Environment) -> None:
    python = str(environment.python)
    lint = "Most findings are repaired by: .venv/bin/python -m ruff check --fix . && .venv/bin/python -m ruff format ."
    checks = (
        (["-m", "ruff", "check", "--quiet", "."], lint),
        (["-m", "ruff", "format", "--quiet", "--check", "."], lint),
        (["-m", "mypy", "--no-error-summary"], "Correct the types named above."),
        (
            ["-c", "from importlinter.cli import lint_imports_command as check; check()"],
            "A package imports one that it must not know; pyproject.toml lists the contracts.",
        ),
    )
    for command, advice in checks:
        run([python, *command], environment=environment.variables, advice=advice)


def bench(arguments: argparse.Namespace) -> None:
    """Runs one benchmark; it prints a Markdown table."""
    environment = Environment(ROOT)
    environment.install("test" if arguments.name in OF_THE_TRAINER else "run")
    script = ROOT / "packaging" / "bench" / f"{arguments.name}.py"
    run(
        [str(environment.python), str(script), *arguments.options],
        environment=environment.variables,
        advice=f"Its options: .venv/bin/python packaging/bench/{arguments.name}.py --help",
    )


def build(arguments: argparse.Namespace) -> None:
    """Builds the wheel."""
    environment = Environment(ROOT)
    environment.install("run")
    run(
        [
            str(environment.python),
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "-w",
            arguments.into,
            str(ROOT),
        ],
        environment=environment.variables,
        advice="Look at the message above; the wheel's contents are set in pyproject.toml.",
    )
    print(f"The wheel is in {arguments.into}.")


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    program = argparse.ArgumentParser(prog="python3 packaging/dev.py", description=__doc__)
    commands = program.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="install what is needed, index photos and open the window")
    command.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="photos; else your Pictures, else samples"
    )
    command.set_defaults(work=start)
    for name, work, text in (
        ("test", test, "lint, types, contracts and tests"),
        ("soak", soak, "the tests that count in thousands"),
    ):
        command = commands.add_parser(
            name, help=text, usage="%(prog)s [--all] [PYTEST ARGUMENTS]", allow_abbrev=False
        )
        command.set_defaults(work=work, pytest=[])
        if work is test:
            command.add_argument(
                "--all", action="store_true", help="the trainer's tests, whatever has changed"
            )
    command = commands.add_parser("bench", help="run a benchmark", usage="%(prog)s NAME [OPTIONS]")
    command.add_argument("name", choices=BENCHES, metavar="NAME", help=", ".join(BENCHES))
    command.set_defaults(work=bench, options=[])
    command = commands.add_parser("build", help="build the wheel")
    command.add_argument("--into", default="dist", metavar="FOLDER", help="where the wheel goes (dist)")
    command.set_defaults(work=build)
    command = commands.add_parser("lines", help="print how large the packages are")
    command.set_defaults(work=lambda _arguments: print(lines.table(ROOT)))
    return program


def read_arguments(words: list[str]) -> argparse.Namespace:
    """Parses the command line; words for pytest or a benchmark are passed on unchanged."""
    arguments, others = parser().parse_known_args(words)
    if hasattr(arguments, "pytest"):
        arguments.pytest = others
    elif hasattr(arguments, "options"):
        arguments.options = others
    elif others:
        parser().error(f"unknown: {' '.join(others)}")
    return arguments


def main(words: list[str]) -> int:
    """Runs the command in the repository's root; the first failure ends it with advice."""
    begun = time.monotonic()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(
            line_buffering=True
        )  # in a pipe too our lines stay before those of the commands
    try:
        arguments = read_arguments(words)
        if getattr(arguments, "folder", None):
            arguments.folder = os.path.abspath(arguments.folder)  # noqa: PTH100 - before the folder changes
        os.chdir(ROOT)
        arguments.work(arguments)
    except Failure as failure:
        print(f"\n{failure}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    if arguments.work in (test, soak):
        print(f"All fine, in {time.monotonic() - begun:.0f} s.")
    return FINE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
