"""Connects the studio to the library: previews a draft whenever it changes, saves it, or discards it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from picsight.texts import marked, plural, tr
from picsight.window.controls.action import Action, bind_actions
from picsight.window.controls.question import ask
from picsight.window.parts.words import counted
from picsight.window.tags.chooser import choices
from picsight.window.tags.studio.draft import Draft
from picsight.window.tags.studio.preview import DraftPreview, photos_at, preview_of
from picsight.window.tags.studio.view import Studio
from picsight.window.tags.wording import named, statistics_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from picsight.jobs import Jobs
    from picsight.window.parts.picture import Pictures
    from picsight.window.shell.frame import Frame
    from picsight.window.status.history import Ended, History
    from picsight.window.tags.controller import TagsController
    from picsight_engine.library import Library
    from picsight_engine.store.tagging.decisions import Verdict
    from picsight_engine.tags.tree import Marks, Tag

LANE, LANE_PHOTOS, LANE_STATISTICS = "studio", "studio photos", "studio statistics"
LANE_HELD = "studio held"
LEAST_LETTERS = 3  # of unfinished words: fewer find noise


class StudioController(QObject):
    """Holds the draft."""

    opened = Signal()  # with another draft
    finished = Signal(object)  # the saved Tag, None if it was left without saving

    def __init__(
        self,
        frame: Frame,
        pictures: Pictures,
        tags: TagsController,
        history: History,
        jobs: Jobs,
        *,
        recent: Callable[[], Sequence[str]],
    ) -> None:
        super().__init__(frame)
        self._recent = recent
        self._frame, self._tags, self._history, self._jobs = frame, tags, history, jobs
        self.view = Studio(pictures, jobs, frame)
        self.draft = Draft()  # without the line's text
        self._opened = 0  # the number of opened drafts: Undo of a change to an earlier one no longer applies
        self._preview = DraftPreview()
        self._connect()

    def _connect(self) -> None:
        view = self.view
        view.name.textEdited.connect(lambda path: self._put(replace(self.draft, path=path), refresh=False))
        view.words.changed.connect(lambda words: self._put(replace(self.draft, prompts=words)))
        view.words.typed.connect(lambda _words: self._try_words())
        for field, add in ((view.alike, Draft.with_alike), (view.unlike, Draft.with_unlike)):
            field.photos_dropped.connect(partial(self._add_photos, add))
            field.selection_wanted.connect(partial(self._add_selected, add))
            field.removed.connect(lambda photo: self._put(self.draft.without([photo])))
        view.suggests.clicked.connect(self._toggle)
        view.slider.moved.connect(self._move)
        view.borderline.decided.connect(lambda photo, verdict: self._decide([photo], verdict))
        view.borderline.case_changed.connect(lambda _photo: self._ask_held())
        view.borderline.tags.chosen.connect(self._put_into)
        view.saved.connect(self._save)
        view.left.connect(self.leave)
        accept, reject = marked("Accept the selected photos"), marked("Reject the selected photos")
        actions = (
            Action("tick", accept, "", "A", lambda _point: self._decide_selected("accepted")),
            Action("clear", reject, "", "R", lambda _point: self._decide_selected("rejected")),
        )
        bind_actions(view.wall, actions)
        self._tags.changed.connect(self._follow)

    @property
    def is_changed(self) -> bool:
        """Whether there are unsaved changes, including the line's text."""
        return self._with_line().is_changed

    def open(self, draft: Draft, files: Sequence[Path] = ()) -> None:
        """Open another draft, with files as positive examples; ask first if this one has unsaved changes."""
        self._confirm_discarding(partial(self._begin, draft, files))

    def leave(self) -> None:
        """Go back; ask first if there are unsaved changes."""
        self.close_draft(lambda: self.finished.emit(None))

    def close_draft(self, then: Callable[[], object]) -> None:
        """Close the draft, then call `then`; ask first if there are unsaved changes."""

        def end() -> None:
            self._forget()
            then()

        self._confirm_discarding(end)

    def _confirm_discarding(self, then: Callable[[], None]) -> None:
        draft = self._with_line()
        if not draft.is_changed:
            then()
            return
        question = tr("Discard this tag?")
        if draft.name:
            question = tr("Discard the changes to {tag}?", tag=named(draft.name))
        ask(self._frame, question, "", tr("Discard"), then)

    def _begin(self, draft: Draft, files: Sequence[Path]) -> None:
        library = self._tags.library
        if library is None:
            return
        for thumbnails in self.view.thumbnails:
            thumbnails.use(library.photos.thumbnail)
        self._opened += 1
        self._preview = DraftPreview()
        self.view.words.line.clear()
        self.view.borderline.begin()
        edited = draft.tag.path if draft.tag is not None else ""
        others = [tag for tag in self._tags.all if tag.path != edited]
        self.view.borderline.tags.offer([each.path for each in choices("", others, self._recent())])
        self._take(self._preview)
        self._put(draft)
        if draft.can_learn:
            waiting = tr("Looking through your photos.")
            self.view.notice.say(waiting, tr("The first time takes longer, because the model is loaded."))
        decisions = draft.tag.accepted + draft.tag.rejected if draft.tag is not None else 0
        self.view.statistics.setText(counted(decisions, "%n decided", "%n decided") if decisions else "")
        self._ask_statistics()
        self.opened.emit()
        if files:
            self._add_photos(Draft.with_alike, files)

    def _forget(self) -> None:
        self._opened += 1
        self.view.words.line.clear()
        self._put(Draft(), refresh=False)

    # Input

    def _with_line(self) -> Draft:
        """The draft with the line's text as words."""
        return replace(self.draft, prompts=self.view.words.with_line())

    def _put(self, draft: Draft, *, refresh: bool = True) -> None:
        self.draft = draft
        self.view.show_draft(draft)
        self.view.save.setEnabled(self.is_changed)
        if refresh:
            self._refresh()

    def _try_words(self) -> None:
        """Preview the text being typed; it can be saved, too."""
        self.view.save.setEnabled(self.is_changed)
        self._refresh()

    def _toggle(self) -> None:
        self._put(replace(self.draft, suggests=not self.draft.suggests), refresh=False)

    def _add_selected(self, add: Callable[[Draft, Sequence[int]], Draft]) -> None:
        """Add the photos selected here, else those on the previous wall."""
        photos = self.view.wall.selected_photos() or self._frame.grid.selected_photos()
        if photos:
            self._put(add(self.draft, [photo.id for photo in photos]))
        else:
            self._frame.status.show_sentence(tr("Select photos first, or drag them here."))

    def _add_photos(self, add: Callable[[Draft, Sequence[int]], Draft], photos: Sequence[int | Path]) -> None:
        library = self._tags.library
        if library is not None:
            self._jobs.read(lambda: _numbers_of(library, photos), lambda ids: self._take_photos(add, ids))

    def _take_photos(self, add: Callable[[Draft, Sequence[int]], Draft], found: Sequence[int | None]) -> None:
        if any(number is None for number in found):
            self._frame.status.show_sentence(
                tr("Only photos of the library can be examples; add their folder first.")
            )
        if known := [number for number in found if number is not None]:
            self._put(add(self.draft, known))

    # Preview

    def _refresh(self) -> None:
        library, letters = self._tags.library, len(self.view.words.line.text().strip())
        draft = self._with_line() if letters >= LEAST_LETTERS else self.draft
        if library is not None:
            self._jobs.forget(LANE_PHOTOS)
            self._jobs.read(lambda: preview_of(library, draft), self._take, self._fail, replaces=LANE)

    def _take(self, preview: DraftPreview) -> None:
        self._preview = preview
        if preview.scored is None:
            self.view.notice.say(
                tr("What does this tag show?"),
                tr("Describe it in a few words, or drop photos that look like it."),
            )
        self.view.show_preview(preview)
        wanted = self.draft.threshold  # which the user may have moved meanwhile
        if wanted is not None and preview.scored is not None and wanted != preview.threshold:
            self.view.slider.show_threshold(wanted)
            self._move(wanted)

    def _fail(self, sentence: str) -> None:
        self._preview = DraftPreview()
        self.view.notice.say(tr("This tag cannot be previewed."), sentence)
        self.view.show_preview(self._preview)

    def _move(self, threshold: float) -> None:
        """Move the threshold; the photos follow as fast as they can be read."""
        library, preview = self._tags.library, self._preview.scored
        self._put(replace(self.draft, threshold=threshold), refresh=False)
        if library is not None and preview is not None:
            self._jobs.read(
                lambda: photos_at(library, preview, threshold),
                self.view.show_photos,
                self._fail,
                replaces=LANE_PHOTOS,
            )

    # Decisions

    def _decide_selected(self, verdict: Verdict) -> None:
        if photos := self.view.wall.selected_photos():
            self._decide([photo.id for photo in photos], verdict)

    def _decide(self, photos: Sequence[int], verdict: Verdict) -> None:
        """Record a decision for an existing tag, an example for a new one."""
        tag = self.draft.tag
        if tag is not None:
            self._tags.decide(tag, photos, verdict)
            return
        opened, before = self._opened, self.draft
        add, words = Draft.with_alike, plural("Looks like it.", "%n photos look like it.")
        if verdict == "rejected":
            add, words = Draft.with_unlike, plural("Not like it.", "%n photos are not like it.")
        self._put(add(before, photos))

        def undo(ended: Ended) -> None:
            self._put(self.draft.with_again(photos, before))
            ended(True)

        def redo(ended: Ended) -> None:
            self._put(add(self.draft, photos))
            ended(True)

        self._history.add(counted(len(photos), *words), undo, redo, lambda: self._opened == opened)

    def _put_into(self, path: str) -> None:
        """Add the photo in question to another tag, or remove it."""
        photo, tag = self.view.borderline.case(), self._tags.tag_at(path)
        if photo is not None and tag is not None:
            self._tags.toggle(tag, photo.id)

    def _ask_held(self) -> None:
        """Ask which other tags hold that photo."""
        library, photo = self._tags.library, self.view.borderline.case()
        self.view.borderline.tags.show_held(())
        if library is not None and photo is not None:
            self._jobs.read(lambda: library.tags.marks([photo.id]), self._take_held, replaces=LANE_HELD)

    def _take_held(self, marks: Mapping[int, Marks]) -> None:
        photo = self.view.borderline.case()
        if photo is not None and photo.id in marks:
            held = {path for path, state in marks[photo.id].tags if state == "accepted"}
            self.view.borderline.tags.show_held(held)

    def _follow(self, tags: Sequence[Tag]) -> None:
        """Preview again after a decision; an unchanged draft takes changes made elsewhere."""
        self._ask_held()
        before = self.draft.tag
        if before is None:
            return
        now = next((tag for tag in tags if tag.id == before.id), None)
        if now is not None and now != before:
            draft = replace(self.draft, tag=now) if self.draft.is_changed else Draft.from_tag(now)
            self._put(draft)
            self._ask_statistics()

    def _ask_statistics(self) -> None:
        library, tag = self._tags.library, self.draft.tag
        if library is not None and tag is not None and self.draft.can_learn:
            self._jobs.read(
                lambda: library.tags.statistics(tag.path, border=0),
                lambda found: self.view.statistics.setText(statistics_words(found)),
                replaces=LANE_STATISTICS,
            )

    # Leaving

    def _save(self) -> None:
        draft, library = self._with_line(), self._tags.library
        if not draft.name:
            self._frame.status.show_sentence(tr("Give the tag a name first."))
            self.view.name.setFocus()
        elif library is not None:
            self._tags.do(draft.save, lambda tag: tr("Saved {tag}.", tag=named(tag.path)), self._saved)

    def _saved(self, tag: Tag) -> None:
        self._forget()
        self.finished.emit(tag)


def _numbers_of(library: Library, photos: Sequence[int | Path]) -> list[int | None]:
    """The ids of photos, None for a file that is not a photo of the library."""
    shown = [photo if isinstance(photo, int) else library.photos.details(photo) for photo in photos]
    return [photo if photo is None or isinstance(photo, int) else photo.id for photo in shown]
