"""Thumbnails for the cells: read and scaled in threads, a batch at a time, cached within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPixmap

from picsight.window.parts.picture import read_thumbnail
from picsight.window.tokens import HAIR, em

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs
    from picsight.window.parts.picture import Pictures
    from picsight_engine.search.answer import Result

    Fetch = Callable[[int, float | None], bytes | None]

BUDGET = 128_000_000  # bytes of pixels
BATCH = 16  # a batch takes a few milliseconds to convert to pixmaps and paint
STORED = 256  # pixels of a stored thumbnail's long side
BLOWN_UP = 1.25  # the highest magnification of a stored thumbnail; beyond it the photo is read


@dataclass(frozen=True, slots=True)
class ThumbnailRequest:
    """A photo, or a film's frame at `moment`, wanted at a size in device pixels, its corners rounded by `radius`; `path` is
    its file.
    """

    photo: int
    width: int
    height: int
    radius: float
    path: Path
    moment: float | None = None

    @classmethod
    def from_photo(cls, photo: Result, widget: QWidget, width: float, height: float) -> ThumbnailRequest:
        """A photo at a size in logical pixels, for the screen of this widget."""
        ratio = widget.devicePixelRatioF()
        size = round(width * ratio), round(height * ratio)
        return cls(photo.id, *size, HAIR * em(widget) * ratio, photo.path, photo.moment)

    @property
    def key(self) -> tuple[int, float | None]:
        """What it shows."""
        return self.photo, self.moment

    @property
    def bytes(self) -> int:
        """The bytes of its pixels."""
        return self.width * self.height * 4

    @property
    def is_large(self) -> bool:
        """True if the stored thumbnail would be visibly magnified."""
        return max(self.width, self.height) > STORED * BLOWN_UP


@dataclass(frozen=True, slots=True)
class _CachedPixmap:
    """A pixmap, the request it was made for, and whether it was read from the photo itself."""

    request: ThumbnailRequest
    pixmap: QPixmap
    is_sharp: bool


class Thumbnails(QObject):
    """Pixmaps of photos by id, and of films' frames; missing ones are fetched in the order of the request."""

    arrived = Signal(object)  # set[int], the photos whose pixmap is new

    def __init__(
        self, jobs: Jobs, pictures: Pictures, parent: QObject | None = None, *, budget: int = BUDGET
    ) -> None:
        super().__init__(parent)
        self._jobs, self._pictures, self._budget = jobs, pictures, budget
        self._fetch: Fetch | None = None
        self._cache: OrderedDict[tuple[int, float | None], _CachedPixmap] = OrderedDict()
        self._bytes = 0
        self.missing: set[int] = set()  # photos without a thumbnail in the library
        self._blurred: set[int] = set()  # photos that cannot be read now and keep the stored thumbnail
        self._wanted: Sequence[ThumbnailRequest] = ()
        self._seen = 0
        self.is_busy = self._is_sharpening = False  # while a batch, or a large photo, is read

    def use(self, fetch: Fetch) -> None:
        """Set the source of thumbnails, by photo and moment; `fetch` is called in threads."""
        self._fetch = fetch
        self._next()

    def pixmap(self, photo: int, moment: float | None = None) -> QPixmap | None:
        """The pixmap of a photo or a frame, possibly of another size than wanted, or None if there is none yet."""
        cached = self._cache.get((photo, moment))
        if cached is None:
            return None
        self._cache.move_to_end((photo, moment))
        return cached.pixmap

    def stored(self, photo: int, moment: float | None) -> QImage | None:
        """The stored thumbnail unscaled, None if there is none; called in threads."""
        image = read_thumbnail(self._fetch(photo, moment) if self._fetch else None)
        return None if image.isNull() else image

    def request(self, wanted: Sequence[ThumbnailRequest], seen: int = 0) -> None:
        """Fetch these in order; earlier requests that are not among them are dropped.

        The first `seen` are in sight: large ones among them are then read from the photos themselves.
        """
        self._wanted, self._seen = wanted, seen
        self._next()

    def retry_missing(self) -> None:
        """Fetch missing thumbnails again, which may exist by now."""
        self.missing.clear()
        self._blurred.clear()
        self._next()

    def _next(self) -> None:
        if self.is_busy or self._fetch is None:
            return
        batch = [request for request in self._wanted if self._lacks(request)][:BATCH]
        if not batch:
            self._sharpen()
            return
        self.is_busy = True
        self._jobs.read(lambda: self._render_all(batch), self._take, self._give_up)

    def _render_all(self, batch: Sequence[ThumbnailRequest]) -> list[tuple[ThumbnailRequest, QImage | None]]:
        """Read and render a batch; runs in a thread."""
        stored = ((request, self.stored(*request.key)) for request in batch)
        return [(request, None if image is None else render(image, request)) for request, image in stored]

    def _lacks(self, request: ThumbnailRequest) -> bool:
        if request.photo in self.missing:
            return False
        cached = self._cache.get(request.key)
        return cached is None or (cached.request != request and not (cached.is_sharp and request.is_large))

    def _sharpen(self) -> None:
        """Read one large photo in sight; scrolling on does not wait for it."""
        if self._is_sharpening:
            return
        request = next((request for request in self._wanted[: self._seen] if self._is_blurred(request)), None)
        if request is None:
            return
        self._is_sharpening = True
        self._jobs.read(
            lambda: render(self._read_sharp(request), request),
            lambda image: self._take([(request, image)], is_sharp=True),
            lambda _sentence: self._take([(request, None)], is_sharp=True),
        )

    def _read_sharp(self, request: ThumbnailRequest) -> QImage:
        """Read a photo; runs in a thread."""
        size = QSize(request.width, request.height)
        return self._pictures.load(request.path, size, lambda: request in self._wanted, request.moment).image

    def _is_blurred(self, request: ThumbnailRequest) -> bool:
        cached = self._cache.get(request.key)
        if cached is None or not request.is_large or request.photo in self._blurred:
            return False
        return not cached.is_sharp or cached.request != request

    def _take(self, images: list[tuple[ThumbnailRequest, QImage | None]], *, is_sharp: bool = False) -> None:
        if is_sharp:
            self._is_sharpening = False
        else:
            self.is_busy = False
        for request, image in images:
            if image is not None:
                self._keep(_CachedPixmap(request, QPixmap.fromImage(image), is_sharp))
            elif not is_sharp:
                self.missing.add(request.photo)
            elif request in self._wanted:  # otherwise it was only dropped
                self._blurred.add(request.photo)
        self.arrived.emit({request.photo for request, _ in images})
        self._next()

    def _give_up(self, _sentence: str) -> None:
        """Drop a batch after a read error: its cells stay grey until the next request."""
        self.is_busy = False

    def _keep(self, cached: _CachedPixmap) -> None:
        if old := self._cache.pop(cached.request.key, None):
            self._bytes -= old.request.bytes
        self._cache[cached.request.key] = cached
        self._bytes += cached.request.bytes
        while self._bytes > self._budget and len(self._cache) > 1:
            _, dropped = self._cache.popitem(last=False)
            self._bytes -= dropped.request.bytes


def render(image: QImage, request: ThumbnailRequest) -> QImage:
    """Scale an image to fill the wanted size, crop it centrally, round its corners."""
    size = QSize(request.width, request.height)
    filled = image.scaled(
        size, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    cut = QRect(QPoint((filled.width() - size.width()) // 2, (filled.height() - size.height()) // 2), size)
    ready = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    ready.fill(Qt.GlobalColor.transparent)
    painter = QPainter(ready)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    shape = QPainterPath()
    shape.addRoundedRect(QRectF(ready.rect()), request.radius, request.radius)
    painter.setClipPath(shape)
    painter.drawImage(ready.rect(), filled, cut)
    painter.end()
    return ready
