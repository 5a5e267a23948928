"""Measures how well words in pictures are read: pictures made of photos and known words, and the photos themselves, beside rivals.

One half of the made pictures is for choosing settings, the other reports. Tesseract and rapidocr take part where they are
installed. Needs the fonts DejaVu, Liberation, Noto CJK and Humor Sans.
"""

from __future__ import annotations

import argparse
import io
import random
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from report import machine, table

from picsight_engine.foundation.folding import fold
from picsight_engine.kinds import WORDS
from picsight_engine.photos.decoding.decode import decode
from picsight_engine.photos.reading import Limits
from picsight_engine.runtime.word_reader import GATE_SIDE, WordReader

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (4000, 3000)
TEXTS = """Emergency exit|Invoice 2041 paid|Grünstraße geöffnet|Bäckerei Müller|Boulangerie française|Où êtes-vous|Mañana señora
|Salida de emergencia|Perché così città|Uscita di sicurezza|Saída através coração|Nooduitgang links|Total amount 39,90|Platform seven
|Größe zwölf Äpfel|Crème brûlée maison|Calle número quince|Stazione centrale|Estação rodoviária|Fietsen verboden|Wet paint please
|Library opening hours|Do not disturb|Frische Brötchen täglich|Sortie de secours|Helado de limón|Gelato artigianale|Próxima parada
|Verboden toegang|Meeting agenda Tuesday""".replace("\n", "").split("|")
EASTERN = [
    "東京駅",
    "出口",
    "北京大学",
    "上海市",
    "新幹線",
    "図書館",
    "营业时间",
    "禁止吸烟",
    "电话号码",
    "お手洗い",
    "入口",
    "自転車",
    "欢迎光临",
    "中华人民",
    "関係者以外",
    "请勿拍照",
]
SANS, SERIF, BOLD = "DejaVuSans.ttf", "LiberationSerif-Regular.ttf", "LiberationSans-Bold.ttf"
HAND, CJK = "Humor-Sans.ttf", "NotoSansCJK-Regular.ttc"
# For each kind: how many pictures, and the range of letters' heights in pixels.
KINDS = {
    "sign": (8, 90, 260), "receipt": (6, 44, 60), "screenshot": (8, 44, 70), "turned": (10, 60, 120), "perspective": (6, 60, 140),
    "28 to 40 px": (8, 28, 40), "hand": (6, 60, 110), "Chinese, Japanese": (8, 60, 140), "16 to 27 px": (4, 16, 27),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """A picture as a JPEG, of a kind, with the folded words that are written in it."""

    kind: str
    jpeg: bytes
    words: tuple[str, ...]


def make(kind: str, low: int, high: int, background: Image.Image, chance: random.Random) -> Made:
    """Draws lines onto a photo, or onto a page, and damages the picture as cameras and messengers do."""
    page = kind in {"receipt", "screenshot"}
    dark = kind == "screenshot" and chance.random() < 0.5
    paper = (24, 26, 30) if dark else (246, 245, 240)
    image = Image.new("RGB", SIZE, paper) if page else background.resize(SIZE, Image.Resampling.BICUBIC)
    texts = EASTERN if kind.startswith("Chinese") else TEXTS
    if kind == "hand":  # its font has no accents
        texts = [text for text in TEXTS if text.isascii()]
    lines = chance.sample(texts, 12 if page else 6)
    for row, line in enumerate(lines):
        _draw(
            image, line, kind, (chance.randint(low, high), 150 + row * 2700 // len(lines)), chance, dark=dark
        )
    image = image.filter(ImageFilter.GaussianBlur(chance.uniform(0, 1.2 if high > 40 else 0.5)))
    noise = np.random.default_rng(chance.randrange(1 << 30)).normal(0, chance.uniform(0, 8), (*SIZE[::-1], 1))
    image = Image.fromarray(
        (np.asarray(image, np.float32) * chance.uniform(0.6, 1) + noise).clip(0, 255).astype(np.uint8)
    )
    if kind == "turned":
        image = image.rotate(
            chance.choice([15, -15, 30, -30, 90, 180, 270]), expand=True, fillcolor=(128, 128, 128)
        )
    data = io.BytesIO()
    image.save(data, "JPEG", quality=chance.randint(60, 90))
    return Made(kind, data.getvalue(), tuple(word for line in lines for word in fold(line).split()))


def _draw(
    image: Image.Image, line: str, kind: str, place: tuple[int, int], chance: random.Random, *, dark: bool
) -> None:
    height, top = place
    name = {"hand": HAND, "Chinese, Japanese": CJK}.get(kind) or chance.choice([SANS, SERIF, BOLD])
    font = ImageFont.truetype(name, round(height * 1.35))  # capital letters are some three quarters as high
    width = int(font.getlength(line)) + 40
    plate = Image.new(
        "RGB",
        (width, 2 * height),
        chance.choice([(250, 248, 240), (20, 60, 140), (30, 30, 30), (240, 200, 40)]),
    )
    page = kind in {"receipt", "screenshot"}
    is_dark = dark if page else sum(plate.getpixel((0, 0))) < 384  # type: ignore[arg-type]
    if page:
        plate.paste(image.getpixel((0, 0)), (0, 0, *plate.size))  # type: ignore[arg-type]
    ink = (245, 245, 245) if is_dark else (25, 25, 30)
    ImageDraw.Draw(plate).text((20, height // 4), line, font=font, fill=ink)
    if kind == "perspective":
        lean, short = chance.uniform(0.05, 0.2) * plate.width, chance.uniform(0, 0.25) * plate.height
        corners = (
            -lean / 4,
            -short,
            0,
            plate.height,
            plate.width,
            plate.height + short,
            plate.width + lean / 4,
            0,
        )
        plate = plate.transform(plate.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    image.paste(plate, (chance.randint(60, max(61, SIZE[0] - width - 60)), top))


def read_by_picsight(reader: WordReader, jpeg: bytes) -> list[str]:
    """The lines as the application reads them, after reduced decoding."""
    photo = decode(jpeg, Path("x.jpg"), min_side=WORDS.min_side, limits=Limits())
    return [line.text for line in reader.read(photo.image)]


def rivals() -> dict[str, Callable[[bytes], list[str]]]:
    """The programs that are installed, with their defaults for many languages."""
    found: dict[str, Callable[[bytes], list[str]]] = {}
    if tesseract := shutil.which("tesseract"):

        def by_tesseract(jpeg: bytes) -> list[str]:
            command = [tesseract, "-", "-", "--psm", "11"]
            done = subprocess.run(command, input=jpeg, capture_output=True, check=True)
            return done.stdout.decode().split("\n")

        found["Tesseract"] = by_tesseract
    try:
        from rapidocr import RapidOCR
    except ImportError:
        return found
    engine = RapidOCR()
    found["rapidocr"] = lambda jpeg: [*(engine(jpeg).txts or ())]
    return found


def measure(read: Callable[[bytes], list[str]], pictures: list[Made]) -> tuple[list[str], str]:
    """Cells of the share of words found, for each kind and in all but the smallest, and of false words a picture; CPU seconds."""
    found, wanted, false = Counter[str](), Counter[str](), 0
    begun = _cpu()
    for made in pictures:
        whole = " ".join(map(fold, read(made.jpeg)))
        wanted[made.kind] += len(made.words)
        found[made.kind] += sum(word in whole for word in made.words)
        known = "".join(made.words)
        false += sum(word not in known for word in whole.split() if sum(map(str.isalnum, word)) > 1)
    large = [kind for kind in KINDS if not kind.startswith("16")]
    shares = [f"{100 * found[kind] / max(wanted[kind], 1):.1f}" for kind in KINDS]
    whole_share = 100 * sum(found[kind] for kind in large) / sum(wanted[kind] for kind in large)
    return [
        f"{whole_share:.1f}",
        *shares,
        f"{false / len(pictures):.2f}",
    ], f"{(_cpu() - begun) / len(pictures):.2f}"


def _cpu() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, metavar="FOLDER", help="photos without words; 200 are enough")
    parser.add_argument("--choose", action="store_true", help="the half for choosing settings")
    arguments = parser.parse_args()
    files = sorted(path for path in arguments.photos.iterdir() if path.suffix.lower() in {".jpg", ".png"})
    if not files:
        sys.exit(f"{arguments.photos} has no photos; name a folder with some.")
    chance = random.Random(5)  # noqa: S311 - the same pictures every time
    pictures = []
    for kind, (number, low, high) in KINDS.items():
        for _ in range(number):
            background = Image.open(chance.choice(files)).convert("RGB")
            pictures.append(make(kind, low, high, background, chance))
    half = pictures[::2] if arguments.choose else pictures[1::2]
    reader = WordReader()
    everyone = {"Picsight": lambda jpeg: read_by_picsight(reader, jpeg), **rivals()}
    rows = []
    for name, read in everyone.items():
        cells, seconds = measure(read, half)
        rows.append([name, *cells, seconds])
    print(f"{machine()}; {len(half)} pictures; CPU seconds a picture\n")
    print(table(["reads", "words of 28 px and more, %", *KINDS, "false words a picture", "CPU s"], rows))
    print(f"\n{photos_without_words(reader, files)}")


def photos_without_words(reader: WordReader, files: list[Path]) -> str:
    """What ordinary photos cost when they are enlarged to 12 megapixels, and what is read in them, to be judged by eye."""
    seconds, closed, read = [], [], dict[str, list[str]]()
    for path in files:
        data = io.BytesIO()
        Image.open(path).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC).save(data, "JPEG", quality=88)
        photo = decode(data.getvalue(), path, min_side=WORDS.min_side, limits=Limits())
        begun = time.process_time()
        if lines := reader.read(photo.image):
            read[path.name] = [line.text for line in lines]
        seconds.append(time.process_time() - begun)
        if not reader._find(photo.image, GATE_SIDE):  # noqa: SLF001 - the gate is a step inside
            closed.append(seconds[-1])
    gate = f"{np.mean(closed):.2f}" if closed else "-"
    return (
        f"{len(files)} photos at 12 megapixels, without decoding: {np.mean(seconds):.2f} CPU s on average, {gate} where the gate closes "
        f"({len(closed)} photos). Read in {len(read)}:\n"
        + "\n".join(f"{name}: {' | '.join(lines)}" for name, lines in read.items())
    )


if __name__ == "__main__":
    main()
