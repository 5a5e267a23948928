"""Fetches one large file over the network: the only code of the app and the engine that opens an internet socket.

It asks for nothing but the file, sends nothing that identifies anybody, follows redirects but never from an encrypted
connection to a plain one, goes on where an earlier attempt stopped, and hands over only what has the right hash.
"""

from __future__ import annotations

import http.client
import shutil
import ssl
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, NoReturn
from urllib.parse import urljoin, urlsplit

from picsight_engine.errors import CancelledError, DownloadError, StorageError
from picsight_engine.installation.transfer.feed import feed
from picsight_engine.installation.transfer.headers import length, note_repository, rest, validator
from picsight_engine.installation.transfer.partial_file import Notes, PartialFile

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

_CHUNK = 256 * 1024
_TOLD_SECONDS = 0.1
_REDIRECTS = 5
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PACKED = frozenset({"gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd"})
_TEMPORARY_REFUSALS = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download bears a bad line: `tries` in a row that bring nothing, `pause` and `timeout` in seconds.

    Fewer than `least` bytes within `timeout`, or in a whole try, are as good as nothing.
    """

    tries: int = 5
    pause: float = 0.5
    timeout: float = 20.0
    least: int = 16 * 1024


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch. `size` in bytes and `sha256` (hex) where they are known beforehand; never more than `limit` bytes."""

    url: str
    limit: int
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """So much of the file is there; `total` is None until the server has said it."""

    done: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched: from where, its own size and hash, and what the server said of its place in a repository."""

    url: str
    size: int
    sha256: str
    revision: str | None
    stated_sha256: str | None


class _ResetError(Exception):
    """The line broke, or the server was busy: worth another try."""


class _StartAgainError(Exception):
    """What is there cannot be continued: the file changed on the server, or is not what the server holds."""


def download(
    wanted: Wanted,
    target: Path,
    *,
    cancel: threading.Event | None = None,
    patience: Patience = Patience(),
) -> Iterator[Arrived | Fetched]:
    """Fetches a file to `target`; the last of the stream is Fetched, and only then `target` exists.

    What arrived stays beside it as NAME.part when the download fails or is cancelled, and the next call continues it.

    Raises:
        DownloadError: the server cannot be reached, refuses, or sent something else than was wanted.
        StorageError: the disk is full or cannot be written.
        CancelledError: `cancel` was set.
    """
    _require_safe(wanted.url)
    yield from _Download(wanted, target, cancel or threading.Event(), patience).run()


class _Download:
    """One download; used once."""

    def __init__(self, wanted: Wanted, target: Path, cancel: threading.Event, patience: Patience) -> None:
        self._wanted = wanted
        self._folder = target.parent
        self._name = target.name
        self._host = urlsplit(wanted.url).netloc
        self._file = PartialFile(target, wanted.url)
        self._cancel = cancel
        self._patience = patience
        self._total = wanted.size

    def run(self) -> Iterator[Arrived | Fetched]:
        """Tries until the file is whole, or nothing more arrives for too long."""
        self._file.take_up(known_hash=self._wanted.sha256 is not None)
        self._total = self._wanted.size or self._file.notes.size
        failures, most = 0, self._file.done
        while True:
            self._stop_if_cancelled()
            try:
                yield from self._attempt()
                break
            except _StartAgainError:
                self._start_again()
                last = "the file on the server changed meanwhile"
            except _ResetError as fault:
                last = str(fault)
            # What was there before, and was thrown away, is no progress: else a bad server would keep this up for ever.
            failures = 1 if self._file.done >= most + self._patience.least else failures + 1
            most = max(most, self._file.done)
            if failures >= self._patience.tries:
                raise DownloadError(
                    f"{self._name} could not be downloaded from {self._host}: {last}. "
                    "What has arrived is kept; try again later."
                )
            self._cancel.wait(self._patience.pause * failures)
        yield self._finish()
        self._file.forget_notes()  # not before whoever asked has taken note of the file

    def _start_again(self) -> None:
        self._file.discard()
        self._total = self._wanted.size

    def _attempt(self) -> Iterator[Arrived]:
        """Asks for what is missing and writes what comes, until the file is whole."""
        if self._total is not None and self._file.done == self._total:
            return
        stated = self._file.notes.stated_sha256
        seconds = self._patience.timeout * (_REDIRECTS + 1)  # each hop, and each read, has its own timeout
        try:
            with closing(feed(self._answer, self._stop_if_cancelled, seconds)) as parts:
                head = next(parts)
                assert isinstance(head, http.client.HTTPResponse)
                if self._file.done and stated not in {None, self._file.notes.stated_sha256}:
                    raise _StartAgainError
                self._understand(head)
                yield Arrived(self._file.done, self._total)
                yield from self._receive(parts)
        except urllib.error.HTTPError as fault:
            fault.close()
            self._judge(fault)
        except (OSError, http.client.HTTPException) as fault:
            self._require_trust(fault)
            raise _ResetError(_reason(fault)) from fault
        if self._total is not None and self._file.done < self._total:
            raise _ResetError("the connection ended too early")

    def _answer(self) -> Generator[http.client.HTTPResponse | bytes]:
        """The answer's head, and then its body as it comes."""
        with self._open() as answer:
            yield answer
            while chunk := answer.read1(_CHUNK):  # as much as is there: `read` would wait for all of it
                yield chunk

    def _open(self) -> http.client.HTTPResponse:
        headers = {"User-Agent": "Picsight", "Accept-Encoding": "identity"}
        if self._file.done:
            headers["Range"] = f"bytes={self._file.done}-"
            if self._file.notes.validator:
                headers["If-Range"] = self._file.notes.validator
        request = urllib.request.Request(self._wanted.url, headers=headers)  # noqa: S310 - `download` checked it
        opener = _opener(self._file.notes)
        try:
            answer: http.client.HTTPResponse = opener.open(request, timeout=self._patience.timeout)
        except ValueError as fault:  # what no address or name of a computer can look like
            raise _ResetError("the server leads to an address that is none") from fault
        note_repository(answer.headers, self._file.notes)
        if answer.status not in {http.client.OK, http.client.PARTIAL_CONTENT}:
            answer.close()
            raise _ResetError(f"the server answers {_status(answer.status)}")
        return answer

    def _judge(self, fault: urllib.error.HTTPError) -> NoReturn:
        """A refusal that another try can mend, or the end."""
        if fault.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and self._file.done:
            raise _StartAgainError from fault
        if fault.code in _TEMPORARY_REFUSALS:
            raise _ResetError(f"the server answers {_status(fault.code)}") from fault
        if fault.code // 100 == 3:
            raise DownloadError(
                f"{self._name} could not be downloaded: {self._host} answers {_status(fault.code)} and leads in a circle, "
                "nowhere, or to an address that is not safe. Try again later, or on another network."
            ) from fault
        raise DownloadError(
            f"{self._name} could not be downloaded: {self._host} answers {_status(fault.code)}. "
            "If this goes on, the file was moved; look for a newer Picsight."
        ) from fault

    def _require_trust(self, fault: OSError | http.client.HTTPException) -> None:
        """A server that cannot prove its name will not do so the next time."""
        cause = fault.reason if isinstance(fault, urllib.error.URLError) else fault
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise DownloadError(
                f"{self._host} cannot prove that it is {self._host} ({cause.verify_message}), so nothing was downloaded; "
                "check this computer's clock, or try on another network."
            ) from fault

    def _understand(self, answer: http.client.HTTPResponse) -> None:
        """Takes from the answer's head where its body begins, how long the file is and what it should hash to."""
        notes, tag = self._file.notes, validator(answer.headers)
        self._require_plain(answer)
        if answer.status == http.client.PARTIAL_CONTENT:
            part = rest(answer.headers)
            same = None in {notes.validator, tag} or notes.validator == tag
            if part is None or not same or not part[0] == self._file.done < part[1]:
                raise _StartAgainError
            total: int | None = part[1]
            tag = tag or notes.validator  # some servers say it with the whole file only
        else:
            if self._file.done:  # the whole file, because it changed or the server knows no ranges
                self._file.discard(keep_notes=True)
            total = length(answer.headers)
        notes.validator = tag
        self._check_size(total)
        self._total = notes.size = self._wanted.size if total is None else total
        self._require_end(answer)
        missing = (self._total or 0) - self._file.done
        free = shutil.disk_usage(self._folder).free
        if missing > free:
            raise StorageError(
                f"{self._folder} has {free:,} bytes free, {self._name} needs {missing:,} more: make room. "
                "What has arrived is kept."
            )

    def _require_plain(self, answer: http.client.HTTPResponse) -> None:
        """Packed bytes are not the file's own: neither its length nor its hash would fit."""
        codings = answer.headers.get("Content-Encoding", "").lower().split(",")
        if _PACKED.intersection(coding.strip() for coding in codings):
            raise DownloadError(
                f"{self._host} sends {self._name} packed although it was asked for the file as it is, "
                "so nothing was downloaded; try again later, or on another network."
            )

    def _require_end(self, answer: http.client.HTTPResponse) -> None:
        """Where neither a length nor a hash is known, a file that was cut would pass for a whole one."""
        known = self._total is not None or self._wanted.sha256 or self._file.notes.stated_sha256
        if not known and not answer.chunked:
            raise DownloadError(
                f"{self._host} does not say how long {self._name} is, so whether it arrives whole could not be told, "
                "and nothing was downloaded; try again later, or on another network."
            )

    def _check_size(self, total: int | None) -> None:
        wanted = self._wanted.size
        if total is None or (total == wanted if wanted is not None else total <= self._wanted.limit):
            return
        self._start_again()
        expected = f"at most {self._wanted.limit:,}" if wanted is None else f"{wanted:,}"
        raise DownloadError(
            f"{self._name} has {total:,} bytes on {self._host} instead of {expected}: it is not the file that "
            "Picsight knows, and was not installed. Look for a newer Picsight."
        )

    def _receive(self, chunks: Iterator[http.client.HTTPResponse | bytes]) -> Iterator[Arrived]:
        told = started = time.monotonic()
        most = self._wanted.limit if self._total is None else self._total
        enough = self._file.done + self._patience.least
        with self._file.appending() as file:
            for chunk in chunks:
                assert isinstance(chunk, bytes)
                if self._file.done + len(chunk) > most:
                    self._check_size(self._file.done + len(chunk))
                self._file.append(file, chunk)
                now = time.monotonic()
                if self._file.done >= enough:
                    started, enough = now, self._file.done + self._patience.least
                elif now - started > self._patience.timeout:
                    raise _ResetError("hardly anything arrives any more")
                if now - told >= _TOLD_SECONDS:
                    told = now
                    yield Arrived(self._file.done, self._total)
        yield Arrived(self._file.done, self._total)

    def _finish(self) -> Fetched:
        """Hands the file over if it is the right one."""
        found, notes = self._file.sha256, self._file.notes
        expected = self._wanted.sha256 or notes.stated_sha256  # what was known before counts more
        if expected not in {None, found}:
            whose = "Picsight knows" if self._wanted.sha256 else f"{self._host} states"
            self._start_again()
            raise DownloadError(
                f"{self._name} arrived with another content than the one that {whose} (SHA-256 {found[:16]}... "
                f"instead of {expected[:16]}...), and was not installed; try again, or on another network."
            )
        self._file.finish()
        return Fetched(self._wanted.url, self._file.done, found, notes.revision, notes.stated_sha256)

    def _stop_if_cancelled(self) -> None:
        if self._cancel.is_set():
            raise CancelledError(f"The download of {self._name} was stopped; what has arrived is kept.")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects with the same plain headers; notes what a repository says on the way."""

    max_redirections = _REDIRECTS
    max_repeats = 2

    def __init__(self, notes: Notes) -> None:
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
        """The next request, if its address is as safe as the one before."""
        note_repository(headers, self._notes)
        _require_safe(urljoin(req.full_url, newurl), after=req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener(notes: Notes) -> urllib.request.OpenerDirector:
    """Knows http and https and nothing else: no files, no passwords, no cookies. HTTPS checks certificate and name."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(notes),
    ):
        opener.add_handler(handler)
    return opener


def _require_safe(url: str, *, after: str = "") -> None:
    """HTTPS everywhere; plain HTTP only within this computer, and never once HTTPS was spoken."""
    parts = urlsplit(url)
    local = parts.scheme == "http" and parts.hostname in _LOOPBACK and not after.startswith("https:")
    if (parts.scheme != "https" and not local) or parts.username or parts.password:
        raise DownloadError(
            f"{urlsplit(after or url).netloc} leads to an address that is not safe ({parts.scheme}://{parts.hostname}); "
            "nothing was downloaded from there. Try again on another network."
        )


def _status(code: int) -> str:
    """A status code with its usual words; the server's own could be any text."""
    return f"{code} {http.client.responses.get(code, '')}".rstrip()


def _reason(fault: OSError | http.client.HTTPException) -> str:
    cause = fault.reason if isinstance(fault, urllib.error.URLError) else fault
    if isinstance(cause, TimeoutError):
        return "nothing arrives any more"
    if not isinstance(cause, OSError):  # its text may quote whatever the server sent
        return "the connection broke off, or what came was no answer"
    return (cause.strerror or str(cause) or "the connection was closed").rstrip(".")
