"""Nobody but its owner reads what Picsight keeps: the whole program is used once, and then every path is looked at."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows guards a user's profile by other means")
NOBODY = 65534


@pytest.fixture
def used(outside, few_photos, tmp_path):
    """A home in which every command has worked once, under a umask that gives everything to everybody."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    person = outside.given(HOME=str(home), LANG="C.UTF-8")
    (few_photos / "broken.jpg").write_bytes(b"no picture")

    def use(*words: str | Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "picsight", *map(str, words)],
            env=person.environment,
            capture_output=True,
            check=False,
            timeout=120,
            preexec_fn=lambda: os.umask(0),
        )
        assert done.returncode == 0, done.stderr

    use("index", few_photos, "--verbose")
    use("search", "dog")
    use("similar", min(few_photos.glob("[0-9]*.jpg")))
    model = shutil.copytree(Path(__file__).parents[2] / "assets" / "starter", tmp_path / "model")
    manifest = (model / "bundle.json").read_text()
    (model / "bundle.json").write_text(manifest.replace('"picsight-starter"', '"another"'))
    use("models", "install", "--from-file", model)
    use("models", "use", "another")
    use("index")
    use("doctor", "--forget")
    return home


def ours(home: Path) -> list[Path]:
    """Every path of a folder that is Picsight's; those above are the system's."""
    roots = [
        path for path in home.rglob("picsight*") if not any("picsight" in each.name for each in path.parents)
    ]
    return sorted(path for root in roots for path in (root, *root.rglob("*")))


def test_every_folder_is_0700_and_every_file_0600_whatever_the_umask(used):
    paths = ours(used)
    kinds = {path.name for path in paths}
    assert {"library.db", "thumbnails.db", "model.json", "cache", "index.lock", "bundle.json"} <= kinds
    wrong = {
        str(path.relative_to(used)): oct(mode)
        for path in paths
        if (mode := stat.S_IMODE(path.lstat().st_mode)) != (0o700 if path.is_dir() else 0o600)
    }
    assert wrong == {}


def _look_as_nobody(paths: list[Path], answer) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    answer.send([path for path in paths if os.access(path, os.R_OK)])


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
def test_another_user_sees_nothing_below_the_data_folders(used):
    for folder in (used, *used.parents):
        if folder.owner() == "root" and folder != Path("/") and not folder.stat().st_mode & 0o001:
            folder.chmod(0o711)  # pytest's own folders, which are closed to everybody else
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_look_as_nobody, args=([used, *ours(used)], there))
    child.start()
    there.close()
    seen = here.recv()
    child.join()
    assert seen == [used]
