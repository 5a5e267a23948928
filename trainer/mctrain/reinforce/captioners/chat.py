"""A user's own server as a captioner: whatever answers the usual chat format with images, on this machine or in this house.

Nothing is ever sent anywhere unless a person names the address.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
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

from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import PIL.Image

    from mctrain.reinforce.captioners.captioner import Manner

KEY = "MCTRAIN_CHAT_KEY"  # the environment's variable with the server's key, where it wants one
_PROMPT = "Describe this photo in one short sentence, as a caption."
_SIDE = 448  # pixels of the longer side that are sent
_PATIENCE = 300.0  # seconds for one answer
# seconds before a question is asked again: of a server that is busy or begins anew, and of one that fails at this photo
_BUSY_WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0)
_FAULT_WAITS = (1.0, 4.0)
_LONGEST_WAIT = 600.0  # whatever the server asks for
_MOST_READ, _MOST_TOLD = 10_000, 200  # bytes of a refusal, and letters of it
_IN_A_ROW = 8  # photos without any answer that end the work
# Answers of a server that will have others, or of a proxy before it.
_BUSY = frozenset({408, 429, *range(502, 505), *range(520, 530)})
_OF_PHOTO = frozenset({400, 413, 422, 500})


class _NoOtherAddress(urllib.request.HTTPRedirectHandler):
    """Follows no server to an address that nobody named: it would get the key."""

    def redirect_request(self, *_: Any) -> None:
        """Nothing is asked there; the answer itself is told."""


_ASKER = urllib.request.build_opener(_NoOtherAddress)


@dataclass(frozen=True, slots=True)
class _Failure:
    """A question without an answer, in a sentence: whether another photo may fare better, the seconds to wait before each
    further try, and those that the server asks for.
    """

    sentence: str
    of_photo: bool
    waits: Sequence[float] = ()
    after: float = 0.0


class ChatCaptioner:
    """`URL@MODEL`, the URL as far as `/v1`: one question a caption, each with a seed of its own, several at a time."""

    is_remote = True

    def __init__(self, title: str, concurrency: int, pause: Callable[[float], object] | None = None) -> None:
        """Asks nothing yet. `pause` takes seconds and waits for them.

        Raises:
            TrainerError: the title names no model, or its URL is none.
        """
        self._url, _, self._model = title.rpartition("@")
        if not self._url or not self._model:
            raise TrainerError(
                f"{title} names no model; write URL@MODEL, as in http://localhost:8000/v1@llava."
            )
        if not _is_address(self._url):
            raise TrainerError(
                f"{self._url} is no address of a server; write it as in http://localhost:8000/v1."
            )
        self.name = title
        self.digest = hashlib.sha256(f"{title}\n{_PROMPT}\n{_SIDE}".encode()).hexdigest()[:16]
        self._concurrency, self._pause = concurrency, pause
        self._answered = False
        self._failed = 0  # photos in a row

    def describe(
        self, pictures: Sequence[PIL.Image.Image], seeds: Sequence[int], manner: Manner
    ) -> list[tuple[str, ...]]:
        """As the server writes them; whether equal seeds give equal texts is up to it.

        A question that fails at its photo has no text, and is left out.

        Raises:
            TrainerError: the server is away or refuses, or has no answer for many photos in a row.
        """
        headers = _headers()
        questions = (
            self._question(url, seed + number, manner)
            for url, seed in zip(map(_data_url, pictures), seeds, strict=True)
            for number in range(manner.captions)
        )
        asked = [(each, Future[str | _Failure]()) for each in questions]
        left = iter(asked)  # shared: each question is taken once
        over = threading.Event()

        def work() -> None:
            for question, future in left:
                try:
                    future.set_result(self._patiently(question, headers, over))
                except BaseException as fault:  # noqa: BLE001 (raised where the answer is wanted)
                    future.set_exception(fault)

        # daemons hold up nobody who ends the program: an answer may take minutes
        for _ in range(min(self._concurrency, len(asked))):
            threading.Thread(target=work, daemon=True).start()
        answers = (future.result() for _, future in asked)
        try:
            return [self._texts(list(itertools.islice(answers, manner.captions))) for _ in pictures]
        finally:
            over.set()  # whoever waits is woken

    def _texts(self, answers: Sequence[str | _Failure]) -> tuple[str, ...]:
        """The texts of one photo."""
        texts = tuple(each for each in answers if isinstance(each, str))
        failures = [each for each in answers if isinstance(each, _Failure)]
        if ending := next((each for each in failures if not each.of_photo), None):
            raise TrainerError(ending.sentence)
        self._failed = 0 if texts else self._failed + 1
        if self._failed == _IN_A_ROW:
            raise TrainerError(f"{failures[0].sentence} So it was for {_IN_A_ROW} photos in a row.")
        return texts

    def _question(self, url: str, seed: int, manner: Manner) -> bytes:
        content = [{"type": "text", "text": _PROMPT}, {"type": "image_url", "image_url": {"url": url}}]
        asked = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            "top_p": manner.top_p,
            "max_tokens": manner.tokens,
            "seed": seed % 2**31,
        }
        return json.dumps(asked).encode()

    def _patiently(self, asked: bytes, headers: dict[str, str], over: threading.Event) -> str | _Failure:
        """Asks until there is an answer, or the last wait is over; nothing once another question has ended the work."""
        if over.is_set():
            return _Failure("", of_photo=False)  # behind the one that is told
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
            sentence = f"{self._url} breaks off, or answers no HTTP: {fault!r}; look at its log."
            return _Failure(sentence, True, _FAULT_WAITS)
        except OSError as fault:
            reason = getattr(fault, "reason", fault)
            waits = _BUSY_WAITS if self._answered else ()  # one that was there may come back
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
            after = fault.headers.get("Retry-After", "")  # a date is left to our own waits
            return _Failure(sentence, False, _BUSY_WAITS, float(after) if after.isdecimal() else 0.0)
        return _Failure(sentence, fault.code in _OF_PHOTO, _FAULT_WAITS if fault.code == 500 else ())


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get(KEY, "").strip():
        if not (key.isascii() and key.isprintable()):  # the sentence does not show it
            raise TrainerError(f"{KEY} holds what is in no key, such as a line break; set it anew.")
        headers["Authorization"] = f"Bearer {key}"
    return headers


def _text(answer: bytes) -> str | None:
    """The text of an answer; None where it has none."""
    try:
        content: Any = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return content if isinstance(content, str) else None


def _line(content: bytes) -> str:
    """The beginning of what a server sends, in one line without signs that command a terminal."""
    line = textwrap.shorten(content.decode(errors="replace"), _MOST_TOLD, placeholder="…").rstrip(".")
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


def _is_address(url: str) -> bool:
    """Whether there is a host in it, and a port that can be; a blank would begin another line of what is asked."""
    try:
        parts = urllib.parse.urlsplit(url)
        return bool(parts.hostname) and parts.port != 0 and url.isprintable() and " " not in url
    except ValueError:
        return False


def _data_url(picture: PIL.Image.Image) -> str:
    small = picture.copy()
    small.thumbnail((_SIDE, _SIDE))
    content = io.BytesIO()
    small.save(content, "JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
