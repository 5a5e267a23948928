"""Estimates the cost of a reinforced set of 12.8 million or 1.28 billion photos from rates of this machine, and shows the sums.

Each stage is timed on a few photos, with the published sizes of model: a CoCa ViT-L/14 that draws five captions of 30
tokens, two ViT-L/14 that judge views and texts, a MobileCLIP-B that learns. Speed does not depend on weights, so these are
random. Operations are counted by torch, two a multiplication with its addition; on GPUs that are not here the work is
divided by 150 TFLOP/s, what an A100 sustains in bfloat16.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import open_clip
import torch
from PIL import Image
from report import machine, table
from torch.nn import functional as F  # noqa: N812 (torch's convention)
from torch.utils.flop_counter import FlopCounterMode

from mctrain.data.photo import decode_photo
from mctrain.data.phrasing import Phrasing
from mctrain.data.reading.index import open_shard
from mctrain.data.reinforced.manifest import Storage
from mctrain.data.reinforced.sample import members_of
from mctrain.data.replay import replay
from mctrain.data.shards import grouped, write_archive
from mctrain.data.texts import CAPTIONS, SampleTexts, StoredPhoto
from mctrain.data.texts import members_of as plain_members
from mctrain.data.views import draw_views, slots_of
from mctrain.data.workers import open_pool
from mctrain.models.clip import build_clip
from mctrain.models.presets import find_preset
from mctrain.recipes.tables import Augmentation
from mctrain.reinforce.captioners.captioner import SamplingSettings
from mctrain.reinforce.maker import ShardOutcome
from mctrain.reinforce.reinforcing import Drawing, reinforce
from mctrain.research.coca import CocaCaptioner
from mctrain.teachers.open_clip import OpenClipModel, spec_of
from mctrain.teachers.teacher import Ensemble, open_teacher
from picsight_engine.foundation.assets import find_asset
from picsight_engine.runtime.backend_comparison import eight_photos

if TYPE_CHECKING:
    from collections.abc import Callable

    from mctrain.data.reinforced.sample import ReinforcedSample

# photos, views, captions, and samples seen by a student, as published
SETS = {
    "12.8 million": (12.8e6, 30, 5, 30_000 * 8_192.0),
    "1.28 billion": (1.28e9, 10, 5, 200_000 * 65_536.0),
}
EFFECTIVE = 150e12  # operations a second of an A100
PHOTO = 0.9e12 / 12.8e6  # bytes, of DataComp as published
CAPTIONER, TEACHER, STUDENT = "coca_ViT-L-14", "ViT-L-14-quickgelu", "mobileclip_b"
TEACHERS = 2
WEEK = 7 * 24
WIDTH = 1536  # of the two teachers' embeddings, as published
SIDE = 224


@dataclass(frozen=True, slots=True)
class StageCost:
    """The cost of one unit (a photo, a view, a text, a sample): operations, and seconds on this machine."""

    name: str
    unit: str
    operations: float
    seconds: float


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, help="in a batch; 1 on a processor, 64 on a GPU")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    count = arguments.photos or (64 if device.type == "cuda" else 1)
    where = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{machine()}; models on {where}, {count} photos at a time\n")
    with tempfile.TemporaryDirectory() as name:
        stages = measure(Path(name), device, count)
        print(
            table(
                ("stage", "a", "GFLOP", f"a second on {device.type}"),
                [
                    (each.name, each.unit, f"{each.operations / 1e9:,.1f}", f"{1 / each.seconds:,.2f}")
                    for each in stages
                ],
            )
        )
        sizes = stored(Path(name))
    for title, (photos, views, captions, seen) in SETS.items():
        print(f"\n{title} photos, {views} views, {captions} captions:\n")
        print_costs(stages, photos, views, captions, seen)
        print_storage(sizes, photos, views, captions)


def measure(folder: Path, device: torch.device, count: int) -> list[StageCost]:
    """Every stage, each on `count` photos or texts."""
    with torch.no_grad():
        judged = judging(device, count)
        return [decoding(folder), captioning(device, count), *judged, learning(device, count)]


def captioning(device: torch.device, count: int) -> StageCost:
    """Five captions of a photo, all of 30 tokens."""
    model = opened(CAPTIONER, device)
    captioner = CocaCaptioner(model)
    pixels = torch.randn(count, 3, model.spec.size, model.spec.size, device=device)
    draw = partial(captioner.draw, pixels, range(count), SamplingSettings())
    return timed("captioner, 5 captions", "photo", count, draw)


def judging(device: torch.device, count: int) -> list[StageCost]:
    """One view and one text, embedded by one teacher."""
    teacher = opened(TEACHER, device)
    pixels = torch.randn(count, 3, teacher.spec.size, teacher.spec.size, device=device)
    ids = teacher.tokenizer(["a photo of a dog"] * count).to(device)
    return [
        timed("one teacher", "view", count, partial(teacher.module.encode_image, pixels)),
        timed("one teacher", "text", count, partial(teacher.module.encode_text, ids)),
    ]


def opened(name: str, device: torch.device) -> OpenClipModel:
    """An open_clip model with random weights."""
    logging.disable(logging.WARNING)  # that there are no weights
    module = open_clip.create_model(name).eval().to(device)
    return OpenClipModel(name, module, open_clip.get_tokenizer(name), spec_of(module.visual), device, "")


def timed(name: str, unit: str, count: int, work: Callable[[], object]) -> StageCost:
    """Runs the work twice: once to count operations, once to time it."""
    torch.backends.mha.set_fastpath_enabled(False)  # what it does is not counted
    with FlopCounterMode(display=False) as counter:
        work()
    torch.backends.mha.set_fastpath_enabled(True)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    begun = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return StageCost(name, unit, counter.get_total_flops() / count, (time.perf_counter() - begun) / count)


def learning(device: torch.device, count: int) -> StageCost:
    """Forward and backward of both towers, with two texts a photo."""
    preset = find_preset(STUDENT)
    clip: Any = build_clip(preset).train().to(device)
    pixels = torch.randn(count, 3, preset.size, preset.size, device=device)
    ids = torch.randint(1, 40_000, (2 * count, 77), device=device)

    @torch.enable_grad()
    def step() -> None:
        photos, texts = F.normalize(clip.image(pixels), dim=1), F.normalize(clip.text(ids), dim=1)
        (photos @ texts.T).square().mean().backward()

    return timed(f"student {preset.name}", "sample", count, step)


def decoding(folder: Path) -> StageCost:
    """Reading a photo of 224 pixels and drawing a view of it, on one core."""
    photos = [group.photo for group in grouped(pack(folder, 48, 5))]
    augmentation = drawing(1, (224,)).augmentation
    begun = time.perf_counter()
    for number, photo in enumerate(photos):
        image = decode_photo(photo, str(number))
        replay(image, draw_views(augmentation, str(number), 0, *image.size)[0], 224)
    return StageCost(
        "decoding and drawing, one core", "view", 0.0, (time.perf_counter() - begun) / len(photos)
    )


def stored(folder: Path) -> dict[tuple[int, int], float]:
    """Bytes per sample besides the photo, in bfloat16 with two teachers, by views and captions; and of a reader's index under (0, 0)."""
    ensemble = Ensemble([open_teacher(str(find_asset("starter")), folder / "cache")])
    sizes = {}
    with open_pool(1) as pool:
        for _, views, captions, _ in SETS.values():
            drawn = drawing(views, ensemble.sizes)
            samples = list(reinforce(pack(folder, 12, captions), drawn, ensemble, pool, ShardOutcome()))
            sizes[views, captions] = weight(widened(samples, WIDTH), Storage.PTH_BF16)
    shard = open_shard(pack(folder, 48, 5), folder / "index")
    sizes[0, 0] = float(np.load(shard.rows, mmap_mode="r").dtype.itemsize)
    return sizes


def pack(folder: Path, count: int, texts: int) -> Path:
    """A shard of windows of the packaged photographs, each with one caption and `texts` synthetic ones."""
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
        words = SampleTexts((f"a photo that shows thing number {number}",), {CAPTIONS: made})
        samples.append(
            (f"{number:06}", plain_members(words, StoredPhoto("jpg", path.read_bytes(), SIDE, SIDE)))
        )
    write_archive(folder / f"plain-{texts}.tar", samples)
    return folder / f"plain-{texts}.tar"


def widened(samples: list[ReinforcedSample], width: int) -> list[ReinforcedSample]:
    """The same samples with random unit vectors of another width, which hardly compress, like embeddings."""
    draw = np.random.default_rng(1)

    def rows(count: int) -> np.ndarray:
        values = draw.normal(size=(count, width)).astype(np.float32)
        return values / np.linalg.norm(values, axis=1, keepdims=True)

    return [
        dataclasses.replace(
            each,
            image_embeddings=rows(len(each.views)),
            caption_embeddings=rows(len(each.captions)),
            synthetic_embeddings={tag: rows(len(texts)) for tag, texts in each.texts.synthetic.items()},
        )
        for each in samples
    ]


def weight(samples: list[ReinforcedSample], storage: Storage) -> float:
    """Bytes of embeddings and view records per sample."""
    slots = slots_of(drawing(len(samples[0].views), ()).augmentation)
    total = 0
    for each in samples:
        members = members_of(each, storage, slots)
        total += sum(
            len(content) for name, content in members.items() if name in {"paug.json", storage.suffix}
        )
    return total / len(samples)


def drawing(views: int, sizes: tuple[int, ...]) -> Drawing:
    """The published augmentation."""
    return Drawing(Augmentation("strong", views, 0.08, mirror=False), 0, sizes, Phrasing(), jpeg=False)


def print_costs(stages: list[StageCost], photos: float, views: int, captions: int, seen: float) -> None:
    """Prints the hours of each stage, with their calculation."""
    decode, caption, view, text, student = stages
    times = {
        decode: (photos * views, f"{photos:.3g} x {views}"),
        caption: (photos, f"{photos:.3g}"),
        view: (photos * views * TEACHERS, f"{photos:.3g} x {views} x {TEACHERS}"),
        text: (photos * (1 + captions) * TEACHERS, f"{photos:.3g} x {1 + captions} x {TEACHERS}"),
        student: (seen, f"{seen:.3g} seen"),
    }
    rows = []
    for stage, (count, units) in times.items():
        here, there = count * stage.seconds / 3600, count * stage.operations / EFFECTIVE / 3600
        devices = (there or here) / WEEK
        a100 = f"{there:,.0f}" if there else ""
        rows.append((f"{stage.name}, {stage.unit}", units, f"{here:,.0f}", a100, f"{devices:,.1f}"))
    print(table(("stage", "units", "hours here", "A100-hours", "devices for a week"), rows))


def print_storage(sizes: dict[tuple[int, int], float], photos: float, views: int, captions: int) -> None:
    """Prints terabytes, with their calculation."""
    beside, index = sizes[views, captions], sizes[0, 0]
    print(
        f"\nStorage: {photos:.3g} x ({PHOTO / 1e3:.0f} KB photo + {beside / 1e3:.0f} KB beside it) = "
        f"{photos * (PHOTO + beside) / 1e12:,.1f} TB; a reader's index {photos:.3g} x {index:.0f} bytes = "
        f"{photos * index / 1e9:,.1f} GB."
    )


if __name__ == "__main__":
    main()
