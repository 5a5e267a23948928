"""The guide's page "Public data sets": its commands fetch, join and train, from a disk and from a store."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from tests.trainer.conftest import ALONE, run_mctrain
from tests.trainer.research.joining.conftest import as_tar, fetched, published, reinforced, web, write_members
from tests.trainer.training.conftest import RECIPE
from tests.trainer.training.test_together import EXACT

from mctrain.errors import DataError, TrainerError
from mctrain.paths import parse_path, write
from mctrain.training.metrics import METRICS

__all__ = ["reinforced", "web"]  # fixtures

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "training.md").read_text("utf-8").partition("## Public data sets\n")[2]
SMALL = ("run.steps=2", "run.batch=4", "data.bank=0", "optimizer.average=0")


@pytest.fixture(scope="module")
def home(web, reinforced, tmp_path_factory):
    """A published set and the captions that belong to it, of all photos but one."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(reinforced, folder / "DataCompDR-12M")
    texts = [{f"{photo.uid}.txt": photo.caption.encode()} for photo in web[1:]]
    write_members(folder / "captions" / "00000000.tar", *texts)
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    return folder


def typed(words, home):
    with chdir(home):
        return run_mctrain(*words, "--cache", "cache").output


def train(words, home, photos=None):
    """Runs the page's command with a tiny recipe instead of the paper's."""
    words = [{"b-datacompdr12m": "tiny.toml", "12": "0"}.get(word, word) for word in words]
    if photos is not None:
        words[words.index("--photos") + 1] = photos
        words[words.index("-o") + 1] = "runs/streamed"
    return typed([*words, *(word for change in SMALL for word in ("--set", change))], home)


def fetch(home, web):
    """Downloads as img2dataset makes them of the lists: one photo is gone, one is smaller."""
    lists = sorted((home / "runs" / "fetch" / "urls").glob("*.jsonl"))
    listed = [json.loads(line) for path in lists for line in path.read_text().splitlines()]
    assert [(row["uid"], row["sha256"]) for row in listed] == [(photo.uid, photo.sha256) for photo in web]
    unknown = dict.fromkeys(("width", "height", "original_width", "original_height"))
    downloads = [(photo.original, fetched(photo, n, **unknown)[1]) for n, photo in enumerate(web[:10])]
    (home / "runs" / "fetch" / "photos").mkdir()
    as_tar(home / "runs" / "fetch" / "photos", [*downloads, fetched(web[10], 10, side=100)])


def test_each_command_does_what_the_page_says(home, web):
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE.partition("\n## ")[0], re.DOTALL)
    plan, join, training = (shlex.split(line)[1:] for line in block.splitlines())
    assert typed(plan, home).startswith("img2dataset --url_list runs/fetch/urls --input_format jsonl ")
    fetch(home, web)
    for _ in range(2):
        output = typed(join, home)
        assert "photos and captions: 22 samples with a uid in 2 files" in output
        assert "runs/datacompdr: 11 of 12 samples joined (91.7%), 2 shards, " in output
        assert "  with crops scaled to a smaller photo: 1\n  left out: 1 no photo\n" in output
    output = train(training, home)
    assert (
        "11 samples of 2 shards, by an index: a run that was stopped goes on exactly where it was." in output
    )
    store = parse_path(f"memory://{home.name}")
    for path in (home / "runs" / "datacompdr").iterdir():
        write(store / path.name, path.read_bytes())
    output = train(training, home, photos=str(store))
    assert (
        "11 samples of 2 shards, streamed: a run that was stopped goes on at the beginning of the shards"
        in output
    )
    with pytest.raises(
        TrainerError, match=r"A text bank is mapped into memory, and memory://\S+ lies in a store"
    ):
        typed([*training[:1], "tiny.toml", "--photos", str(store), "-o", "runs/banked"], home)


@pytest.mark.soak
def test_two_processes_train_a_joined_set_as_one_does(web, home):
    photos = home / "processes" / "photos"
    photos.mkdir(parents=True)
    as_tar(photos, [fetched(photo, number) for number, photo in enumerate(web)])
    typed(["data", "join", "DataCompDR-12M", "--with", str(photos), "-o", "processes/joined"], home)
    curves = []
    for processes in (1, 2):
        output = home / "processes" / str(processes)
        words = [
            "train",
            str(home / "tiny.toml"),
            "--photos",
            str(home / "processes" / "joined"),
            "-o",
            str(output),
        ]
        changes = [
            word
            for change in (*EXACT, *SMALL, "run.steps=6", "run.log_every=1")
            for word in ("--set", change)
        ]
        launcher = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}")
        subprocess.run(
            [sys.executable, *launcher, "-m", "mctrain", *words, *changes, "--cache", str(home / "cache")],
            env=ALONE, check=True, timeout=300,
        )  # fmt: skip
        lines = [json.loads(line) for line in (output / METRICS).read_text().splitlines()]
        assert lines[0]["start"]["processes"] == processes
        curves.append([line["loss"] for line in lines[1:] if "loss" in line])
    assert len(curves[0]) == 6
    assert curves[0][0] > 1.1 * curves[0][-1]
    assert curves[1] == pytest.approx(curves[0], abs=1e-4)


def test_join_needs_either_sources_or_a_plan(home):
    for words in ([], ["--plan", "--with", "captions"]):
        result = run_mctrain("data", "join", "DataCompDR-12M", "-o", "out", *words, code=2)
        assert "Give either --with" in result.output


def test_an_unknown_set_is_refused(web, home):
    members = {name: content for name, content in published(web[0]).items() if not name.endswith(".npz")}
    write_members(home / "strange" / "0.tar", members)
    with pytest.raises(DataError, match="belongs to no known reinforced set: two teachers of 768 numbers"):
        run_mctrain("data", "join", home / "strange", "--with", home / "captions", "-o", home / "out")
