"""Measures what films cost to index: their frames and vectors, beside decoding every frame of the same film."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from report import machine, table

from picsight_engine.bundles.bundle import open_bundle
from picsight_engine.bundles.preprocess import preprocess, reduced_side
from picsight_engine.foundation.assets import find_asset
from picsight_engine.photos.decoding.film_frames import film_reader
from picsight_engine.photos.decoding.films import decode_film, film_seconds
from picsight_engine.photos.reading import Limits
from picsight_engine.runtime.backend import load_image_encoder


def measure(path: Path) -> list[str]:
    """A row: how much of a film was read, and CPU seconds per minute of it."""
    bundle = open_bundle(find_asset("starter"))
    encoder, spec = load_image_encoder(bundle, threads=1), bundle.image_spec()
    cv2 = film_reader(path)
    minutes = film_seconds(path) / 60
    begun = time.process_time()
    film = decode_film(path, min_side=reduced_side(spec), limits=Limits())
    decoded = time.process_time()
    for image in (film.image, *(image for image, _ in film.parts)):
        encoder.encode(preprocess(image, spec)[None])
    embedded = time.process_time()
    os.environ.pop("OPENCV_FFMPEG_CAPTURE_OPTIONS")  # by which only key frames are decoded
    every = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    while every.grab():
        pass
    seconds = (decoded - begun, embedded - decoded, time.process_time() - embedded)
    costs = [f"{each / minutes:.1f}" for each in seconds]
    return [
        path.name,
        f"{film.width} by {film.height}",
        f"{60 * minutes:.0f} s",
        f"{1 + len(film.parts)}",
        *costs,
    ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", type=Path, metavar="FILM", nargs="+")
    print(f"{machine()}; CPU seconds per minute of film, one thread\n")
    headings = [
        "film",
        "size",
        "lasts",
        "frames",
        "to choose frames",
        "to embed them",
        "to decode every frame",
    ]
    print(table(headings, [measure(path) for path in parser.parse_args().films]))


if __name__ == "__main__":
    main()
