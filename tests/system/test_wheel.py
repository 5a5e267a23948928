"""The wheel holds everything that Picsight needs away from its checkout, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ROOTS = {"picsight": "app", "picsight_engine": "engine", "mctrain": "trainer"}
PACKAGES = {package: REPOSITORY / root for package, root in ROOTS.items()}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (built,) = folder.glob("picsight-*.whl")
    with zipfile.ZipFile(built) as opened:
        yield opened


def test_every_file_of_the_packages_is_inside(wheel):
    wanted = {
        path.relative_to(root).as_posix()
        for name, root in PACKAGES.items()
        for path in (root / name).rglob("*")
        if path.is_file() and ".pyc" not in path.name  # nor what an interrupted compilation leaves of one
    }
    assert wanted
    assert wanted - set(wheel.namelist()) == set()


def test_the_assets_are_inside_bit_for_bit(wheel):
    for name in ("starter", "icons", "places", "faces"):
        files = [path for path in (REPOSITORY / "assets" / name).rglob("*") if path.is_file()]
        assert files
        for path in files:
            inside = path.relative_to(REPOSITORY / "assets").as_posix()
            assert wheel.read(f"picsight_engine/_assets/{inside}") == path.read_bytes()


def test_nothing_else_is_inside(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert not [
        name
        for name in wheel.namelist()
        if name.endswith((".pyc", ".md")) and not re.search("/(faces|reader)/|starter", name)
    ]


def test_the_licences_travel_along(wheel):
    names = [name.partition("/licenses/")[2] for name in wheel.namelist() if "/licenses/" in name]
    lexicons = "engine/picsight_engine/language/lexicons/LICENCE.txt"
    assert {
        "LICENSE",
        "assets/faces/LICENCE.txt",
        "assets/places/LICENCE.txt",
        "assets/reader/LICENCE.txt",
        "assets/starter/LICENCE.txt",
        lexicons,
    } <= set(names)


def test_the_unpacked_wheel_indexes_and_searches_with_the_model_inside(wheel, fresh, few_photos, tmp_path):
    installed = tmp_path / "installed"
    wheel.extractall(installed)
    path = os.pathsep.join([str(installed), fresh.environment["PYTHONPATH"]])
    program = fresh.with_environment(PYTHONPATH=path)
    indexing = program("--verbose", "index", few_photos)
    assert indexing.code == 0, indexing.err
    assert str(installed / "picsight_engine" / "_assets" / "starter") in indexing.err
    assert len(program.json("search", "a dog", "-n", "3", "--min", "all")["results"]) == 3
