"""The user's own server as a captioner: any server that answers chat completions with images.

Photos are sent only to an address that the user names.
"""

from __future__ import annotations

import hashlib
import http.client
import itertools
import json
import os
import textwrap
import threading
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mctrain.data.photo import data_uri
from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import PIL.Image

    from mctrain.reinforce.captioners.captioner import SamplingSettings

KEY = "MCTRAIN_CHAT_KEY"  # environment variable with the server's key, if it needs one
_PROMPT = "Describe this photo in one short sentence, as a caption."
_SIDE = 448  # pixels of the longer side that are sent
_PATIENCE = 300.0  # seconds for one answer
# seconds between retries: for a busy or restarting server, and for one that fails on this photo
_BUSY_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0)
_FAULT_WAITS = (1.0, 4.0)
_LONGEST_WAIT = 600.0  # upper limit for Retry-After
_MOST_READ, _MOST_SHOWN = 10_000, 200  # bytes read from an error response, and characters of it shown
_IN_A_ROW = 8  # consecutive photos without an answer before giving up
# Statuses of a server, or a proxy, that may recover.
_BUSY = frozenset({408, 429, *range(502, 505), *range(520, 530)})
_OF_PHOTO = frozenset({400, 413, 422, 500})


class _NoOtherAddress(urllib.request.HTTPRedirectHandler):
    """Refuses redirects: an address that the user did not name would get the key."""

    def redirect_request(self, *_: Any) -> None:
        """Follows no redirect; the response itself becomes the error."""


_ASKER = urllib.request.build_opener(_NoOtherAddress)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A failed request: the sentence, whether another photo may succeed, the waits before retries, and the server's wait."""

    sentence: str
    of_photo: bool
    waits: Sequence[float] = ()
    after: float = 0.0


class ChatCaptioner:
    """`URL@MODEL`, with the URL up to `/v1`: one request per caption, each with its own seed, several at a time."""

    is_remote = True

    def __init__(self, title: str, concurrency: int, pause: Callable[[float], object] | None = None) -> None:
        """Sends nothing yet. `pause` waits for the given seconds.

        Raises:
            TrainerError: the title names no model, or its URL is invalid.
        """
        self._url, _, self._model = title.rpartition("@")
        if not self._url or not self._model:
            raise TrainerError(
                f"{title} names no model; write URL@MODEL, as in http://localhost:8000/v1@llava."
            )
        if not _is_address(self._url):
            raise TrainerError(
                f"{self._url} is not the address of a server; write it as in http://localhost:8000/v1."
            )
        self.name = title
        self.digest = hashlib.sha256(f"{title}\n{_PROMPT}\n{_SIDE}".encode()).hexdigest()[:16]
        self._concurrency, self._pause = concurrency, pause
        self._answered = False
        self._failed = 0  # photos in a row

    def describe(
        self, pictures: Sequence[PIL.Image.Image], seeds: Sequence[int], sampling: SamplingSettings
    ) -> list[tuple[str, ...]]:
        """Raw texts from the server, which decides whether equal seeds give equal texts.

        Requests that fail on their photo are left out.

        Raises:
            TrainerError: the server is unreachable or refuses, or does not answer for many photos in a row.
        """
        headers = _headers()
        questions = (
            self._question(url, seed + number, sampling)
            for url, seed in zip(map(_data_url, pictures), seeds, strict=True)
            for number in range(sampling.captions)
        )
        asked = [(each, Future[str | _Failure]()) for each in questions]
        left = iter(asked)  # shared by the threads: each request is taken once
        over = threading.Event()

        def work() -> None:
            for question, future in left:
                try:
                    future.set_result(self._patiently(question, headers, over))
                except BaseException as fault:  # noqa: BLE001 (raised where the answer is wanted)
                    future.set_exception(fault)

        # daemon threads do not delay exit: an answer may take minutes
        for _ in range(min(self._concurrency, len(asked))):
            threading.Thread(target=work, daemon=True).start()
        answers = (future.result() for _, future in asked)
        try:
            return [self._texts(list(itertools.islice(answers, sampling.captions))) for _ in pictures]
        finally:
            over.set()  # wakes waiting threads

    def _texts(self, answers: Sequence[str | _Failure]) -> tuple[str, ...]:
        """The texts of one photo."""
        texts = tuple(each for each in answers if isinstance(each, str))
        failures = [each for each in answers if isinstance(each, _Failure)]
        if ending := next((each for each in failures if not each.of_photo), None):
            raise TrainerError(ending.sentence)
        self._failed = 0 if texts else self._failed + 1
        if self._failed == _IN_A_ROW:
            raise TrainerError(f"{failures[0].sentence} This happened for {_IN_A_ROW} photos in a row.")
        return texts

    def _question(self, url: str, seed: int, sampling: SamplingSettings) -> bytes:
        content = [{"type": "text", "text": _PROMPT}, {"type": "image_url", "image_url": {"url": url}}]
        asked = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "top_p": sampling.top_p,
            "max_tokens": sampling.tokens,
            "seed": seed % 2**31,
        }
        return json.dumps(asked).encode()

    def _patiently(self, asked: bytes, headers: dict[str, str], over: threading.Event) -> str | _Failure:
        """Retries until there is an answer or no retry is left; stops when another request has ended the work."""
        if over.is_set():
            return _Failure("", of_photo=False)  # the other request's failure is reported
        tried = 0
        while isinstance(found := self._ask(asked, headers), _Failure):
            if tried >= len(found.waits) or over.is_set():
                if not found.of_photo:
                    over.set()
                break
            (self._pause or over.wait)(max(found.waits[tried], min(found.after, _LONGEST_WAIT)))
            tried += 1
        return found

    def _ask(self, asked: bytes, headers: dict[str, str]) -> str | _Failure:
        request = urllib.request.Request(f"{self._url}/chat/completions", asked, headers)  # noqa: S310 (the user's own address)
        try:
            with _ASKER.open(request, timeout=_PATIENCE) as answer:
                content = bytes(answer.read())
        except urllib.error.HTTPError as fault:
            return self._refusal(fault)
        except (http.client.HTTPException, ConnectionResetError, TimeoutError) as fault:
            sentence = (
                f"{self._url} breaks the connection or does not speak HTTP: {fault!r}; look at its log."
            )
            return _Failure(sentence, True, _FAULT_WAITS)
        except OSError as fault:
            reason = getattr(fault, "reason", fault)
            waits = _BUSY_WAITS if self._answered else ()  # a server that has answered before may come back
            return _Failure(f"{self._url} does not answer: {reason}; is the server running?", False, waits)
        if (text := _text(content)) is None:
            sentence = f"{self._url} answers in another format than chat completions: {_line(content)}."
            return _Failure(sentence, True, _FAULT_WAITS)
        self._answered = True
        return text if text.strip() else _Failure(f"{self._url} answers with an empty text.", of_photo=True)

    def _refusal(self, fault: urllib.error.HTTPError) -> _Failure:
        words = ""
        with fault, suppress(OSError, http.client.HTTPException):
            words = _line(fault.read(_MOST_READ))
        if key := os.environ.get(KEY, "").strip():
            words = words.replace(key, "…")
        sentence = f"{self._url} answers {fault.code} {fault.reason}{words and ': '}{words}; look at its log."
        if fault.code in _BUSY:
            after = fault.headers.get("Retry-After", "")  # a date is ignored
            return _Failure(sentence, False, _BUSY_WAITS, float(after) if after.isdecimal() else 0.0)
        return _Failure(sentence, fault.code in _OF_PHOTO, _FAULT_WAITS if fault.code == 500 else ())


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY, "").strip():
        if not (key.isascii() and key.isprintable()):  # the message does not show the key
            raise TrainerError(f"{KEY} holds characters that no key has, such as a line break; set it again.")
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _text(answer: bytes) -> str | None:
    """The text of an answer; None if it has none."""
    try:
        content: Any = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return content if isinstance(content, str) else None


def _line(content: bytes) -> str:
    """The start of a response, on one line without control characters."""
    line = textwrap.shorten(content.decode(errors="replace"), _MOST_SHOWN, placeholder="…").rstrip(".")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


def _is_address(url: str) -> bool:
    """Whether the URL has a host and a valid port, and no blank, which would break the request line."""
    try:
        parts = urllib.parse.urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        return False


def _data_url(picture: PIL.Image.Image) -> str:
    small = picture.copy()
    small.thumbnail((_SIDE, _SIDE))
    return data_uri(small)
