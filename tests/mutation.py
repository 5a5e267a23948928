"""Damages files as disks, networks and people with hexadecimal editors do, by a seeded chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

LENGTHS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff")


def mutate(data: bytes, chance: random.Random, *, cut: float = 0.0) -> bytes:
    """The data with a few bytes changed, removed or inserted, headers more often; `cut` is the chance to lose the end."""
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
