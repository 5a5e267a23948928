"""Runs the real program in child processes that see only what a user has.

Every child refuses internet sockets and cannot import a package that only developers, or the window, need.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.photos import write_parts
from tests.shell import Done, Shell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent.parent
OURS = {"picsight", "picsight_engine"}
TRAINER = {"mctrain"}
WINDOW = {"pyside6-essentials", "shiboken6"}

GUARD = '''
import os, sys

class Hidden:
    """Packages that a user of the command line has not installed."""
    names = frozenset({hidden!r})

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError("not installed here: " + name, name=name)

def note(file, line):
    with open(os.path.join({folder!r}, file), "a") as log:
        log.write(line + "\\n")

def refuse(event, args):
    """Sockets of internet families and look-ups of hosts; AF_UNIX stays, for pipes between processes are made of it."""
    internet = event == "socket.__new__" and args[1] not in (-1, 1)
    if internet or event in ("socket.getaddrinfo", "socket.gethostbyname"):
        note("refused", event)
        raise OSError("internet sockets are refused here")

sys.meta_path.insert(0, Hidden())
sys.addaudithook(refuse)
note("children", str(os.getpid()))
'''

WITHOUT_PRIVILEGE = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
    if ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
        sys.exit("the test cannot give up root's privilege: " + os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""


# Runs many commands in one process: lists of words come by stdin, and for each its code, stdout and stderr go back.
MANY = """
import contextlib, io, json, sys
from picsight.cli.program import run
ended = []
for words in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = run(words)
    ended.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(ended))
"""


@dataclass(frozen=True, slots=True)
class Program:
    """The program with its library and environment."""

    library: Path
    environment: dict[str, str]

    def command(self, *words: str | Path) -> list[str]:
        """What a shell would run; the library is named before the command."""
        return [sys.executable, "-m", "picsight", "--library", str(self.library), *map(str, words)]

    def run(self, *command: str | Path, stdin: bytes = b"") -> Done:
        """Runs any command in this environment to its end."""
        done = subprocess.run(
            command, input=stdin, capture_output=True, timeout=600, env=self.environment, check=False
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return Done(done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr))

    def __call__(self, *words: str | Path, stdin: bytes = b"") -> Done:
        """Runs the program to its end."""
        return self.run(*self.command(*words), stdin=stdin)

    def json(self, *words: str | Path) -> Any:
        """The document of a command that must succeed."""
        done = self(*words, "--json")
        assert done.code == 0, done.err
        return done.document

    def many(self, *commands: Sequence[str | Path], before: Sequence[str] = ()) -> list[Done]:
        """Runs commands in one process, started by the words `before` if there are any."""
        words = [["--library", str(self.library), *map(str, command)] for command in commands]
        done = self.run(*before, sys.executable, "-c", MANY, stdin=json.dumps(words).encode())
        assert done.code == 0, done.err
        return [Done(*ended) for ended in done.document]

    def unprivileged(self, *commands: Sequence[str | Path]) -> list[Done]:
        """The same without root's privileges, so that permissions hold."""
        without = (sys.executable, "-c", WITHOUT_PRIVILEGE) if os.geteuid() == 0 else ()
        return self.many(*commands, before=without)

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Starts a command in a new process group, as a shell does."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.command(*words),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=self.environment,
            start_new_session=True,
        )

    def on(self, library: Path) -> Program:
        """The same program with another library."""
        return replace(self, library=library)

    def with_environment(self, **variables: str) -> Program:
        """The same program with more environment."""
        return replace(self, environment={**self.environment, **variables})


def distributions_of_a_user() -> set[str]:
    """The distributions that the command line needs, by what `pyproject.toml` and they themselves declare."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known: set[str] = set()
    waiting = [Requirement(line) for line in project["dependencies"]]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = [{"extra": extra} for extra in requirement.extras] or [{"extra": ""}]
        if name in known | WINDOW or not _applies(requirement, [{"extra": ""}]):
            continue
        known.add(name)
        try:
            declared = [Requirement(line) for line in requires(name) or []]
        except PackageNotFoundError:
            continue  # a dependency of another system
        for line in declared:
            if _applies(line, extras):
                line.marker = None
                waiting.append(line)
    return known


def _applies(requirement: Requirement, environments: Iterable[dict[str, str]]) -> bool:
    return requirement.marker is None or any(requirement.marker.evaluate(env) for env in environments)


@pytest.fixture(scope="session")
def guard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what every child reads first; it notes the children in `children`, sockets in `refused`."""
    folder = tmp_path_factory.mktemp("guard")
    wanted = distributions_of_a_user()
    hidden = {
        name
        for name, owners in packages_distributions().items()
        if not wanted.intersection(map(canonicalize_name, owners))
    }
    (folder / "sitecustomize.py").write_text(
        GUARD.format(hidden=sorted(hidden - OURS | TRAINER), folder=str(folder))
    )
    return folder


@pytest.fixture(scope="session")
def outside(guard: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program of a user who has just installed it: an empty home and no library."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(guard), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
    return Program(home / "library", environment)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 photos."""
    folder = tmp_path_factory.mktemp("photos")
    write_parts(folder, 40)
    return folder


@pytest.fixture(scope="session")
def indexed(outside: Program, photos: Path) -> Program:
    """The program with a library of the 40 photos; tests that change it take `picsight`."""
    assert Shell(outside.library).json("index", photos)["indexed"] == 40
    return outside


@pytest.fixture
def picsight(indexed: Program, tmp_path: Path) -> Program:
    """The program with a copy of that library."""
    shutil.copytree(indexed.library, tmp_path / "library")
    return indexed.on(tmp_path / "library")


@pytest.fixture
def fresh(outside: Program, tmp_path: Path) -> Program:
    """The program without a library."""
    return outside.on(tmp_path / "library")


@pytest.fixture
def few_photos(photos: Path, tmp_path: Path) -> Path:
    """A folder with copies of five of the photos."""
    folder = tmp_path / "few"
    folder.mkdir()
    for path in sorted(photos.glob("*.jpg"))[:5]:
        shutil.copyfile(path, folder / path.name)
    return folder
