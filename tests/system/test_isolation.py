"""What the program does without: internet sockets, developers' packages, a home that it may write to."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_no_process_opened_an_internet_socket(indexed, guard, fresh, few_photos) -> None:
    """Every test of this folder runs under the guard; here all commands do at least once."""
    children = guard / "children"
    before = len(children.read_text().splitlines())
    fresh.json("index", few_photos, "--workers", "2")
    assert len(children.read_text().splitlines()) - before >= 3  # the indexer and two workers
    photo = min(few_photos.iterdir())
    for command in (
        ["search", "dog"],
        ["similar", photo],
        ["show", photo],
        ["status"],
        ["problems"],
        ["doctor"],
        ["tags", "new", "Dogs", "--prompt", "dog"],
        ["tags", "accept", "Dogs", photo],
        ["tags", "suggest", "Dogs"],
        ["tags", "list"],
        ["tags", "undo"],
        ["models", "list"],
        ["models", "verify"],
        ["models", "use", "picsight-starter"],
    ):
        fresh.json(*command)
    assert not (guard / "refused").exists()


@pytest.mark.parametrize(
    "line", ["import socket; socket.socket()", "import socket; socket.create_connection(('127.0.0.1', 9))"]
)
def test_the_guard_refuses_internet_sockets(indexed, guard, line) -> None:
    done = subprocess.run(
        [sys.executable, "-c", line], env=indexed.environment, capture_output=True, check=False
    )
    (guard / "refused").unlink()
    assert b"internet sockets are refused" in done.stderr


@pytest.mark.parametrize("name", ["torch", "PySide6", "pytest", "hypothesis", "mctrain"])
def test_the_guard_hides_what_a_user_of_the_command_line_has_not(indexed, name) -> None:
    line = f"import {name}"
    done = subprocess.run(
        [sys.executable, "-c", line], env=indexed.environment, capture_output=True, check=False
    )
    assert b"ModuleNotFoundError" in done.stderr


def test_a_search_loads_what_it_needs_and_no_more(indexed) -> None:
    line = (
        "import sys; from picsight.cli.program import run; "
        f"run(['--library', {str(indexed.library)!r}, 'search', 'dog', '--quiet']); "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", line], env=indexed.environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {"numpy", "onnxruntime", "tokenizers"} <= loaded
    heavy = {
        "PIL",
        "importlib_metadata",
        "multiprocessing",
        "logging",
        "platformdirs",
        "PySide6",
    }
    assert loaded & heavy <= {"logging", "multiprocessing"}  # some library's own need, if at all


def test_the_engine_alone_loads_neither_torch_nor_qt() -> None:
    line = (
        "import sys, pkgutil, importlib, picsight_engine\n"
        "for module in pkgutil.walk_packages(picsight_engine.__path__, 'picsight_engine.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    assert not {"torch", "PySide6", "click", "picsight", "mctrain"} & set(done.stdout.split())


def test_an_empty_home_gets_the_library_and_nothing_else(outside, tmp_path, few_photos) -> None:
    home = outside.given(HOME=str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    command = [sys.executable, "-m", "picsight", "index", str(few_photos)]
    subprocess.run(command, env=home.environment, capture_output=True, check=True, timeout=120)
    written = {
        path.relative_to(tmp_path / "home") for path in (tmp_path / "home").rglob("*") if path.is_file()
    }
    assert written
    assert {path.parts[:3] for path in written} == {(".local", "share", "picsight")}


def test_a_home_that_cannot_be_written_is_a_sentence(outside, few_photos) -> None:
    nowhere = outside.given(HOME="/dev/null/home")
    command = [sys.executable, "-m", "picsight", "index", str(few_photos)]
    done = subprocess.run(
        command, env=nowhere.environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "/dev/null/home" in done.stderr


def test_photos_are_only_read(fresh, few_photos) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in few_photos.iterdir()}
    fresh.json("index", few_photos)
    fresh.json("doctor", "--forget")
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in few_photos.iterdir()} == before
