"""Downloads one large file: the only code of the app and the engine that opens an internet socket.

It requests only the file and sends nothing that identifies the user. It follows redirects, but never from HTTPS to HTTP.
It resumes an earlier attempt if a hash can verify the whole file, and returns only a file with the right size and hash.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
import threading
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass, replace
from typing import IO, TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from picsight_engine.bundles.bundle import file_record
from picsight_engine.bundles.writable_folder import storage_errors
from picsight_engine.foundation.errors import CancelledError, DownloadError, Message
from picsight_engine.foundation.private_files import make_private_folder, open_private, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message as Headers
    from pathlib import Path

_CHUNK = 256 * 1024  # bytes
_REPORT_SECONDS = 0.1
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TEMPORARY_REFUSALS = (408, 429, 500, 502, 503, 504)
_SHA256 = re.compile("[0-9a-f]{64}")
_COMMIT = re.compile("[0-9a-f]{40}")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to give up: after `tries` attempts in a row without progress; `pause` and read `timeout` are in seconds.

    A cancelled download ends with the next bytes, or with the timeout.
    """

    tries: int = 5
    pause: float = 0.5
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class DownloadRequest:
    """A file to download, with `size` in bytes and `sha256` (hex) if known; never more than `limit` bytes."""

    url: str
    limit: int
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """The number of bytes received so far; `total` is None while it is unknown."""

    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A downloaded file: its address, size and hash, and the commit and hash that the repository stated."""

    url: str
    size: int
    sha256: str
    revision: str | None
    stated_sha256: str | None


DownloadEvent = DownloadProgress | DownloadedFile


@dataclass(slots=True)
class _Notes:
    """A server's statements about a file; stored beside it for a later attempt until the file is recorded."""

    url: str
    stated_sha256: str | None = None
    revision: str | None = None
    size: int | None = None

    def read(self, headers: Headers) -> None:
        """Reads the hash and the commit that a model repository states; the servers behind its redirects state neither."""
        stated = headers.get("X-Linked-Etag", "").removeprefix("W/").strip('"').lower()
        if _SHA256.fullmatch(stated):
            self.stated_sha256 = stated
        commit = headers.get("X-Repo-Commit", "").lower()
        if _COMMIT.fullmatch(commit):
            self.revision = commit


class _BrokenError(Exception):
    """The connection broke, the server was busy, or the file changed: try again."""


def download(
    request: DownloadRequest,
    target: Path,
    *,
    cancel: threading.Event | None = None,
    retries: RetryPolicy = RetryPolicy(),
) -> Iterator[DownloadEvent]:
    """Downloads a file to `target`; the last event is DownloadedFile, and only then `target` exists.

    If the download fails or is cancelled, the received bytes stay beside it as NAME.part. The next call resumes it if a
    hash is known to verify the whole file.

    Raises:
        DownloadError: the server cannot be reached, refuses, or sent a wrong file.
        StorageError: the disk is full or cannot be written.
        CancelledError: `cancel` was set.
    """
    _require_safe(request.url)
    with storage_errors(target.parent, " What has arrived is kept."):
        yield from _Download(request, target, cancel or threading.Event(), retries).run()


class _Download:
    """One download; used once."""

    def __init__(
        self, request: DownloadRequest, target: Path, cancel: threading.Event, retries: RetryPolicy
    ) -> None:
        self._request, self._target, self._cancel, self._retries = request, target, cancel, retries
        self._host = urlsplit(request.url).netloc
        self._part = target.with_name(f"{target.name}.part")
        self._notes_file = target.with_name(f"{target.name}.part.json")
        self._notes = _Notes(request.url)
        self._done = 0

    @property
    def _total(self) -> int | None:
        return self._notes.size if self._request.size is None else self._request.size

    @property
    def _sha256(self) -> str | None:
        return self._request.sha256 or self._notes.stated_sha256  # the catalogue's hash takes precedence

    def run(self) -> Iterator[DownloadEvent]:
        """Tries until the file is complete, or several attempts in a row made no progress."""
        self._resume()
        failures, most = 0, self._done
        while True:
            self._stop_if_cancelled()
            try:
                yield from self._attempt()
                break
            except _BrokenError as fault:
                reason = fault
            failures = 1 if self._done > most else failures + 1
            most = max(most, self._done)  # bytes that were discarded are no progress
            if failures >= self._retries.tries:
                raise DownloadError(
                    "{name} could not be downloaded from {host}: {reason}. "
                    "What has arrived is kept; check the connection to the internet, then try again.",
                    name=self._target.name,
                    host=self._host,
                    reason=reason,
                )
            self._cancel.wait(self._retries.pause * failures)
        yield self._finish()
        self._notes_file.unlink(missing_ok=True)  # only after the caller has recorded the file

    def _resume(self) -> None:
        """Takes over the partial file of an earlier attempt."""
        make_private_folder(self._target.parent)
        notes = _read_notes(self._notes_file)
        if notes.url == self._request.url:
            self._notes = notes
            # It was complete when the process was killed, but not recorded.
            if self._target.exists() and not self._part.exists():
                self._target.replace(self._part)
            if self._part.exists():
                self._done = self._part.stat().st_size

    def _discard(self) -> None:
        self._part.unlink(missing_ok=True)
        self._notes_file.unlink(missing_ok=True)
        self._notes, self._done = _Notes(self._request.url), 0

    def _attempt(self) -> Iterator[DownloadProgress]:
        """Requests the missing bytes and writes them until the file is complete."""
        if self._total is not None and self._done == self._total:
            return
        if self._sha256 is None:  # without a hash, the rest might be of another file
            self._discard()
        notes = _Notes(self._request.url)
        with self._open(notes) as answer:
            self._begin(answer, notes)
            yield from self._receive(answer)
        yield DownloadProgress(self._done, self._total)
        if self._total is not None and self._done < self._total:
            raise _BrokenError(Message("the connection ended too early"))

    def _open(self, notes: _Notes) -> http.client.HTTPResponse:
        """The response to one request; `notes` collect the servers' statements."""
        headers = {"User-Agent": "Picsight", "Accept-Encoding": "identity"}
        if self._done:
            headers["Range"] = f"bytes={self._done}-"
        request = urllib.request.Request(self._request.url, headers=headers)  # noqa: S310 - `download` checked it
        opener = urllib.request.build_opener(_Redirects(notes))
        try:
            answer: http.client.HTTPResponse = opener.open(request, timeout=self._retries.timeout)
        except urllib.error.HTTPError as fault:
            fault.close()
            raise self._refusal(fault.code) from fault
        except (OSError, http.client.HTTPException, ValueError) as fault:  # ValueError: an invalid address
            cause = getattr(fault, "reason", fault)
            if isinstance(cause, ssl.SSLCertVerificationError):  # a retry would fail too
                raise DownloadError(
                    "{host} cannot prove that it is {host} ({verify_message}), so nothing was "
                    "downloaded; check this computer's clock, or try on another network.",
                    host=self._host,
                    verify_message=cause.verify_message,
                ) from fault
            raise _BrokenError(_reason(cause)) from fault
        if answer.status not in {http.client.OK, http.client.PARTIAL_CONTENT}:
            answer.close()
            raise self._refusal(answer.status)
        notes.read(answer.headers)
        return answer

    def _refusal(self, code: int) -> Exception:
        """The exception for a status code, which decides whether to retry."""
        if code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and self._done:
            return self._changed()
        status = f"{code} {http.client.responses.get(code, '')}".rstrip()  # the server's text is not trusted
        if code in _TEMPORARY_REFUSALS:
            return _BrokenError(Message("the server answers {status}", status=status))
        return DownloadError(
            "{name} could not be downloaded: {host} answers {status}. "
            "If this goes on, the file was moved; look for a newer Picsight.",
            name=self._target.name,
            host=self._host,
            status=status,
        )

    def _changed(self) -> _BrokenError:
        """Discards the partial file, which cannot be resumed."""
        self._discard()
        return _BrokenError(Message("the file on the server changed meanwhile"))

    def _begin(self, answer: http.client.HTTPResponse, notes: _Notes) -> None:
        """Reads from the response headers where the body begins and how long the file is."""
        stated, total = self._notes.stated_sha256, answer.length
        if self._done and None not in {stated, notes.stated_sha256} and stated != notes.stated_sha256:
            raise self._changed()
        if answer.status == http.client.PARTIAL_CONTENT:
            found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if found is None or not int(found[1]) == self._done < int(found[2]):
                raise self._changed()
            total = int(found[2])
        else:  # the whole file, also from a server without ranges
            self._discard()
        self._notes = replace(notes, size=total, stated_sha256=notes.stated_sha256 or stated)
        if total is not None:
            self._require_size(total)
        elif not (self._total or self._sha256 or answer.chunked):
            raise DownloadError(
                "{host} does not say how long {name} is, so it might arrive cut, and nothing was "
                "downloaded; try again later, or on another network.",
                host=self._host,
                name=self._target.name,
            )

    def _require_size(self, total: int) -> None:
        """Raises DownloadError if the file does not have the known size, or exceeds the limit."""
        size, limit = self._request.size, self._request.limit
        if total == size or (size is None and total <= limit):
            return
        self._discard()
        expected = f"at most {limit:,}" if size is None else f"{size:,}"
        raise DownloadError(
            "{name} has {total:,} bytes on {host} instead of {expected}: it is not the file that "
            "Picsight knows, and was not installed. Look for a newer Picsight.",
            name=self._target.name,
            total=total,
            host=self._host,
            expected=expected,
        )

    def _receive(self, answer: http.client.HTTPResponse) -> Iterator[DownloadProgress]:
        reported = 0.0
        write_private(self._notes_file, json.dumps(asdict(self._notes)))
        with open_private(self._part, "ab") as file:
            for chunk in _chunks(answer):
                if time.monotonic() - reported >= _REPORT_SECONDS:
                    reported = time.monotonic()
                    yield DownloadProgress(self._done, self._total)
                self._stop_if_cancelled()
                if self._done + len(chunk) > (self._total or self._request.limit):
                    self._require_size(self._done + len(chunk))
                file.write(chunk)
                file.flush()  # so that a kill loses none of these bytes
                self._done += len(chunk)

    def _finish(self) -> DownloadedFile:
        """Moves the file to its target if size and hash are right."""
        found = file_record(self._part).sha256
        stated, revision, expected = self._notes.stated_sha256, self._notes.revision, self._sha256
        if expected not in {None, found}:
            source = "Picsight knows" if self._request.sha256 else f"{self._host} states"
            self._discard()
            raise DownloadError(
                "{name} arrived, but not with the content that {source} (SHA-256 {found}... "
                "instead of {expected}...), and was not installed; try again, or on another network.",
                name=self._target.name,
                source=source,
                found=found[:16],
                expected=expected[:16],
            )
        self._part.replace(self._target)
        return DownloadedFile(self._request.url, self._done, found, revision, stated)

    def _stop_if_cancelled(self) -> None:
        if self._cancel.is_set():
            raise CancelledError(
                "The download of {name} was stopped; what has arrived is kept.", name=self._target.name
            )


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects with the same minimal headers; records the repository's statements on the way."""

    max_redirections = 5
    max_repeats = 2

    def __init__(self, notes: _Notes) -> None:
        self._notes = notes

    def redirect_request(  # noqa: PLR0917 - urllib's signature
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request, if its address is as safe as the previous one."""
        self._notes.read(headers)
        _require_safe(urljoin(req.full_url, newurl), after=req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _require_safe(url: str, *, after: str = "") -> None:
    """Requires HTTPS; allows plain HTTP only on this computer, and never after HTTPS."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK and not after.startswith("https:")
    if (parts.scheme != "https" and not local) or parts.username or parts.password:
        raise DownloadError(
            "{netloc} leads to an address that is not safe ({scheme}://{hostname}); "
            "nothing was downloaded from there. Try again on another network.",
            netloc=urlsplit(after or url).netloc,
            scheme=parts.scheme,
            hostname=parts.hostname,
        )


def _read_notes(path: Path) -> _Notes:
    """The stored notes; empty notes if there are none or they are invalid."""
    try:
        return _Notes(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return _Notes("")


def _chunks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The body as it arrives; `read` would wait for a whole chunk."""
    try:
        while chunk := answer.read1(_CHUNK):
            yield chunk
    except (OSError, http.client.HTTPException) as fault:
        raise _BrokenError(_reason(fault)) from fault


def _reason(cause: Exception) -> Message:
    if isinstance(cause, TimeoutError):
        return Message("nothing arrives any more")
    if not isinstance(cause, OSError):  # its text may quote the server
        return Message("the connection broke off, or the response was invalid")
    words = (cause.strerror or str(cause)).rstrip(".")
    return Message("{words}", words=words) if words else Message("the connection was closed")
