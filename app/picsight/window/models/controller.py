"""Connects the models dialog to the engine: listing, installing with progress, using, removing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from picsight.texts import tr
from picsight.window.controls.question import ask, open_once
from picsight.window.models.rows import SHIPPED, ModelAction, ModelRow, arriving, rows_of, title_of
from picsight.window.parts.words import isolated

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from picsight.jobs import Jobs
    from picsight.window.models.view import ModelsDialog
    from picsight.window.session.controller import LibraryController
    from picsight.window.session.overview import LibrarySetup
    from picsight_engine.bundles.bundle import Licence, Manifest
    from picsight_engine.installation.catalogue import CatalogueEntry
    from picsight_engine.installation.installed import InstallEvent

LANE, LANE_LOCAL = "models", "local model"


@dataclass(slots=True)
class _RunningInstallation:
    """The running installation and its `progress`: words, and the transferred bytes and their total, if known.

    `moving` names the transfer; `arriving` is the row of a model that is not listed yet.
    """

    name: str
    progress: tuple[str, int, int]
    moving: str
    arriving: ModelRow | None = None
    cancel: threading.Event | None = None


class ModelsController(QObject):
    """Owns the dialog; an installation continues while it is closed."""

    def __init__(self, setup: LibrarySetup, library: LibraryController, jobs: Jobs, window: QWidget) -> None:
        super().__init__(window)
        self._setup, self._library, self._jobs, self._window = setup, library, jobs, window
        self._rows: dict[str, ModelRow] = {}
        self._installation: _RunningInstallation | None = None
        self._faults: dict[str, str] = {}
        self.dialog: ModelsDialog | None = None
        library.opened.connect(self.refresh)
        library.model_chosen.connect(self.refresh)
        library.model_refused.connect(self._say)
        library.indexing_ended.connect(self.refresh)
        library.photos_committed.connect(self.refresh)

    def show(self) -> None:
        """Open the dialog."""
        if self.dialog is None:
            from picsight.window.models.view import ModelsDialog  # the first frame does not need it

            self.dialog = dialog = ModelsDialog(self._window)
            dialog.action_requested.connect(self._run_action)
            dialog.cancel_requested.connect(self.cancel)
            dialog.file_requested.connect(self._choose_file)
            dialog.file_dropped.connect(self.install_file)
        self._faults.clear()
        self.dialog.show_sentence("")
        self.dialog.open()
        self.refresh()

    def hide(self) -> None:
        """Close the dialog with the window, before a running installation is cancelled."""
        if self.dialog is not None:
            self.dialog.hide()

    def refresh(self) -> None:
        """Read all models again, if the dialog is open."""
        if self.dialog is None or not self.dialog.isVisible():
            return
        setup, photos = self._setup, self._library.overview.photos
        names = [entry.name for entry in _catalogue()]

        def work() -> list[ModelRow]:
            from picsight_engine.installation.model_offers import model_offers

            return rows_of(model_offers(setup.folder, setup.installed()), photos, names)

        self._jobs.read(work, self._take_rows, self._say, replaces=LANE)

    def cancel(self) -> None:
        """Stop the installation; downloaded files are kept."""
        if self._installation is not None and self._installation.cancel is not None:
            self._installation.cancel.set()

    def install_file(self, path: Path) -> None:
        """Install a model from a folder or an archive, once its licence is accepted."""
        self.show()
        if not self._may_begin():
            return

        def work() -> tuple[Manifest, str]:
            from picsight_engine.installation.local_model import open_local_model

            with open_local_model(path) as local:
                return local.manifest, local.licence

        def take(model: tuple[Manifest, str]) -> None:
            manifest, text = model
            title = title_of(manifest.name, manifest.title)
            self._ask(title, manifest.licence, text, lambda: self._unpack(path, manifest))

        self._jobs.read(work, take, self._say, replaces=LANE_LOCAL)

    def install_again(self, name: str) -> None:
        """Repair an incomplete model from its source, which may be a file that only the user has."""
        self.show()
        if not self._may_begin():
            return
        if any(entry.name == name for entry in _catalogue()):
            self._ask_to_fetch(name)
        elif name == SHIPPED:
            self._say(tr("This model comes with Picsight: install that again, or use another one."))
        else:
            self._choose_file()

    # Requests

    def _run_action(self, name: str, action: ModelAction) -> None:
        self._faults.pop(name, None)
        self._say("")
        match action:
            case ModelAction.USE:
                self._library.use_model(name)
            case ModelAction.REMOVE:
                self._confirm_removal(name)
            case ModelAction.INSTALL | ModelAction.CONTINUE:
                self._ask_to_fetch(name)
            case ModelAction.AGAIN:
                self.install_again(name)

    def _ask_to_fetch(self, name: str) -> None:
        entry = next(entry for entry in _catalogue() if entry.name == name)
        title = title_of(entry.name, entry.title)
        self._ask(title, entry.licence, entry.terms, lambda: self._fetch(entry))

    def _ask(self, title: str, licence: Licence, text: str, install: Callable[[], None]) -> None:
        """Show a licence that must be accepted; install at once if nothing must be."""
        if not licence.accept:
            install()
        elif self.dialog is not None:
            self.dialog.ask_for_licence(title, licence.id, licence.url, text, install)

    def _choose_file(self) -> None:
        dialog = QFileDialog(self.dialog, tr("Choose a model"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(
            [tr("Models (*.zip *.tar *.tar.gz *.tgz *.tar.xz *.tar.bz2)"), tr("All files (*)")]
        )
        dialog.fileSelected.connect(lambda name: self.install_file(Path(name)))
        open_once(dialog)

    def _confirm_removal(self, name: str) -> None:
        """Ask before removal, naming the libraries that use the model: getting it again costs a download."""
        setup, row = self._setup, self._rows[name]

        def work() -> list[Path]:
            from picsight.locations import known_libraries
            from picsight_engine.installation.model_choice import libraries_using

            return libraries_using(name, known_libraries(setup.folder), setup.installed())

        def ask_about(using: list[Path]) -> None:
            sentence = tr(
                "The library in {folder} uses it, and cannot be searched until you choose another model."
            )
            kept = tr(
                "Its results for your photos are kept. If you install it again, it continues from there."
            )
            ask(
                self.dialog,
                tr("Remove {model} from this computer?", model=isolated(f"“{row.title}”")),
                "\n".join([*(sentence.format(folder=isolated(str(each))) for each in using), kept]),
                tr("Remove"),
                lambda: self.remove(name),
            )

        self._jobs.read(work, ask_about, lambda sentence: self._fail(name, sentence))

    def remove(self, name: str) -> None:
        """Remove an installed model, or the remains of an interrupted installation."""
        setup, fail = self._setup, partial(self._fail, name)
        self._jobs.read(lambda: setup.installed().remove(name), lambda _nothing: self.refresh(), fail)

    # Installation

    def _fetch(self, entry: CatalogueEntry) -> None:
        setup = self._setup

        def events(cancel: threading.Event) -> Iterator[InstallEvent]:
            from picsight_engine.installation.install import (  # ssl, http: only for a download
                install,
                runs_coreml,
            )

            yield from install(entry, setup.installed(), coreml=runs_coreml(), cancel=cancel)

        self._begin(_RunningInstallation(entry.name, (tr("Connecting"), 0, 0), tr("Downloading")), events)

    def _unpack(self, path: Path, manifest: Manifest) -> None:
        setup = self._setup

        def events(cancel: threading.Event) -> Iterator[InstallEvent]:
            from picsight.locations import known_libraries
            from picsight_engine.installation.local_model import open_local_model
            from picsight_engine.installation.model_choice import require_replaceable

            with open_local_model(path) as again:
                require_replaceable(known_libraries(setup.folder), again.manifest, setup.installed())
                yield from again.install(setup.installed(), cancel=cancel)

        copying = tr("Copying")
        self._begin(_RunningInstallation(manifest.name, (copying, 0, 0), copying, arriving(manifest)), events)

    def _may_begin(self) -> bool:
        if self._installation is not None:
            self._say(tr("Another model is being installed. Wait until it is finished."))
        return self._installation is None

    def _begin(
        self, current: _RunningInstallation, events: Callable[[threading.Event], Iterator[InstallEvent]]
    ) -> None:
        from picsight_engine.installation.installed import Checking, InstallProgress

        def take(event: InstallEvent) -> None:
            if isinstance(event, InstallProgress):
                current.progress = current.moving, event.done, event.total
            elif isinstance(event, Checking):
                current.progress = tr("Checking"), 0, 0
            self._show_installation()

        def end() -> None:
            self._close_installation()
            self.refresh()
            self._library.use_new_model(current.name)

        def fail(sentence: str) -> None:
            self._close_installation()
            if not cancel.is_set():
                self._fail(current.name, sentence)
            self.refresh()

        if self._installation is None:
            self._installation = current
            cancel = current.cancel = self._jobs.stream(events, take, end, fail)
            self._show_rows()
            if self.dialog is not None and current.name in self.dialog.rows:
                self.dialog.rows[current.name].cancel.setFocus()

    def _close_installation(self) -> None:
        current, self._installation = self._installation, None
        if self.dialog is not None and current is not None:
            self.dialog.let_install(may=True)
            if current.name in self.dialog.rows:
                self.dialog.rows[current.name].show_transfer(None)
            self._say("")

    # Display

    def _take_rows(self, rows: list[ModelRow]) -> None:
        self._rows = {row.name: row for row in rows}
        self._show_rows()

    def _show_rows(self) -> None:
        current = self._installation
        if self.dialog is None:
            return
        rows = [replace(row, fault=self._faults.get(row.name, row.fault)) for row in self._rows.values()]
        if current is not None and current.arriving and current.name not in self._rows:
            rows.append(current.arriving)
        self.dialog.show_rows(rows)
        self._show_installation()

    def _show_installation(self) -> None:
        current, dialog = self._installation, self.dialog
        if current is None or dialog is None:
            return
        dialog.let_install(may=False)
        line = dialog.rows.get(current.name)
        if line is not None:
            line.show_transfer(*current.progress)

    def _fail(self, name: str, sentence: str) -> None:
        """Show an error in the model's row, or above the rows if it has none."""
        if name in self._rows:
            self._faults[name] = sentence
            self._show_rows()
        else:
            self._say(sentence)

    def _say(self, sentence: str) -> None:
        if self.dialog is not None:
            self.dialog.show_sentence(sentence)


def _catalogue() -> Sequence[CatalogueEntry]:
    from picsight_engine.installation.catalogue import CATALOGUE  # only for the dialog

    return CATALOGUE
