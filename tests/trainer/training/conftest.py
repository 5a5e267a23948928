"""A small reinforced set of real photos with two teachers and a bank, and a tiny recipe for it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch
from tests.trainer.conftest import write_shard
from tests.trainer.data.conftest import WIDTHS, unit_rows

from mctrain.data.reinforced.bank import BANK, write_bank
from mctrain.data.reinforced.manifest import (
    MANIFEST,
    ReinforcedManifest,
    ShardRecord,
    Storage,
    TeacherRecord,
    save_manifest,
)
from mctrain.data.reinforced.sample import ReinforcedSample, members_of
from mctrain.data.replay import versions
from mctrain.data.shards import file_digest, samples, write_archive
from mctrain.data.texts import CAPTIONS, SampleTexts
from mctrain.data.views import draw_views, slots_of
from mctrain.recipes.parser import load
from mctrain.recipes.tables import Augmentation
from mctrain.recipes.training import TrainingRecipe
from mctrain.research.benchmarks.tasks import load_all_tasks
from mctrain.research.stream import open_stream
from mctrain.training.environment import RunEnvironment, RunFolders, Signals
from mctrain.training.loop import take_step
from mctrain.training.run import open_training, run_training
from mctrain.training.step.ranks import Rank

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 24
SIDE = 96  # of the photos, which are decoded a thousand times
VIEWS = Augmentation("weak", 2, 0.5, mirror=False)
TEACHERS = tuple(
    TeacherRecord(name, width, scale, 64 * name)
    for name, width, scale in zip("ab", WIDTHS, (30.0, 20.0), strict=True)
)
BANK_TEXTS = tuple(f"a {colour} {thing}" for colour in ("red", "blue") for thing in ("dog", "boat", "tree"))

RECIPE = """
[about]
title = "Tiny"
source = "a few photos"
machine = "any"
hours = 0.01
expected = "nothing"
noise = "all of it"
command = "mctrain train tiny.toml"

[data]
shards = ["*.tar"]
bank = 2

[towers]
image = "laptop_xxs"
text = "laptop_xxs"
dim = 16
size = 32
context = 16

[loss]
distil = 0.7

[optimizer]
rate = 1e-3
floor = 1e-5
warmup = 2
decay = 0.1
average = 0.9
rules = [{ part = "text.words", factor = 0 }]  # nine tenths of the numbers

[run]
seed = 5
batch = 8
steps = 7
log_every = 2
save_every = 3
"""


def shrunk(sample) -> bytes:
    picture, content = sample.image(), io.BytesIO()
    picture.thumbnail((SIDE, SIDE))
    picture.save(content, "JPEG", quality=90)
    return content.getvalue()


def reinforced(photo, number) -> ReinforcedSample:
    captions = tuple(photo.record["captions"][:3])
    return ReinforcedSample(
        key=photo.key,
        suffix="jpg",
        photo=shrunk(photo),
        texts=SampleTexts(
            captions, {CAPTIONS: (f"something {number}", f"number {number}")}, {"license": "none"}
        ),
        views=draw_views(VIEWS, photo.key, 0, SIDE, SIDE // 2),
        image_embeddings=unit_rows(VIEWS.views, 1000 + number),
        caption_embeddings=unit_rows(len(captions), 2000 + number),
        synthetic_embeddings={CAPTIONS: unit_rows(2, 3000 + number)},
    )


@pytest.fixture(scope="session")
def reinforced_set(photo_sets, tmp_path_factory) -> Path:
    """The folder of the set, in two shards; read-only."""
    folder = tmp_path_factory.mktemp("reinforced")
    source = samples(photo_sets / "flickr8k-train-000000.tar")
    made = [reinforced(photo, number) for number, photo in enumerate(islice(source, COUNT))]
    records = []
    for name, part in (("0.tar", made[:10]), ("1.tar", made[10:])):
        members = ((sample.key, members_of(sample, Storage.NPZ, slots_of(VIEWS))) for sample in part)
        write_archive(folder / name, members)
        records.append(ShardRecord(name, len(part), file_digest(folder / name), {}, {}))
    save_manifest(folder / MANIFEST, ReinforcedManifest({}, TEACHERS, tuple(records), (), versions()))
    vectors = unit_rows(len(BANK_TEXTS), 5)
    write_bank(
        folder / BANK, {"texts": BANK_TEXTS}, TEACHERS, lambda texts: vectors[: len(texts)], lambda *_: None
    )
    return folder


@pytest.fixture(scope="session")
def asked(reinforced_set, photo_sets, tmp_path_factory) -> SimpleNamespace:
    """Evaluation data of a run: a few captioned photos and a list of one task."""
    folder = tmp_path_factory.mktemp("asked")
    parts = []
    for photo in islice(samples(photo_sets / "flickr8k-dev-000000.tar"), 6):
        words = json.dumps({"captions": photo.record["captions"][:2]}).encode()
        parts += [(f"{photo.key}.jpg", shrunk(photo)), (f"{photo.key}.json", words)]
    write_shard(folder / "dev.tar", parts)
    tasks = folder / "tasks.toml"
    tasks.write_text('[[retrieval]]\nname = "dev"\nshards = ["dev.tar"]\n', encoding="utf-8")
    return SimpleNamespace(data=folder, tasks=tasks)


@pytest.fixture(scope="session")
def recipe_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def recipe_of(recipe_file):
    """The tiny recipe with changes as on the command line."""
    return lambda *changes: load(TrainingRecipe, str(recipe_file), changes)


@pytest.fixture(scope="session")
def places(reinforced_set, asked, cache) -> RunFolders:
    return RunFolders(reinforced_set, asked.data, load_all_tasks(asked.tasks), cache, open_stream)


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """One thread makes sums reproducible, and quick on shared cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def opened(recipe_of, places):
    """A run of the tiny recipe with changes, before its first step."""
    return lambda *changes: open_training(recipe_of(*changes), None, places, Rank(), workers=0)


def learn(run, batches):
    """The loss before each step of a run."""
    losses = []
    for batch in batches:
        losses.append(take_step(run, batch)["loss"])
        run.at.step += 1
    return losses


@dataclass
class RecordedReporter:
    """A reporter that keeps its lines; after the step `stop` it stands for whatever ends a process."""

    lines: list[str] = field(default_factory=list)
    stop: int = 0

    def advance(self, step, steps, sentence):
        if sentence:
            self.lines.append(f"{step}/{steps} {sentence}")
        if step and step == self.stop:
            raise KeyboardInterrupt

    def note(self, sentence):
        self.lines.append(sentence)


@pytest.fixture(scope="session")
def run_in(recipe_of, places):
    """Runs the tiny recipe with changes in a folder."""

    def run(folder, *changes, start=None, reporter=None, places=places):
        folder.mkdir(exist_ok=True)
        environment = RunEnvironment(folder, Signals(), reporter or RecordedReporter(), workers=0)
        return run_training(recipe_of(*changes), start, places, environment)

    return run


@pytest.fixture(scope="session")
def command(recipe_file, places, asked):
    """The arguments of `mctrain` for the tiny recipe with changes."""

    def words(folder, *changes, workers=0, cache=places.cache):
        given = ["train", recipe_file, "-o", folder, "--photos", places.photos, "--data", places.data]
        given += ["--tasks", asked.tasks, "--cache", cache, "--workers", workers]
        return [str(word) for word in (*given, *(word for change in changes for word in ("--set", change)))]

    return words
