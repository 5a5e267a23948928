"""Exported copies are whole, have new names, and give a reason where they cannot be made."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from picsight.window.actions.exporting import CHUNK, copy_files

NEVER = threading.Event()


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "copies"
    folder.mkdir()
    return folder


def make(path, data=b"photo"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_names_that_clash_get_a_number_and_nothing_is_written_over(tmp_path, target):
    make(target / "A.jpg", b"was here")
    paths = [make(tmp_path / place / "A.jpg", place.encode()) for place in ("one", "two")]
    os.utime(paths[0], (1, 1_000_000_000))
    copies = [outcome.copy for outcome in copy_files(paths, target, NEVER)]
    assert contents(target) == {"A.jpg": b"was here", "A (2).jpg": b"one", "A (3).jpg": b"two"}
    assert copies[0].stat().st_mtime == 1_000_000_000
    assert contents(tmp_path / "one") == {"A.jpg": b"one"}


def test_a_file_that_is_gone_costs_only_itself(tmp_path, target):
    good = make(tmp_path / "good.jpg")
    gone, copied = copy_files([tmp_path / "gone.jpg", good], target, NEVER)
    assert "“gone.jpg”" in gone.why
    assert copied.copy == target / "good.jpg"
    assert list(contents(target)) == ["good.jpg"]


def test_nothing_is_copied_into_a_package_of_another_program(tmp_path):
    inside = tmp_path / "Photos.photoslibrary" / "originals"
    inside.mkdir(parents=True)
    (refusal,) = copy_files([make(tmp_path / "a.jpg")], inside, NEVER)
    assert "belongs to another program" in refusal.why
    assert contents(inside) == {}


def test_cancelled_copying_leaves_only_whole_files(tmp_path, target):
    paths = [make(tmp_path / name, b"x" * (2 * CHUNK)) for name in ("a.jpg", "b.jpg")]
    cancel = threading.Event()
    copies = copy_files(paths, target, cancel)
    next(copies)
    cancel.set()
    assert list(copies) == []
    assert list(contents(target)) == ["a.jpg"]


def test_a_copy_that_cannot_get_its_name_leaves_no_empty_file_under_it(tmp_path, target, monkeypatch):
    def refuse(*_paths):
        raise OSError(errno.EIO, "the disk failed")

    photo = make(tmp_path / "a.jpg")
    monkeypatch.setattr(os, "replace", refuse)
    (refusal,) = copy_files([photo], target, NEVER)
    assert "the disk failed" in refusal.why
    assert contents(target) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="limits a process as POSIX does")
def test_a_file_that_does_not_fit_leaves_no_part_and_the_others_are_copied(tmp_path, target):
    """A file as large as a process may write fails as one on a full disk does, half way."""
    import resource  # which Windows lacks

    large, small = make(tmp_path / "large.jpg", b"x" * 6_000_000), make(tmp_path / "small.jpg")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, before[1]))
    try:
        refused, copied = copy_files([large, small], target, NEVER)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.strerror(errno.EFBIG) in refused.why
    assert copied.copy.name == "small.jpg"
    assert list(contents(target)) == ["small.jpg"]


AS_NOBODY = """
import os, sys, threading
from pathlib import Path
from picsight.window.actions.exporting import copy_files
os.setuid(65534)
(first,) = copy_files([Path(sys.argv[1])] * 2, Path(sys.argv[2]), threading.Event())
print(first.why)
"""


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="takes the rights of another user")
def test_a_folder_without_permission_is_reported_once():
    with tempfile.TemporaryDirectory() as place:
        photo, target = make(Path(place) / "a.jpg"), Path(place) / "Locked"
        target.mkdir()
        Path(place).chmod(0o755)
        words = [sys.executable, "-c", AS_NOBODY, photo, target]
        end = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "may not write into" in end.stdout, end.stderr


def test_copies_that_do_not_fit_are_not_begun(tmp_path, target):
    sparse = tmp_path / "huge.tif"
    with sparse.open("wb") as file:
        file.truncate(shutil.disk_usage(tmp_path).free + (1 << 33))
    (refusal,) = copy_files([sparse], target, NEVER)
    assert "Nothing was copied" in refusal.why
    assert contents(target) == {}
