"""Brings a model of the catalogue onto this computer: fetch or copy, check, describe, move into place."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import FileRecord, Manifest, file_record, open_bundle
from picsight_engine.bundles.destination import refusals_explained
from picsight_engine.errors import BundleError, RequestError
from picsight_engine.installation.archive import Shelf, open_source
from picsight_engine.installation.download import Arrived, Fetched, Patience, Wanted, download
from picsight_engine.installation.installed import Arriving, Checking, Installed
from picsight_engine.private_files import write_private
from picsight_engine.runtime.agreement import Machine, examine_once

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.installation.catalogue import CatalogueEntry, RemoteFile
    from picsight_engine.installation.installed import InstalledModels, InstallEvent

    _Bring = Callable[[RemoteFile, str | None, Path], Iterator[Arrived | Fetched]]

_RECORDS = "fetched.json"
_LICENCE, _CARD = "LICENCE.txt", "README.md"


def install(
    entry: CatalogueEntry,
    models: InstalledModels,
    *,
    coreml: bool = False,
    cancel: threading.Event | None = None,
    patience: Patience | None = None,
) -> Iterator[InstallEvent]:
    """Installs a model whose licence a person has accepted; the last event is Installed.

    What arrived before a failure, a kill or `cancel` is kept and taken up by the next call. A model that is there
    and whole is not fetched again.

    Raises:
        DownloadError: a file cannot be fetched, or is not the right one.
        StorageError: the disk is full or cannot be written.
        BundleError: the files do not make the model that the catalogue describes; nothing was installed.
        BusyError: another process installs a model.
        RequestError: another model has its name.
        CancelledError: `cancel` was set.
    """

    def bring(file: RemoteFile, revision: str | None, target: Path) -> Iterator[Arrived | Fetched]:
        wanted = Wanted(file.url(revision), file.limit, file.size, file.sha256)
        return download(wanted, target, cancel=cancel, patience=patience or Patience())

    models.require_name(entry.name)
    with models.lock():
        installation = _Installation(entry, models, bring, coreml=coreml)
        yield from _unless_there(installation, installation.run())


def install_from(
    path: Path,
    entry: CatalogueEntry,
    models: InstalledModels,
    *,
    coreml: bool = False,
    cancel: threading.Event | None = None,
) -> Iterator[InstallEvent]:
    """As `install`, from the published files in a folder or an archive; nothing is fetched.

    Raises:
        RequestError: there is nothing at `path`, it is neither a folder nor an archive, or a file is missing in it; or
            another model has the entry's name.
        StorageError: the disk is full or cannot be written.
        BundleError: the files are damaged or not those of the catalogue; nothing was installed.
        BusyError: another process installs a model.
        CancelledError: `cancel` was set.
    """

    def bring(file: RemoteFile, revision: str | None, target: Path) -> Iterator[Arrived | Fetched]:
        del revision  # nobody says of which commit these are
        return shelf.bring(file, target, cancel)

    models.require_name(entry.name)
    with ExitStack() as stack, models.lock():
        shelf = Shelf(path, open_source(path, stack))
        shelf.require(entry.files)
        coreml = coreml and shelf.holds(entry.coreml)
        # What a download left may be of another commit; and what is copied is quickly copied again.
        shutil.rmtree(models.incoming(entry.name), ignore_errors=True)
        stack.callback(shutil.rmtree, models.incoming(entry.name), ignore_errors=True)
        installation = _Installation(entry, models, bring, coreml=coreml)
        yield from _unless_there(installation, installation.copy())


def _unless_there(installation: _Installation, steps: Iterator[InstallEvent]) -> Iterator[InstallEvent]:
    try:
        bundle = installation.find()
    except BundleError:
        yield from steps
    else:
        yield Installed(bundle)


def runs_coreml() -> bool:
    """Whether this computer can use the Core ML form of an image tower."""
    machine = Machine.this()
    return machine.apple_silicon and machine.coremltools


class _Installation:
    """One installation; used once."""

    def __init__(
        self, entry: CatalogueEntry, models: InstalledModels, bring: _Bring, *, coreml: bool
    ) -> None:
        self._entry = entry
        self._models = models
        self._bring = bring
        self._files = entry.files_for(coreml=coreml)
        self._coreml = coreml
        self._staging = models.incoming(entry.name)
        self._records = self._read_records()
        self._sizes = {file.name: file.size or file.about for file in self._files}
        self._done = dict.fromkeys(self._sizes, 0)

    def find(self) -> Bundle:
        """The model where it is installed already, every byte checked; BundleError where it is not, or not whole."""
        name = self._entry.name
        bundle = open_bundle(self._models.folder / name, hashes=True)
        if bundle.manifest.space_id != self._entry.space_id:
            raise RequestError(
                f'Another model called "{name}" is installed, from a file. '
                f"Remove it first: picsight models remove {name}"
            )
        return bundle

    def copy(self) -> Iterator[InstallEvent]:
        """As `run`, where there is room for all of it: of a copy that broke off nothing is kept."""
        self._models.require_room(self._entry.title, sum(self._sizes.values()))
        yield from self.run()

    def run(self) -> Iterator[InstallEvent]:
        """Fetches what is missing, then puts the model together."""
        for file in self._files:
            if self._has(file):
                self._sizes[file.name] = self._done[file.name] = self._records[file.name].size
        for file in self._files:
            if not self._has(file):
                yield from self._fetch(file)
        yield Checking()
        bundle = self._put_together()
        examine_once(bundle, Machine.this())
        yield Installed(bundle)

    def _fetch(self, file: RemoteFile) -> Iterator[Arriving]:
        with refusals_explained(self._staging):
            for event in self._bring(file, self._revision(file), self._staging / file.name):
                if isinstance(event, Fetched):
                    self._keep(file, event)
                    continue
                self._done[file.name] = event.done
                self._sizes[file.name] = event.total or max(event.done, file.about)
                yield Arriving(sum(self._done.values()), sum(self._sizes.values()))

    def _revision(self, file: RemoteFile) -> str | None:
        """The commit that the repository named with an earlier file: all files of a model belong together."""
        for other in self._files:
            record = self._records.get(other.name)
            if record is not None and record.revision is not None and other.repository == file.repository:
                return record.revision
        return None

    def _has(self, file: RemoteFile) -> bool:
        """Whether the file arrived whole in an earlier attempt, and is still what is wanted."""
        record = self._records.get(file.name)
        if record is None or (file.sha256 is not None and file.sha256 != record.sha256):
            return False
        try:
            return (self._staging / file.name).stat().st_size == record.size
        except OSError:
            return False

    def _keep(self, file: RemoteFile, fetched: Fetched) -> None:
        self._records[file.name] = fetched
        text = json.dumps({name: asdict(record) for name, record in self._records.items()})
        write_private(self._staging / _RECORDS, text)

    def _read_records(self) -> dict[str, Fetched]:
        try:
            data = json.loads((self._staging / _RECORDS).read_text(encoding="utf-8"))
            return {name: Fetched(**record) for name, record in data.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _put_together(self) -> Bundle:
        """The files with a licence and a card beside them become a bundle; what does not fit is thrown away."""
        entry = self._entry
        papers = {_LICENCE: _licence_text(entry), _CARD: _card(entry, self._records)}
        try:
            with refusals_explained(self._staging):
                for name, text in papers.items():
                    write_private(self._staging / name, text)
                bundle = self._models.place(self._staging, self._manifest(papers))
                # Not before: a kill during the check, which takes seconds, must not cost what was fetched.
                (bundle.folder / _RECORDS).unlink(missing_ok=True)
        except BundleError:
            shutil.rmtree(self._staging, ignore_errors=True)
            raise
        return bundle

    def _manifest(self, papers: dict[str, str]) -> Manifest:
        entry = self._entry
        records = {name: FileRecord(record.size, record.sha256) for name, record in self._records.items()}
        records |= {name: file_record(self._staging / name) for name in papers}
        return Manifest(
            name=entry.name,
            title=entry.title,
            licence=entry.terms.licence,
            dim=entry.dim,
            space_id=entry.space_id,
            logit_scale=entry.logit_scale,
            image=entry.image,
            text=entry.text,
            provenance={
                "fetched": {name: asdict(record) for name, record in self._records.items()},
                **({"coreml": {"input": "image", "output": "final_emb_1"}} if self._coreml else {}),
            },
            files=records,
        )


def _licence_text(entry: CatalogueEntry) -> str:
    return f"{entry.terms.licence.id}: {entry.terms.licence.url}\n\n{entry.terms.text}\n"


def _card(entry: CatalogueEntry, records: dict[str, Fetched]) -> str:
    """Where every file came from, for a person."""
    lines = [f"* {name}: {record.url} (SHA-256 {record.sha256})" for name, record in sorted(records.items())]
    return "\n".join(
        [
            f"# {entry.title}",
            "",
            entry.words,
            "",
            "Its files, unchanged, and whence they came:",
            "",
            *lines,
            "",
        ]
    )
