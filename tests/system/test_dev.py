"""One command takes a fresh machine to a running program, or says in one sentence what it lacks."""

from __future__ import annotations

import importlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGING = REPOSITORY / "packaging"
BUILT_FOR_A_MACHINE = {"torch", "torchvision", "triton", "setuptools"}


@pytest.fixture
def packaging(monkeypatch):
    """Imports a module of the folder as dev.py itself does."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    return importlib.import_module


@pytest.fixture
def checkout(tmp_path):
    """A checkout whose installation has no dependencies and so needs no network."""
    folder = tmp_path / "checkout"
    shutil.copytree(PACKAGING, folder / "packaging", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    return folder


@pytest.fixture(scope="module")
def requirements():
    """What pyproject.toml asks for."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]


@pytest.fixture(scope="module")
def constraints():
    lines = (PACKAGING / "constraints.txt").read_text("utf-8").splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def run_dev(checkout: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(checkout.parent), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, str(checkout / "packaging" / "dev.py"), *words],
        capture_output=True, text=True, encoding="utf-8", check=False, timeout=120, env=environment | variables,
    )  # fmt: skip


def photos_in(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"IMG_{number:04}.JPG").touch()
    return folder


def test_help_names_every_command_and_a_wrong_word_is_answered_with_the_right_ones(packaging, capsys):
    output = packaging("dev").parser().format_help()
    assert all(f"\n    {command} " in output for command in ("run", "test", "soak", "bench", "build"))
    with pytest.raises(SystemExit):
        packaging("dev").read_arguments(["bench", "nothing"])
    assert "search, index, cold" in capsys.readouterr().err.replace("'", "")


def test_every_benchmark_has_its_name(packaging):
    files = (PACKAGING / "bench").glob("*.py")
    scripts = {file.stem for file in files if "__main__" in file.read_text("utf-8")}
    assert scripts == set(packaging("dev").BENCHES)


def test_words_for_pytest_pass_untouched_and_in_order(packaging):
    dev = packaging("dev")
    words = ["-k", "walk and not soak", "tests/engine", "-x", "--maxfail=2"]
    arguments = dev.read_arguments(["test", *words])
    assert (arguments.pytest, arguments.all) == (words, False)
    assert dev.read_arguments(["test", "--all"]).all


def test_the_trainer_s_tests_run_only_if_its_files_or_none_at_all_differ_from_main(
    packaging, tmp_path, monkeypatch
):
    def git(*words):
        named = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        subprocess.run(["git", *named, *words], cwd=tmp_path, check=True, capture_output=True)

    def write(name, text="changed = 1\n"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def includes_trainer(folder, *typed):
        return "tests/trainer" not in dev.words_for_pytest(dev.read_arguments(["test", *typed]), folder)

    dev = packaging("dev")
    monkeypatch.delenv("CI", raising=False)
    assert includes_trainer(tmp_path)  # outside of git
    write("trainer/loss.py", "def load():\n    from picsight_engine.photos import decode\n")
    write("engine/picsight_engine/photos.py", "from picsight_engine.foundation.errors import Fault\n")
    for name in ("errors", "search"):
        write(f"engine/picsight_engine/{name}.py")
    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "-m", "first")
    git("checkout", "-b", "work")
    assert includes_trainer(tmp_path)
    for name in ("app/window.py", "engine/picsight_engine/search.py", "README.md", "tests/app/test_a.py"):
        write(name, "another = 2\n")
        assert not includes_trainer(tmp_path)
    git("add", ".")
    git("commit", "-m", "nothing for the trainer")
    assert not includes_trainer(tmp_path)
    assert includes_trainer(tmp_path, "--all")
    assert dev.words_for_pytest(dev.read_arguments(["test", "-x"]), tmp_path) == ["-x"]
    with monkeypatch.context() as patch:
        patch.setenv("CI", "true")
        assert includes_trainer(tmp_path)
    for name in ("trainer/new.py", "tests/conftest.py", "engine/picsight_engine/foundation/errors.py"):
        write(name, "another = 2\n")
        assert includes_trainer(tmp_path)
        git("stash", "--include-untracked")
    write("trainer/loss.py", "")
    git("commit", "-a", "-m", "the trainer")
    assert includes_trainer(tmp_path)


def test_a_command_that_fails_or_does_not_exist_is_named_with_what_to_do(packaging, capfd):
    commands = packaging("machine.commands")
    with pytest.raises(commands.Failure) as caught:
        commands.run([sys.executable, "-c", "raise SystemExit(7)"], advice="Try again.")
    assert str(caught.value).startswith("This failed with code 7: ")
    assert str(caught.value).endswith("Try again.")
    assert capfd.readouterr().out.startswith("$ ")
    with pytest.raises(commands.Failure, match="could not be started: no-such-program"):
        commands.run(["no-such-program"], advice="Install it.")


def test_a_folder_that_is_none_stops_before_anything_is_installed(checkout):
    answer = run_dev(checkout, "run", "nowhere")
    assert answer.returncode == 1
    assert "nowhere is not a folder" in answer.stderr
    assert not (checkout / ".venv").exists()


def test_python_without_ensurepip_names_the_package_to_install(checkout, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "ensurepip.py").write_text("raise ImportError('split off')", encoding="utf-8")
    answer = run_dev(checkout, "run", PYTHONPATH=str(tmp_path / "broken"))
    assert answer.returncode == 1
    assert "apt-get install python3-venv" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_an_old_python_is_refused_in_one_sentence():
    older = "import runpy, sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2 (main)'; runpy.run_path(sys.argv[1])"
    answer = subprocess.run(
        [sys.executable, "-c", older, str(PACKAGING / "dev.py")], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert answer.stderr.startswith("Picsight needs Python 3.11 or newer; this is 3.9.2.")
    assert "Traceback" not in answer.stderr


PYTHON_THAT_INSTALLS_NOTHING = """#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$4/bin" && cp "$0" "$4/bin/python"; fi
"""


@pytest.fixture
def quick_python(tmp_path, monkeypatch):
    """Stands for the Python that makes environments: what it makes answers at once and installs nothing."""
    script = tmp_path / "python-stand-in"
    script.write_text(PYTHON_THAT_INSTALLS_NOTHING, encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.usefixtures("quick_python")
def test_the_environment_is_made_once_and_filled_again_when_the_project_changes(packaging, checkout, capfd):
    environment = packaging("machine.environment").Environment

    def commands_run(purpose: str) -> list[str]:
        environment(checkout).install(purpose)
        return [line for line in capfd.readouterr().out.splitlines() if line.startswith("$ ")]

    made, installed = commands_run("run")
    assert "-m venv" in made
    assert installed.endswith("-e '.[video]'")
    assert commands_run("run") == []
    (installed,) = commands_run("test")
    assert installed.endswith("--constraint packaging/constraints.txt -e '.[train,coreml,scale,dev]'")
    assert commands_run("run") == commands_run("test") == []
    for changed in ("pyproject.toml", "packaging/constraints.txt"):
        with (checkout / changed).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        (installed,) = commands_run("test")
        assert commands_run("run") == []  # what serves the tests serves a run


def test_one_version_of_each_package_is_pinned_in_its_range_and_none_that_depends_on_the_machine(
    requirements, constraints
):
    assert all(pin.url is None and not pin.name.startswith(("nvidia-", "cuda-")) for pin in constraints)
    assert not BUILT_FOR_A_MACHINE & {pin.name for pin in constraints}
    assert "://" not in (PACKAGING / "constraints.txt").read_text("utf-8")
    for platform, python in itertools.product(("linux", "darwin", "win32"), ("3.11", "3.14")):
        here = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": platform}
        pinned = {}
        for pin in constraints:
            if pin.marker is None or pin.marker.evaluate(here):
                (only,) = pin.specifier
                assert (only.operator, pinned.get(canonicalize_name(pin.name))) == ("==", None)
                pinned[canonicalize_name(pin.name)] = only.version
        for wanted in requirements:
            applies = wanted.marker is None or wanted.marker.evaluate(here)
            if applies and wanted.name not in BUILT_FOR_A_MACHINE:
                assert pinned[canonicalize_name(wanted.name)] in wanted.specifier


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.usefixtures("quick_python")
def test_an_installation_that_broke_off_is_done_again(packaging, checkout):
    environment = packaging("machine.environment").Environment(checkout)
    environment.install("run")
    (checkout / "pyproject.toml").write_text("changed", encoding="utf-8")
    environment.python.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(packaging("machine.commands").Failure, match="pip install"):
            environment.install("run")


def test_twenty_photos_are_enough_to_search_and_neither_documents_nor_hidden_folders_are_photos(
    packaging, tmp_path
):
    holds_enough = packaging("machine.photos").holds_enough
    photos_in(tmp_path / ".thumbnails", 30)
    for number in range(30):
        (tmp_path / f"{number}.pdf").touch()
    photos_in(tmp_path / "2020", 9)
    photos_in(tmp_path / "2021" / "summer", 10)
    assert not holds_enough(tmp_path)
    photos_in(tmp_path / "2020", 10)
    assert holds_enough(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="user-dirs.dirs is how Linux desktops name the folders")
def test_the_pictures_folder_is_the_one_that_the_desktop_names_else_that_in_the_home_folder(
    packaging, tmp_path, monkeypatch
):
    pictures_folder = packaging("machine.photos").pictures_folder
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert pictures_folder() is None
    usual = photos_in(tmp_path / "Pictures", 20)
    assert pictures_folder() == usual
    (tmp_path / ".config").mkdir()
    lines = '# written by the desktop\nXDG_MUSIC_DIR="$HOME/Musik"\nXDG_PICTURES_DIR="$HOME/Bilder"\n'
    (tmp_path / ".config" / "user-dirs.dirs").write_text(lines, encoding="utf-8")
    assert pictures_folder() is None
    named = photos_in(tmp_path / "Bilder", 20)
    assert pictures_folder() == named


def test_of_the_sample_package_only_the_photographs_are_unpacked(packaging, tmp_path):
    photos = packaging("machine.photos")
    with zipfile.ZipFile(tmp_path / "samples.whl", "w") as wheel:
        for name in ("coffee.png", "rocket.jpg", "page.png", "logo.png", "lfw_subset.npy"):
            wheel.writestr(f"skimage/data/{name}", name)
    photos.unpack_photographs(tmp_path / "samples.whl", tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.[pj]*g")) == ["coffee.png", "rocket.jpg"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is one")
@pytest.mark.parametrize(
    ("variables", "there"),
    [
        ({}, False),
        ({"DISPLAY": ":4711"}, False),
        ({"DISPLAY": "another.machine:10.0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-1"}, False),
    ],
)
def test_a_screen_is_one_that_is_there(packaging, monkeypatch, variables, there):
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/wayland-0")  # pytest's own folders are longer than a socket's name may be
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert packaging("machine.graphics").has_screen() is there


@pytest.mark.skipif(sys.platform != "linux", reason="ldd is Linux's")
def test_a_library_that_is_missing_is_named(packaging, tmp_path):
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler to make a program that lacks a library")
    source, whole = tmp_path / "part.c", tmp_path / "libwhole.so"
    compiling = ["cc", "-shared", "-fPIC", str(source), "-o"]
    source.write_text("int part(void) { return 1; }\n", encoding="utf-8")
    subprocess.run([*compiling, str(tmp_path / "libgone.so")], check=True)
    source.write_text("int part(void); int whole(void) { return part(); }\n", encoding="utf-8")
    subprocess.run([*compiling, str(whole), f"-L{tmp_path}", "-lgone"], check=True)
    assert packaging("machine.graphics").missing_libraries([whole]) == ["libgone.so"]


def test_the_folder_never_hides_the_library_of_its_name():
    command = [sys.executable, "-c", "import packaging.version; print(packaging.version.__file__)"]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "site-packages" in found.stdout
    for folder in (PACKAGING, REPOSITORY / "tests"):
        assert list(folder.rglob("__init__.py")) == []


def test_the_checks_are_started_by_that_one_command():
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("python3 packaging/dev.py test")
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


def test_the_size_of_a_module_is_its_lines_of_statements(packaging):
    source = '''"""Says
what it is."""

import os  # the system
from sys import (
    argv,
)

# A remark.
class Photo:
    """A docstring."""

    name = "one"
    text = """two
    lines"""


def show(photo: Photo) -> None:
    """Prints it."""
    print(
        photo.name,
    )
'''
    assert packaging("machine.lines").statement_lines(source) == 1 + 3 + 1 + 3
