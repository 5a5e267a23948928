"""Installs a model of the catalogue: downloads or copies, checks and describes it, and moves it into place."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import FileRecord, Manifest, file_record, open_bundle
from picsight_engine.bundles.writable_folder import storage_errors
from picsight_engine.foundation.errors import BundleError, RequestError
from picsight_engine.foundation.private_files import write_private
from picsight_engine.installation.download import (
    DownloadedFile,
    DownloadEvent,
    DownloadProgress,
    DownloadRequest,
    RetryPolicy,
    download,
)
from picsight_engine.installation.installed import LICENCE, Checking, Installed, InstallProgress, renamed
from picsight_engine.installation.layouts import find_layout, read_listing
from picsight_engine.installation.local_model import copy_file, open_source
from picsight_engine.installation.published import describe
from picsight_engine.runtime.backend_comparison import Machine, compare_once

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from picsight_engine.bundles.bundle import Bundle
    from picsight_engine.installation.catalogue import CatalogueEntry, RemoteFile
    from picsight_engine.installation.installed import InstalledModels, InstallEvent
    from picsight_engine.installation.local_model import Source

    _Fetch = Callable[[RemoteFile, str | None, Path], Iterator[DownloadEvent]]

_RECORDS = "fetched.json"
_CARD = "README.md"
_MOST_LISTING = 10_000_000  # bytes


def install(
    entry: CatalogueEntry,
    models: InstalledModels,
    *,
    coreml: bool = False,
    cancel: threading.Event | None = None,
    retries: RetryPolicy | None = None,
) -> Iterator[InstallEvent]:
    """Installs a model whose licence the user has accepted; the last event is Installed.

    Bytes received before a failure, a kill or `cancel` are kept, and the next call resumes. A complete installed model is
    not downloaded again.

    Raises:
        DownloadError: a file cannot be downloaded, or is not the right one.
        StorageError: the disk is full or cannot be written.
        BundleError: the files are not the model that the catalogue describes; nothing was installed.
        BusyError: another process is installing a model.
        RequestError: another model has its name.
        CancelledError: `cancel` was set.
    """

    def fetch(file: RemoteFile, revision: str | None, target: Path) -> Iterator[DownloadEvent]:
        request = DownloadRequest(file.url(revision), file.limit, file.size, file.sha256)
        return download(request, target, cancel=cancel, retries=retries or RetryPolicy())

    models.require_name(entry.name)
    with models.lock():
        yield from _Installation(entry, models, fetch, coreml=coreml).run()


def install_from(
    path: Path,
    entry: CatalogueEntry,
    models: InstalledModels,
    *,
    coreml: bool = False,
    cancel: threading.Event | None = None,
) -> Iterator[InstallEvent]:
    """Like `install`, but from the published files in a folder or an archive; downloads nothing. Raises like `open_source`, too,
    and RequestError if a file is missing there.
    """

    def fetch(file: RemoteFile, revision: str | None, target: Path) -> Iterator[DownloadEvent]:
        del revision  # the commit of local files is unknown
        return _copy(source, file, target, cancel)

    models.require_name(entry.name)
    with ExitStack() as stack, models.lock():
        source = stack.enter_context(open_source(path))
        for file in entry.files:
            if _place(source, file) is None:
                raise RequestError(
                    "There is no {file} in {path}; get it from {url}",
                    file=file.path,
                    path=path,
                    url=file.url(),
                )
        coreml = coreml and all(_place(source, file) is not None for file in entry.coreml)
        # Files of an earlier download may be of another commit, and local files are quickly copied again.
        shutil.rmtree(models.incoming(entry.name), ignore_errors=True)
        stack.callback(shutil.rmtree, models.incoming(entry.name), ignore_errors=True)
        yield from _Installation(entry, models, fetch, coreml=coreml).run()


def find_model(repository: str) -> CatalogueEntry:
    """The model in the repository at an address of Hugging Face, or of a server that answers as it does.

    Raises:
        DownloadError: the server cannot be reached, or knows no such repository.
        BundleError: it holds no model in a known layout.
    """
    site, owner, name = repository.rstrip("/").rsplit("/", 2)
    request = DownloadRequest(f"{site}/api/models/{owner}/{name}/revision/main?blobs=true", _MOST_LISTING)
    with TemporaryDirectory() as folder:
        target = Path(folder) / "listing.json"
        for _ in download(request, target):
            pass
        return read_listing(f"{site}/{owner}/{name}", target.read_bytes())


def runs_coreml() -> bool:
    """Whether this computer can run the Core ML version of an image tower."""
    machine = Machine.this()
    return machine.apple_silicon and machine.coremltools


def _place(source: Source, file: RemoteFile) -> str | None:
    """The path of a published file, with or without its folder: a browser saves all files into one folder."""
    return source.find(file.path) or source.find(file.path.removeprefix("onnx/"))


def _copy(
    source: Source, file: RemoteFile, target: Path, cancel: threading.Event | None
) -> Iterator[DownloadEvent]:
    """Copies a published file to `target`, with the events of `download`; raises like `copy_file`, and BundleError if it is not
    the file in the catalogue.
    """
    done = 0
    where = _place(source, file) or file.path
    for count in copy_file(source, where, target, most=file.limit, cancel=cancel):
        done += count
        yield DownloadProgress(done, file.size)
    sha256 = file_record(target).sha256
    if done > file.limit or file.size not in (None, done) or file.sha256 not in (None, sha256):
        raise BundleError(
            "{file} in {path} is not the file that was published; get it again from {url}",
            file=file.path,
            path=source.path,
            url=file.url(),
        )
    yield DownloadedFile(f"a file: {file.path}", done, sha256, revision=None, stated_sha256=None)


class _Installation:
    """One installation; a single-use object."""

    def __init__(
        self, entry: CatalogueEntry, models: InstalledModels, fetch: _Fetch, *, coreml: bool
    ) -> None:
        self._entry = entry
        self._models = models
        self._fetch = fetch
        self._files = entry.files_for(coreml=coreml)
        self._staging = models.incoming(entry.name)
        self._records = _read_records(self._staging / _RECORDS)
        self._sizes = {file.name: file.size or file.about for file in self._files}
        self._done = dict.fromkeys(self._sizes, 0)

    def run(self) -> Iterator[InstallEvent]:
        """Gets the missing files and assembles the model, unless it is installed."""
        try:
            bundle = self._installed()
        except BundleError:
            here = sum(path.stat().st_size for path in self._staging.rglob("*") if path.is_file())
            self._models.require_room(self._entry.title, sum(self._sizes.values()) - here)
            yield from self._fetch_all()
            yield Checking()
            bundle = self._put_together()
            compare_once(bundle, Machine.this())
        yield Installed(bundle)

    def _installed(self) -> Bundle:
        """The installed model, with every byte checked; BundleError if it is missing or incomplete."""
        name = self._entry.name
        bundle = open_bundle(self._models.folder / name, hashes=True)
        if self._entry.space_id not in {None, bundle.manifest.space_id}:
            raise RequestError(
                'Another model called "{name}" is installed, from a file. '
                "Remove it first: picsight models remove {name}",
                name=name,
            )
        return bundle

    def _fetch_all(self) -> Iterator[InstallProgress]:
        missing = [file for file in self._files if not self._has(file)]
        for file in self._files:
            if file not in missing:
                self._sizes[file.name] = self._done[file.name] = self._records[file.name].size
        with storage_errors(self._staging):
            for file in missing:
                for event in self._fetch(file, self._revision(file), self._staging / file.name):
                    if isinstance(event, DownloadedFile):
                        self._keep(file, event)
                        continue
                    self._done[file.name] = event.done
                    self._sizes[file.name] = event.total or max(event.done, file.about)
                    yield InstallProgress(sum(self._done.values()), sum(self._sizes.values()))

    def _revision(self, file: RemoteFile) -> str | None:
        """The commit that the repository named for an earlier file; all files must come from one commit."""
        known = (self._records.get(each.name) for each in self._files if each.repository == file.repository)
        return next((record.revision for record in known if record and record.revision), None)

    def _has(self, file: RemoteFile) -> bool:
        """Whether an earlier attempt completed the file, and it is still the right one."""
        record, path = self._records.get(file.name), self._staging / file.name
        return (
            record is not None
            and file.sha256 in {None, record.sha256}
            and path.is_file()
            and path.stat().st_size == record.size
        )

    def _keep(self, file: RemoteFile, fetched: DownloadedFile) -> None:
        self._records[file.name] = fetched
        text = json.dumps({name: asdict(record) for name, record in self._records.items()})
        write_private(self._staging / _RECORDS, text)

    def _put_together(self) -> Bundle:
        """Makes a bundle of the files, a licence and a card; deletes files that do not match."""
        licence = self._entry.licence
        papers = {
            LICENCE: f"{licence.id}: {licence.url}\n\n{self._entry.terms}\n",
            _CARD: _card(self._entry, self._records),
        }
        try:
            with storage_errors(self._staging):
                for name, text in papers.items():
                    write_private(self._staging / name, text)
                bundle = self._models.place(self._staging, self._manifest(papers))
                # Only now: a kill during the check, which takes seconds, must not lose the downloaded files.
                (bundle.folder / _RECORDS).unlink(missing_ok=True)
        except BundleError as fault:
            shutil.rmtree(self._staging, ignore_errors=True)  # so the message must not name it
            raise BundleError(renamed(fault.message, str(self._staging), self._entry.title)) from fault
        return bundle

    def _manifest(self, papers: dict[str, str]) -> Manifest:
        entry = self._entry
        records = {name: FileRecord(record.size, record.sha256) for name, record in self._records.items()}
        records |= {name: file_record(self._staging / name) for name in papers}
        described = self._described()
        fetched = {name: asdict(record) for name, record in self._records.items()}
        return replace(
            described,
            name=entry.name,
            title=entry.title,
            licence=entry.licence,
            provenance={**described.provenance, "fetched": fetched},
            files=records,
        )

    def _described(self) -> Manifest:
        """A manifest of the towers: as the catalogue describes them, or else as the files do."""
        entry = self._entry
        if entry.image is not None and entry.text is not None and entry.space_id is not None:
            return Manifest(
                name=entry.name,
                title=entry.title,
                licence=entry.licence,
                dim=entry.dim,
                space_id=entry.space_id,
                logit_scale=entry.logit_scale,
                image=entry.image,
                text=entry.text,
            )
        layout = find_layout(self._records)
        if layout is None:
            raise BundleError("The files of {title} are not a model that Picsight knows.", title=entry.title)
        return describe(self._staging, layout)


def _read_records(path: Path) -> dict[str, DownloadedFile]:
    """The files of earlier attempts; empty if the record is missing or invalid."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return {name: DownloadedFile(**record) for name, record in data.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _card(entry: CatalogueEntry, records: dict[str, DownloadedFile]) -> str:
    """The origin of every file, for the user."""
    lines = [f"* {name}: {record.url} (SHA-256 {record.sha256})" for name, record in sorted(records.items())]
    head = f"# {entry.title}\n\n{entry.words}\n\nIts files, unchanged, and where they came from:\n"
    return "\n".join([head, *lines, ""])
