"""Measures indexing real photos (photos per second) beside the simplest way: Pillow and the same model in one process; what
each part of a worker's job costs; and reading RAW files beside JPEGs of their size.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from unittest.mock import patch

import numpy as np
import onnxruntime
import rawpy
from PIL import Image, ImageOps
from report import interleaved, machine, table

from picsight_engine.bundles.bundle import IMAGE_GRAPH, Bundle, open_bundle
from picsight_engine.bundles.preprocess import preprocess, reduced_side
from picsight_engine.foundation.assets import find_asset
from picsight_engine.indexing.indexer import IndexSettings
from picsight_engine.kinds import THUMBNAIL_SIDE
from picsight_engine.library import Library
from picsight_engine.photos.decoding import raw
from picsight_engine.photos.decoding.decode import Limits, decode, read_header
from picsight_engine.photos.identity import bytes_hash, fingerprint, perceptual_hash
from picsight_engine.photos.reading import read_photo
from picsight_engine.photos.thumbnail import thumbnail
from picsight_engine.runtime.backend import load_image_encoder

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SUFFIXES = frozenset((".jpg", ".jpeg"))


def ours(bundle: Bundle, photos: Path, workers: int | None) -> None:
    """Indexes a folder into a new library: hashes, dates, thumbnails and vectors are stored."""
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library", bundle) as library:
        for _ in library.index([photos], settings=IndexSettings(workers=workers)):
            pass
        stored = library.status().photos
    assert stored, "no photo was indexed"


def plain(bundle: Bundle, photos: Path) -> None:
    """The shortest script that gets the vectors: full decode, bicubic, one session, one thread, nothing stored."""
    spec = bundle.image_spec()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        bundle.folder / IMAGE_GRAPH, options, providers=["CPUExecutionProvider"]
    )
    for path in sorted(photos.iterdir()):
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
        square = upright.resize((spec.size, spec.size), Image.Resampling.BICUBIC)
        pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1) / np.float32(255)
        if spec.mean is not None and spec.std is not None:
            pixels = (pixels - np.array(spec.mean, np.float32)[:, None, None]) / np.array(
                spec.std, np.float32
            )[:, None, None]
        session.run([spec.output], {spec.input: pixels[np.newaxis]})


def provide(source: Path, count: int, megapixels: float, folder: Path) -> float:
    """Puts `count` photos into a folder, enlarged to a camera's size or as they are (0); returns their mean size."""
    chosen = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)[:count]
    pixels = 0
    for number, path in enumerate(chosen):
        target = folder / f"{number}.jpg"
        with Image.open(path) as opened:
            if not megapixels:
                target.symlink_to(path.resolve())
                pixels += opened.width * opened.height
                continue
            factor = (megapixels * 1e6 / (opened.width * opened.height)) ** 0.5
            enlarged = opened.convert("RGB").resize(
                (round(opened.width * factor), round(opened.height * factor))
            )
        enlarged.save(target, quality=90)
        pixels += enlarged.width * enlarged.height
    return pixels / max(len(chosen), 1) / 1e6


def reading(data: bytes, path: Path, rounds: int) -> float:
    """CPU milliseconds for what a worker does with a file besides the model: both hashes, the header, the picture."""
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        bytes_hash(data)
        fingerprint(data)
        read_header(data, path)
        decode(data, path, min_side=256, limits=Limits())
        taken.append(time.process_time() - begun)
    return statistics.median(taken) * 1e3


def parts(bundle: Bundle, photos: Path, rounds: int) -> list[list[str]]:
    """CPU milliseconds a photo of each part of a worker's job, and of an indexing run with one worker."""
    spec, limits, spent = bundle.image_spec(), Limits(), defaultdict[str, float](float)
    tower, files = load_image_encoder(bundle, threads=1), sorted(photos.iterdir())

    def timed(part: str, step: Callable[..., T], *given: object) -> T:
        begun = time.process_time()
        value = step(*given)
        spent[part] += time.process_time() - begun
        return value

    shown = partial(decode, min_side=reduced_side(spec), limits=limits)
    for path in files * rounds:
        data = timed("read the file", read_photo, path, limits)
        timed("hash of the bytes", bytes_hash, data)
        timed("hash of the picture", fingerprint, data)
        timed("metadata", read_header, data, path)
        image = timed("decode", shown, data, path).image
        pixels = timed("resize and normalise", preprocess, image, spec)
        timed("tower", tower.encode, pixels[None])
        timed("perceptual hash", perceptual_hash, image)
        timed("thumbnail", thumbnail, image, THUMBNAIL_SIDE)
    before = _cpu_seconds()
    ours(bundle, photos, 1)
    whole = (_cpu_seconds() - before) / len(files)
    costs = {part: seconds / len(files) / rounds for part, seconds in spent.items()}
    costs["start, pipes, colours, database"] = whole - sum(costs.values())
    return [[part, f"{seconds * 1e3:.1f}"] for part, seconds in {**costs, "all of it": whole}.items()]


def _cpu_seconds() -> float:
    """CPU seconds of this process and of the processes that it waited for."""
    times = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in times)


def raw_row(path: Path, rounds: int) -> list[str]:
    """A RAW file as it is shown and developed, and a JPEG of its sensor's size."""
    data, jpeg = path.read_bytes(), io.BytesIO()
    with patch.object(raw, "_preview", return_value=None):
        developed = decode(data, path, min_side=256, limits=Limits())
        times = [reading(data, path, rounds)]
    with rawpy.imread(io.BytesIO(data)) as whole:
        Image.fromarray(whole.postprocess(use_camera_wb=True)).save(jpeg, "JPEG", quality=90)
    times = [reading(data, path, rounds), *times, reading(jpeg.getvalue(), Path("a.jpg"), rounds)]
    size = f"{developed.width * developed.height / 1e6:.1f} megapixels, {len(data) / 1e6:.1f} MB"
    return [path.name, size, *(f"{each:,.0f}" for each in times)]


def main() -> None:
    """Prints the table, and one of RAW files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, metavar="FOLDER", help="JPEG photos")
    parser.add_argument("--count", type=int, default=100, metavar="N", help="how many of them")
    parser.add_argument(
        "--megapixels", type=float, default=12, help="enlarge them so far (12), 0: as they are"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--raw", type=Path, nargs="+", default=[], metavar="FILE", help="whole RAW files")
    arguments = parser.parse_args()
    bundle = open_bundle(find_asset("starter"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        megapixels = provide(arguments.photos, arguments.count, arguments.megapixels, folder)
        count = sum(1 for _ in folder.iterdir())
        if not count:
            parser.error(f"{arguments.photos} holds no JPEG photos")
        candidates = {
            "Picsight, as many workers as cores": lambda: ours(bundle, folder, None),
            "Picsight, one worker": lambda: ours(bundle, folder, 1),
            "plain: Pillow in full, same model, one process": lambda: plain(bundle, folder),
        }
        seconds = interleaved(candidates, arguments.rounds)
        costs = parts(bundle, folder, arguments.rounds)
    slowest = statistics.median(list(seconds.values())[-1])
    rows = [
        [
            label,
            f"{count / statistics.median(values):.1f} ({count / max(values):.1f} to {count / min(values):.1f})",
            f"{slowest / statistics.median(values):.2f}x",
        ]
        for label, values in seconds.items()
    ]
    print(
        f"{machine()}; {count} photos of {megapixels:.3g} megapixels, {arguments.rounds} interleaved rounds\n"
    )
    print(table(["way", "photos per second, median (range)", "against plain"], rows))
    print("\nCPU ms a photo with one worker\n")
    print(table(["part", "CPU ms"], costs))
    if arguments.raw:
        rows = [raw_row(path, 5 * arguments.rounds) for path in arguments.raw]
        print("\nCPU ms to read a file, without the model, median\n")
        print(table(["RAW", "size", "as it is shown", "developed", "a JPEG of that size"], rows))


if __name__ == "__main__":
    main()
