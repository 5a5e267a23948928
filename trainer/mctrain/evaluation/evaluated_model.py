"""What is evaluated: models that embed texts, and photos from the bytes of their files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mctrain.data.shards import PHOTO_SUFFIXES, samples
from mctrain.data.texts import SampleTexts, texts_of
from mctrain.errors import DataError, WeightsError
from mctrain.teachers.teacher import BundleTeacher
from picsight_engine.bundles.preprocess import reduced_side
from picsight_engine.photos.colours import NAMES, colour_codes, named_colours
from picsight_engine.photos.decoding.decode import Limits, decode
from picsight_engine.photos.thumbnail import thumbnail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import PIL.Image
    from numpy.typing import NDArray

    from mctrain.teachers.teacher import Teacher


_Photo = tuple[str, Path, bytes, SampleTexts]  # key, file name, its bytes, texts
TOGETHER = 8  # photos per batch; unbatched, torch takes almost three times as long


@dataclass(frozen=True, slots=True)
class Gallery:
    """The photos of a set in order: keys, file digests, texts, unit vectors [photos, dim], and the colour codes of their
    thumbnails [photos, names], None if they are not measured.
    """

    keys: tuple[str, ...]
    digests: tuple[bytes, ...]
    texts: tuple[SampleTexts, ...]
    vectors: NDArray[np.float32]
    colours: NDArray[np.uint8] | None = None

    def distinct(self, rows: NDArray[np.int64]) -> tuple[Gallery, NDArray[np.int64]]:
        """The distinct photos of some rows, in order of first appearance, and the index of each row's photo among them.

        Files with the same bytes count as one photo, since none can be nearer to a text than the others.
        """
        first: dict[bytes, int] = {}
        for row in rows:
            first.setdefault(self.digests[row], int(row))
        numbers = {digest: number for number, digest in enumerate(first)}
        kept = list(first.values())
        photos = Gallery(
            tuple(self.keys[row] for row in kept),
            tuple(first),
            tuple(self.texts[row] for row in kept),
            self.vectors[kept],
            None if self.colours is None else self.colours[kept],
        )
        return photos, np.array([numbers[self.digests[row]] for row in rows], np.int64)


class EvaluatedModel:
    """Embeds photos and texts; decodes photos with the engine, as in the application, each file once."""

    def __init__(self, teacher: Teacher, progress: Callable[[int, str], None]) -> None:
        self.name = teacher.name
        self.digest = teacher.digest
        self._bundle = teacher if isinstance(teacher, BundleTeacher) else None
        self._teacher = teacher
        self.progress = progress
        self._seen: dict[Path, Gallery] = {}
        self._texts: tuple[object, NDArray[np.float32]] | None = None
        self._asking: dict[str, np.bool_] = {}

    def gallery(self, paths: Sequence[Path]) -> Gallery:
        """The photos of shards, or of a folder with one folder per class, stored under `folder` in the photo's texts.

        Raises:
            DataError: a shard is damaged, or a sample of it.
            WeightsError: the image tower's output is not finite.
        """
        for path in paths:
            if path not in self._seen:
                self._seen[path] = self._look(path)
        parts = [self._seen[path] for path in paths]
        if len(parts) == 1:
            return parts[0]
        return Gallery(
            tuple(key for each in parts for key in each.keys),
            tuple(digest for each in parts for digest in each.digests),
            tuple(words for each in parts for words in each.texts),
            np.concatenate([each.vectors for each in parts]),
            np.concatenate([each.colours for each in parts if each.colours is not None]),
        )

    def pictures(self, pictures: Sequence[PIL.Image.Image], keys: Sequence[str]) -> NDArray[np.float32]:
        """The unit vectors [pictures, dim] of decoded RGB pictures.

        Raises:
            WeightsError: the image tower's output is not finite.
        """
        return self._numbers(self._teacher.photos(pictures, keys), keys, "image")

    def texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [texts, dim]; the last call is cached, because consecutive tasks may use the same texts.

        Raises:
            WeightsError: the text tower's output is not finite.
        """
        return self._embedded(self._teacher.texts, tuple(texts))

    def searches(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [texts, dim] with which the application ranks photos for searches; cached as in `texts`.

        Raises:
            WeightsError: the text tower's output is not finite.
        """
        return self._embedded(self._bundle.searches if self._bundle else self._teacher.texts, tuple(texts))

    def colour_weights(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """What the application takes off the score for each nat of each colour that a text names: [texts, names]."""
        weights = np.zeros((len(texts), len(NAMES)), np.float32)
        for row, columns in enumerate(map(named_colours, texts)):
            weights[row, columns] = self._bundle.colour / max(len(columns), 1) if self._bundle else 0
        return weights

    def losses(self, photos: NDArray[np.float32]) -> NDArray[np.float32]:
        """The application's penalty for blank photos, [n] for vectors [n, dim]."""
        known = self._bundle.blankness if self._bundle else None
        return known.losses(photos @ known.axis()) if known else np.zeros(len(photos), np.float32)

    def asking(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Which texts ask for blank photos."""
        if self._bundle is None or self._bundle.blankness is None:
            return np.zeros(len(texts), np.bool_)
        for text in dict.fromkeys(texts):
            if text not in self._asking:
                (self._asking[text],) = self._bundle.blankness.asking(self._bundle.terms([text]))
        return np.array([self._asking[text] for text in texts], np.bool_)

    def _embedded(
        self, embed: Callable[[Sequence[str]], NDArray[np.float32]], texts: tuple[str, ...]
    ) -> NDArray[np.float32]:
        asked = (embed, texts)
        if self._texts is None or self._texts[0] != asked:
            self._texts = (asked, self._numbers(embed(texts), texts, "text"))
        return self._texts[1]

    def _numbers(self, vectors: NDArray[np.float32], of: Sequence[str], tower: str) -> NDArray[np.float32]:
        """Checks that the vectors are finite: in a small gallery even NaN vectors would find something."""
        wrong = np.flatnonzero(~np.isfinite(vectors).all(1))
        if len(wrong):
            raise WeightsError(
                f"The {tower} tower of {self.name} gives no numbers for {of[wrong[0]]!r}: its weights are damaged or have "
                "overflown; measure others."
            )
        return vectors

    def _look(self, path: Path) -> Gallery:
        keys, digests, words = list[str](), list[bytes](), list[SampleTexts]()
        rows, colours = list["NDArray[np.float32]"](), list[bytes]()
        side = reduced_side(self._teacher.spec)
        photos = _in_folders(path) if path.is_dir() else _in_shard(path)
        while part := list(islice(photos, TOGETHER)):
            pictures = []
            for key, name, content, texts in part:
                pictures.append(decode(content, name, min_side=side, limits=Limits()).image)
                colours.append(colour_codes(thumbnail(pictures[-1])) or bytes(len(NAMES)))
                keys.append(key)
                digests.append(hashlib.sha256(content).digest())
                words.append(texts)
                self.progress(1, path.name)
            rows.append(self.pictures(pictures, keys[-len(part) :]))
        if not rows:
            raise DataError(f"{path} holds no photo; check the name.")
        codes = np.frombuffer(b"".join(colours), np.uint8).reshape(len(keys), -1)
        return Gallery(tuple(keys), tuple(digests), tuple(words), np.concatenate(rows), codes)


def _in_shard(shard: Path) -> Iterator[_Photo]:
    for sample in samples(shard):
        yield (
            sample.key,
            Path(f"{sample.key}.{sample.suffix}"),
            sample.photo,
            texts_of(sample.members, sample.key),
        )


def _in_folders(folder: Path) -> Iterator[_Photo]:
    for file in _files(folder):
        words = SampleTexts(about={"folder": file.parent.name})
        yield file.relative_to(folder).as_posix(), file, file.read_bytes(), words


def _files(folder: Path) -> Iterable[Path]:
    """The files of a folder except hidden ones, such as thumbnails and macOS's `._` files."""
    return sorted(
        file
        for file in folder.glob("*/*")
        if file.suffix.lower().removeprefix(".") in PHOTO_SUFFIXES
        and not file.name.startswith(".")
        and not file.parent.name.startswith(".")
    )
