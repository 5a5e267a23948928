"""Generated blank pictures, each determined by a number, with texts that ask for them.

A search should not return them unless it asks for them. One family is for training, another for evaluation: they share no
picture, and the evaluation family has two more kinds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image

from mctrain.data.photo import encode_jpeg
from mctrain.data.shards import write_archive
from mctrain.data.texts import SYNTHETIC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Paint = Callable[[np.random.Generator, "_Plane", Values], Values]  # colours [3, 3] → [h, w, 3], 0 to 255

_COLOURS = {
    "black": (4, 4, 4),
    "white": (251, 251, 251),
    "grey": (128, 128, 128),
    "dark grey": (66, 66, 66),
    "light grey": (200, 200, 200),
    "red": (200, 34, 34),
    "orange": (240, 138, 32),
    "yellow": (244, 218, 62),
    "green": (52, 150, 62),
    "turquoise": (62, 190, 188),
    "blue": (40, 92, 204),
    "dark blue": (20, 30, 92),
    "light blue": (150, 200, 240),
    "purple": (122, 52, 150),
    "pink": (240, 150, 182),
    "brown": (112, 72, 42),
    "beige": (226, 206, 172),
}
_GREYS = ("grey", "dark grey", "light grey")
_TINTS = tuple(each for each in _COLOURS if each not in {"black", "white", *_GREYS})
_ANY = tuple(_COLOURS)
_SHADES = 4.0  # standard deviation of the shades of one colour
_SHORTER, _LONGER = (96, 288), (1.0, 2.0)  # shorter side in pixels, and ratio of the longer to it
_OF_ALL = ("blank", "blank picture", "picture of nothing")


@dataclass(frozen=True, slots=True)
class Blank:
    """A blank picture with texts that ask for it."""

    kind: str
    picture: PIL.Image.Image
    captions: tuple[str, ...]
    queries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of blanks with its own random seed; kinds alternate."""

    name: str
    seed: int
    kinds: tuple[str, ...]

    def blank(self, number: int) -> Blank:
        """The same number gives the same pixels."""
        draw = np.random.default_rng([self.seed, number])
        name = self.kinds[number % len(self.kinds)]
        kind = _KINDS[name]
        picked = [kind.palette[0]] * 3
        if len(kind.palette) > 1:
            picked = draw.choice(kind.palette, 3, replace=False).tolist()
        shades = draw.normal(0, _SHADES, (3, 3)) + draw.normal(0, _SHADES, (3, 1))
        colours = np.array([_COLOURS[each] for each in picked]) + shades
        painted = kind.paint(draw, _Plane.drawn(draw), colours.clip(0, 255))
        pixels = painted.clip(0, 255).round().astype(np.uint8)
        captions, queries = (
            tuple(each.format(*picked) for each in texts) for texts in (kind.captions, kind.queries)
        )
        return Blank(name, PIL.Image.fromarray(pixels), captions, (*queries, *_OF_ALL))


def pack_blanks(family: Family, count: int, folder: Path) -> Path:
    """Writes the first `count` of a family into a shard of `folder`."""
    packed = folder / f"blanks-{family.name}-{count}.tar"
    made = (_members(family.blank(number)) for number in range(count))
    write_archive(packed, ((f"blank-{family.name}-{number}", each) for number, each in enumerate(made)))
    return packed


def _members(blank: Blank) -> Mapping[str, bytes]:
    words = {
        "captions": blank.captions,
        "caption_source": SYNTHETIC,
        "queries": blank.queries,
        "kind": blank.kind,
    }
    return {"jpg": encode_jpeg(blank.picture), "json": json.dumps(words).encode()}


@dataclass(frozen=True, slots=True)
class _Plane:
    """Pixel coordinates of a picture: across and down [h, w], from -1 to 1."""

    across: Values
    down: Values

    @classmethod
    def drawn(cls, draw: np.random.Generator) -> _Plane:
        """A random size and aspect ratio, upright or landscape."""
        shorter = int(draw.integers(*_SHORTER))
        sides = [shorter, int(shorter * draw.uniform(*_LONGER))]
        draw.shuffle(sides)
        return cls(*np.meshgrid(*(np.linspace(-1, 1, side) for side in sides)))

    def grain(self, draw: np.random.Generator, least: float, most: float) -> Values:
        """Sensor noise [h, w, 3] with a standard deviation between the two."""
        return draw.normal(0, draw.uniform(least, most), (*self.across.shape, 3))


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind's painter, colours and texts, where `{0}` stands for the first colour."""

    paint: Paint
    palette: tuple[str, ...]
    captions: tuple[str, ...]
    queries: tuple[str, ...]


def _flat(_draw: np.random.Generator, plane: _Plane, colours: Values) -> Values:
    return np.tile(colours[0], (*plane.across.shape, 1))


def _noisy(draw: np.random.Generator, plane: _Plane, colours: Values) -> Values:
    return np.asarray(plane.grain(draw, 3, 20) + colours[0])


def _linear(draw: np.random.Generator, plane: _Plane, colours: Values, stops: int) -> Values:
    angle = draw.uniform(0, 2 * np.pi)
    return _blend(plane.across * np.cos(angle) + plane.down * np.sin(angle), colours[:stops])


def _radial(draw: np.random.Generator, plane: _Plane, colours: Values, stops: int) -> Values:
    across, down = draw.uniform(-0.7, 0.7, 2)
    return _blend(np.hypot(plane.across - across, plane.down - down), colours[:stops])


def _blend(way: Values, colours: Values) -> Values:
    """Blends from the first colour, where `way` [h, w] is smallest, to the last."""
    places = np.linspace(way.min(), way.max(), len(colours))
    return np.stack([np.interp(way, places, each) for each in colours.T], axis=-1)


def _smear(draw: np.random.Generator, plane: _Plane, colours: Values) -> Values:
    """A few spots of mixed colours, far out of focus."""
    rows, columns = draw.integers(2, 6, 2)
    spots = draw.dirichlet((0.4, 0.4, 0.1), (rows, columns)) @ colours
    small = PIL.Image.fromarray(spots.clip(0, 255).astype(np.uint8))
    return np.asarray(small.resize(plane.across.shape[::-1], PIL.Image.Resampling.BICUBIC), np.float64)


def _vignette(draw: np.random.Generator, plane: _Plane, colours: Values) -> Values:
    falloff = draw.uniform(0.2, 0.5) * np.hypot(plane.across, plane.down) ** 2
    return np.asarray(colours[0] * (1 - falloff[..., None]))


def _underexposed(draw: np.random.Generator, plane: _Plane, colours: Values) -> Values:
    return _smear(draw, plane, colours) * draw.uniform(0.02, 0.12) + plane.grain(draw, 1, 6)


def _overexposed(draw: np.random.Generator, plane: _Plane, colours: Values) -> Values:
    return 255 - (255 - _smear(draw, plane, colours)) * draw.uniform(0.02, 0.12)


def _finger(draw: np.random.Generator, plane: _Plane, colours: Values) -> Values:
    """Over the lens: light shines through from one side."""
    lit = _radial(draw, plane, np.stack([colours[0], colours[0] * draw.uniform(0.1, 0.5)]), 2)
    return lit + plane.grain(draw, 3, 9)


def _paper(draw: np.random.Generator, plane: _Plane, colours: Values) -> Values:
    """Fibres, and a shadow from one side."""
    fibres = draw.normal(0, draw.uniform(4, 12), plane.across.shape)
    fibres = (fibres + np.roll(fibres, 1, 1) + np.roll(fibres, 2, 1)) / 3
    shadow = _linear(draw, plane, np.stack([colours[0], colours[0] * draw.uniform(0.6, 0.95)]), 2)
    return shadow + fibres[..., None]


_PLAIN = (
    "A plain {0} picture.",
    "Nothing but {0}, from edge to edge.",
    "A blank {0} image without anything in it.",
)
# no "{0} background": photos found with it do show something
_SHORT = ("plain {0}", "only {0}", "solid {0}", "blank {0}")
_KINDS = {
    "black": _Kind(_flat, ("black",), _PLAIN, ("black picture", *_SHORT)),
    "white": _Kind(_flat, ("white",), _PLAIN, ("white picture", *_SHORT)),
    "grey": _Kind(_flat, _GREYS, _PLAIN, _SHORT),
    "colour": _Kind(_flat, _TINTS, _PLAIN, (*_SHORT, "plain colour")),
    "noise": _Kind(
        _noisy,
        _ANY,
        ("Plain {0} with a sensor's noise.", "A grainy {0} picture that shows nothing."),
        ("noise", "grainy {0}", "noisy {0} picture"),
    ),
    "linear": _Kind(
        partial(_linear, stops=2),
        _ANY,
        ("A gradient from {0} to {1}.", "{0} that fades into {1}, and nothing else."),
        ("gradient", "{0} to {1} gradient", "plain gradient"),
    ),
    "linear of three": _Kind(
        partial(_linear, stops=3),
        _ANY,
        ("A gradient from {0} over {1} to {2}.", "A smooth gradient of {0}, {1} and {2}."),
        ("gradient", "colour gradient", "{0} {1} {2} gradient"),
    ),
    "radial": _Kind(
        partial(_radial, stops=2),
        _ANY,
        ("A radial gradient, {0} inside and {1} outside.", "A blurred {0} spot on {1}."),
        ("radial gradient", "{0} and {1} gradient", "plain gradient"),
    ),
    "radial of three": _Kind(
        partial(_radial, stops=3),
        _ANY,
        ("A radial gradient of {0}, {1} and {2}.", "Soft rings of {0}, {1} and {2}."),
        ("radial gradient", "colour gradient", "{0} {1} {2} gradient"),
    ),
    "smear": _Kind(
        _smear,
        _ANY,
        ("An out of focus picture in {0} and {1}.", "A {0} and {1} blur in which nothing can be seen."),
        ("out of focus {0}", "blurred {0} and {1}", "completely blurred"),
    ),
    "vignette": _Kind(
        _vignette,
        _ANY,
        ("Plain {0} that darkens towards the corners.", "A {0} picture with a vignette, and nothing in it."),
        ("vignette", "plain {0} vignette", "{0} with dark corners"),
    ),
    "underexposed": _Kind(
        _underexposed,
        _ANY,
        ("An underexposed picture, almost black.", "A picture too dark to show anything."),
        ("underexposed", "too dark", "almost black"),
    ),
    "overexposed": _Kind(
        _overexposed,
        _ANY,
        ("An overexposed picture, almost white.", "A picture too bright to show anything."),
        ("overexposed", "too bright", "almost white"),
    ),
    "finger": _Kind(_finger, ("red", "brown", "orange"), ("A finger over the lens.",), ("covered lens",)),
    "paper": _Kind(_paper, ("white", "light grey", "beige"), ("A blank sheet of paper.",), ("blank paper",)),
}
_NEVER_LEARNT = ("finger", "paper")
TRAINING = Family("training", 1, tuple(each for each in _KINDS if each not in _NEVER_LEARNT))
EVALUATION = Family("measuring", 2, tuple(_KINDS))
