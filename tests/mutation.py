"""Damages files at random, with a seed."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from picsight_engine.foundation.suffixes import FORMATS

if TYPE_CHECKING:
    import random

KINDS = frozenset(chain(*FORMATS.values()))
MOST_BYTES, MOST_BYTES_OF_RAW = 40_000, 500_000
PACKETS = Path(__file__).parent / "engine" / "photos" / "packets"
TAKEOUT = {
    "title": "a.jpg",
    "description": "At the sea",
    "photoTakenTime": {"timestamp": "1562745600", "formatted": "10.07.2019, 08:00:00 UTC"},
    "geoData": {"latitude": 38.7, "longitude": -9.1, "altitude": 12.5},
    "people": [{"name": "Ana"}, {"name": "Rui"}],
    "favorited": True,
}
LENGTHS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff")


def mutate(data: bytes, chance: random.Random, *, cut: float = 0.0) -> bytes:
    """The data with a few bytes changed, removed or inserted, more often in headers; `cut` is the chance to lose the end."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = int(len(changed) * chance.random() ** chance.choice((1, 3)))
        way = chance.randrange(6)
        if way < 3:
            changed[at : at + 1] = bytes([chance.choice((0, 255, chance.randrange(256)))])
        elif way == 3:
            del changed[at : at + chance.randrange(1, 200)]
        elif way == 4:
            changed[at:at] = chance.randbytes(chance.randrange(1, 50))
        else:
            changed[at : at + 4] = chance.choice(LENGTHS)
    kept = chance.randrange(len(changed) + 1) if chance.random() < cut else len(changed)
    return bytes(changed[:kept]) or b"x"


def sources(shared: Path) -> dict[str, list[Path]]:
    """Small real files of every kind that is read, by suffix."""
    found = defaultdict(list)
    for path in sorted([*(shared / "formats").iterdir(), *(shared / "camera").iterdir()]):
        suffix = path.suffix.lower()
        most = MOST_BYTES if path.parent.name == "formats" or suffix == ".jpg" else MOST_BYTES_OF_RAW
        if suffix in KINDS and 20 < path.stat().st_size < most and not path.name.startswith("bomb"):
            found[suffix].append(path)
    return found


def write_mutated(folder: Path, shared: Path, count: int, chance: random.Random) -> None:
    """Writes damaged files of every kind, in folders of a hundred, some with damaged side-cars."""
    by_suffix, packets = sources(shared), sorted(PACKETS.glob("*.xmp"))
    for number in range(count):
        suffix = chance.choice(sorted(by_suffix))
        source = chance.choice(by_suffix[suffix])
        target = folder / f"{number // 100:02}" / f"{number:05}{source.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(mutate(source.read_bytes(), chance, cut=0.2))
        if number % 5 == 0:
            packet = mutate(chance.choice(packets).read_bytes(), chance)
            target.with_name(f"{target.name}.xmp").write_bytes(packet)
        elif number % 5 == 1:
            takeout = mutate(json.dumps(TAKEOUT).encode(), chance)
            target.with_name(f"{target.name}.json").write_bytes(takeout)
