"""Export and import of tags: side-cars beside photos, a file of all decisions, a table for ExifTool."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog

from picsight.settings import settings_file
from picsight.texts import plural, tr, worded
from picsight.window.controls.keys import photo_menu
from picsight.window.controls.question import ask, choose, open_once
from picsight.window.parts.words import counted, first_of, isolated, number
from picsight_engine.foundation.errors import ReplaceError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QWidget

    from picsight.jobs import Jobs
    from picsight.window.status.line import StatusLine
    from picsight.window.tags.controller import TagsController
    from picsight_engine.backup.backing_up import BackedUp
    from picsight_engine.exchange.exchange import DecisionsExported, Exchange
    from picsight_engine.exchange.importer import Imported
    from picsight_engine.exchange.sidecar_writing import Exported
    from picsight_engine.library import Library

    Mode = QFileDialog.FileMode

SHOWN_EVERY = 50  # photos
T = TypeVar("T")


class TagExchange(QObject):
    """Asks for a file or folder; nothing is written before the user confirms."""

    imported = Signal(object)  # Imported

    def __init__(self, window: QWidget, tags: TagsController, status: StatusLine, jobs: Jobs) -> None:
        super().__init__(window)
        self._window, self._tags, self._status, self._jobs = window, tags, status, jobs
        self._running: threading.Event | None = None  # cancels the export

    def show_menu(self, point: QPoint) -> None:
        """Open the menu of exports and imports."""
        mode = QFileDialog.FileMode
        any_file, folder, save = mode.ExistingFile, mode.Directory, mode.AnyFile
        decisions = partial(self._choose, save, self.export_decisions, "picsight-decisions.jsonl")
        backup = partial(self._choose, save, self.back_up, "picsight.backup")
        table = partial(self._choose, save, self.export_table, "picsight-tags.csv")
        entries = [
            (tr("Write side-cars beside the photos…"), "", self._ask_sidecars),
            (tr("Save all decisions as a file…"), "", decisions),
            (tr("Save a table for ExifTool…"), "", table),
            (tr("Back up the whole library…"), "", backup),
            None,
            (tr("Import a file of decisions…"), "", partial(self._choose, any_file, self.load)),
            (tr("Import the side-cars of a folder…"), "", partial(self._choose, folder, self.load)),
        ]
        photo_menu(self._window, entries).popup(point)

    def _ask_sidecars(self) -> None:
        question = tr("Write side-cars beside your photos?")
        sentence = tr(
            "A file with the ending .xmp beside each photo names its accepted tags and your stars, for other programs. "
            "Your photos are not changed."
        )
        tick = QCheckBox(tr("Also the names of people"))
        shown = tick if any(tag.kind == "person" for tag in self._tags.all) else None

        def write(*, companions: bool = True) -> None:
            self.export_sidecars(companions=companions, persons=tick.isChecked())

        def offer(companions: Sequence[Path]) -> None:
            """With RAW files or originals, offer both; most programs read one side-car a file."""
            if not companions:
                choose(self._window, question, sentence, [(tr("Write side-cars"), write)], tick=shown)
                return
            behind = counted(
                len(companions),
                "%n RAW file or original is behind them.",
                "%n RAW files or originals are behind them.",
            )
            options: list[tuple[str, Callable[[], object]]] = [
                (tr("Beside every file"), write),
                (tr("Beside shown photos only"), partial(write, companions=False)),
            ]
            choose(self._window, question, f"{sentence} {behind}", options, tick=shown)

        if library := self._tags.library:
            self._jobs.read(library.photos.companions, offer)

    def _choose(self, mode: Mode, then: Callable[[Path], None], name: str = "") -> None:
        dialog = QFileDialog(self._window)
        dialog.setFileMode(mode)
        if mode is QFileDialog.FileMode.Directory:
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)  # it hides the files in every mode
        if name:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.selectFile(name)
        dialog.fileSelected.connect(lambda path: then(Path(path)))
        open_once(dialog)

    # Export

    def export_sidecars(self, *, companions: bool = True, persons: bool = False) -> None:
        """Write accepted tags, with `persons` those of people too, beside all photos of the library, and beside the `companions`
        behind them; cancelling keeps the side-cars already written.
        """
        library = self._tags.library
        if library is None:
            return
        if self._running is not None:
            self._status.show_sentence(tr("Side-cars are still being written. Wait for them, or cancel."))
            return
        last: Exported | None = None

        def note(done: int, of: int) -> None:
            words = tr("Writing side-cars")
            if of:
                words = tr("Writing side-cars: looked at {done} of {of} files")
                words = words.format(done=number(done), of=number(of))
            self._status.show_work(words, done, of, cancel.set)

        def take(progress: tuple[int, int, Exported]) -> None:
            nonlocal last
            done, of, last = progress
            note(done, of)

        def end() -> None:
            self._running = None
            self._status.end_work()
            self._status.show_sentence(_outcome(last, stopped=cancel.is_set()))

        def fail(sentence: str) -> None:
            end()
            self._status.show_sentence(sentence)

        self._running = cancel = self._jobs.stream(
            partial(_exporting, library, companions, persons), take, end, fail
        )
        note(0, 0)

    def export_decisions(self, file: Path) -> None:
        """Write all decisions to a file."""

        def words(exported: DecisionsExported) -> str:
            return tr(
                "Saved {tags}, {decisions} and {ratings} in {file}.",
                tags=counted(exported.tags, "%n tag", "%n tags"),
                decisions=counted(exported.decisions, "%n decision", "%n decisions"),
                ratings=counted(exported.ratings, "%n rating", "%n ratings"),
                file=isolated(file.name),
            )

        self._export(lambda exchange, replace: exchange.export_decisions(file, replace=replace), words)

    def export_table(self, file: Path) -> None:
        """Write the contents of side-cars to one table."""

        def words(photos: int) -> str:
            words = counted(
                photos, "Saved a table of %n file in {file}.", "Saved a table of %n files in {file}."
            )
            return words.replace("{file}", isolated(file.name))

        self._export(lambda exchange, replace: exchange.export_table(file, replace=replace), words)

    def back_up(self, file: Path) -> None:
        """Write the whole library to a file; the dialog asked whether to replace it."""
        library = self._tags.library
        if library is None:
            return
        folder = library.folder

        def work() -> BackedUp:
            from picsight_engine.backup.backing_up import back_up  # after the first frame

            return back_up(folder, file, replace=True, settings=settings_file())

        def tell(done: BackedUp) -> None:
            words = counted(done.photos, "Backed up %n photo in {file}.", "Backed up %n photos in {file}.")
            self._status.show_sentence(words.replace("{file}", isolated(file.name)))

        self._status.show_sentence(tr("Saving the file. A large library takes a moment."))
        self._jobs.read(work, tell, self._status.show_sentence)

    def _export(
        self, act: Callable[[Exchange, bool], T], words: Callable[[T], str], *, replace: bool = False
    ) -> None:
        """Export to a file. The dialog asked whether to replace the file, but not about the decisions lost with it."""
        library = self._tags.library
        if library is None:
            return

        def work() -> T | ReplaceError:
            try:
                return act(library.exchange, replace)
            except ReplaceError as fault:
                return fault

        def tell(outcome: T | ReplaceError) -> None:
            if isinstance(outcome, ReplaceError):
                self._status.show_sentence(tr("Nothing was saved yet."))
                again = partial(self._export, act, words, replace=True)
                ask(self._window, tr("Replace this file?"), worded(outcome.message), tr("Replace"), again)
            else:
                self._status.show_sentence(words(outcome))

        self._status.show_sentence(tr("Saving the file. A large library takes a moment."))
        self._jobs.read(work, tell, self._status.show_sentence)

    # Import

    def load(self, place: Path) -> None:
        """Import a file or a folder's side-cars as decisions, which one Undo reverts."""
        self._tags.do(lambda library: library.exchange.import_from(place), self._taken, self.imported.emit)

    def _taken(self, imported: Imported) -> str:
        if imported.run is None and not imported.searches:
            words = tr("Everything in it was known already.")
        else:
            numbers = (
                (imported.tags, *plural("%n new tag", "%n new tags")),
                (imported.accepted, *plural("%n accepted", "%n accepted")),
                (imported.rejected, *plural("%n rejected", "%n rejected")),
                (imported.withdrawn, *plural("%n taken out", "%n taken out")),
                (imported.rated, *plural("%n rated", "%n rated")),
                (imported.searches, *plural("%n saved search", "%n saved searches")),
            )
            parts = ", ".join(counted(number, one, many) for number, one, many in numbers if number)
            photos = counted(
                imported.photos, "Imported decisions on %n photo", "Imported decisions on %n photos"
            )
            words = f"{photos}: {parts}."
        unknown = counted(
            imported.unknown, "%n photo is not in the library.", "%n photos are not in the library."
        )
        why = first_of(list(map(worded, imported.faults)), "One more was left out.", "%n more were left out.")
        return " ".join(filter(None, (words, unknown if imported.unknown else "", why)))


def _outcome(exported: Exported | None, *, stopped: bool) -> str:
    """The sentence at the end of an export of side-cars."""
    if exported is None:
        return tr("No side-car was written.")
    words = counted(exported.written, "Wrote %n side-car.", "Wrote %n side-cars.")
    if stopped:
        words = counted(exported.written, "Stopped after %n side-car.", "Stopped after %n side-cars.")
        words = f"{words} {tr('Write again to continue.')}"
    elif not exported.written and exported.unchanged:
        words = tr("All side-cars are up to date.")
    why = first_of(list(map(worded, exported.left_alone)), "One more was skipped.", "%n more were skipped.")
    return " ".join(filter(None, (words, why)))


def _exporting(
    library: Library, companions: bool, persons: bool, cancel: threading.Event
) -> Iterator[tuple[int, int, Exported]]:
    """Write side-cars in a thread; yield now and then, and finally, the files read, their total, and the result so far."""
    of = library.status().files - (0 if companions else len(library.photos.companions()))
    progress = None
    steps = library.exchange.export_sidecars(companions=companions, persons=persons, cancel=cancel)
    for done, exported in enumerate(steps):
        progress = min(done, of), of, exported
        if done % SHOWN_EVERY == 0:
            yield progress
    if progress is not None:
        yield progress
