"""The studio of a tag: its words and examples on the leading side, its photos in the middle, borderline cases trailing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from picsight.texts import tr
from picsight.window.controls.buttons import Button, Emphasis, IconButton, scrolled
from picsight.window.controls.choice import Toggle
from picsight.window.controls.line_edit import LineEdit
from picsight.window.controls.notice import Notice
from picsight.window.grid.model import WallModel
from picsight.window.grid.sections.view import PhotoView
from picsight.window.grid.thumbnails import Thumbnails
from picsight.window.parts.drops import dropped_photos
from picsight.window.parts.labels import Label, sized
from picsight.window.parts.layouts import filled
from picsight.window.parts.words import breakable
from picsight.window.search.headline import translated
from picsight.window.tags.studio.borderline import BorderlineCases
from picsight.window.tags.studio.fields import ExamplesField, WordsField
from picsight.window.tags.studio.preview import HERE
from picsight.window.tags.studio.threshold import ThresholdSlider
from picsight.window.tokens import HALF, PAD, px

if TYPE_CHECKING:
    from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent

    from picsight.jobs import Jobs
    from picsight.window.parts.picture import Pictures
    from picsight.window.tags.studio.draft import Draft
    from picsight.window.tags.studio.preview import DraftPreview, PreviewPhotos

SIDE, SIDE_ALONE = 17.0, 18.5  # em: a column, and one that also holds the borderline cases
NARROW, ROW = 62.0, 6.0  # em: the width below which two columns become one; a row of photos
BUDGET = 32_000_000  # bytes of pixels


class Studio(QWidget):
    """Shows a draft and its preview; signals the user's requests."""

    saved = Signal()
    left = Signal()  # Cancel, Escape, or the back arrow

    def __init__(self, pictures: Pictures, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # One for each place, since each asks for what it shows.
        self.thumbnails = [Thumbnails(jobs, pictures, self, budget=BUDGET) for _ in range(4)]
        of_wall, of_alike, of_unlike, of_cases = self.thumbnails
        self.name = LineEdit(tr("Name of the tag"), tr("Name, such as Birds/Waders"), self)
        self.suggests = Toggle(self)
        self.cancel = Button(tr("Cancel"), Emphasis.PLAIN, self)
        self.save = Button(tr("Save"), Emphasis.PRIMARY, self)
        self.words = WordsField(self)
        self.translated = Label(parent=self, wraps=True, dim=True)
        self.translated.setToolTip(tr("A word behind a backslash is searched as typed."))
        self.alike = ExamplesField(tr("Looks like"), of_alike, self)
        self.unlike = ExamplesField(tr("Not like"), of_unlike, self)
        self.statistics = Label(parent=self)
        self.slider = ThresholdSlider(self)
        self.model = WallModel(self)
        self.model.show_tag(HERE)
        self.wall = PhotoView(self.model, of_wall, jobs, ROW, self)
        self.borderline = BorderlineCases(of_cases, self)
        self.notice = Notice(self)  # why there is no preview
        self._middle = QStackedWidget(self)
        self._fields, self._cases = QVBoxLayout(), QVBoxLayout()
        self.setAcceptDrops(True)
        self._scroll = self._leading()
        self._lay_out()
        self.save.clicked.connect(self.saved)
        self.cancel.clicked.connect(self.left)
        self.wall.left.connect(self.left)

    def show_draft(self, draft: Draft) -> None:
        """Show the input of a draft."""
        if self.name.text() != draft.path:
            self.name.setText(draft.path)
        self.words.show_words(draft.prompts)
        self.suggests.say(tr("Suggest on new photos"), on=draft.suggests)

    def show_preview(self, preview: DraftPreview) -> None:
        """Show the preview of the draft."""
        self.alike.show_photos(preview.examples)
        self.unlike.show_photos(preview.against)
        self.translated.setText(breakable(translated(preview.translation)) if preview.translation else "")
        self.translated.setVisible(preview.translation is not None)
        self._middle.setCurrentIndex(0 if preview.scored is not None else 1)
        self.slider.show_histogram(preview.histogram)
        if not self.slider.isSliderDown():
            self.slider.show_threshold(preview.threshold)
        self.show_photos(preview.photos)

    def show_photos(self, photos: PreviewPhotos) -> None:
        """Show the photos above and near the threshold."""
        self.wall.show_wall(photos.wall, stay=True)
        self.model.put_marks(photos.marks)
        self.borderline.show_cases(photos.borderline)
        self.borderline.setVisible(self._middle.currentIndex() == 0)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go back with Escape, if no other widget handles it."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept photos dropped beside the fields as positive examples."""
        if dropped_photos(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Signal the dropped photos."""
        self.alike.photos_dropped.emit(dropped_photos(event))
        event.acceptProposedAction()

    # Layout

    def _lay_out(self) -> None:
        none = (0, 0, 0, 0)
        back = IconButton("back", tr("Back (Esc)"), self)
        back.clicked.connect(self.left)
        self.name.setMaximumWidth(px(self, 24))
        parts = back, (self.name, 1000), 1, self.suggests, self.cancel, self.save
        top = filled(QHBoxLayout(), self, *parts, gap=HALF, around=(HALF, HALF, PAD, HALF))
        inside = QWidget(self)
        filled(QVBoxLayout(inside), self, self.slider, (self.wall, 1), gap=HALF, around=none)
        self._middle.addWidget(inside)
        self._middle.addWidget(self.notice)
        columns = self._scroll, (self._middle, 1), self._cases
        row = filled(QHBoxLayout(), self, *columns, gap=PAD, around=(PAD, HALF, PAD, PAD))
        filled(QVBoxLayout(self), self, top, (row, 1), gap=0, around=none)
        self._place_borderline(wide=True)

    def _leading(self) -> QScrollArea:
        inner = QWidget(self)
        inner.setLayout(filled(self._fields, self, gap=HALF, around=(0, 0, 0, 0)))
        for name, field in (
            (tr("Words"), self.words),
            (tr("Looks like"), self.alike),
            (tr("Not like"), self.unlike),
        ):
            parts = (self.translated,) if field is self.words else ()
            filled(self._fields, self, sized(Label(name, self), 1.0, semibold=True), field, *parts, HALF)
        self.statistics.setWordWrap(True)
        filled(self._fields, self, self.statistics, 1)
        return scrolled(inner, tr("Words and examples"))

    def _place_borderline(self, *, wide: bool) -> None:
        """Place the borderline cases beside the photos, or, if there is no room, below the words and examples."""
        if wide:
            self._cases.addWidget(self.borderline)
        else:
            self._fields.addWidget(self.borderline)
        self.borderline.setMaximumWidth(px(self, SIDE))
        self._scroll.setFixedWidth(px(self, SIDE if wide else SIDE_ALONE))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use three columns, or two."""
        super().resizeEvent(event)
        self._place_borderline(wide=self.width() >= px(self, NARROW))
