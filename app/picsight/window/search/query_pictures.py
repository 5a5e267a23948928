"""The pictures that a query refers to: their names and thumbnails, for the chips."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QImage, QPixmap

from picsight.texts import tr
from picsight.window.parts.picture import read_thumbnail
from picsight_engine.language.query import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from picsight.jobs import Jobs
    from picsight.window.parts.picture import Pictures
    from picsight_engine.library import Library
    from picsight_engine.search.answer import Result

SIDE = 96  # pixels: a chip's picture on the sharpest screen
PASTED = "picsight-pasted-"
_UNTYPABLE = re.compile('["“”„\x00-\x1f\x7f-\x9f\ud800-\udfff]')


class QueryPictures(QObject):
    """Caches pictures by their typed form, "#12" or a path; missing ones are loaded."""

    arrived = Signal()  # a name or a picture

    def __init__(self, jobs: Jobs, pictures: Pictures, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._pictures = jobs, pictures
        self._library: Library | None = None
        self._names: dict[str, str] = {}
        self._pixmaps: dict[str, QPixmap | None] = {}
        self._folder, self._count = QTemporaryDir(), 0

    def use(self, library: Library) -> None:
        """Use this library; numbers refer to its photos."""
        self._library = library
        self._names.clear()
        self._pixmaps.clear()

    def close(self) -> None:
        """Delete the temporary files; call after all jobs have ended, since the program ends without Qt's destructors."""
        self._folder.remove()

    def note_name(self, photo: Result) -> None:
        """Cache the name of a photo that will be added to the query."""
        self._names[f"#{photo.id}"] = photo.path.name

    def name(self, target: str) -> str:
        """The name of a picture."""
        if target.startswith("#"):
            return self._names.get(target, tr("a photo"))
        name = Path(target).name
        return tr("the pasted picture") if name.startswith(PASTED) else name

    def picture_of(self, target: str) -> tuple[str, QPixmap | None]:
        """Name and thumbnail; a missing thumbnail is loaded and announced by `arrived`."""
        if target not in self._pixmaps and self._library is not None:
            self._pixmaps[target] = None
            self._ask(target)
        return self.name(target), self._pixmaps.get(target)

    def keep(self, picture: Path | QImage, done: Callable[[str], None]) -> None:
        """Call `done` with the typed form of a picture. One without a file, or with a name that cannot be typed, gets
        a temporary file, which is deleted with the window.
        """
        self._count += 1
        kept = Path(self._folder.path()) / f"{PASTED}{self._count}"

        def work() -> Path:
            if isinstance(picture, Path):
                if not _UNTYPABLE.search(str(picture)):
                    return picture
                return Path(shutil.copy(picture, kept.with_suffix(picture.suffix)))
            path = kept.with_suffix(".png")
            picture.save(str(path))
            return path

        self._jobs.read(work, lambda path: done(str(Picture(str(path), 0, 0))))

    def _ask(self, target: str) -> None:
        number = re.fullmatch(r"#([0-9]{1,18})", target)
        library, pictures = self._library, self._pictures

        def work() -> tuple[str, QImage]:
            if number is not None and library is not None:
                photo = library.photos.with_id(int(number[1]))
                return photo.path.name if photo else "", read_thumbnail(
                    library.photos.thumbnail(int(number[1]))
                )
            return "", pictures.load(Path(target).expanduser(), QSize(SIDE, SIDE), lambda: True).image

        self._jobs.read(work, lambda found: self._take(target, *found), lambda _sentence: None)

    def _take(self, target: str, name: str, image: QImage) -> None:
        if name:
            self._names[target] = name
        if not image.isNull():
            mode = Qt.TransformationMode.SmoothTransformation
            by = Qt.AspectRatioMode.KeepAspectRatioByExpanding
            self._pixmaps[target] = QPixmap.fromImage(image.scaled(SIDE, SIDE, by, mode))
        self.arrived.emit()
