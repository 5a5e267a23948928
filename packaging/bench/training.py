"""Times a training step on reinforced data beside one of plain CLIP on the same photos: the same towers, two texts per photo.

The paper claims that stored knowledge costs nothing: 1.3 hours an epoch either way. Reinforced, a step reads and replays
a stored view and unpacks the teachers' embeddings, and its loss has their softmax; plain, it draws a view itself.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from report import interleaved, machine, milliseconds, table

from mctrain.recipes.parser import load
from mctrain.recipes.training import TrainingRecipe
from mctrain.research.stream import open_stream
from mctrain.training.environment import RunFolders
from mctrain.training.loop import take_step
from mctrain.training.run import open_training
from mctrain.training.step.ranks import Rank

if TYPE_CHECKING:
    from collections.abc import Callable

RECIPE = """
[about]
title = "Step"
source = "the set that is named"
machine = "this one"
hours = 0.1
expected = "a time"
noise = "see the spread"
command = "python3 packaging/dev.py bench training"
[data]
shards = ["*.tar"]
[model]
networks = ["lite0"]
size = 192
dim = 512
image_hidden = 1024
text_hidden = 1024
image_dropout = 0.5
image_input_dropout = 0.3
text_dropout = 0.2
text_input_dropout = 0.05
branch = 3.0
[loss]
distil = {distil}
[optimizer]
rate = 1e-4
floor = 0.0
warmup = 0
decay = 0.1
[run]
seed = 0
batch = {batch}
steps = 1000000
"""
PLAIN = """
[augmentation]
kind = "strong"
views = 1
least_area = 0.25
mirror = false
"""


def stepper(text: str, photos: Path, folder: Path) -> Callable[[], object]:
    """A function that takes the next step of a run."""
    path = folder / "step.toml"
    path.write_text(text, encoding="utf-8")
    places = RunFolders(photos, None, (), folder / "cache", open_stream)
    run = open_training(load(TrainingRecipe, str(path)), None, places, Rank(), workers=1)
    batches = run.feed.batches(0, run.steps)

    def step() -> None:
        take_step(run, next(batches))
        run.at.step += 1

    return step


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of a reinforced set")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        texts = {
            "reinforced": RECIPE.format(distil=1.0, batch=arguments.batch),
            "plain CLIP": RECIPE.format(distil=0.0, batch=arguments.batch) + PLAIN,
        }
        steps = {each: stepper(text, arguments.photos, Path(name)) for each, text in texts.items()}
        for step in steps.values():
            step()  # what is loaded and started once
        seconds = interleaved(steps, arguments.rounds)
    pairs = zip(seconds["reinforced"], seconds["plain CLIP"], strict=True)
    ratio = statistics.median(each / other for each, other in pairs)
    print(f"{machine()}; Lite0 at 192 pixels and MiniLM, batches of {arguments.batch}, one process reads\n")
    rows = [[each, milliseconds(values)] for each, values in seconds.items()]
    print(table(("step", "ms (least to most)"), rows))
    print(
        f"\nreinforced / plain CLIP, the median of {arguments.rounds} interleaved rounds: {ratio:.3f} (bar: 1.05)"
    )


if __name__ == "__main__":
    main()
