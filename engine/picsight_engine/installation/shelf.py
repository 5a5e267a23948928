"""The published files of a model as a person fetched them, with a browser or on another computer: a folder or an archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from picsight_engine.bundles.bundle import file_record
from picsight_engine.errors import BundleError, RequestError
from picsight_engine.installation.archive import Source, copy_file
from picsight_engine.installation.download import Arrived, Fetched

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from picsight_engine.installation.catalogue import RemoteFile


@dataclass(frozen=True, slots=True)
class Shelf:
    """Files under the names that they have in their repository, at the top of `path` or one folder below."""

    path: Path
    source: Source

    def holds(self, files: Iterable[RemoteFile]) -> bool:
        """Whether all of them are here."""
        return all(self._find(file) is not None for file in files)

    def require(self, files: Iterable[RemoteFile]) -> None:
        """RequestError where one of them is not here."""
        for file in files:
            if self._find(file) is None:
                raise RequestError(f"There is no {file.path} in {self.path}; get it from {file.url()}")

    def bring(
        self, file: RemoteFile, target: Path, cancel: threading.Event | None
    ) -> Iterator[Arrived | Fetched]:
        """Copies a file to `target` and says what `download` would say.

        Raises:
            BundleError: it cannot be read, or is not the file that the catalogue knows.
            CancelledError: `cancel` was set.
        """
        where = self._find(file)
        assert where is not None  # required before
        done = 0
        for count in copy_file(self.source, where, target, most=file.limit, path=self.path, cancel=cancel):
            done += count
            yield Arrived(done, file.size)
        sha256 = file_record(target).sha256
        if done > file.limit or file.size not in (None, done) or file.sha256 not in (None, sha256):
            raise BundleError(
                f"{file.path} in {self.path} is not the file that was published; get it again from {file.url()}"
            )
        yield Fetched(f"a file: {file.path}", done, sha256, revision=None, stated_sha256=None)

    def _find(self, file: RemoteFile) -> str | None:
        """Without its folder too: a browser fetches file by file into one."""
        for path in (file.path, file.path.removeprefix("onnx/")):
            found = self.source.find(path)
            if found:
                return found[0]
        return None
