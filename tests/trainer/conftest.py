"""Fixtures of the trainer: a small data folder cut from the real one, a recipe for it, and the result of a run."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from contextlib import chdir
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from filelock import FileLock
from tests.conftest import REPOSITORY
from tests.photos import CAPTIONS, Part, parts

from mctrain.cli.command import mctrain
from mctrain.data.held_out import is_everyday
from mctrain.data.shards import SampleMembers, samples
from mctrain.recipes.parser import load
from mctrain.recipes.teaching import TeachingRecipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

S3_SERVER = Path(__file__).parent / "s3_server.py"
ALONE = {**os.environ, "OMP_NUM_THREADS": "1"}  # for processes
# the made sets and how many photos each has
SETS = (
    ("flickr8k-train-000000.tar", 32), ("flickr8k-train-000001.tar", 30), ("flickr8k-train-000002.tar", 10),
    ("flickr8k-train-000004.tar", 80), ("flickr8k-dev-000000.tar", 12), ("labelled-train-000001.tar.gz", 13),
    ("photos-described-000000.tar.gz", 60), ("coco-captioned-000000.tar.gz", 24),
)  # fmt: skip
# keys of evaluation photos, which training refuses or passes over whatever they show
DEV_KEYS = (
    "2090545563_a4e66ec76b", "3393035454_2d2370ffd4", "3695064885_a6922f06b2", "1679557684_50a206e4a9",
    "3582685410_05315a15b8", "1579798212_d30844b4c5", "269650644_059a84ece5", "2596619849_7b635dd310",
    "2635164923_2a774f7854", "3583321426_f373c52161", "2735792721_b8fe85e803", "3484841598_e26ee96aab",
)  # fmt: skip
REAL_KEYS = {
    "flickr8k-dev-000000.tar": DEV_KEYS,
    "labelled-train-000001.tar.gz": ("landscape-00071",),
    "photos-described-000000.tar.gz": (
        "photos-mirflickr-0195",
        "photos-mirflickr-1086",
        "photos-mirflickr-0548",
    ),
}
TEMPLATES = {
    "known": ["a photo of a {}.", "the {}."], "landscape": ["a landscape photo of a {}.", "a photo of {}."],
    "multilabel": ["a photo with a {} and a {}.", "a photo of a place with {}, {} and {}."],
}  # fmt: skip
# runs `mctrain` and kills it when a file with a prefix gets its name, or is removed, for the n-th time
KILLED = """
import os, signal, sys
moment, prefix, count = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))

def watch(event, words):
    global count
    if event == moment and os.path.basename(words[event == "os.rename"]).startswith(prefix):
        count -= 1
        if not count:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
from mctrain.__main__ import main
main()
"""
RECIPE = """
[about]
title = "Tiny"
source = "a few photos"
machine = "any"
hours = 0.01
expected = "nothing"
command = "mctrain teach tiny.toml"

[data]
shards = ["flickr8k-train-*.tar", "labelled-train-*.tar.gz"]
templates = "labelled-templates.json"
translations = "translations.tsv.gz"
evaluation_shards = ["flickr8k-dev-*.tar"]
evaluation_texts = ["hard-negatives.jsonl"]

[augmentation]
kind = "weak"
views = 2
least_area = 0.5
mirror = true

[model]
networks = ["lite0"]
size = 224
dim = 32
image_hidden = 48
text_hidden = 40
image_dropout = 0.3
image_input_dropout = 0.1
text_dropout = 0.1
text_input_dropout = 0.05
branch = 1.0

[training]
seed = 3
epochs = 12
batch = 8
texts_a_photo = 2
queries = 0.5
rate = 1e-3
weight_decay = 0.1
warmup = 4
temperature = 20.0
distil = 0.5
pseudo = 0.1
pseudo_photos = 16
average = 0.9
folds = 0
fold_epochs = 0
bf16 = false

[bundle]
name = "tiny"
title = "Tiny"
licence = "none"
"""


def write_shard(path: Path, parts: list[tuple[str, bytes]]) -> Path:
    """Packs named contents in their order, gzipped where the name says so."""
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in parts:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def members_of(
    sample: SampleMembers, words: bytes | None = None, key: str | None = None
) -> list[tuple[str, bytes]]:
    """A photo and its JSON as members of a shard, with other words or under another key if given."""
    words, key = words or json.dumps(sample.record).encode(), key or sample.key
    return [(f"{key}.{sample.suffix}", sample.photo), (f"{key}.json", words)]


def write_photos(path: Path, photos: Iterable[SampleMembers], words: bytes | None = None) -> Path:
    """Packs photos and their JSON, or other words."""
    return write_shard(path, [member for photo in photos for member in members_of(photo, words)])


def run_mctrain(*words: object, code: int = 0) -> Result:
    """Runs `mctrain` with these words, in this process, to this exit code."""
    result = CliRunner().invoke(mctrain, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def kill_mctrain(words, moment: str, prefix: str, count: int) -> int:
    """Runs `mctrain` until it kills itself, at the n-th os.rename or os.remove of a file with the prefix; its exit code."""
    command = [sys.executable, "-c", KILLED, moment, prefix, str(count), *map(str, words)]
    # reader processes that outlive the run keep its pipes open, and the call times out
    return subprocess.run(command, env=ALONE, capture_output=True, check=False, timeout=120).returncode


def contents_of(folder: Path) -> dict[str, bytes]:
    """The content of each file of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def no_progress(*_: object):
    """A progress bar that shows nothing."""
    return lambda *_: None


def changed_tensors(before, after) -> set[str]:
    """The names of the tensors that are not equal, bit for bit, in two states of one model."""
    import torch

    assert before.keys() == after.keys()
    return {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}


def published(preset, publisher: str, fill, *, folded: bool = False):
    """A model in a publisher's form with weights from `fill`, and the tensors of the publisher's file."""
    from mctrain.models.mci import MciShape
    from mctrain.weights.convert import LAYOUTS, empty_model

    tower = "mci" if isinstance(preset.image, MciShape) else "vit"
    layout = next(layout for layout in LAYOUTS if (layout.publisher, layout.tower) == (publisher, tower))
    model = fill(empty_model(preset, layout, folded=folded))
    tensors = dict(model.state_dict())
    if publisher == "apple":
        tensors |= {
            "image.head.weight": tensors["image.head.weight"].t().contiguous(),
            "text.positions": tensors["text.positions"][None, None],
        }
        if tower == "vit":
            tensors["image.positions"] = tensors["image.positions"][None]
    return model, {layout.name(name): tensor for name, tensor in tensors.items()}


def follow_page(heading: str, home: Path, changes: tuple[str, ...]) -> dict[str, str]:
    """Runs the commands of a page of the guide in order, with changes for training; returns what each prints."""
    from picsight.cli.program import program

    guide = (REPOSITORY / "docs" / "training.md").read_text("utf-8")
    page = guide.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    printed = {}
    alone = {"HOME": str(home), "XDG_DATA_HOME": None}  # other tests of this process may have set one
    with chdir(home):
        for line in block.splitlines():
            name, *words = shlex.split(line.replace("~", str(home)))
            if name == "picsight":
                words += ["--library", str(home / "library")]
            elif words[0] == "train":
                words += [word for change in changes for word in ("--set", change)]
            command = program if name == "picsight" else mctrain
            done = CliRunner().invoke(command, words, env=alone, catch_exceptions=False)
            assert done.exit_code == 0, done.output
            printed[" ".join([name, *words[:2]])] = done.output
    return printed


@pytest.fixture(scope="session")
def real_data(shared) -> Path:
    return shared / "data"


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory) -> Path:
    """A folder that all test processes share: the first one to need something expensive makes it, under a lock."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "session"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def photo_sets(session_folder) -> Path:
    """Shards of parts of the known photographs under the names and with the fields of the real sets; read-only."""
    folder = session_folder / "sets"
    with FileLock(session_folder / "sets.lock"):
        if not folder.exists():
            _write_sets(session_folder / "unfinished sets").rename(folder)
    return folder


def _write_sets(folder: Path) -> Path:
    folder.mkdir()
    drawn = iter(parts(sum(count for _, count in SETS)))
    for name, count in SETS:
        photos = list(islice(drawn, count))
        real = REAL_KEYS.get(name, ())
        numbered = (f"{name.partition('.')[0]}-{number}" for number in range(2 * count))
        others = (key for key in numbered if not is_everyday(key, {"queries": ["a search"]}))
        keys = [*islice(others, count - len(real)), *real]
        members = []
        for key, photo in zip(keys, photos, strict=True):
            words = json.dumps(_record(photo, name)).encode()
            members += [(f"{key}.jpg", photo.jpeg), (f"{key}.json", words)]
        write_shard(folder / name, members)
    (folder / "labelled-templates.json").write_text(json.dumps(TEMPLATES), "utf-8")
    names = [*sorted(CAPTIONS), *(f"thing {number}" for number in range(4, 1000))]
    lists = {"imagenet": names, "imagenet_wnid": [f"n{number:08}" for number in range(1000)]}
    (folder / "classnames.json").write_text(json.dumps(lists), "utf-8")
    return folder


def _record(photo: Part, name: str) -> dict[str, object]:
    record: dict[str, object] = {"captions": photo.captions, "label": None, "source": name, "license": "CC0"}
    if name.startswith(("labelled", "photos-described")):
        queries = [photo.subject, photo.captions[3]]
        record |= {"captions": photo.captions[:2], "caption_source": "synthetic", "queries": queries}
    if name.startswith("labelled"):
        place = sorted(CAPTIONS).index(photo.subject)
        record |= {"label": photo.subject, "labels": [photo.subject], "set": "known", "class_index": place}
    return record


@pytest.fixture(scope="session")
def tiny_data(photo_sets, session_folder) -> Path:
    """Twenty captioned and twelve labelled photos with the other files of a recipe."""
    folder = session_folder / "data"
    with FileLock(session_folder / "data.lock"):
        if not folder.exists():
            _write_tiny(photo_sets, session_folder / "unfinished").rename(folder)
    return folder


def _write_tiny(photo_sets: Path, folder: Path) -> Path:
    folder.mkdir()
    for source, target, count in (
        ("flickr8k-train-000000.tar", "flickr8k-train-000000.tar", 20),
        ("labelled-train-000001.tar.gz", "labelled-train-000000.tar.gz", 12),
    ):
        write_photos(folder / target, islice(samples(photo_sets / source), count))
    shutil.copy(photo_sets / "labelled-templates.json", folder)
    lists = json.loads((photo_sets / "classnames.json").read_text("utf-8"))
    # forty of the thousand names, repeated: each costs three sentences to embed
    lists["imagenet"] = lists["imagenet"][:40] * 25
    (folder / "classnames.json").write_text(json.dumps(lists), "utf-8")
    with gzip.open(folder / "translations.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("split\timage\ten\tde\tfr\tcs\n")
    return folder


@pytest.fixture(scope="session")
def tiny_recipe_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_recipe(tiny_recipe_file) -> TeachingRecipe:
    return load(TeachingRecipe, str(tiny_recipe_file))


@pytest.fixture(scope="session")
def cache(session_folder) -> Path:
    """Computed features, shared by all tests."""
    (session_folder / "cache").mkdir(exist_ok=True)
    return session_folder / "cache"


@pytest.fixture(scope="session")
def fit(tiny_data, cache):
    """Follows a recipe of a fit to a folder, on the tiny data unless others are named."""
    from mctrain.teachers.fit.corpus import FitFolders
    from mctrain.teachers.fit.teach import teach

    def follow(recipe, folder, data=tiny_data):
        return teach(recipe, FitFolders(data, cache), folder, no_progress, threads=1)

    return follow


@pytest.fixture(scope="session")
def finished(tiny_recipe, fit, session_folder):
    """An undisturbed run of the tiny recipe; a later process finds it finished."""
    with FileLock(session_folder / "finished.lock"):
        return fit(tiny_recipe, session_folder / "finished")


@pytest.fixture
def graphs(finished, cache, tmp_path) -> Path:
    """A cache for one test with only the graphs of the pretrained networks, which take longest."""
    folder = tmp_path / "graphs"
    folder.mkdir()
    for graph in cache.glob("*.onnx"):
        (folder / graph.name).hardlink_to(graph)
    return folder


@pytest.fixture(scope="session")
def randomised():
    """Fills a module with random weights: norms, layer scales and biases are far from their initial values.

    All are slices of one array of random numbers, which is much faster than drawing each.
    """
    import torch

    store = torch.randn(4_194_301, generator=torch.Generator().manual_seed(11))

    def values(name: str, shape: tuple[int, ...], place: int) -> torch.Tensor:
        count = max(1, torch.Size(shape).numel())
        repeats = -(-(count + place) // len(store))
        source = store.repeat(repeats) if repeats > 1 else store  # a copy takes longer than the rest
        drawn = source[place : place + count].reshape(shape)
        if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
            return (drawn.sigmoid() + 0.5).clamp(0.75, 1.25)
        if name.endswith(("layer_scale", "layer_scale_1", "layer_scale_2", "gamma")):
            return (drawn.sigmoid() + 0.5).clamp(0.75, 1.25) * 0.25
        if len(shape) < 2:
            return drawn * 0.1
        if len(shape) == 3:
            return drawn * 0.02  # class token, positions
        if name.endswith(("projection", "projection_layer", "head.proj")):
            return drawn * shape[0] ** -0.5
        return drawn * torch.Size(shape[1:]).numel() ** -0.5

    def fill(module):
        state = module.state_dict()
        filled = {}
        for number, (name, tensor) in enumerate(state.items()):
            if name.endswith("num_batches_tracked"):
                filled[name] = torch.zeros((), dtype=torch.int64)
            elif name == "logit_scale":
                filled[name] = torch.tensor(4.6)
            else:
                filled[name] = values(name, tuple(tensor.shape), number * 1009)
        module.load_state_dict(filled, assign=True)
        return module.eval()

    return fill


@pytest.fixture
def untrained(tmp_path, randomised) -> Path:
    """A small checkpoint with random weights, imported from a file whose name clears the terminal."""
    from mctrain.models.presets import PRESETS
    from mctrain.weights.checkpoint import Checkpoint, WeightsFile, save_checkpoint

    preset, source = PRESETS["laptop_xxs"], WeightsFile("w\x1b[2J.pt", "ab" * 32, "apple")
    model, _ = published(preset, "apple", randomised)
    return save_checkpoint(tmp_path / "model.pt", Checkpoint(preset.as_run_by("apple"), model, source))


@pytest.fixture(scope="session")
def exported(randomised, session_folder):
    """A small model imported and exported to a bundle with Core ML packages, with the output of both commands."""
    import torch

    from mctrain.models.presets import PRESETS
    from mctrain.weights.checkpoint import load_checkpoint
    from picsight_engine.bundles.bundle import open_bundle

    folder, preset = session_folder / "exported", PRESETS["laptop_xxs"]
    with FileLock(session_folder / "exported.lock"):
        if not (folder / "export.txt").exists():
            folder.mkdir(exist_ok=True)
            torch_file = folder / "apple.pt"
            torch.save(published(preset, "apple", randomised)[1], torch_file)
            for name, words in (
                ("import", [torch_file, "--preset", preset.name, "-o", folder / "model.pt"]),
                ("export", [folder / "model.pt", "-o", folder / "bundle", "--coreml-text"]),
            ):
                (folder / f"{name}.txt").write_text(run_mctrain(name, *words).output, "utf-8")
    return SimpleNamespace(
        imported=(folder / "import.txt").read_text("utf-8"), output=(folder / "export.txt").read_text("utf-8"),
        model=load_checkpoint(folder / "model.pt").clip, checkpoint=folder / "model.pt",
        bundle=open_bundle(folder / "bundle", hashes=True),
    )  # fmt: skip


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The URL of an empty bucket on a local server, which ends with this process."""
    import s3fs

    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, S3_SERVER], **pipes) as server, pytest.MonkeyPatch.context() as at:
        at.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{int(server.stdout.readline())}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            at.setenv(name, "testing")
        at.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem().mkdir("shards")
        yield "s3://shards"
        server.kill()
