"""Which colours a photo shows, by names learnt from captions: `packaging/colours.py` fits the table.

Each pixel belongs to the nearest of 64 colours in OKLab. A photo is divided into 36 cells, and the cell that shows most
of a colour counts far more than the others, the middle more than the edges: so a small red tractor in a meadow is red.
Silver and blond are no colours here: no histogram tells them from grey and brown.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORDS = {
    "red": "red crimson scarlet",
    "orange": "orange",
    "yellow": "yellow",
    "green": "green",
    "blue": "blue navy",
    "purple": "purple violet lavender lilac",
    "pink": "pink magenta",
    "brown": "brown",
    "black": "black",
    "white": "white",
    "grey": "grey gray",
    "golden": "golden gold",
    "beige": "beige tan cream",
    "turquoise": "turquoise teal aqua cyan",
}
NAMES = tuple(WORDS)
COLUMNS = {word: column for column, words in enumerate(WORDS.values()) for word in words.split()}
# A colour only before other words.
_THINGS = frozenset({"orange", "gold", "violet", "lavender", "lilac", "cream"})
_WORD = re.compile(r"\w+")

RULE = 1  # of the codes below; if the table or the rule changes, raise it, and every photo is measured again
PER_NAT = 32  # a code is 1 + 32 times the loss, at most 255; 0 is a photo that was not measured
UNMEASURED = 0
SIDE, CELLS, GREYS = 48, 6, 32  # pixels per side, cells per side, grey levels told apart
# Weights of lightness and hue when the nearest colour is looked for.
CHROMA = np.array((0.7, 2.0, 2.0), np.float32)
FLOOR = 0.003  # less of a colour than this share is none
_TABLE = "colour_names.json"


@dataclass(frozen=True, slots=True)
class ColourTable:
    """What was learnt: OKLab `palette` [k, 3], how likely a pixel of each is called each colour `called` [k, names], `cells`
    [36] are the weights of the cells; and for each colour how far its best cell outweighs the others (`focus`), the `slope`
    and `offset` of the log odds that captions name it, the loss `cut` up to which a photo may show it, and `sure` up to which it does.
    """

    palette: NDArray[np.float32]
    called: NDArray[np.float32]
    cells: NDArray[np.float32]
    focus: NDArray[np.float32]
    slope: NDArray[np.float32]
    offset: NDArray[np.float32]
    cut: NDArray[np.float32]
    sure: NDArray[np.float32]

    def losses(self, shares: NDArray[np.float32]) -> NDArray[np.float32]:
        """For shares of the palette by cell [36, k]: minus the log probability that captions name each colour [names]."""
        shown = np.maximum(shares @ self.called, 1e-6)  # [36, names]
        amount = (self.cells @ shown**self.focus) ** (1 / self.focus)
        odds = self.slope * np.log(amount + FLOOR) + self.offset
        return np.asarray(np.logaddexp(0, -odds), np.float32)


@cache
def colour_table() -> ColourTable:
    """The table that ships."""
    text = resources.files(__package__).joinpath(_TABLE).read_text(encoding="utf-8")
    return ColourTable(**{name: np.array(each, np.float32) for name, each in json.loads(text).items()})


def named_colours(text: str) -> list[int]:
    """The columns of the colours that a search names; "orange" alone is a fruit, and so is the orange of "an orange".

    >>> [NAMES[column] for column in named_colours("a navy boat")]
    ['blue']
    """
    return sorted({COLUMNS[found[0].casefold()] for found in _colour_words(text)})


def without_colours(text: str) -> str:
    """A text without the words that name colours.

    >>> without_colours("a navy boat")
    'a boat'
    """
    for found in reversed(_colour_words(text)):
        text = f"{text[: found.start()]} {text[found.end() :]}"
    return " ".join(text.split())


def _colour_words(text: str) -> list[re.Match[str]]:
    words = [*_WORD.finditer(text)]
    named = [found for found in words if found[0].casefold() in COLUMNS]
    return [found for found in named if found is not words[-1] or found[0].casefold() not in _THINGS]


def pixels_of(jpeg: bytes) -> NDArray[np.uint8] | None:
    """The pixels [48, 48, 3] of a thumbnail; None if its bytes are damaged."""
    from PIL import Image  # lazy: 30 ms, and searches need only the words

    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as opened:
            opened.draft("RGB", (2 * SIDE, 2 * SIDE))
            return np.asarray(opened.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX))
    except (OSError, SyntaxError, ValueError):
        return None


def colour_codes(jpeg: bytes) -> bytes | None:
    """The codes of a thumbnail, one byte a colour; None if its bytes are damaged."""
    pixels = pixels_of(jpeg)
    if pixels is None:
        return None
    table = colour_table()
    losses = table.losses(shares_of(pixels, _nearest(), len(table.palette)))
    return bytes((1 + np.rint(losses * PER_NAT).clip(0, 254)).astype(np.uint8))


def nats_of(codes: NDArray[np.uint8], columns: Sequence[int]) -> NDArray[np.float32]:
    """The mean loss [n] of photos' codes [n, names] for some colours."""
    nats = _NATS[codes[:, columns[0]]]
    for column in columns[1:]:
        nats += _NATS[codes[:, column]]
    return np.asarray(nats / np.float32(len(columns)))


def may_show(codes: NDArray[np.uint8], columns: Sequence[int]) -> NDArray[np.bool_]:
    """Which photos [n] may show all of these colours, by their codes [n, names]; also those not measured."""
    most = 1 + PER_NAT * colour_table().cut
    return np.asarray(np.logical_and.reduce([codes[:, column] <= most[column] for column in columns]))


def likelihood(codes: NDArray[np.uint8], column: int) -> NDArray[np.float32]:
    """How likely photos show a colour [n], by their codes [n, names]: 1 if they may, less the less likely they do."""
    nats = _NATS[codes[:, column]]
    return np.asarray(np.where(may_show(codes, [column]), 1, np.exp(colour_table().cut[column] - nats)))


def surely_showing(codes: NDArray[np.uint8], column: int) -> NDArray[np.bool_]:
    """Which photos [n] certainly show a colour."""
    most = 1 + PER_NAT * colour_table().sure[column]
    return np.asarray((codes[:, column] != UNMEASURED) & (codes[:, column] <= most))


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Lightness, green to red and blue to yellow [..., 3] of sRGB pixels [..., 3] (B. Ottosson, 2020)."""
    values = rgb.astype(np.float32) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    lab: NDArray[np.float32] = np.cbrt(linear @ _TO_CONES) @ _TO_LAB
    return lab


def shares_of(pixels: NDArray[np.uint8], nearest: NDArray[np.uint8], colours: int) -> NDArray[np.float32]:
    """The share of each palette colour in each cell [36, k] of pixels [48, 48, 3]; `nearest` is from `nearest_of`."""
    red, green, blue = (pixels // (256 // GREYS)).reshape(-1, 3).astype(np.intp).T
    found = nearest[(red * GREYS + green) * GREYS + blue]
    counts = np.bincount(_CELL * colours + found, minlength=CELLS**2 * colours)
    return (counts.reshape(CELLS**2, colours) / (SIDE // CELLS) ** 2).astype(np.float32)


def nearest_of(palette: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The nearest palette colour [32768] of each pixel at 32 grey levels a channel."""
    axis = np.arange(GREYS, dtype=np.uint8) * (256 // GREYS) + 128 // GREYS
    pixels = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    lab, centres = oklab(pixels) * CHROMA, palette * CHROMA
    distances = (centres**2).sum(axis=1) - 2 * lab @ centres.T  # the pixel's own square is the same for all
    return np.asarray(distances.argmin(axis=1), np.uint8)


_NATS = (np.arange(256, dtype=np.float32) - 1) / PER_NAT  # the loss of each code
_NATS[UNMEASURED] = 2.5  # as of most photos


@cache
def _nearest() -> NDArray[np.uint8]:
    return nearest_of(colour_table().palette)


_ROW = np.arange(SIDE) // (SIDE // CELLS)
_CELL = (_ROW[:, np.newaxis] * CELLS + _ROW).ravel()  # the cell of each pixel
_TO_CONES = np.array(
    (
        (0.4122214708, 0.2119034982, 0.0883024619),
        (0.5363325363, 0.6806995451, 0.2817188376),
        (0.0514459929, 0.1073969566, 0.6299787005),
    ),
    np.float32,
)
_TO_LAB = np.array(
    (
        (0.2104542553, 1.9779984951, 0.0259040371),
        (0.7936177850, -2.4285922050, 0.7827717662),
        (-0.0040720468, 0.4505937099, -0.8086757660),
    ),
    np.float32,
)
