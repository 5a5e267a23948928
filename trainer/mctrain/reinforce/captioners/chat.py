"""A user's own server as a captioner: whatever answers the usual chat format with images, on this machine or in this house.

Nothing is ever sent anywhere unless a person names the address.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from mctrain.errors import TrainerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import PIL.Image

    from mctrain.reinforce.captioners.captioner import Manner

KEY = "MCTRAIN_CHAT_KEY"  # the environment's variable with the server's key, where it wants one
_PROMPT = "Describe this photo in one short sentence, as a caption."
_SIDE = 448  # pixels of the longer side that are sent
_PATIENCE = 300.0  # seconds for one answer
_TRIES = 4
_PASSING = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY})


class _NoOtherAddress(urllib.request.HTTPRedirectHandler):
    """Follows no server to an address that nobody named: it would get the key."""

    def redirect_request(self, *_: Any) -> None:
        """Nothing is asked there; the answer itself is told."""


_ASKER = urllib.request.build_opener(_NoOtherAddress)


class ChatCaptioner:
    """`URL@MODEL`, the URL as far as `/v1`: one question a caption, each with a seed of its own."""

    def __init__(self, title: str) -> None:
        """Asks nothing yet.

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

    def describe(
        self, pictures: Sequence[PIL.Image.Image], seeds: Sequence[int], manner: Manner
    ) -> list[tuple[str, ...]]:
        """As the server writes them; whether equal seeds give equal texts is up to it."""
        return [tuple(self._texts(own, seed, manner)) for own, seed in zip(pictures, seeds, strict=True)]

    def _texts(self, picture: PIL.Image.Image, seed: int, manner: Manner) -> Iterator[str]:
        image = {"type": "image_url", "image_url": {"url": _data_url(picture)}}
        for number in range(manner.captions):
            asked = {
                "model": self._model,
                "messages": [{"role": "user", "content": [{"type": "text", "text": _PROMPT}, image]}],
                "top_p": manner.top_p,
                "max_tokens": manner.tokens,
                "seed": (seed + number) % 2**31,
            }
            yield self._said(self._answer(json.dumps(asked).encode()))

    def _answer(self, asked: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY, "").strip():
            if not (key.isascii() and key.isprintable()):  # the sentence does not show it
                raise TrainerError(f"{KEY} holds what is in no key, such as a line break; set it anew.")
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(f"{self._url}/chat/completions", asked, headers)  # noqa: S310 (the user's own address)
        for tried in range(1, _TRIES + 1):
            try:
                with _ASKER.open(request, timeout=_PATIENCE) as answer:
                    return bytes(answer.read())
            except urllib.error.HTTPError as fault:
                if fault.code not in _PASSING or tried == _TRIES:
                    raise TrainerError(
                        f"{self._url} answers {fault.code} {fault.reason}; look at its log."
                    ) from fault
                time.sleep(2.0 ** (tried - 1) / 4)
            except http.client.HTTPException as fault:
                raise TrainerError(
                    f"{self._url} breaks off, or answers no HTTP: {fault!r}; look at its log."
                ) from fault
            except OSError as fault:
                reason = getattr(fault, "reason", fault)
                raise TrainerError(
                    f"{self._url} does not answer: {reason}; is the server running?"
                ) from fault
        raise AssertionError("the last try raises or returns")

    def _said(self, answer: bytes) -> str:
        try:
            content: Any = json.loads(answer)["choices"][0]["message"]["content"]
        except (ValueError, LookupError, TypeError, RecursionError) as fault:
            raise TrainerError(f"{self._url} answers in another format than chat completions.") from fault
        if not isinstance(content, str):
            raise TrainerError(f"{self._url} answers in another format than chat completions.")
        return content


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
