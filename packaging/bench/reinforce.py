"""Measures reinforcement: samples a second and bytes a sample by views, texts and storage, beside teachers that run online.

Online, each training sample costs a view and two texts of teacher time; stored, it costs the reading of a sample. The
paper's sizes are of 12,800 samples in bfloat16 at 1,536 numbers, photos included, from which our photos are taken off.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from report import machine, table

from mctrain.data.phrasing import Phrasing
from mctrain.data.reading.reader import TrainingData
from mctrain.data.reading.visit import Pass, ReaderSettings, Stored, Texts
from mctrain.data.reinforced.embeddings import Storage
from mctrain.data.reinforced.sample import members_of
from mctrain.data.shards import write_archive
from mctrain.data.views import slots_of
from mctrain.data.words import CAPTIONS, Photo, Words
from mctrain.data.words import members_of as plain_members
from mctrain.data.workers import open_pool
from mctrain.recipes.tables import Augmentation
from mctrain.reinforce.shard import Drawing, reinforce
from mctrain.reinforce.shard_report import ShardOutcome
from mctrain.teachers.teacher import Ensemble, open_teacher
from picsight_engine.assets import find_asset
from picsight_engine.runtime.agreement import eight_photos

if TYPE_CHECKING:
    from mctrain.data.reinforced.sample import ReinforcedSample

VIEWS, TEXTS = (2, 5, 10, 30), (2, 5)
PAPER = {(30, 5): 1.9e9, (5, 5): 1.2e9, (2, 2): 1.0e9}  # bytes of 12,800 samples
PAPER_PHOTO = 0.9e12 / 12.8e6
PAPER_WIDTH = 1536
SIDE = 224
READ_SIDE = 192


def pack(folder: Path, count: int, texts: int) -> Path:
    """A shard of windows of the packaged photographs, each with one caption and so many synthetic ones."""
    draw = np.random.default_rng(0)
    photos = eight_photos()
    samples = []
    for number in range(count):
        photo = photos[number % len(photos)]
        side = int(draw.integers(min(photo.size) // 2, min(photo.size)))
        left, top = (int(draw.integers(0, length - side + 1)) for length in photo.size)
        window = photo.crop((left, top, left + side, top + side)).resize(
            (SIDE, SIDE), Image.Resampling.BICUBIC
        )
        path = folder / "window.jpg"
        window.save(path, quality=85)
        made = tuple(f"synthetic caption {place} of the photo number {number}" for place in range(texts))
        words = Words((f"a photo that shows thing number {number}",), {CAPTIONS: made})
        samples.append((f"{number:06}", plain_members(words, Photo("jpg", path.read_bytes(), SIDE, SIDE))))
    write_archive(folder / f"plain-{texts}.tar", samples)
    return folder / f"plain-{texts}.tar"


def widened(samples: list[ReinforcedSample], width: int) -> list[ReinforcedSample]:
    """The same samples with random unit vectors of another width: what does not repeat hardly shrinks, as embeddings."""
    draw = np.random.default_rng(1)

    def rows(count: int) -> np.ndarray:
        values = draw.normal(size=(count, width)).astype(np.float32)
        return values / np.linalg.norm(values, axis=1, keepdims=True)

    return [
        dataclasses.replace(
            own,
            image_embeddings=rows(len(own.views)),
            caption_embeddings=rows(len(own.captions)),
            synthetic_embeddings={tag: rows(len(said)) for tag, said in own.words.synthetic.items()},
        )
        for own in samples
    ]


def weight(samples: list[ReinforcedSample], storage: Storage) -> float:
    """Bytes of embeddings and view records a sample."""
    slots = slots_of(drawing(len(samples[0].views), ()).augmentation)
    total = 0
    for own in samples:
        members = members_of(own, storage, slots)
        total += sum(
            len(content) for name, content in members.items() if name in {"paug.json", storage.suffix}
        )
    return total / len(samples)


def drawing(views: int, sizes: tuple[int, ...]) -> Drawing:
    """The published augmentation."""
    return Drawing(Augmentation("strong", views, 0.08, mirror=False), 0, sizes, Phrasing(), jpeg=False)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--teacher", help="as of `mctrain reinforce`; the starter that ships, if none is named"
    )
    parser.add_argument("--photos", type=int, default=48)
    arguments = parser.parse_args()
    title = arguments.teacher or str(find_asset("starter"))
    print(f"{machine()}; teacher {Path(title).name}, one process decodes\n")
    with tempfile.TemporaryDirectory() as name, open_pool(1) as pool:
        folder = Path(name)
        ensemble = Ensemble([open_teacher(title, folder / "cache")])
        rows = []
        for texts in TEXTS:
            shard = pack(folder, arguments.photos, texts)
            for views in VIEWS:
                drawn = drawing(views, ensemble.sizes)
                list(reinforce(shard, drawn, ensemble, pool, ShardOutcome(), limit=2))  # what is loaded once
                begun = time.perf_counter()
                samples = list(reinforce(shard, drawn, ensemble, pool, ShardOutcome()))
                spent = (time.perf_counter() - begun) / len(samples)
                rows.append(measured(samples, spent, ensemble, folder))
        headings = (
            "views", "texts", "samples a second", "KB bf16", "KB fp32 npz", f"KB bf16 at {PAPER_WIDTH}", "the paper's KB",
            "teachers online, ms a step's sample", "stored, read, ms",
        )  # fmt: skip
        print(table(headings, rows))


def measured(samples: list[ReinforcedSample], spent: float, ensemble: Ensemble, folder: Path) -> list[str]:
    """One line: what a sample costs to make, to keep and to use."""
    views, texts = len(samples[0].views), len(samples[0].words.synthetic[CAPTIONS])
    wide = widened(samples[:12], PAPER_WIDTH)
    told = PAPER.get((views, texts))
    return [
        str(views),
        f"1 + {texts}",
        f"{1 / spent:.1f}",
        f"{weight(samples, Storage.PTH_BF16) / 1e3:.1f}",
        f"{weight(samples, Storage.NPZ) / 1e3:.1f}",
        f"{weight(wide, Storage.PTH_BF16) / 1e3:.0f}",
        f"{(told / 12_800 - PAPER_PHOTO) / 1e3:.0f}" if told else "",
        f"{online(samples, ensemble) * 1e3:.1f}",
        f"{read(samples, ensemble, folder) * 1e3:.2f}",
    ]


def online(samples: list[ReinforcedSample], ensemble: Ensemble) -> float:
    """Seconds of teacher time for one view and two texts."""
    some = samples[:16]
    pictures = {size: [own.image().resize((size, size)) for own in some] for size in ensemble.sizes}
    texts = [text for own in some for text in (own.captions[0], own.words.synthetic[CAPTIONS][0])]
    begun = time.perf_counter()
    ensemble.photos(pictures, [own.key for own in some])
    ensemble.texts(texts)
    return (time.perf_counter() - begun) / len(some)


def read(samples: list[ReinforcedSample], ensemble: Ensemble, folder: Path) -> float:
    """Seconds of one core to read a sample as training does, decoded and replayed at 192 pixels."""
    augmentation = drawing(len(samples[0].views), ()).augmentation
    texts = len(samples[0].words.synthetic[CAPTIONS])
    shard = folder / f"read-{augmentation.views}-{texts}.tar"
    slots = slots_of(augmentation)
    write_archive(shard, ((own.key, members_of(own, Storage.NPZ, slots)) for own in samples))
    stored = Stored(tuple(own.width for own in ensemble.members))
    settings = ReaderSettings("bicubic", Texts("any", "^syn_text.*$"), stored)
    data = TrainingData([shard], folder / "index", settings)
    batch = len(samples)
    list(data.batches(Pass(epoch=0, seed=0, batch=batch, size=READ_SIDE), 0))
    begun = time.perf_counter()
    for epoch in range(1, 4):
        list(data.batches(Pass(epoch=epoch, seed=0, batch=batch, size=READ_SIDE), 0))
    return (time.perf_counter() - begun) / (3 * batch)


if __name__ == "__main__":
    main()
