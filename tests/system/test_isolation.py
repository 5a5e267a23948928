"""The program needs no internet sockets and no developers' packages, and keeps its files private."""

from __future__ import annotations

import os
import stat
import sys

import pytest


def test_no_process_opens_an_internet_socket_but_for_an_installation(guard, fresh, few_photos):
    """Every test of this folder runs under the guard; here all commands do at least once."""
    children = guard / "children"
    before = len(children.read_text().splitlines()) if children.exists() else 0  # nothing has run yet
    fresh.json("index", few_photos, "--workers", "2")
    assert len(children.read_text().splitlines()) - before >= 3  # the indexer and two workers
    photo = min(few_photos.iterdir())
    ended = fresh.many(
        ["search", "dog"], ["similar", photo], ["show", photo], ["status"], ["problems"], ["doctor"],
        ["tags", "new", "Dogs", "--prompt", "dog"], ["tags", "accept", "Dogs", photo], ["tags", "suggest", "Dogs"],
        ["tags", "undo"], ["models", "list"], ["models", "verify"], ["models", "use", "picsight-starter"],
        ["backup", fresh.library.parent / "backup"], ["remove", few_photos],
    )  # fmt: skip
    assert {done.code for done in ended} == {0}
    assert not (guard / "refused").exists()
    refused, listed = fresh.many(
        ["models", "install", "mobileclip-s0", "--accept-licence"], ["models", "list", "--json"]
    )
    (guard / "refused").unlink()
    assert (refused.code, refused.out) == (1, "")
    assert "tokenizer.json could not be downloaded from huggingface.co" in refused.err
    states = {model["name"]: model["state"] for model in listed.document["models"]}
    assert states["mobileclip-s0"] == "available"


def test_the_guard_refuses_internet_sockets_and_hides_developers_packages(indexed, guard):
    script = """
import importlib, socket
try:
    socket.socket()
except OSError as fault:
    print(fault)
for name in ("torch", "PySide6", "pytest", "mctrain"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as fault:
        print(fault)
"""
    done = indexed.run(sys.executable, "-c", script)
    (guard / "refused").unlink()
    assert done.out.splitlines() == [
        "internet sockets are refused here",
        *(f"not installed here: {name}" for name in ("torch", "PySide6", "pytest", "mctrain")),
    ]


def test_a_search_imports_only_what_it_needs(indexed):
    script = (
        "import sys; from picsight.cli.program import run; "
        f"run(['--library', {str(indexed.library)!r}, 'search', 'dog', '--quiet']); "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    loaded = set(indexed.run(sys.executable, "-c", script).out.splitlines()[-1].split())
    assert {"numpy", "onnxruntime", "tokenizers"} <= loaded
    heavy = {"PIL", "importlib_metadata", "multiprocessing", "logging", "platformdirs", "PySide6"}
    assert loaded & heavy <= {"logging", "multiprocessing"}  # some library's need, if at all


def test_the_engine_imports_neither_torch_nor_qt(outside):
    script = (
        "import sys, pkgutil, importlib, picsight_engine\n"
        "for module in pkgutil.walk_packages(picsight_engine.__path__, 'picsight_engine.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    unguarded = outside.with_environment(PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    loaded = set(unguarded.run(sys.executable, "-c", script).out.split())
    assert not {"torch", "PySide6", "click", "picsight", "mctrain"} & loaded


def test_a_home_that_cannot_be_written_is_named_in_one_sentence(outside, few_photos):
    nowhere = outside.with_environment(HOME="/dev/null/home")
    assert "/dev/null/home" in nowhere.run(sys.executable, "-m", "picsight", "index", few_photos).sentence(1)


@pytest.fixture
def home(outside, few_photos, copy_model, tmp_path):
    """A home in which every command ran once, under a umask that lets everybody read and write."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    (few_photos / "broken.jpg").write_bytes(b"no picture")
    model = copy_model(tmp_path / "model", name="another")
    person = outside.with_environment(HOME=str(home)).on(home / ".local" / "share" / "picsight")
    wide_open = (sys.executable, "-c", "import os, sys; os.umask(0); os.execv(sys.argv[1], sys.argv[1:])")
    indexing = person.run(*wide_open, sys.executable, "-m", "picsight", "index", few_photos, "--verbose")
    ended = person.many(
        ["search", "dog"],
        ["similar", min(few_photos.glob("IMG*.jpg"))],
        ["models", "install", "--from-file", model],
        ["models", "use", "another"],
        ["doctor", "--forget"],
        before=wide_open,
    )
    assert {done.code for done in (indexing, *ended)} == {0}, (indexing, ended)
    return home


@pytest.mark.skipif(os.name != "posix", reason="Windows guards a user's profile by other means")
def test_every_folder_is_0700_and_every_file_0600_whatever_the_umask_and_nothing_else_is_written(home):
    roots = [
        path for path in home.rglob("picsight*") if not any("picsight" in each.name for each in path.parents)
    ]
    ours = {path for root in roots for path in (root, *root.rglob("*"))}
    assert {path for path in home.rglob("*") if path.is_file()} <= ours
    names = {path.name for path in ours}
    assert {"library.db", "thumbnails.db", "model.json", "cache", "index.lock", "bundle.json"} <= names
    wrong = {
        str(path.relative_to(home)): oct(mode)
        for path in ours
        if (mode := stat.S_IMODE(path.lstat().st_mode)) != (0o700 if path.is_dir() else 0o600)
    }
    assert wrong == {}
