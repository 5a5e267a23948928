"""A tiny distillation: the starter's text tower teaches a small one the words of thirty real photos."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from mctrain.data.shards import file_digest
from mctrain.training.distillation.recipe import load_distillation
from mctrain.training.distillation.run import find_lessons, follow_distillation
from mctrain.training.interrupts import Interrupts
from mctrain.training.run import Start
from mctrain.training.surroundings import Surroundings
from mctrain.weights.bundle import read_bundle
from picsight_engine.models.bundle import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """
[about]
title = "Tiny"
source = "a few texts"
machine = "any"
hours = 0.01
expected = "nothing"
noise = "all of it"
command = "mctrain distil tiny.toml"

[data]
sources = ["shards"]
shards = ["flickr8k-train-*.tar", "labelled-train-*.tar.gz"]
evaluation_shards = ["flickr8k-dev-*.tar"]
evaluation_texts = ["hard-negatives.jsonl"]

[tower]
width = 64
layers = 1

[loss]
texts = 64
weight = 0.1
scale = 20.0

[optimizer]
rate = 3e-3
floor = 0.0
warmup = 10
decay = 0.0
held = ["text"]

[distillation]
seed = 0
tokens = 2048
passes = 1
log_every = 4
save_every = 3

[bundle]
name = "tiny-words"
title = "Tiny words"
licence = "none"
"""


@dataclass
class Silence:
    """Who is told nothing, and dies after so many steps where a test wants it."""

    dies_after: int = 0
    said: list[str] = field(default_factory=list)

    def advance(self, step, steps, sentence):
        if step == self.dies_after:
            raise MemoryError

    def tell(self, sentence):
        self.said.append(sentence)


@pytest.fixture(scope="session")
def taught_recipe_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("distillation") / "tiny.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def teacher(starter) -> Start:
    return Start(read_bundle(starter), file_digest(starter / MANIFEST))


@pytest.fixture(scope="session")
def distil_in(taught_recipe_file, teacher, tiny_data, cache):
    """Follows the tiny recipe in a folder; dies after so many steps where that is said."""

    def follow(folder: Path, *changes: str, dies_after: int = 0):
        folder.mkdir(exist_ok=True)
        recipe = load_distillation(str(taught_recipe_file), changes)
        around = Surroundings(folder, Interrupts(), Silence(dies_after), 0)
        found = find_lessons(recipe, tiny_data)
        return follow_distillation(recipe, teacher, found, cache, around, bar=lambda *_: lambda *_: None)

    return follow
